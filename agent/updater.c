/* updater.c - see updater.h. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include "bundle.h"
#include "clock.h"
#include "initlink.h"
#include "log.h"
#include "loop.h"
#include "run.h"
#include "updater.h"
#include "updaterstate.h"

extern char **environ;

static void begin(struct updater *u, enum mode mode, const char *trigger, int64_t id);

/* --- what others see -------------------------------------------------------- */

static struct snapshot_agent describe(const struct updater *u)
{
	return (struct snapshot_agent){ .present = true,
					.mode = u->link >= 0 ? "run" : "daemon",
					.started = u->started,
					.state = u->run ? run_state(u->run) : "idle",
					.run = u->run_id,
					.queued = u->queue[0].id,
					.next = u->next == SCHEDULE_NEVER ? 0 : u->next,
					.next_reason = u->reason,
					.last_success = u->metrics.last_success,
					.wraps = u->link >= 0,
					.child = u->child,
					.child_restarts = u->child_restarts };
}

static struct json_object *on_document(void *arg, enum status_doc doc, int64_t limit)
{
	struct updater *u = arg;
	struct snapshot_agent a = describe(u);

	return snapshot_document(&u->snapshot, &a, u->config.report.state_dir, doc, limit);
}

static void on_metrics(void *arg, bool openmetrics, struct buf *ret)
{
	struct updater *u = arg;
	struct metrics_snapshot m = { .state = &u->metrics,
				      .now = clock_wall(),
				      .started = u->started,
				      .next_run = u->next == SCHEDULE_NEVER ? 0 : u->next,
				      .running = u->run,
				      .unfixed_cves = -1 };

	snapshot_metrics(&u->snapshot, &m);
	metrics_write(&m, 1, openmetrics, ret);
}

/* Does A answer all that B asks? */
static bool covers(enum mode a, enum mode b)
{
	return a == MODE_ONCE || (b != MODE_ONCE && (a == MODE_SCAN) == (b == MODE_SCAN));
}

/* A run that waits is joined: whoever asked for less gets more, never less. */
static int64_t join(struct updater *u, enum mode mode, const char *trigger)
{
	struct updater_queue *q = u->queue;

	/* the second, when it is taken, does what the first does not */
	if (q->id && !covers(q->mode, mode) && !covers(mode, q->mode))
		q++;
	if (!q->id)
		*q = (struct updater_queue){ .id = ++u->last_id, .mode = mode, .trigger = trigger };
	else if (!covers(q->mode, mode))
		q->mode = mode;
	return q->id;
}

static int64_t enqueue(struct updater *u, enum mode mode, const char *trigger)
{
	if (u->run)
		return join(u, mode, trigger);
	begin(u, mode, trigger, ++u->last_id);
	return u->run_id;
}

static int64_t on_trigger(void *arg, enum mode mode, uid_t peer, struct err *err)
{
	struct updater *u = arg;

	if (u->stopping)
		return err_set(err, CODE_STOPPED, 0, "the agent is ending");
	log_notice("user %u asks for '%s'", (unsigned)peer, mode_name(mode));
	return enqueue(u, mode, "socket");
}

static void send_event(struct updater *u, const char *name, struct json_object *data)
{
	if (u->status)
		status_event(u->status, name, data);
	else
		json_object_put(data);
}

static void on_state(void *arg, const char *state)
{
	struct updater *u = arg;
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "run", json_object_new_int64(u->run_id));
	wire_add_string(o, "state", state);
	send_event(u, "state", o);
}

static void on_progress(void *arg, const struct msg_progress *p)
{
	struct updater *u = arg;
	struct json_object *o = wire_encode(&msg_progress, p);

	json_object_object_add(o, "run", json_object_new_int64(u->run_id));
	send_event(u, "progress", o);
}

static const struct status_source source = { .document = on_document, .metrics = on_metrics, .trigger = on_trigger };

