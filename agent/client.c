/* client.c - see client.h. */
#include <poll.h>
#include "client.h"
#include "clock.h"
#include "httplink.h"

#define ANSWER_S  15	/* a little more than the server takes at most */
#define POLL_MS	  1000
#define EVENT_MAX (1024 * 1024)

/* The socket may lie where a container writes: never through a link. */
static const struct link_peer agent = {
	.name = "agent", .title = "stopgap agent", .absent = CODE_NO_AGENT, .seconds = ANSWER_S, .minor = 1
};
#define AGENT LINK_TO(&agent)

bool client_present(const char *socket)
{
	cleanup_link struct link l = AGENT;
	struct err err = ERR_INIT;

	return link_open(&l, socket, link_deadline(&agent), &err) == 0;
}

int client_parse(const char *s, size_t n, struct json_object **ret, struct err *err)
{
	const struct link l = AGENT;

	return link_json(&l, json_type_object, s, n, ret, err);
}

static const char *get_string(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_string) ?
		       json_object_get_string(v) :
		       NULL;
}

static int64_t get_int(struct json_object *o, const char *key, int64_t otherwise)
{
	struct json_object *v = NULL;

	return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_int) ?
		       json_object_get_int64(v) :
		       otherwise;
}

/* What the agent answered with instead. */
static int refused(struct link *l, const struct http_response *res, struct err *err)
{
	struct json_object *o = NULL, *e = NULL;
	struct err ignored;

	if (client_parse(buf_str(&l->in), l->in.n, &o, &ignored) < 0 || !json_object_object_get_ex(o, "error", &e)) {
		json_object_put(o);
		return link_not_http(l, err);
	}
	int code = code_from_name(strna(get_string(e, "code")));
	cleanup_free char *message = escape_text(strna(get_string(e, "message")), 500);
	(void)err_set(err, code > CODE_OK ? (enum code)code : CODE_INTERNAL, 0, "the agent says: %s (%d)", message,
		      res->status);
	json_object_put(o);
	return -1;
}

/* A whole exchange; the body is in IN. */
static int exchange(const char *socket, struct link *l, const char *method, const char *path, const char *accept,
		    const char *body, int want, struct err *err)
{
	uint64_t deadline = link_deadline(&agent);
	struct http_response res;

	if (link_open(l, socket, deadline, err) < 0 ||
	    link_ask(l, method, path, accept, body, deadline, &res, err) < 0 || link_body(l, &res, deadline, err) < 0)
		return -1;
	return res.status == want ? 0 : refused(l, &res, err);
}

int client_text(const char *socket, const char *path, const char *accept, struct buf *ret, struct err *err)
{
	cleanup_link struct link l = AGENT;

	if (exchange(socket, &l, "GET", path, accept, NULL, 200, err) < 0)
		return -1;
	buf_append(ret, l.in.s, l.in.n);
	return 0;
}

int client_get(const char *socket, const char *path, struct json_object **ret, struct err *err)
{
	cleanup_link struct link l = AGENT;

	if (exchange(socket, &l, "GET", path, NULL, NULL, 200, err) < 0)
		return -1;
	return client_parse(buf_str(&l.in), l.in.n, ret, err);
}

/* Subscribe before the run begins, or its end could be missed. 1: subscribed,
 * 0: all streams are taken. */
static int subscribe(const char *socket, struct link *l, struct err *err)
{
	uint64_t deadline = link_deadline(&agent);
	struct http_response res;

	if (link_open(l, socket, deadline, err) < 0 ||
	    link_ask(l, "GET", "/v1/events", NULL, NULL, deadline, &res, err) < 0)
		return -1;
	if (res.status == 200)
		return 1;
	if (link_body(l, &res, deadline, err) < 0)
		return -1;
	(void)refused(l, &res, err);
	link_close(l);
	if (err->code != CODE_TOO_MANY_CLIENTS)
		return -1;
	err_clear(err);
	return 0;
}

