/* serve.c - see serve.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include "clock.h"
#include "fd.h"
#include "log.h"
#include "serve.h"

static struct {
	const struct plugin_ops *ops;
	struct msg_settings settings;
	struct wire_list error_repositories;
	int64_t id;			/* request being served */
	uint64_t progress_at;		/* clock_ms() of the last progress event */
	volatile sig_atomic_t stop;
	bool gone;			/* nobody reads any more */
} self;

static void on_term(int sig _unused_)
{
	self.stop = 1;
}

static void on_pipe(int sig _unused_)
{
}

const struct msg_settings *plugin_settings(void)
{
	return &self.settings;
}

const char *plugin_bundle(void)
{
	return getenv("STOPGAP_BUNDLE");
}

bool plugin_stop_requested(void)
{
	struct pollfd p = { .fd = PLUGIN_FD, .events = POLLRDHUP };

	if (!self.gone && poll(&p, 1, 0) == 1 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)))
		self.gone = true;
	return self.stop || self.gone;
}

/* The agent may be gone: the work goes on to a safe end. -1: OBJ makes more
 * than one line may hold, and nothing was sent. */
static int send_line(struct json_object *obj)
{
	cleanup_buf struct buf out = { 0 };

	wire_put(&out, obj);
	json_object_put(obj);
	if (out.n > WIRE_LINE_MAX)
		return -1;
	if (!self.gone && write_all(PLUGIN_FD, out.s, out.n) < 0)
		self.gone = true;
	return 0;
}

void plugin_event(const char *name, const struct wire_message *m, const void *v)
{
	if (m == &msg_progress) {
		const struct msg_progress *p = v;
		uint64_t now = clock_ms();

		if (now - self.progress_at < 100 && !(p->total && p->done >= p->total))
			return;
		self.progress_at = now;
	}
	struct json_object *obj = wire_encode(m, v);
	json_object_object_add(obj, "event", json_object_new_string(name));
	json_object_object_add(obj, "id", json_object_new_int64(self.id));
	if (send_line(obj) < 0)
		log_warning("event '%s' is longer than %d bytes, ignoring", name, WIRE_LINE_MAX);
}

void plugin_log(enum log_level level, const char *fmt, ...)
{
	static const char *const names[] = { "warning", "warning", "notice", "info", "debug" };
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	struct msg_log l = { .level = (char *)(uintptr_t)names[level], .message = text };
	plugin_event("log", &msg_log, &l);
}

void plugin_error_repositories(struct wire_list *l)
{
	wire_list_clear(&msg_repository, &self.error_repositories);
	self.error_repositories = *l;
	*l = (struct wire_list){ 0 };
}

void plugin_leave_apply(const struct msg_apply *answer)
{
	cleanup_free char *path = NULL;
	cleanup_buf struct buf text = { 0 };
	struct json_object *obj;
	struct err err = ERR_INIT;

	if (!plugin_stop_requested())
		return;
	path = xasprintf("%s/apply.json", plugin_settings()->state_dir);
	obj = wire_encode(&msg_apply, answer);
	wire_put(&text, obj);
	json_object_put(obj);
	if (replace_file(path, 0600, text.s, text.n, &err) < 0)
		log_err(LOG_WARNING, &err);
}

static void answer_error(const struct err *err)
{
	struct msg_error e = {
		.code = err->code == CODE_OK ? CODE_INTERNAL : err->code,
		.message = (char *)(uintptr_t)(err->msg[0] ? err->msg : "no reason given"),
		.retryable = err->retryable,
		.repositories = self.error_repositories,
	};
	struct json_object *obj = json_object_new_object();

	json_object_object_add(obj, "id", json_object_new_int64(self.id));
	json_object_object_add(obj, "error", wire_encode(&msg_error, &e));
	if (send_line(obj) < 0) {
		/* the reason matters more than the record that goes with it */
		wire_list_clear(&msg_repository, &self.error_repositories);
		answer_error(err);
	}
}

static void answer_result(const struct wire_message *m, const void *v)
{
	struct json_object *obj = json_object_new_object();
	struct err err = ERR_INIT;

	json_object_object_add(obj, "id", json_object_new_int64(self.id));
	json_object_object_add(obj, "result", wire_encode(m, v));
	if (send_line(obj) < 0) {
		(void)err_set(&err, CODE_INTERNAL, 0, "the answer is longer than %d bytes", WIRE_LINE_MAX);
		answer_error(&err);
	}
}

