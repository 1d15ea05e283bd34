/* client.c - see client.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "client.h"
#include "clock.h"
#include "fd.h"
#include "http.h"

#define ANSWER_MS  15000	/* a little more than the server takes at most */
#define POLL_MS	   1000
#define RETRY_MS   50
#define EVENT_MAX  (1024 * 1024)
#define DEPTH_MAX  32

/* One connection and what it has said so far. */
struct link {
	int fd;
	struct buf in;
};

#define LINK_INIT ((struct link){ .fd = -1 })

static void link_close(struct link *l)
{
	closep(&l->fd);
	buf_clear(&l->in);
	*l = LINK_INIT;
}
#define cleanup_link _cleanup_(link_close)

static int no_agent(const char *path, int errnum, struct err *err)
{
	return err_set(err, CODE_NO_AGENT, errnum, "no agent answers on '%s'", path);
}

/* The path's last component must be the socket itself; the descriptor then names
 * that very inode, whatever the path becomes. */
static int link_open(const char *path, struct link *ret, struct err *err)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct stat st;

	cleanup_fd int file = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (file < 0)
		return errno == ENOENT || errno == ENOTDIR ? no_agent(path, 0, err) :
							     err_set(err, CODE_IO, errno, "open '%s'", path);
	if (fstat(file, &st) < 0 || !S_ISSOCK(st.st_mode))
		return err_set(err, CODE_IO, 0, "'%s' is not a socket", path);
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, CODE_IO, errno, "make a socket");
	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d", file);
	int r = connect(fd, (const struct sockaddr *)&sa, sizeof(sa));
	/* others are waiting to be accepted before us */
	for (int waited = 0; r < 0 && errno == EAGAIN && waited < ANSWER_MS; waited += RETRY_MS) {
		(void)poll(NULL, 0, RETRY_MS);
		r = connect(fd, (const struct sockaddr *)&sa, sizeof(sa));
	}
	if (r < 0) {
		if (errno == ECONNREFUSED)
			return no_agent(path, 0, err);
		if (errno == ENOENT)
			return err_set(err, CODE_IO, 0, "connect to '%s': no /proc here: mount it", path);
		return err_set(err, CODE_IO, errno, "connect to '%s'", path);
	}
	ret->fd = steal_fd(&fd);
	return 0;
}

bool client_present(const char *socket)
{
	cleanup_link struct link l = LINK_INIT;
	struct err err = ERR_INIT;

	return link_open(socket, &l, &err) == 0;
}

/* 1: ready, 0: not by DEADLINE (0: no deadline), -1: ERR. */
static int wait_fd(int fd, short events, uint64_t deadline, struct err *err)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		uint64_t now = clock_ms();
		int left = !deadline ? -1 : now >= deadline ? 0 : (int)(deadline - now);
		int r = poll(&p, 1, left);

		if (r > 0 || (r == 0 && deadline))
			return r > 0;
		if (r < 0 && errno != EINTR)
			return err_set(err, CODE_IO, errno, "wait for the agent");
	}
}

static int too_slow(struct err *err)
{
	return err_set(err, CODE_NO_AGENT, 0, "the agent did not answer within %d s", ANSWER_MS / 1000);
}

static int link_send(struct link *l, const struct buf *text, uint64_t deadline, struct err *err)
{
	for (size_t sent = 0; sent < text->n;) {
		ssize_t n = send(l->fd, text->s + sent, text->n - sent, MSG_NOSIGNAL);

		if (n >= 0) {
			sent += (size_t)n;
			continue;
		}
		/* it may have refused already, and says why */
		if (errno == EPIPE || errno == ECONNRESET)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return err_set(err, CODE_IO, errno, "send to the agent");
		int r = wait_fd(l->fd, POLLOUT, deadline, err);
		if (r <= 0)
			return r < 0 ? -1 : too_slow(err);
	}
	return 0;
}

/* More bytes into IN, MAX in all. 1: some, 0: the end, -1: ERR. */
static int link_receive(struct link *l, size_t max, uint64_t deadline, struct err *err)
{
	char chunk[16384];

	for (;;) {
		ssize_t n = recv(l->fd, chunk, sizeof(chunk), 0);

		if (n > 0 && l->in.n + (size_t)n > max)
			return err_set(err, CODE_TOO_LARGE, 0, "the agent's answer has more than %zu bytes", max);
		if (n > 0) {
			buf_append(&l->in, chunk, (size_t)n);
			return 1;
		}
		if (n == 0 || errno == ECONNRESET)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return err_set(err, CODE_IO, errno, "read from the agent");
		int r = wait_fd(l->fd, POLLIN, deadline, err);
		if (r <= 0)
			return r < 0 ? -1 : too_slow(err);
	}
}