static void open_socket(struct updater *u)
{
	struct err err = ERR_INIT;

	if (status_start(u->base, &u->config, &source, u, &u->status, &err) < 0) {
		log_warning("status socket: %s; going on without it", err.msg);
		u->status = NULL;
	}
}

/* --- the link to PID 1 --------------------------------------------------------- */

static int tell(struct updater *u, const struct initlink_message *m)
{
	if (u->link < 0 || initlink_send(u->link, m) == 0)
		return 0;
	log_warning("PID 1 does not take message %u: %m, ignoring", m->type);
	return -1;
}

static int64_t before_start(const struct updater *u)
{
	return u->opt->init.before_start >= 0 ? u->opt->init.before_start : u->config.schedule.before_start;
}

static void send_settings(struct updater *u)
{
	const struct config *c = &u->config;
	struct initlink_message m = { .type = INITLINK_SETTINGS };

	m.settings = (struct initlink_settings){
		.stop_signal = c->restart.stop_signal ? c->restart.stop_signal : SIGTERM,
		.stop_timeout = initlink_ms(c->restart.stop_timeout),
		.shutdown_grace = initlink_ms(c->schedule.shutdown_grace),
		.before_start = initlink_ms(before_start(u)),
		.budget_count = (uint32_t)(c->restart.budget.count < INITLINK_BUDGET_MAX ? c->restart.budget.count :
											   INITLINK_BUDGET_MAX),
		.budget_period = (uint32_t)(c->restart.budget.period < INITLINK_PERIOD_MAX ? c->restart.budget.period :
											     INITLINK_PERIOD_MAX),
	};
	(void)tell(u, &m);
}

static void send_ready(struct updater *u)
{
	if (u->waiting)
		(void)tell(u, &(struct initlink_message){ .type = INITLINK_READY });
	u->waiting = false;
}

static pid_t on_child(void *arg)
{
	return ((struct updater *)arg)->child;
}

static int on_restart_child(void *arg)
{
	struct updater *u = arg;
	struct initlink_message m = { .type = INITLINK_RESTART, .id = ++u->restart_id };

	m.restart.reason = CODE_OK;
	return tell(u, &m);
}

/* What PID 1 says of a restart: the run that asked waits for the first answer. */
static void take_restarted(struct updater *u, const struct initlink_message *m)
{
	static const enum code codes[] = { [INITLINK_OK] = CODE_OK,
					   [INITLINK_REFUSED_BUDGET] = CODE_RESTART_BUDGET,
					   [INITLINK_DIED_AGAIN] = CODE_DIED_AGAIN,
					   [INITLINK_BUSY] = CODE_RESTART_FAILED,
					   [INITLINK_STOPPED] = CODE_RESTART_FAILED };
	enum code code = codes[m->restarted.outcome];
	cleanup_free char *detail = NULL;

	if (m->restarted.outcome == INITLINK_DIED_AGAIN)
		detail = xasprintf("the service ended with status %d right after its restart%s", m->restarted.status,
				   m->restarted.last ? "; it is not started again" : " and is started again");
	else if (m->restarted.outcome == INITLINK_STOPPED)
		detail = xstrdup("a stop from outside came in between");
	else if (m->restarted.outcome == INITLINK_BUSY)
		detail = xstrdup("another restart of the service is under way, or it has not started yet");
	else if (m->restarted.left)
		detail = xasprintf("%u of its old processes could not be killed", m->restarted.left);
	if (code == CODE_DIED_AGAIN && u->report)
		report_alarm(u->report, code, "%s", detail);
	else if (code == CODE_DIED_AGAIN)
		log_warning("%s", detail);
	if (u->run && m->id == u->restart_id)
		run_child_restarted(u->run,
				    &(struct run_child){ .code = code, .gap = m->restarted.gap, .detail = detail });
}

static void stop(struct updater *u)
{
	if (!u->stopping && u->run)
		log_notice("finishing the running set, then ending");
	u->stopping = true;
	memset(u->queue, 0, sizeof(u->queue));
	if (u->run)
		run_stop(u->run, RUN_ON_REQUEST);
	else
		(void)event_base_loopbreak(u->base);
}

