/* runupdate.c - the steps from probe to verify (runstate.h). */
#include <stdio.h>
#include "clock.h"
#include "log.h"
#include "outcome.h"
#include "runstate.h"
#include "support.h"

#define PLANS_MAX  10		/* rounds of plan and refusal in one run */
#define PASSES_MAX 3		/* apply rounds, when the package manager updates itself */
#define APPLY_MAX  (4 * 3600)	/* s; the plugin's own script_timeout is far shorter */

/* --- requests ---------------------------------------------------------------- */

static struct plugin_limits quick(const struct run *r)
{
	return (struct plugin_limits){ .deadline = r->config->updates.plugin_timeout };
}

static struct plugin_limits transfer(const struct run *r)
{
	/* the plugin ends its transfers itself; this is for one that does not */
	return (struct plugin_limits){ .deadline = r->config->network.timeout + r->config->updates.plugin_timeout };
}

static struct plugin_limits change(const struct run *r)
{
	return (struct plugin_limits){ .deadline = APPLY_MAX,
				       .silence = r->config->updates.script_timeout + r->config->updates.lock_timeout +
						  r->config->updates.plugin_timeout,
				       .bytes = 4 * WIRE_PLAN_MAX };
}

static enum state request_probe(struct run *r)
{
	plugin_request(r->plugin, "probe", probe_params(r->config), quick(r));
	return S_PROBE;
}

static enum state request_refresh(struct run *r, const char *scope)
{
	struct msg_refresh_params in = { .scope = (char *)(uintptr_t)scope, .origins = r->config->updates.origins };

	log_notice("refreshing %s repositories", streq(scope, "all") ? "all" : "the security");
	plugin_request(r->plugin, "refresh", wire_encode(&msg_refresh_params, &in), transfer(r));
	return S_REFRESH;
}

enum state update_refresh(struct run *r)
{
	return request_refresh(r, "security");
}

static enum state request_plan(struct run *r)
{
	plan_clear(&r->plan);
	plugin_request(r->plugin, "plan", plan_params(r->config, &r->denials, streq(strna(r->report->plugin), "rpm")),
		       quick(r));
	return S_PLAN;
}

static enum state request_digest(struct run *r, const char *method, struct plugin_limits limits, enum state next)
{
	struct msg_digest in = { .digest = r->plan.summary.digest };

	plugin_request(r->plugin, method, wire_encode(&msg_digest, &in), limits);
	return next;
}

void update_ask_database(struct run *r, const struct wire_list *updates, size_t from)
{
	struct msg_verify_params in = { 0 };

	for (size_t i = from; i < updates->n; i++) {
		const struct msg_update *u = wire_list_at(&msg_update, updates, i);
		struct msg_package *p = wire_list_add(&msg_package, &in.packages);

		p->package = xstrdup(u->package);
		p->arch = xstrdup(u->arch);
		p->version = xstrdup(u->candidate);
	}
	plugin_request(r->plugin, "verify", wire_encode(&msg_verify_params, &in), quick(r));
	wire_clear(&msg_verify_params, &in);
}

/* --- plugin callbacks --------------------------------------------------------- */

static int on_event(void *arg, const char *name, struct json_object *line, struct err *err)
{
	struct run *r = arg;

	if (streq(name, "progress")) {
		struct msg_progress p = { 0 };

		if (wire_decode(&msg_progress, line, &p, err) < 0)
			return -1;
		if (r->cb->progress)
			r->cb->progress(r->arg, &p);
		wire_clear(&msg_progress, &p);
		return 0;
	}
	if (streq(name, "log")) {
		struct msg_log l = { 0 };

		if (wire_decode(&msg_log, line, &l, err) < 0)
			return -1;
		log_msg(streq(l.level, "warning") ? LOG_WARNING :
			streq(l.level, "notice")  ? LOG_NOTICE :
			streq(l.level, "debug")	  ? LOG_DEBUG :
						    LOG_INFO,
			"%s: %s", strna(r->report->plugin), l.message);
		wire_clear(&msg_log, &l);
		return 0;
	}
	if (streq(name, "evidence") && (r->state == S_APPLY || r->state == S_FETCH)) {
		if (r->evidence.n >= 20000)
			return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "too much evidence");
		return wire_decode(&msg_evidence, line, wire_list_add(&msg_evidence, &r->evidence), err);
	}
	if (streq(name, "lists") && r->state == S_REFRESH)
		return host_lists(r, line, err);
	return r->state == S_PLAN ? plan_event(&r->plan, name, line, err) : 0;
}