/* SIGTERM is heard while an operation runs, and is for that operation; else it
 * stays pending until the wait for the next request, which it ends. So none is
 * lost between an answer and what the agent asks next. */
static void listen_for_term(bool on)
{
	sigset_t term;

	(void)sigemptyset(&term);
	(void)sigaddset(&term, SIGTERM);
	(void)sigprocmask(on ? SIG_UNBLOCK : SIG_BLOCK, &term, NULL);
	if (!on)
		self.stop = 0;
}

/* One method: decode params by its table, run, encode the result by its table. */
#define METHOD_IN(op, in_type, ret_type)                                              \
	static int serve_##op(struct json_object *params, struct err *err)            \
	{                                                                             \
		struct in_type in = { 0 };                                            \
		struct ret_type ret = { 0 };                                          \
		int r;                                                                \
		if (wire_decode(&in_type, params, &in, err) < 0)                      \
			return -1;                                                    \
		listen_for_term(true);                                                \
		r = self.ops->op(&in, &ret, err);                                     \
		listen_for_term(false);                                               \
		if (r >= 0)                                                           \
			answer_result(&ret_type, &ret);                               \
		wire_clear(&in_type, &in);                                            \
		wire_clear(&ret_type, &ret);                                          \
		return r;                                                             \
	}

METHOD_IN(refresh, msg_refresh_params, msg_refresh)
METHOD_IN(plan, msg_plan_params, msg_plan)
METHOD_IN(fetch, msg_digest, msg_fetch)
METHOD_IN(apply, msg_digest, msg_apply)
METHOD_IN(owner, msg_owner_params, msg_owners)
METHOD_IN(verify, msg_verify_params, msg_verify)
METHOD_IN(feed, msg_feed_params, msg_feed)

static int serve_probe(struct json_object *params, struct err *err)
{
	struct msg_probe ret = { 0 };
	int r;

	wire_clear(&msg_settings, &self.settings);
	if (wire_decode(&msg_settings, params, &self.settings, err) < 0)
		return -1;
	listen_for_term(true);
	r = self.ops->probe(&self.settings, &ret, err);
	listen_for_term(false);
	if (r >= 0)
		answer_result(&msg_probe, &ret);
	wire_clear(&msg_probe, &ret);
	return r;
}

/* A method without params. */
#define METHOD(op, ret_type)                                                  \
	static int serve_##op(struct json_object *params _unused_, struct err *err) \
	{                                                                     \
		struct ret_type ret = { 0 };                                  \
		listen_for_term(true);                                        \
		int r = self.ops->op(&ret, err);                              \
		listen_for_term(false);                                       \
		if (r >= 0)                                                   \
			answer_result(&ret_type, &ret);                       \
		wire_clear(&ret_type, &ret);                                  \
		return r;                                                     \
	}

METHOD(repair, msg_repair)
METHOD(support, msg_support)

#define METHODS(X) X(probe) X(refresh) X(plan) X(fetch) X(apply) X(owner) X(repair) X(verify) X(support) X(feed)