static int start(const char *socket, enum mode mode, int64_t *run, struct err *err)
{
	cleanup_link struct link l = AGENT;
	struct json_object *o = NULL;
	/* a dry run is what check does */
	const char *word = mode == MODE_ONCE ? "once" : mode == MODE_SCAN ? "scan" : "check";
	cleanup_free char *body = xasprintf("{\"mode\":\"%s\"}", word);

	if (exchange(socket, &l, "POST", "/v1/run", NULL, body, 202, err) < 0 ||
	    client_parse(buf_str(&l.in), l.in.n, &o, err) < 0)
		return -1;
	*run = get_int(o, "run", 0);
	json_object_put(o);
	return *run > 0 ? 0 : link_not_http(&l, err);
}

struct follow {
	client_event *event;
	void *arg;
	int64_t run;
	bool done;
};

/* One event: lines "event: NAME" and "data: JSON". */
static int take_event(struct follow *f, char *text, struct err *err)
{
	struct json_object *o = NULL;
	char *name = NULL, *data = NULL;

	for (char *line; (line = strsep(&text, "\n"));) {
		if (starts_with(line, "event: "))
			name = line + 7;
		else if (starts_with(line, "data: "))
			data = line + 6;
	}
	if (!name || !data)
		return 0;
	if (client_parse(data, strlen(data), &o, err) < 0)
		return -1;
	if (streq(name, "done") && get_int(o, "run", 0) == f->run)
		f->done = true;
	if (f->event && (streq(name, "state") || streq(name, "progress") || streq(name, "done")))
		f->event(f->arg, name, o);
	json_object_put(o);
	return 0;
}

/* 1: the run's end was seen, 0: the stream ended before. */
static int follow_events(struct link *l, struct follow *f, struct err *err)
{
	for (;;) {
		char *end;

		while (!f->done && (end = l->in.n ? strstr(l->in.s, "\n\n") : NULL)) {
			size_t n = (size_t)(end - l->in.s) + 2;

			*end = '\0';
			if (take_event(f, l->in.s, err) < 0)
				return -1;
			buf_consume(&l->in, n);
		}
		if (f->done)
			return 1;
		int more = link_receive(l, EVENT_MAX, 0, err);
		if (more <= 0)
			return more;
	}
}

/* Without a stream. The run is over when it is not the running one any more. */
static int follow_status(const char *socket, struct follow *f, struct err *err)
{
	for (;;) {
		struct json_object *o = NULL, *run = NULL;

		if (client_get(socket, "/v1/status", &o, err) < 0)
			return err_wrap(err, "follow run %lld ('stopgap history' shows its end)", (long long)f->run);
		bool over = json_object_object_get_ex(o, "run", &run) &&
			    (get_int(run, "id", 0) > f->run ||	/* ids rise; a smaller one is still before ours */
			     (get_int(run, "id", 0) == f->run && streq(strna(get_string(run, "state")), "idle")));
		if (f->event)
			f->event(f->arg, "state", o);
		json_object_put(o);
		if (over)
			return 0;
		(void)poll(NULL, 0, POLL_MS);
	}
}

static int fetch_report(const char *socket, struct client_run *ret, struct err *err)
{
	struct json_object *o = NULL;

	if (client_get(socket, "/v1/report", &o, err) < 0)
		return err_wrap(err, "report of run %lld", (long long)ret->run);
	int64_t run = get_int(o, "run", 0), code = get_int(o, "exit_code", -1);
	if (run != ret->run || code < 0 || code > 125) {
		json_object_put(o);
		return err_set(err, CODE_IO, 0,
			       "run %lld has ended, but the agent shows the report of run %lld: see 'stopgap history'",
			       (long long)ret->run, (long long)run);
	}
	ret->exit_code = (int)code;
	ret->report = o;
	return 0;
}

int client_run(const char *socket, enum mode mode, client_event *event, void *arg, struct client_run *ret,
	       struct err *err)
{
	cleanup_link struct link events = AGENT;
	struct follow f = { .event = event, .arg = arg };
	struct client_run res = { 0 };

	int streaming = subscribe(socket, &events, err);
	if (streaming < 0 || start(socket, mode, &res.run, err) < 0)
		return -1;
	f.run = res.run;
	int r = streaming ? follow_events(&events, &f, err) : 0;
	/* a stream that broke off: ask whoever is there now */
	if (r < 0 || (r == 0 && follow_status(socket, &f, err) < 0) || fetch_report(socket, &res, err) < 0)
		return -1;
	*ret = res;
	return 0;
}
