/* status.c - see status.h. */
#include <sha256.h>
#include <stdio.h>
#include "httpd.h"
#include "schema.h"
#include "sockfile.h"
#include "status.h"
#include "user.h"

/* What an unmapped user of another user namespace looks like here: nobody we know. */
#define OVERFLOW_UID 65534
#define ETAG_MAX     40

struct status {
	const struct status_source *source;
	void *arg;
	bool allow_trigger;
	struct sockfile file;
	struct httpd *httpd;
	/* the last text of each document, while somebody reads it: clients that do
	 * not read on hold one copy between them, not one each */
	struct httpd_body *shared[STATUS_DOCS];
};

static void make_etag(const struct httpd_body *b, char ret[ETAG_MAX])
{
	char hex[SHA256_DIGEST_STRING_LENGTH];

	(void)SHA256Data((const uint8_t *)b->text, b->n, hex);
	(void)snprintf(ret, ETAG_MAX, "\"%.32s\"", hex);
}

/* Takes B's reference. */
static void answer_document(struct httpd_conn *c, const struct http_request *req, const char *type,
			    struct httpd_body *b)
{
	char etag[ETAG_MAX], headers[128];

	make_etag(b, etag);
	bool known = http_etag_matches(req->if_none_match, etag);
	(void)snprintf(headers, sizeof(headers), "Content-Type: %s\r\nETag: %s\r\n", type, etag);
	httpd_answer(c, known ? 304 : 200, headers, b);
}

static void drop_unread(struct status *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->shared); i++)
		if (s->shared[i] && s->shared[i]->refs == 1)
			s->shared[i] = httpd_body_unref(s->shared[i]);
}

static struct httpd_body *share(struct status *s, enum status_doc doc, struct buf *text)
{
	struct httpd_body **b = &s->shared[doc];

	if (*b && (*b)->n == text->n && memcmp((*b)->text, text->s, text->n) == 0) {
		buf_clear(text);
		return httpd_body_ref(*b);
	}
	(void)httpd_body_unref(*b);
	*b = httpd_body_new(text);
	return httpd_body_ref(*b);
}

static int parse_limit(struct http_span v, int64_t *ret)
{
	cleanup_free char *text = v.s ? xstrndup(v.s, v.n) : NULL;
	uint64_t u = STATUS_HISTORY_DEFAULT;

	if (text && (parse_u64(text, STATUS_HISTORY_MAX, &u) < 0 || u == 0))
		return -1;
	*ret = (int64_t)u;
	return 0;
}

static void get_document(struct status *s, struct httpd_conn *c, const struct http_request *req, int doc)
{
	struct buf text = { 0 };
	int64_t limit = 0;

	if (doc != STATUS_STATUS && (doc == STATUS_CONTAINERS) != s->source->containers) {
		httpd_error(c, 404, "", CODE_NOT_FOUND,
			    s->source->containers ? "this agent watches a host: /v1/containers" :
						    "this agent has one container: /v1/status");
		return;
	}

	if (doc == STATUS_HISTORY && parse_limit(http_query(req->query, "limit"), &limit) < 0) {
		httpd_error(c, 400, "", CODE_BAD_REQUEST, "limit: accepted: a whole number from 1 to 1000000");
		return;
	}
	struct json_object *o = s->source->document(s->arg, (enum status_doc)doc, limit);
	if (!o) {
		httpd_error(c, 503, "Retry-After: 10\r\n", CODE_NOT_READY, "no run has ended yet: ask again");
		return;
	}
	wire_put(&text, o);
	json_object_put(o);
	answer_document(c, req, "application/json", share(s, (enum status_doc)doc, &text));
}

static void get_schema(struct status *s _unused_, struct httpd_conn *c, const struct http_request *req,
		       int doc _unused_)
{
	struct buf text = { 0 };

	buf_append(&text, schema_text, schema_length);
	answer_document(c, req, "application/schema+json", httpd_body_new(&text));
}