static void on_done(void *arg, struct json_object *result, const struct err *failure, const struct msg_error *details)
{
	struct run *r = arg;

	r->result = result;
	r->failure = failure;
	r->details = details;
	run_step(r, result ? E_RESULT : E_ERROR);
}

static void on_gone(void *arg, int64_t max_rss)
{
	struct run *r = arg;

	if (max_rss > r->report->plugin_max_rss)
		r->report->plugin_max_rss = max_rss;
	r->plugin = NULL;
	run_step(r, E_GONE);
}

static const struct plugin_callbacks plugin_callbacks = { on_event, on_done, on_gone };

/* --- IDLE ---------------------------------------------------------------------- */

enum state update_next_plugin(struct run *r)
{
	struct err err = ERR_INIT;
	const char *path = r->plugins.v[r->next_plugin++];
	const char *name = strrchr(path, '-') + 1;
	struct plugin_spec spec = {
		.path = path, .name = name, .bundle = r->bundle, .timeout = r->config->updates.plugin_timeout
	};

	free(r->report->plugin);
	r->report->plugin = xstrdup(name);
	if (plugin_start(r->base, &spec, &plugin_callbacks, r, &r->plugin, &err) < 0) {
		r->recheck = false;
		return run_give_up(r, &err);
	}
	return request_probe(r);
}

enum state update_begin(struct run *r)
{
	struct err err = ERR_INIT;

	if (plugin_list(r->bundle, &r->plugins, &err) < 0)
		return run_give_up(r, &err);
	return update_next_plugin(r);
}

/* --- PROBE, REPAIR -------------------------------------------------------------- */

static enum state after_probe(struct run *r)
{
	const struct msg_database *db = &r->report->probe.database;

	if (r->stop)
		return run_wind_up(r);
	bool interrupted = streq(strna(db->state), "interrupted");
	if (r->report->mode != MODE_ONCE && interrupted)
		report_alarm(r->report, CODE_INTERRUPTED, "%s", strna(db->detail));
	if (r->report->mode == MODE_ONCE && (inherit_any(r) || interrupted)) {
		if (interrupted)
			log_notice("the package database is interrupted (%s): finishing that first", strna(db->detail));
		plugin_request(r->plugin, "repair", NULL, change(r));
		return S_REPAIR;
	}
	if (r->report->mode == MODE_PROBE)
		return run_wind_up(r);
	return inherit_begin(r);
}

enum state update_probe_result(struct run *r)
{
	struct report *rep = r->report;

	if (r->recheck) {
		update_ask_database(r, &rep->pending, 0);
		return S_RECHECK;
	}
	struct err err = ERR_INIT;
	const struct msg_hello *hello = plugin_hello(r->plugin);

	wire_clear(&msg_probe, &rep->probe);
	if (wire_decode(&msg_probe, r->result, &rep->probe, &err) < 0)
		return run_give_up(r, &err);
	free(rep->plugin_version);
	rep->plugin_version = hello ? xstrdup(hello->version) : NULL;
	if (!rep->probe.applicable) {
		reason_add(&r->not_applicable, CODE_NO_PACKAGE_MANAGER, "%s: %s", rep->plugin,
			   strna(rep->probe.reason));
		rep->probed |= *strna(rep->probe.distribution.id) != '\0';
		r->again = true;
		return run_close_plugin(r);
	}
	rep->probed = true;
	if (rep->mode == MODE_SCAN)
		return run_wind_up(r);	/* what blocks an update does not block a look */
	/* the report has one list of each, whoever found them */
	wire_list_clear(&msg_reason, &rep->blocked);
	rep->blocked = rep->probe.blocked;
	rep->probe.blocked = (struct wire_list){ 0 };
	for (size_t i = 0; i < rep->probe.alarms.n; i++)
		wire_copy(&msg_reason, wire_list_add(&msg_reason, &rep->alarms),
			  wire_list_at(&msg_reason, &rep->probe.alarms, i));
	wire_list_clear(&msg_reason, &rep->probe.alarms);
	if (streq(strna(rep->probe.database.state), "broken"))
		report_block(rep, CODE_DATABASE_BROKEN, "%s", strna(rep->probe.database.detail));
	if (rep->blocked.n)
		return run_wind_up(r);
	if (hello && strv_contains(&hello->capabilities, "support")) {
		plugin_request(r->plugin, "support", NULL, quick(r));
		return S_SUPPORT;
	}
	return after_probe(r);
}