static void on_link(evutil_socket_t fd, short what _unused_, void *arg)
{
	struct updater *u = arg;
	struct initlink_message m;
	int r;

	while ((r = initlink_recv(fd, false, &m)) > 0) {
		switch (m.type) {
		case INITLINK_CHILD:
			u->child = m.child.state == INITLINK_RUNNING ? m.child.pid : 0;
			u->child_restarts = m.child.restarts;
			break;
		case INITLINK_DEADLINE:
			if (u->run && u->waiting) {
				log_notice(
					"the time before the start is over: the service starts when the running set is done");
				u->resume = true;
				run_stop(u->run, "at the end of before_start (the next run follows)");
			} else {
				send_ready(u);
			}
			break;
		case INITLINK_RESTARTED:
			take_restarted(u, &m);
			break;
		case INITLINK_STOP:
			stop(u);
			break;
		default:
			break;
		}
	}
	if (r < 0) {	/* PID 1 is gone, or not itself */
		event_free(steal_ptr(&u->ev_link));
		stop(u);
		/* nobody else answers the run that waits for a restart */
		if (u->run)
			run_child_restarted(u->run, &(struct run_child){ .code = CODE_RESTART_FAILED,
									 .detail = "PID 1 is gone" });
	}
}

/* --- runs -------------------------------------------------------------------------- */

static void arm(struct updater *u)
{
	int64_t now = clock_wall();

	u->next = schedule_next(&u->config, &u->schedule, now, u->reason, sizeof(u->reason));
	if (u->next == SCHEDULE_NEVER)
		return;
	/* the wall clock may jump */
	int64_t in = u->next - now;
	loop_arm(u->ev_timer, (uint64_t)(in > 3600 ? 3600 : in < 0 ? 0 : in) * 1000);
	log_info("next run in %lld s: %s", (long long)in, u->reason);
}

static void on_timer(evutil_socket_t fd _unused_, short what _unused_, void *arg)
{
	struct updater *u = arg;

	if (u->run || u->stopping)
		return;
	u->next = schedule_next(&u->config, &u->schedule, clock_wall(), u->reason, sizeof(u->reason));
	if (u->next <= clock_wall())
		(void)enqueue(u, MODE_ONCE, "schedule");
	else
		arm(u);
}

static void log_summary(const struct updater *u, const struct report *r)
{
	log_notice("run %lld (%s, %s): %s, %zu applied, %zu open, %zu processes run old code", (long long)u->run_id,
		   mode_name(r->mode), r->trigger, report_result(r), r->applied.n, report_open(r), r->stale.n);
	if (r->error.code != CODE_OK)
		log_err(r->error.code == CODE_STOPPED ? LOG_NOTICE : LOG_ERROR, &r->error);
	for (size_t i = 0; i < r->blocked.n; i++) {
		const struct msg_reason *b = wire_list_at(&msg_reason, &r->blocked, i);

		log_warning("blocked: %s: %s", code_name(b->code), strna(b->detail));
	}
	for (size_t i = 0; i < r->alarms.n; i++) {
		const struct msg_reason *a = wire_list_at(&msg_reason, &r->alarms, i);

		log_warning("%s: %s", code_name(a->code), strna(a->detail));
	}
}

static void reload_now(struct updater *u)
{
	struct config c;
	struct err err = ERR_INIT;

	u->reload = false;
	if (config_load(u->opt->config, environ, &u->opt->sets, &c, &err) < 0) {
		log_error("%s; the configuration stays as it was", err.msg);
		return;
	}
	config_clear(&u->config);
	u->config = c;
	log_notice("configuration read anew");
	send_settings(u);
	if (u->status)
		status_stop(steal_ptr(&u->status));
	open_socket(u);
	arm(u);
}