static void get_metrics(struct status *s, struct httpd_conn *c, const struct http_request *req, int doc _unused_)
{
	int open = http_accepts(req->accept, "application/openmetrics-text"),
	    plain = http_accepts(req->accept, "text/plain");
	bool openmetrics = open > 0 && open >= plain;
	struct buf text = { 0 };

	s->source->metrics(s->arg, openmetrics, &text);
	httpd_answer(c, 200,
		     openmetrics ? "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n" :
				   "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n",
		     httpd_body_new(&text));
}

static void get_healthz(struct status *s _unused_, struct httpd_conn *c, const struct http_request *req _unused_,
			int doc _unused_)
{
	struct buf text = { 0 };

	buf_puts(&text, "ok\n");
	httpd_answer(c, 200, "Content-Type: text/plain; charset=utf-8\r\n", httpd_body_new(&text));
}

static void put_event(struct buf *b, const char *name, struct json_object *data)
{
	buf_printf(b, "event: %s\ndata: ", name);
	wire_put(b, data);	/* one line: a newline in JSON is written \n */
	buf_putc(b, '\n');
	json_object_put(data);
}

static void get_events(struct status *s, struct httpd_conn *c, const struct http_request *req, int doc _unused_)
{
	cleanup_buf struct buf first = { 0 };
	struct json_object *o;

	if (httpd_streams_full(s->httpd)) {
		httpd_error(c, 503, "Retry-After: 10\r\n", CODE_TOO_MANY_CLIENTS,
			    "all event streams are taken: ask /v1/status from time to time");
		return;
	}
	if (req->method == HTTP_HEAD) {
		httpd_answer(c, 200, "Content-Type: text/event-stream\r\n", httpd_body_new(&first));
		return;
	}
	/* a subscriber starts from where we are */
	o = s->source->document(s->arg, STATUS_STATUS, 0);
	if (o)
		put_event(&first, "state", o);
	httpd_stream(c, buf_str(&first));
}

static bool may_trigger(uid_t peer)
{
	return peer == 0 || (peer == geteuid() && peer != OVERFLOW_UID);
}

/* {"mode":"once"} and nothing else. */
static int parse_run(const char *body, enum mode *ret, struct err *err)
{
	static const struct {
		const char *name;
		enum mode mode;
	} modes[] = { { "once", MODE_ONCE }, { "check", MODE_CHECK }, { "scan", MODE_SCAN } };
	struct json_object *o = NULL, *mode = NULL;
	bool found = false;

	if (wire_parse(body, strlen(body), &o, err) < 0)
		return -1;
	if (json_object_object_length(o) == 1 && json_object_object_get_ex(o, "mode", &mode) &&
	    json_object_is_type(mode, json_type_string))
		for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
			/* a NUL may not hide what follows it */
			if (streq(json_object_get_string(mode), modes[i].name) &&
			    (size_t)json_object_get_string_len(mode) == strlen(modes[i].name)) {
				*ret = modes[i].mode;
				found = true;
			}
	json_object_put(o);
	if (!found)
		return err_set(err, CODE_BAD_REQUEST, 0,
			       "accepted: {\"mode\":\"once\"}, {\"mode\":\"check\"} or {\"mode\":\"scan\"}");
	return 0;
}