static int not_http(struct err *err)
{
	return err_set(err, CODE_IO, 0, "what answers on the socket is no stopgap agent");
}

/* Send a request and take the head of the answer off IN. */
static int ask(struct link *l, const char *method, const char *path, const char *accept, const char *body,
	       uint64_t deadline, struct http_response *ret, struct err *err)
{
	cleanup_buf struct buf text = { 0 };
	int r;

	buf_printf(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", method, path);
	if (accept)
		buf_printf(&text, "Accept: %s\r\n", accept);
	if (body)
		buf_printf(&text, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
	buf_printf(&text, "\r\n%s", strna(body));
	if (link_send(l, &text, deadline, err) < 0)
		return -1;
	while ((r = http_parse_response(buf_str(&l->in), l->in.n, ret)) == 0) {
		int more = link_receive(l, HTTP_HEAD_MAX + EVENT_MAX, deadline, err);

		if (more < 0)
			return -1;
		if (more == 0)
			return err_set(err, CODE_NO_AGENT, 0, "the agent closed the connection without an answer");
	}
	if (r < 0)
		return not_http(err);
	buf_consume(&l->in, (size_t)r);
	return 0;
}

/* The whole body into IN. */
static int take_body(struct link *l, const struct http_response *res, uint64_t deadline, struct err *err)
{
	int more = 1;

	while (more > 0 && (res->length < 0 || (int64_t)l->in.n < res->length))
		if ((more = link_receive(l, WIRE_PLAN_MAX, deadline, err)) < 0)
			return -1;
	if (res->length >= 0 && (int64_t)l->in.n != res->length)
		return err_set(err, CODE_IO, 0, "the agent's answer is cut");
	return 0;
}

int client_parse(const char *s, size_t n, struct json_object **ret, struct err *err)
{
	struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);

	if (!tok)
		out_of_memory();
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	while (n && (s[n - 1] == '\n' || s[n - 1] == ' '))
		n--;
	struct json_object *o = utf8_valid(s, n) ? json_tokener_parse_ex(tok, s, (int)n) : NULL;
	bool good = json_object_is_type(o, json_type_object) && json_tokener_get_parse_end(tok) == n;

	json_tokener_free(tok);
	if (!good) {
		json_object_put(o);
		return err_set(err, CODE_IO, 0, "the agent's answer is not one JSON object");
	}
	*ret = o;
	return 0;
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
		return not_http(err);
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
	uint64_t deadline = clock_ms() + ANSWER_MS;
	struct http_response res;

	if (link_open(socket, l, err) < 0 || ask(l, method, path, accept, body, deadline, &res, err) < 0 ||
	    take_body(l, &res, deadline, err) < 0)
		return -1;
	return res.status == want ? 0 : refused(l, &res, err);
}

int client_text(const char *socket, const char *path, const char *accept, struct buf *ret, struct err *err)
{
	cleanup_link struct link l = LINK_INIT;

	if (exchange(socket, &l, "GET", path, accept, NULL, 200, err) < 0)
		return -1;
	buf_append(ret, l.in.s, l.in.n);
	return 0;
}

int client_get(const char *socket, const char *path, struct json_object **ret, struct err *err)
{
	cleanup_link struct link l = LINK_INIT;

	if (exchange(socket, &l, "GET", path, NULL, NULL, 200, err) < 0)
		return -1;
	return client_parse(buf_str(&l.in), l.in.n, ret, err);
}

/* Subscribe before the run begins, or its end could be missed. 1: subscribed,
 * 0: all streams are taken. */
static int subscribe(const char *socket, struct link *l, struct err *err)
{
	uint64_t deadline = clock_ms() + ANSWER_MS;
	struct http_response res;

	if (link_open(socket, l, err) < 0 || ask(l, "GET", "/v1/events", NULL, NULL, deadline, &res, err) < 0)
		return -1;
	if (res.status == 200)
		return 1;
	if (take_body(l, &res, deadline, err) < 0)
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
	cleanup_link struct link l = LINK_INIT;
	struct json_object *o = NULL;
	/* a dry run is what check does */
	const char *word = mode == MODE_ONCE ? "once" : mode == MODE_SCAN ? "scan" : "check";
	cleanup_free char *body = xasprintf("{\"mode\":\"%s\"}", word);

	if (exchange(socket, &l, "POST", "/v1/run", NULL, body, 202, err) < 0 ||
	    client_parse(buf_str(&l.in), l.in.n, &o, err) < 0)
		return -1;
	*run = get_int(o, "run", 0);
	json_object_put(o);
	return *run > 0 ? 0 : not_http(err);
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
	cleanup_link struct link events = LINK_INIT;
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