enum state update_support_result(struct run *r)
{
	struct msg_support m = { 0 };
	struct err err = ERR_INIT;

	if (wire_decode(&msg_support, r->result, &m, &err) < 0)
		return run_give_up(r, &err);
	support_alarms(&m, &r->report->alarms);
	wire_clear(&msg_support, &r->report->support);
	r->report->support = m;
	r->report->support_known = true;
	return after_probe(r);
}

/* What is not known of support keeps no update back; a plugin that is at fault fails in what follows. */
enum state update_support_error(struct run *r)
{
	log_warning("support of installed packages: %s, ignoring", r->failure->msg);
	return after_probe(r);
}

enum state update_repair_result(struct run *r)
{
	struct msg_repair m = { 0 };
	struct err err = ERR_INIT;

	if (wire_decode(&msg_repair, r->result, &m, &err) < 0)
		return run_give_up(r, &err);
	for (size_t i = 0; i < m.actions.n; i++)
		report_alarm(r->report, CODE_REPAIRED, "%s", m.actions.v[i]);
	/* not denied: an update of the package may be what mends it */
	for (size_t i = 0; i < m.failed.n; i++)
		wire_copy(&msg_failure, wire_list_add(&msg_failure, &r->report->failed),
			  wire_list_at(&msg_failure, &m.failed, i));
	if (m.log && !r->report->log)
		r->report->log = xstrdup(m.log);
	if (m.repaired && !m.failed.n) {
		struct msg_database *db = &r->report->probe.database;

		free(db->state);
		free(db->detail);
		db->state = xstrdup("clean");
		db->detail = NULL;
	}
	wire_clear(&msg_repair, &m);
	return r->stop ? run_wind_up(r) : inherit_begin(r);
}

/* --- REFRESH, PLAN ---------------------------------------------------------------- */

enum state update_refresh_result(struct run *r)
{
	struct msg_refresh m = { 0 };
	struct err err = ERR_INIT;

	if (wire_decode(&msg_refresh, r->result, &m, &err) < 0)
		return run_give_up(r, &err);
	outcome_refresh(r->report, &m);
	return r->stop ? run_wind_up(r) : request_plan(r);
}

enum state update_refresh_error(struct run *r)
{
	if (r->details) {
		struct msg_error copy = { 0 };

		wire_copy(&msg_error, &copy, r->details);
		outcome_repositories(r->report, &copy.repositories);
		wire_clear(&msg_error, &copy);
	}
	return run_give_up(r, r->failure);
}

enum state update_plan_result(struct run *r)
{
	struct err err = ERR_INIT;

	if (plan_result(&r->plan, r->result, &err) < 0)
		return run_give_up(r, &err);
	if (++r->plans > PLANS_MAX) {
		(void)err_set(&err, CODE_PLUGIN_PROTOCOL, 0, "no plan that the policy accepts after %d rounds",
			      PLANS_MAX);
		return run_give_up(r, &err);
	}
	int refused = plan_check(r->config, &r->plan, &r->report->repositories, &r->denials, &err);
	if (refused < 0)
		return run_give_up(r, &err);
	outcome_plan(r->report, &r->plan);
	if (r->stop)
		return run_wind_up(r);
	if (refused > 0)
		return request_plan(r);
	if (r->plan.summary.incomplete && !r->refreshed_all) {
		r->refreshed_all = true;
		return request_refresh(r, "all");
	}
	if (r->report->mode != MODE_ONCE || !r->plan.updates.n)
		return run_wind_up(r);
	return host_want(r);
}

/* --- FETCH, APPLY, VERIFY ------------------------------------------------------------ */

enum state update_fetch(struct run *r)
{
	log_notice("fetching %zu packages", r->plan.updates.n);
	return request_digest(r, "fetch", transfer(r), S_FETCH);
}

enum state update_fetch_result(struct run *r)
{
	struct msg_fetch m = { 0 };
	struct err err = ERR_INIT;