static void on_done(void *arg)
{
	struct updater *u = arg;
	struct report *r = steal_ptr(&u->report);
	struct json_object *o = json_object_new_object();

	log_summary(u, r);
	updater_ended(u, r);
	run_free(steal_ptr(&u->run));
	snapshot_take(&u->snapshot, r);
	(void)malloc_trim(0);
	json_object_object_add(o, "run", json_object_new_int64(u->run_id));
	json_object_object_add(o, "exit_code", json_object_new_int(r->exit_code));
	send_event(u, "done", o);
	send_ready(u);
	if (u->stopping) {
		(void)event_base_loopbreak(u->base);
		return;
	}
	if (u->reload)
		reload_now(u);
	if (u->resume)
		(void)join(u, MODE_ONCE, "start");
	u->resume = false;
	struct updater_queue next = u->queue[0];
	u->queue[0] = u->queue[1];
	u->queue[1] = (struct updater_queue){ 0 };
	if (next.id)
		begin(u, next.mode, next.trigger, next.id);
	else
		arm(u);
}

static void begin(struct updater *u, enum mode mode, const char *trigger, int64_t id)
{
	static const struct run_callbacks alone = { .done = on_done, .progress = on_progress, .state = on_state };
	static const struct run_callbacks wrapper = { .done = on_done,
						      .progress = on_progress,
						      .state = on_state,
						      .child = on_child,
						      .restart_child = on_restart_child };

	u->run_id = id;
	u->report = xcalloc(1, sizeof(*u->report));
	report_init(u->report, mode, trigger);
	u->report->id = id;
	updater_begun(u, mode);
	u->run = run_start(u->base, &u->config, u->bundle, u->report, u->link >= 0 ? &wrapper : &alone, u);
}

/* --- signals ------------------------------------------------------------------------- */

static void on_signal(evutil_socket_t sig, short what _unused_, void *arg)
{
	struct updater *u = arg;

	if (sig == SIGHUP && u->run)
		u->reload = true;
	else if (sig == SIGHUP)
		reload_now(u);
	else if (sig == SIGUSR1)
		(void)enqueue(u, MODE_ONCE, "signal");
	else
		stop(u);
}

static int fail_config(int link, const struct err *err)
{
	log_err(LOG_ERROR, err);
	if (link >= 0) {
		struct initlink_message m = { .type = INITLINK_FAILED };

		m.failed.status = EXIT_USAGE;
		(void)initlink_send(link, &m);
	}
	return EXIT_USAGE;
}

/* What is due at the start delays the service; where nothing is, it starts. */
static void first_run(struct updater *u)
{
	u->waiting = u->link >= 0;
	arm(u);
	if (u->waiting && before_start(u) == 0)
		send_ready(u);
	if (u->next <= clock_wall())
		(void)enqueue(u, MODE_ONCE, "start");
	else
		send_ready(u);
}

int updater_main(const struct options *opt, int link)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
	struct event *ev[ARRAY_SIZE(sigs)];
	struct updater u = { .opt = opt, .link = link, .started = clock_wall() };
	struct err err = ERR_INIT;

	(void)signal(SIGPIPE, SIG_IGN);
	if (config_load(opt->config, environ, &opt->sets, &u.config, &err) < 0)
		return fail_config(link, &err);
	if (bundle_find(u.bundle, sizeof(u.bundle), &err) < 0)
		return fail_config(link, &err);
	u.base = loop_new();
	u.last_id = u.started;
	u.ev_timer = loop_timer(u.base, on_timer, &u);
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		ev[i] = loop_signal(u.base, sigs[i], on_signal, &u);
	if (link >= 0)
		u.ev_link = loop_read(u.base, link, on_link, &u);
	send_settings(&u);
	updater_load(&u);
	open_socket(&u);
	first_run(&u);
	(void)event_base_dispatch(u.base);

	if (u.status)
		status_stop(u.status);
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		event_free(ev[i]);
	if (u.ev_link)
		event_free(u.ev_link);
	event_free(u.ev_timer);
	event_base_free(u.base);
	updater_clear(&u);
	return EXIT_DONE;
}
