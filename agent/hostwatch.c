/* hostwatch.c - see hostwatch.h. */
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include "bundle.h"
#include "clock.h"
#include "engine.h"
#include "fd.h"
#include "hoststate.h"
#include "log.h"
#include "loop.h"
#include "schedulefile.h"
#include "hostwatch.h"
#include "watchproc.h"
#include "watchstate.h"

#define RUN_MAX	    (6 * 3600)	/* s; exec has its own, shorter deadline for each container */
#define SWEEP_EVERY (24 * 3600)	/* s */

extern char **environ;

static void step(struct watch *w);

/* --- looking for containers ------------------------------------------------------------- */

/* Has a process been made since the last look? Its number is the last word. */
static bool pids_moved(struct watch *w)
{
	char text[sizeof(w->moved)] = "";
	ssize_t n = pread(w->loadavg, text, sizeof(text) - 1, 0);
	const char *last = n > 0 ? strrchr(text, ' ') : NULL;

	if (!last)
		return true;
	if (streq(last, w->moved))
		return false;
	(void)snprintf(w->moved, sizeof(w->moved), "%s", last);
	return true;
}

/* Has a mount namespace come or gone? */
static bool spaces_moved(const struct watch *w)
{
	uint64_t now = watchproc_signature("/proc");

	return !now || now != w->signature;
}

static void sweep(struct watch *w)
{
	cleanup_strv struct strv alive = { 0 };

	if (clock_wall() - w->swept < SWEEP_EVERY)
		return;
	w->swept = clock_wall();
	for (size_t i = 0; i < w->set.n; i++)
		strv_push(&alive, w->set.v[i]->id);
	int n = hoststate_sweep(w->config.report.state_dir, &alive, HOSTSTATE_FORGET);
	if (n > 0)
		log_notice("%d containers that are gone are forgotten", n);
}

static void look(struct watch *w)
{
	struct host_containers found = { 0 };
	struct err err = ERR_INIT;

	w->looked = clock_ms();
	(void)pids_moved(w);
	w->signature = watchproc_signature("/proc");
	if (containers_find("", &w->config.host.runc, &found, &err) < 0) {
		log_warning("look for containers: %s, ignoring", err.msg);
		return;
	}
	/* what an engine says of one does not change while it lives */
	if (!watchset_knows(&w->set, &found))
		engine_names(&found, &w->config.host.engines);
	size_t added = watchset_update(&w->set, &found);
	if (added)
		log_notice("%zu new containers, %zu in all", added, w->set.n);
	containers_clear(&found);
	(void)malloc_trim(0);
	sweep(w);
}

/* --- what others hear -------------------------------------------------------------------- */

static void say(struct watch *w, const char *event, const struct watched *c)
{
	struct json_object *o = json_object_new_object();

	wire_add_string(o, "container", c->id);
	json_object_object_add(o, "run", json_object_new_int64(w->run_id));
	if (c->command)
		wire_add_string(o, "state", "running");
	else if (c->failure.code == CODE_OK && c->snapshot.last)
		json_object_object_add(o, "exit_code", json_object_new_int((int)c->snapshot.last->exit_code));
	else
		wire_add_string(o, "error", code_name(c->failure.code));
	if (w->status)
		status_event(w->status, event, o);
	else
		json_object_put(o);
}

/* --- runs ---------------------------------------------------------------------------------- */

struct child {
	struct watch *w;
	struct watched *c;
};

static void on_done(void *arg, const struct command_result *r)
{
	struct child *child = arg;
	struct watch *w = child->w;
	struct watched *c = child->c;
	bool retryable = true;
	enum code code;

	free(child);
	c->command = NULL;
	err_clear(&c->failure);
	watched_load(c);
	const struct report *last = c->snapshot.last;
	if (last && last->time >= c->begun) {
		code = schedule_outcome(last, &retryable);
		log_notice("container %s: %s: %s, %zu applied, %zu open, %zu processes run old code", c->id,
			   mode_name(last->mode), report_result(last), last->applied.n, report_open(last),
			   last->stale.n);
	} else {
		watched_failed(c, r);
		code = c->failure.code;
		log_warning("container %s: %s", c->id, c->failure.msg);
	}
	/* a check by label is what its schedule asks for */
	if (c->mode == MODE_ONCE || c->labels.report) {
		schedule_end(&c->schedule, clock_wall(), code, retryable);
		schedule_save(c->dir, "", c->id, &c->schedule);
	}
	say(w, "done", c);
	watchset_plan(&w->set, c, clock_wall());
	(void)malloc_trim(0);
	step(w);
}

