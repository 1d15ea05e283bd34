/* run.c - the cycle as a state × event table (run.h). */
#include "log.h"
#include "metrics.h"
#include "runstate.h"
#include "statedir.h"

static const char *const state_names[] = {
#define X(s) #s,
	RUN_STATES(X)
#undef X
};
static const char *const event_names[] = {
#define X(e) #e,
	RUN_EVENTS(X)
#undef X
};

enum state run_close_plugin(struct run *r)
{
	if (!r->plugin)
		return restart_begin(r);
	plugin_stop(r->plugin);
	return S_CLOSE;
}

enum state run_wind_up(struct run *r)
{
	bool looks = r->report->mode == MODE_ONCE || r->report->mode == MODE_SCAN;

	/* a plugin that failed in apply is not asked for owners: the next one knows what was done */
	return looks && !r->looked && !r->recheck ? scan_begin(r) : run_close_plugin(r);
}

static void note_failure(struct run *r, const struct err *why)
{
	/* what blocks is found before the plan or in the middle, and reported alike */
	if (code_class(why->code) == CLASS_BLOCKED)
		report_block(r->report, why->code, "%s", why->msg);
	else if (r->report->error.code == CODE_OK)
		r->report->error = *why;
}

enum state run_give_up(struct run *r, const struct err *why)
{
	/* a look at the processes needs no package system; without one it has no names */
	if (r->report->mode == MODE_SCAN)
		log_warning("%s: files are reported without their packages", why->msg);
	else
		note_failure(r, why);
	return run_wind_up(r);
}

static enum state on_start(struct run *r)
{
	struct err err = ERR_INIT;

	if (r->report->mode == MODE_PROBE)
		return update_begin(r);
	if (state_dir_lock(r->config->report.state_dir, &r->lock_fd, &err) < 0 && r->report->mode != MODE_SCAN) {
		note_failure(r, &err);
		return run_conclude(r);
	}
	ledger_read(r->config->report.state_dir, &r->report->container, &r->report->ledger);
	return hook_before(r);
}

static enum state on_failure(struct run *r)
{
	return r->recheck ? update_recheck_error(r) : run_give_up(r, r->failure);
}

static enum state on_stop(struct run *r)
{
	r->stop = true;
	if (r->plugin)
		plugin_finish_early(r->plugin);
	return r->state;
}

/* Nothing will be begun, so what a hook or a check of the service would say changes nothing. */
static enum state on_stop_before(struct run *r)
{
	command_cancel(r->command);
	return on_stop(r);
}

static enum state on_stop_health(struct run *r)
{
	health_cancel(r->health);
	return on_stop(r);
}

static enum state on_stop_restart(struct run *r)
{
	restart_cancel_query(r);
	return on_stop(r);
}

static enum state after_close(struct run *r)
{
	if ((r->again && r->next_plugin < r->plugins.n && !r->stop) || r->recheck) {
		r->again = false;
		return update_next_plugin(r);
	}
	if (r->again && r->report->mode != MODE_SCAN)
		for (size_t i = 0; i < r->not_applicable.n; i++)
			wire_copy(&msg_reason, wire_list_add(&msg_reason, &r->report->blocked),
				  wire_list_at(&msg_reason, &r->not_applicable, i));
	r->again = false;
	return run_wind_up(r);
}

/* Empty: this event cannot come in this state; run_step() says so and goes on. */
static enum state (*const table[S_MAX][E_MAX])(struct run *) = {
	[S_IDLE] = { [E_START] = on_start, [E_STOP] = on_stop },
	[S_BEFORE] = { [E_COMMAND] = hook_before_done, [E_STOP] = on_stop_before },
	[S_PROBE] = { [E_RESULT] = update_probe_result, [E_ERROR] = on_failure, [E_STOP] = on_stop },
	[S_SUPPORT] = { [E_RESULT] = update_support_result, [E_ERROR] = update_support_error, [E_STOP] = on_stop },
	[S_REPAIR] = { [E_RESULT] = update_repair_result, [E_ERROR] = on_failure, [E_STOP] = on_stop },
	[S_INHERIT] = { [E_RESULT] = inherit_result, [E_ERROR] = on_failure, [E_STOP] = on_stop },
	[S_REFRESH] = { [E_RESULT] = update_refresh_result, [E_ERROR] = update_refresh_error, [E_STOP] = on_stop },
	[S_PLAN] = { [E_RESULT] = update_plan_result, [E_ERROR] = on_failure, [E_STOP] = on_stop },
	[S_WANT] = { [E_HOST] = host_answered, [E_TIMER] = host_answered, [E_STOP] = on_stop },
	[S_FETCH] = { [E_RESULT] = update_fetch_result, [E_ERROR] = on_failure, [E_STOP] = on_stop },
	[S_SHARE] = { [E_HOST] = host_answered, [E_TIMER] = host_answered, [E_STOP] = on_stop },
	[S_RUNNING] = { [E_RESULT] = scan_before_result, [E_ERROR] = scan_before_error, [E_STOP] = on_stop },
	[S_APPLY] = { [E_RESULT] = update_apply_result, [E_ERROR] = update_apply_error, [E_STOP] = on_stop },
	[S_VERIFY] = { [E_RESULT] = update_verify_result, [E_ERROR] = update_verify_error, [E_STOP] = on_stop },
	[S_RECHECK] = { [E_RESULT] = update_recheck_result, [E_ERROR] = update_recheck_error, [E_STOP] = on_stop },
	[S_OWNER] = { [E_RESULT] = scan_owner_result, [E_ERROR] = scan_owner_error, [E_STOP] = on_stop },
	[S_CLOSE] = { [E_GONE] = after_close, [E_STOP] = on_stop },
	[S_RESTART] = { [E_COMMAND] = restart_command_done,
			[E_CHILD] = restart_child_done,
			[E_STOP] = on_stop_restart },
	[S_SETTLE] = { [E_TIMER] = restart_settle, [E_STOP] = on_stop },
	[S_HEALTH] = { [E_HEALTH] = restart_health_done, [E_STOP] = on_stop_health },
	[S_AFTER] = { [E_COMMAND] = hook_after_done, [E_STOP] = on_stop },
};

