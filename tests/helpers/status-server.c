/* status-server FOLDER [--set section.key=value]...   the status socket with documents from files, for tests.
 *
 * FOLDER/status.json, report.json, pending.json, processes.json, history.json are served as they are at the moment
 * ("not there yet" when missing; {"limit":N} is added to the history), metrics come from report.json's stand-in in
 * metrics (a file).  A run that is asked for ends a moment later: events state, progress, done, then report.json gets its
 * number.  FOLDER/busy refuses runs, FOLDER/hang never ends them.  SIGUSR1 sends 4 MiB of events.  Writes "ready" to
 * standard output. */
#include <signal.h>
#include <stdio.h>
#include "fd.h"
#include "log.h"
#include "status.h"

extern char **environ;

struct server {
	struct event_base *base;
	struct status *status;
	const char *folder;
	struct event *step, *flood;
	int floods;
	int64_t run;
	int steps;	/* left of the run */
	enum mode mode;
};

static struct json_object *load(struct server *s, const char *name)
{
	cleanup_free char *path = xasprintf("%s/%s.json", s->folder, name);
	cleanup_buf struct buf text = { 0 };
	struct err err;

	if (read_file(path, WIRE_PLAN_MAX, &text, &err) < 0)
		return NULL;
	return json_tokener_parse(buf_str(&text));
}

static bool has(struct server *s, const char *name)
{
	cleanup_free char *path = xasprintf("%s/%s", s->folder, name);

	return access(path, F_OK) == 0;
}

static int exit_code(const struct server *s)
{
	return s->mode == MODE_CHECK ? 100 : s->mode == MODE_SCAN ? 102 : 0;
}

static struct json_object *document(void *arg, enum status_doc doc, int64_t limit)
{
	static const char *const names[] = { "status", "report", "pending", "processes", "history" };
	struct server *s = arg;
	struct json_object *o = load(s, names[doc]);

	if (doc == STATUS_HISTORY && o)
		json_object_object_add(o, "limit", json_object_new_int64(limit));
	if (doc == STATUS_STATUS && o) {
		struct json_object *run = json_object_new_object();

		json_object_object_add(run, "id", json_object_new_int64(s->run));
		json_object_object_add(run, "state", json_object_new_string(s->steps ? "fetch" : "idle"));
		json_object_object_add(o, "run", run);
	}
	if (doc == STATUS_REPORT && o && s->run) {
		json_object_object_add(o, "run", json_object_new_int64(s->run));
		json_object_object_add(o, "exit_code", json_object_new_int(exit_code(s)));
	}
	return o;
}

static void metrics(void *arg _unused_, bool openmetrics, struct buf *ret)
{
	buf_puts(ret, openmetrics ? "# TYPE test gauge\ntest 1\n# EOF\n" : "# TYPE test gauge\ntest 1\n");
}

static void next_step(struct server *s)
{
	static const struct timeval soon = { 0, 20000 };

	(void)event_add(s->step, &soon);
}

static int64_t trigger(void *arg, enum mode mode, uid_t peer _unused_, struct err *err)
{
	struct server *s = arg;

	if (s->steps || has(s, "busy"))
		return err_set(err, CODE_BUSY, 0, "run %lld is going on", (long long)s->run);
	s->mode = mode;
	s->steps = 4;
	next_step(s);
	return ++s->run;
}

static void on_step(evutil_socket_t fd _unused_, short what _unused_, void *arg)
{
	struct server *s = arg;
	struct msg_progress p = { .phase = (char *)(uintptr_t) "fetch", .done = 4 - s->steps, .total = 4 };
	struct json_object *o;

	if (has(s, "hang"))
		return;
	if (--s->steps) {
		status_event(s->status, "progress", wire_encode(&msg_progress, &p));
		next_step(s);
		return;
	}
	o = json_object_new_object();
	json_object_object_add(o, "run", json_object_new_int64(s->run));
	json_object_object_add(o, "exit_code",
			       json_object_new_int(s->mode == MODE_CHECK ? 100 :
						   s->mode == MODE_SCAN	 ? 102 :
									   0));
	status_event(s->status, "done", o);
}

/* A little at a time, so that who reads keeps up. */
static void on_flood(evutil_socket_t sig _unused_, short what _unused_, void *arg)
{
	static const struct timeval soon = { 0, 5000 };
	struct server *s = arg;
	char line[1024];

	memset(line, 'x', sizeof(line));
	for (int i = 0; i < 64; i++) {
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "text", json_object_new_string_len(line, sizeof(line)));
		status_event(s->status, "progress", o);
	}
	if (++s->floods % 64)
		(void)event_add(s->flood, &soon);
}

static void on_term(evutil_socket_t sig _unused_, short what _unused_, void *arg)
{
	struct server *s = arg;

	(void)event_base_loopbreak(s->base);
}

int main(int argc, char **argv)
{
	static const struct status_source source = { .document = document, .metrics = metrics, .trigger = trigger };
	cleanup_strv struct strv sets = { 0 };
	struct server s = { 0 };
	struct config config;
	struct err err = ERR_INIT;

	(void)signal(SIGPIPE, SIG_IGN);
	if (argc < 2)
		return 2;
	s.folder = argv[1];
	for (int i = 2; i + 1 < argc; i += 2)
		strv_push(&sets, argv[i + 1]);
	if (config_load(NULL, environ, &sets, &config, &err) < 0) {
		log_err(LOG_ERROR, &err);
		return 2;
	}
	s.base = event_base_new();
	s.step = evtimer_new(s.base, on_step, &s);
	s.flood = evtimer_new(s.base, on_flood, &s);
	if (status_start(s.base, &config, &source, &s, &s.status, &err) < 0) {
		log_err(LOG_ERROR, &err);
		event_free(s.step);
		event_free(s.flood);
		event_base_free(s.base);
		config_clear(&config);
		return err.code == CODE_BUSY ? 3 : 1;
	}
	struct event *term = evsignal_new(s.base, SIGTERM, on_term, &s),
		     *usr = evsignal_new(s.base, SIGUSR1, on_flood, &s);
	(void)event_add(term, NULL);
	(void)event_add(usr, NULL);
	(void)write_all(STDOUT_FILENO, "ready\n", 6);
	(void)event_base_dispatch(s.base);
	status_stop(s.status);
	event_free(term);
	event_free(usr);
	event_free(s.step);
	event_free(s.flood);
	event_base_free(s.base);
	config_clear(&config);
	return 0;
}