	if (wire_decode(&msg_fetch, r->result, &m, &err) < 0)
		return run_give_up(r, &err);
	outcome_fetch(r->report, &m, &r->denials);
	bool replan = m.failed.n > 0;
	wire_clear(&msg_fetch, &m);
	if (r->stop)
		return run_wind_up(r);
	if (replan)
		return request_plan(r);
	return host_share(r);
}

enum state update_apply(struct run *r)
{
	log_notice("applying %zu updates", r->plan.updates.n);
	inherit_leave(r);
	return request_digest(r, "apply", change(r), S_APPLY);
}

/* The plugin died, hung or lied while it changed the container. The run has
 * failed, but what was applied is a fact: a new plugin asks the database. */
static enum state distrust(struct run *r, const struct err *why)
{
	r->recheck = true;
	r->approved = false; /* until the database has answered: else the next run asks */
	r->next_plugin--;
	return run_give_up(r, why);
}

enum state update_apply_result(struct run *r)
{
	struct msg_apply m = { 0 };
	struct err err = ERR_INIT;
	size_t before = r->report->applied.n;

	if (wire_decode(&msg_apply, r->result, &m, &err) < 0)
		return distrust(r, &err);
	int bad = outcome_apply(r->report, &r->plan, &r->evidence, &m, &r->denials, &err);
	r->passes++;
	r->again = bad >= 0 && m.again && !m.stopped && r->passes < PASSES_MAX;
	r->stop |= m.stopped;
	wire_clear(&msg_apply, &m);
	if (bad < 0)
		return distrust(r, &err);
	update_ask_database(r, &r->report->applied, before);
	return S_VERIFY;
}

void update_record(struct run *r)
{
	struct report *rep = r->report;
	struct err err = ERR_INIT;

	if (r->recorded == rep->applied.n)
		return;
	for (; r->recorded < rep->applied.n; r->recorded++) {
		const struct msg_update *u = wire_list_at(&msg_update, &rep->applied, r->recorded);

		/* the run that was cut off may have come as far as this */
		if (u->interrupted_run && ledger_has(&rep->ledger, u))
			continue;
		struct ledger_update *l = ledger_add(&rep->ledger, u, clock_wall());

		for (size_t k = 0; k < r->before.v.n; k++) {
			const struct msg_owner *o = wire_list_at(&msg_owner, &r->before.v, k);

			if (streq(o->package, u->package) && streq(strna(o->arch), u->arch))
				ledger_add_file(l, o->path);
		}
	}
	if (ledger_save(&rep->ledger, r->config->report.state_dir, &err) < 0)
		log_warning("save the ledger: %s, ignoring", err.msg);
}

enum state update_verify_result(struct run *r)
{
	struct msg_verify m = { 0 };
	struct err err = ERR_INIT;

	if (wire_decode(&msg_verify, r->result, &m, &err) < 0)
		return run_give_up(r, &err);
	outcome_verify(r->report, &m, r->stop);
	wire_clear(&msg_verify, &m);
	update_record(r);
	if (r->again && !r->stop) {
		r->again = false;
		log_info("the package manager itself was updated: planning once more");
		return request_plan(r);
	}
	r->again = false;
	return run_wind_up(r);
}

/* Not verified, but done: the ledger must not lack it. */
enum state update_verify_error(struct run *r)
{
	update_record(r);
	return run_give_up(r, r->failure);
}

enum state update_apply_error(struct run *r)
{
	enum code code = r->failure->code;

	if (code != CODE_PLUGIN_DIED && code != CODE_PLUGIN_TIMEOUT && code != CODE_PLUGIN_PROTOCOL)
		return run_give_up(r, r->failure);
	return distrust(r, r->failure);
}

enum state update_recheck_result(struct run *r)
{
	struct msg_verify m = { 0 };
	struct err err = ERR_INIT;

	r->recheck = false;
	if (wire_decode(&msg_verify, r->result, &m, &err) == 0) {
		outcome_recheck(r->report, &r->evidence, &m);
		r->approved = true;
	}
	wire_clear(&msg_verify, &m);
	update_record(r);
	return run_wind_up(r);
}

/* The first failure is the one that counts. */
enum state update_recheck_error(struct run *r)
{
	r->recheck = false;
	log_warning("asking the database what was applied: %s, ignoring", r->failure->msg);
	return run_wind_up(r);
}