static void serve_request(const char *method, struct json_object *params)
{
	struct err err = ERR_INIT;

#define X(op)                                                         \
	if (streq(method, #op) && self.ops->op) {                     \
		if (!plugin_settings()->state_dir && !streq(method, "probe")) \
			(void)err_set(&err, CODE_PLUGIN_PROTOCOL, 0, "method '%s' before 'probe'", method); \
		else if (serve_##op(params, &err) >= 0)               \
			return;                                       \
		answer_error(&err);                                   \
		return;                                               \
	}
	METHODS(X)
#undef X
	(void)err_set(&err, CODE_UNSUPPORTED, 0, "the %s plugin has no method '%s'", self.ops->name, method);
	answer_error(&err);
}

/* Wait for bytes from the agent. A SIGTERM is let in only here, so that one
 * that comes just before the wait still ends it. 1: read on, 0: stop. */
static int wait_for_agent(void)
{
	struct pollfd p = { .fd = PLUGIN_FD, .events = POLLIN };
	sigset_t heard;
	int n = 0;

	(void)sigprocmask(SIG_BLOCK, NULL, &heard);
	(void)sigdelset(&heard, SIGTERM);
	while (!self.stop && (n = ppoll(&p, 1, NULL, &heard)) < 0 && errno == EINTR)
		;
	return n > 0 && !self.stop;
}

/* The agent's hello lists the versions it speaks; ours must be among them. */
static int answer_hello(struct json_object *hello)
{
	struct json_object *versions = NULL, *obj = json_object_new_object();
	struct msg_hello h = { .protocol = PROTOCOL_VERSION,
			       .plugin = (char *)(uintptr_t)self.ops->name,
			       .version = (char *)(uintptr_t)PACKAGE_VERSION };
	bool spoken = false;

	if (json_object_object_get_ex(hello, "protocol", &versions) && json_object_is_type(versions, json_type_array))
		for (size_t i = 0; i < json_object_array_length(versions); i++)
			spoken |= json_object_get_int64(json_object_array_get_idx(versions, i)) == PROTOCOL_VERSION;
	if (!spoken) {
		json_object_put(obj);
		log_error("the agent does not speak protocol %d", PROTOCOL_VERSION);
		return -1;
	}
#define X(op)             \
	if (self.ops->op) \
		strv_push(&h.capabilities, #op);
	METHODS(X)
#undef X
	json_object_object_add(obj, "hello", wire_encode(&msg_hello, &h));
	strv_clear(&h.capabilities);
	(void)send_line(obj);
	return 0;
}

/* 0: go on, -1: end with failure. */
static int serve_line(struct json_object *line)
{
	struct json_object *v = NULL, *params = NULL;

	if (json_object_object_get_ex(line, "hello", &v))
		return answer_hello(v);
	if (!json_object_object_get_ex(line, "id", &v) || !json_object_is_type(v, json_type_int)) {
		log_error("request without an id");
		return -1;
	}
	self.id = json_object_get_int64(v);
	self.progress_at = 0;
	if (!json_object_object_get_ex(line, "method", &v) || !json_object_is_type(v, json_type_string)) {
		log_error("request %lld without a method", (long long)self.id);
		return -1;
	}
	if (!json_object_object_get_ex(line, "params", &params))
		params = NULL;
	struct json_object *none = params ? NULL : json_object_new_object();
	serve_request(json_object_get_string(v), params ? params : none);
	json_object_put(none);
	wire_list_clear(&msg_repository, &self.error_repositories);
	return 0;
}

int plugin_main(const struct plugin_ops *ops)
{
	cleanup_buf struct buf in = { 0 };
	struct sigaction term = { .sa_handler = on_term }, pipe_action = { .sa_handler = on_pipe };
	struct err err = ERR_INIT;
	char chunk[65536];

	self.ops = ops;
	log_setup(ops->name, LOG_DEBUG, LOG_TEXT);
	/* what an operation starts must not hold the agent's socket open, nor
	 * inherit an ignored SIGPIPE: a handler, unlike SIG_IGN, ends at exec */
	(void)fcntl(PLUGIN_FD, F_SETFD, FD_CLOEXEC);
	(void)sigaction(SIGPIPE, &pipe_action, NULL);
	(void)sigaction(SIGTERM, &term, NULL);	/* no SA_RESTART: an operation that waits must wake */
	listen_for_term(false);
	while (!self.stop) {
		struct json_object *line = NULL;
		int r = wire_next(&in, &line, &err);

		if (r < 0) {
			log_err(LOG_ERROR, &err);
			return 1;
		}
		if (r > 0) {
			r = serve_line(line);
			json_object_put(line);
			if (r < 0)
				return 1;
			continue;
		}
		if (!wait_for_agent())
			return 0;
		ssize_t n = read(PLUGIN_FD, chunk, sizeof(chunk));
		if (n == 0 || (n < 0 && errno == ECONNRESET))	/* closed with something unread */
			return 0;
		if (n < 0 && errno != EINTR) {
			log_error("read requests from fd %d: %s", PLUGIN_FD, strerror(errno));
			return 1;
		}
		if (n > 0)
			buf_append(&in, chunk, (size_t)n);
	}
	return 0;
}