/* A run that did not get as far as its answer has none: nothing pending would be a lie. */
static void note_stop(struct report *rep, const char *why)
{
	if (rep->error.code != CODE_OK)
		return;
	if (rep->pending.n)
		(void)err_set(&rep->error, CODE_STOPPED, 0, "stopped %s with %zu updates still pending", why,
			      rep->pending.n);
	else if (rep->mode != MODE_SCAN && !rep->planned && !rep->blocked.n)
		(void)err_set(&rep->error, CODE_STOPPED, 0, "stopped %s before it was known what is pending", why);
}

/* A container that cannot be written to still gets its report on stdout. */
static void save(struct run *r)
{
	const char *dir = r->config->report.state_dir;
	struct err err = ERR_INIT;

	if (report_save(r->report, dir, r->config->report.history, &err) < 0) {
		log_warning("save the report: %s, ignoring", err.msg);
		return;
	}
	/* before the hook, which may show them */
	if (metrics_record(r->report, dir, &err) < 0)
		log_debug("save the counters: %s, ignoring", err.msg);
	if (r->approved)
		approved_remove(dir);
}

enum state run_conclude(struct run *r)
{
	if (r->stop)
		note_stop(r->report, r->stop_why ? r->stop_why : RUN_ON_REQUEST);
	report_finish(r->report);
	if (r->lock_fd >= 0 && r->report->mode != MODE_DOCTOR)
		save(r);
	closep(&r->lock_fd);
	r->lock_fd = -1;
	return hook_after(r);
}

/* Here and not where they are set: after done() there may be no run any more. */
static void forget_event(struct run *r)
{
	r->result = NULL;
	r->failure = NULL;
	r->details = NULL;
	r->command_result = NULL;
	r->child = NULL;
	r->health_result = NULL;
}

void run_step(struct run *r, enum run_event e)
{
	enum state from = r->state;

	if (!table[from][e]) {
		log_debug("event %s in state %s, ignoring", event_names[e], state_names[from]);
		forget_event(r);
		return;
	}
	r->state = table[from][e](r);
	forget_event(r);
	log_debug("%s: %s -> %s", event_names[e], state_names[from], state_names[r->state]);
	if (r->state != from && r->cb->state)
		r->cb->state(r->arg, run_state(r));
	if (r->state == S_DONE)
		r->cb->done(r->arg);
}

static void start(evutil_socket_t fd _unused_, short what _unused_, void *arg)
{
	run_step(arg, E_START);
}

static void on_timer(evutil_socket_t fd _unused_, short what _unused_, void *arg)
{
	run_step(arg, E_TIMER);
}

struct run *run_start(struct event_base *base, const struct config *config, const char *bundle, struct report *report,
		      const struct run_callbacks *cb, void *arg)
{
	struct run *r = xcalloc(1, sizeof(*r));

	*r = (struct run){ .base = base,
			   .config = config,
			   .bundle = xstrdup(bundle),
			   .report = report,
			   .cb = cb,
			   .arg = arg,
			   .lock_fd = -1 };
	r->ev_start = event_new(base, -1, 0, start, r);
	r->ev_timer = evtimer_new(base, on_timer, r);
	if (!r->ev_start || !r->ev_timer)
		out_of_memory();
	event_active(r->ev_start, 0, 0);
	return r;
}

void run_stop(struct run *r, const char *why)
{
	if (!r->stop_why)
		r->stop_why = why;
	run_step(r, E_STOP);
}

void run_child_restarted(struct run *r, const struct run_child *how)
{
	/* a second answer, while the run waits for the command of another service */
	if (r->state == S_RESTART && r->command)
		return;
	r->child = how;
	run_step(r, E_CHILD);
}

void run_host_answered(struct run *r)
{
	run_step(r, E_HOST);
}

const char *run_state(const struct run *r)
{
	static const char *const names[] = { "idle",	"before", "probe",   "support", "repair", "inherit",
					     "refresh", "plan",	  "want",    "fetch",	"share",  "running",
					     "apply",	"verify", "recheck", "owner",	"close",  "restart",
					     "settle",	"health", "after",   "done" };

	_Static_assert(ARRAY_SIZE(names) == S_MAX, "one name for each state");
	return names[r->state];
}

void run_free(struct run *r)
{
	if (!r)
		return;
	event_free(r->ev_start);
	event_free(r->ev_timer);
	closep(&r->lock_fd);
	strv_clear(&r->plugins);
	plan_clear(&r->plan);
	wire_list_clear(&msg_denial, &r->denials);
	wire_list_clear(&msg_evidence, &r->evidence);
	wire_list_clear(&msg_reason, &r->not_applicable);
	approved_clear(&r->inherited);
	wire_clear(&msg_apply, &r->left);
	procscan_clear(&r->scan);
	owners_clear(&r->owners);
	owners_clear(&r->before);
	strv_clear(&r->paths);
	services_clear(&r->services);
	if (r->decisions)
		restart_decisions_clear(r->decisions, r->n_decisions);
	free(r->decisions);
	restart_history_clear(&r->restart_history);
	free(r->bundle);
	free(r);
}