static bool set_by_label(const struct watched *c, const char *assignment)
{
	size_t n = strcspn(assignment, "=") + 1;

	for (size_t i = 0; i < c->labels.sets.n; i++)
		if (strncmp(c->labels.sets.v[i], assignment, n) == 0)
			return true;
	return false;
}

/* stopgap --config=… --set=… exec ID -- once */
static void command_line(const struct watch *w, const struct watched *c, struct strv *ret)
{
	strv_take(ret, xasprintf("%s/stopgap", w->bundle));
	strv_push(ret, "exec");
	strv_push(ret, "--quiet");
	strv_push(ret, "--output=json");
	if (w->opt->config)
		strv_take(ret, xasprintf("--config=%s", w->opt->config));
	for (size_t i = 0; i < w->opt->sets.n; i++)
		if (!set_by_label(c, w->opt->sets.v[i]))
			strv_take(ret, xasprintf("--set=%s", w->opt->sets.v[i]));
	for (size_t i = 0; i < c->labels.sets.n; i++)
		strv_take(ret, xasprintf("--set=%s", c->labels.sets.v[i]));
	strv_push(ret, c->id);
	strv_push(ret, "--");
	strv_push(ret, mode_name(c->mode));
	strv_take(ret, NULL);
}

/* A plain environment, and what of ours is configuration. */
static void environment(struct strv *ret)
{
	for (char *const *e = command_environment; *e; e++)
		strv_push(ret, *e);
	for (char *const *e = environ; *e; e++)
		if (starts_with(*e, "STOPGAP_"))
			strv_push(ret, *e);
	strv_take(ret, NULL);
}

static void begin(struct watch *w, struct watched *c)
{
	cleanup_strv struct strv argv = { 0 }, envp = { 0 };
	struct child *child = xcalloc(1, sizeof(*child));
	struct command_spec spec = { .timeout = RUN_MAX };
	struct err err = ERR_INIT;

	if (!c->asked)
		c->mode = MODE_ONCE;
	if (c->labels.report && c->mode == MODE_ONCE)
		c->mode = MODE_CHECK;
	c->asked = false;
	command_line(w, c, &argv);
	environment(&envp);
	spec.argv = argv.v;
	spec.envp = envp.v;
	*child = (struct child){ w, c };
	c->begun = clock_wall();
	if (make_dirs(c->dir, 0700, &err) < 0)
		log_warning("%s, ignoring", err.msg);
	schedule_begin(&c->schedule, c->begun);
	schedule_save(c->dir, "", c->id, &c->schedule);
	log_info("container %s: %s: %s", c->id, mode_name(c->mode), strna(c->reason));
	if (command_start(w->base, &spec, on_done, child, &c->command, &err) == 0) {
		say(w, "state", c);
		return;
	}
	free(child);
	c->command = NULL;
	c->failure = err;
	log_err(LOG_WARNING, &err);
	schedule_end(&c->schedule, clock_wall(), err.code, true);
	watchset_plan(&w->set, c, clock_wall());
}

/* --- the loop --------------------------------------------------------------------------------- */

static void end_when_idle(struct watch *w)
{
	if (w->stopping && watchset_running(&w->set) == 0)
		(void)event_base_loopbreak(w->base);
}

/* Do what is due, and sleep until something may be. */
static void step(struct watch *w)
{
	struct watched *c;

	if (w->stopping) {
		end_when_idle(w);
		return;
	}
	/* one that is due may be paused or gone by now */
	if (watchset_next(&w->set, clock_wall()) && clock_ms() - w->looked > WATCH_LOOK_MS)
		look(w);
	while ((c = watchset_next(&w->set, clock_wall())))
		begin(w, c);
	int64_t now = clock_wall(), wake = watchset_wake(&w->set, now);
	uint64_t ms = wake == SCHEDULE_NEVER || wake - now > WATCH_LOOK_MS / 1000 ? WATCH_LOOK_MS :
										    (uint64_t)(wake - now) * 1000;
	loop_arm(w->ev_timer, ms);
}

static void on_timer(evutil_socket_t fd _unused_, short what _unused_, void *arg)
{
	struct watch *w = arg;

	if (clock_ms() - w->looked > WATCH_AGAIN_MS || (pids_moved(w) && spaces_moved(w)))
		look(w);
	step(w);
}