static void post_run(struct status *s, struct httpd_conn *c, const struct http_request *req, const char *body)
{
	struct err err = ERR_INIT;
	struct buf text = { 0 };
	enum mode mode = MODE_CHECK;
	uid_t peer = httpd_peer(c);

	if (!s->allow_trigger) {
		httpd_error(c, 403, "", CODE_FORBIDDEN, "report.allow_trigger is no in this agent's configuration");
		return;
	}
	/* a web page that reaches us through somebody's forwarder is not that somebody */
	if (!may_trigger(peer) || req->origin) {
		httpd_error(c, 403, "", CODE_FORBIDDEN, "only root and the agent's own user may start a run");
		return;
	}
	if (parse_run(body, &mode, &err) < 0) {
		httpd_error(c, 400, "", CODE_BAD_REQUEST, err.msg);
		return;
	}
	int64_t run = s->source->trigger(s->arg, mode, peer, &err);
	if (run < 0) {
		httpd_error(c, err.code == CODE_BUSY ? 409 : 503, "", err.code, err.msg);
		return;
	}
	buf_printf(&text, "{\"run\":%lld}\n", (long long)run);
	httpd_answer(c, 202, "Content-Type: application/json\r\n", httpd_body_new(&text));
}

static const struct route {
	const char *path;
	void (*get)(struct status *s, struct httpd_conn *c, const struct http_request *req, int doc);
	int doc;
} routes[] = {
	{ "/v1/status", get_document, STATUS_STATUS },
	{ "/v1/report", get_document, STATUS_REPORT },
	{ "/v1/pending", get_document, STATUS_PENDING },
	{ "/v1/processes", get_document, STATUS_PROCESSES },
	{ "/v1/history", get_document, STATUS_HISTORY },
	{ "/v1/containers", get_document, STATUS_CONTAINERS },
	{ "/v1/schema", get_schema, 0 },
	{ "/v1/events", get_events, 0 },
	{ "/metrics", get_metrics, 0 },
	{ "/healthz", get_healthz, 0 },
	{ "/v1/run", NULL, 0 },
};

static void on_request(void *arg, struct httpd_conn *c, const struct http_request *req, const char *body)
{
	struct status *s = arg;
	const struct route *r = NULL;

	drop_unread(s);
	for (size_t i = 0; i < ARRAY_SIZE(routes) && !r; i++)
		if (http_span_is(req->path, routes[i].path))
			r = &routes[i];
	if (!r)
		httpd_error(c, 404, "", CODE_NOT_FOUND, "no such route; /v1/status is one");
	else if (!r->get && req->method != HTTP_POST)
		httpd_error(c, 405, "Allow: POST\r\n", CODE_METHOD_NOT_ALLOWED, "accepted here: POST");
	else if (r->get && req->method != HTTP_GET && req->method != HTTP_HEAD)
		httpd_error(c, 405, "Allow: GET, HEAD\r\n", CODE_METHOD_NOT_ALLOWED, "accepted here: GET, HEAD");
	else if (r->get)
		r->get(s, c, req, r->doc);
	else
		post_run(s, c, req, body);
	drop_unread(s);
}

int status_start(struct event_base *base, const struct config *config, const struct status_source *source, void *arg,
		 struct status **ret, struct err *err)
{
	struct sockfile file = SOCKFILE_INIT;
	gid_t group = (gid_t)-1;

	if (config->report.socket_group && *config->report.socket_group &&
	    user_group("/etc", config->report.socket_group, &group, err) < 0)
		return err_wrap(err, "report.socket_group");
	if (sockfile_listen(config->report.socket, (mode_t)config->report.socket_mode, group, &file, err) < 0)
		return -1;
	struct status *s = xcalloc(1, sizeof(*s));
	s->source = source;
	s->arg = arg;
	s->allow_trigger = config->report.allow_trigger;
	s->file = file;
	s->httpd = httpd_new(base, file.fd, on_request, s);
	*ret = s;
	return 0;
}

void status_event(struct status *s, const char *name, struct json_object *data)
{
	cleanup_buf struct buf text = { 0 };

	put_event(&text, name, data);
	httpd_publish(s->httpd, text.s, text.n);
}

void status_stop(struct status *s)
{
	if (!s)
		return;
	httpd_free(s->httpd);
	for (size_t i = 0; i < ARRAY_SIZE(s->shared); i++)
		(void)httpd_body_unref(s->shared[i]);
	sockfile_close(&s->file);
	free(s);
}