static int64_t on_trigger(void *arg, enum mode mode, uid_t peer, struct err *err)
{
	struct watch *w = arg;

	if (w->stopping)
		return err_set(err, CODE_STOPPED, 0, "the agent is ending");
	log_notice("user %u asks for '%s' in all containers", (unsigned)peer, mode_name(mode));
	for (size_t i = 0; i < w->set.n; i++) {
		struct watched *c = w->set.v[i];

		/* who asked for more is not given less */
		if (!c->why_not && !(c->asked && c->mode == MODE_ONCE) && !c->command)
			c->mode = mode;
		c->asked = !c->why_not;
	}
	w->run_id = ++w->last_id;
	loop_arm(w->ev_timer, 0);
	return w->run_id;
}

static const struct status_source source = {
	.document = watch_document, .metrics = watch_metrics, .trigger = on_trigger, .containers = true
};

static void open_socket(struct watch *w)
{
	struct err err = ERR_INIT;

	if (status_start(w->base, &w->config, &source, w, &w->status, &err) < 0) {
		log_warning("status socket: %s; going on without it", err.msg);
		w->status = NULL;
	}
}

static void reload(struct watch *w)
{
	struct config c;
	struct err err = ERR_INIT;

	if (config_load(w->opt->config, environ, &w->opt->sets, &c, &err) < 0) {
		log_error("%s; the configuration stays as it was", err.msg);
		return;
	}
	config_clear(&w->config);
	w->config = c;
	watchset_configure(&w->set, &w->config);
	log_notice("configuration read anew");
	status_stop(steal_ptr(&w->status));
	open_socket(w);
	step(w);
}

static void on_stop_timer(evutil_socket_t fd _unused_, short what _unused_, void *arg)
{
	struct watch *w = arg;

	for (size_t i = 0; i < w->set.n; i++)
		if (w->set.v[i]->command)
			command_cancel(w->set.v[i]->command);
}

static void stop(struct watch *w)
{
	if (w->stopping)
		return;
	w->stopping = true;
	if (watchset_running(&w->set))
		log_notice("%zu containers finish their running set, then ending", watchset_running(&w->set));
	for (size_t i = 0; i < w->set.n; i++)
		if (w->set.v[i]->command)
			command_terminate(w->set.v[i]->command);
	loop_arm(w->ev_stop, WATCH_STOP_MS);
	end_when_idle(w);
}

static void on_signal(evutil_socket_t sig, short what _unused_, void *arg)
{
	struct watch *w = arg;
	struct err ignored = ERR_INIT;

	if (sig == SIGHUP)
		reload(w);
	else if (sig == SIGUSR1)
		(void)on_trigger(w, MODE_ONCE, geteuid(), &ignored);
	else
		stop(w);
}

int watch_main(const struct options *opt)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
	struct event *ev[ARRAY_SIZE(sigs)];
	struct watch w = { .opt = opt, .started = clock_wall() };
	struct err err = ERR_INIT;

	(void)signal(SIGPIPE, SIG_IGN);
	if (config_load(opt->config, environ, &opt->sets, &w.config, &err) < 0 ||
	    bundle_find(w.bundle, sizeof(w.bundle), &err) < 0) {
		log_err(LOG_ERROR, &err);
		config_clear(&w.config);
		return EXIT_USAGE;
	}
	if (geteuid() != 0) {
		log_error("containers are found by root of the host; use sudo");
		config_clear(&w.config);
		return EXIT_BLOCKED;
	}
	w.base = loop_new();
	w.last_id = w.started;
	w.set = (struct watchset){ .opt = opt, .config = &w.config };
	w.loadavg = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	w.ev_timer = loop_timer(w.base, on_timer, &w);
	w.ev_stop = loop_timer(w.base, on_stop_timer, &w);
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		ev[i] = loop_signal(w.base, sigs[i], on_signal, &w);
	open_socket(&w);
	look(&w);
	step(&w);
	(void)event_base_dispatch(w.base);

	status_stop(w.status);
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		event_free(ev[i]);
	event_free(w.ev_timer);
	event_free(w.ev_stop);
	event_base_free(w.base);
	watchset_clear(&w.set);
	closep(&w.loadavg);
	config_clear(&w.config);
	return EXIT_DONE;
}
