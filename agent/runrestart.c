/* runrestart.c - services of stale processes, and their one joint restart (runstate.h).
 *
 * Order: ask supervisors for names, decide, restart one after the other, wait
 * until the old processes are gone, ask for health, look again.
 */
#include "clock.h"
#include "fd.h"
#include "log.h"
#include "loop.h"
#include "procfacts.h"
#include "runstate.h"
#include "value.h"

#define COMMAND_EXTRA 90	/* s that a restart command may take beyond stop_timeout: systemd's own limit */
#define QUERY_TIMEOUT 20	/* s */
#define SETTLE_MS     100
#define TEXT_KEPT     400	/* bytes of a failed command's words */
#define HISTORY_FILE  "restarts"
#define HISTORY_BYTES (1024 * 1024)

/* --- which service is it? ---------------------------------------------------------- */

static void find_services(struct run *r)
{
	struct proc_node *tree = services_tree(&r->scan);
	pid_t *stale = xcalloc(r->report->stale.n + 1, sizeof(*stale));
	pid_t child = r->cb->child ? r->cb->child(r->arg) : 0;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < r->report->stale.n; i++)
		stale[i] = (pid_t)((const struct find_process *)wire_list_at(&find_process, &r->report->stale, i))->pid;
	services_clear(&r->services);
	if (services_find(tree, r->scan.n, stale, r->report->stale.n, child, "/proc", "", &r->services, &err) < 0)
		log_warning("services of stale processes: %s, ignoring", err.msg);
	free(tree);
	free(stale);
}

static void name_processes(struct run *r)
{
	for (size_t i = 0; i < r->report->stale.n && i < r->services.n_of; i++) {
		struct find_process *p = wire_list_at(&find_process, &r->report->stale, i);
		int s = r->services.of[i];

		free(p->service);
		free(p->kind);
		p->service = s < 0 ? NULL : xstrdup(r->services.v[s].name);
		p->kind = s < 0 ? NULL : xstrdup(service_kind_name(r->services.v[s].kind));
	}
}

void restarts_name(struct run *r)
{
	services_clear(&r->services);
	if (!r->report->stale.n)
		return;
	find_services(r);
	name_processes(r);
}

/* --- commands ---------------------------------------------------------------------------- */

static void on_command(void *arg, const struct command_result *result)
{
	struct run *r = arg;

	r->command = NULL;
	r->command_result = result;
	run_step(r, E_COMMAND);
}

static int start_command(struct run *r, const struct strv *words, int64_t timeout, bool for_service, struct err *err)
{
	cleanup_strv struct strv argv = { 0 };

	strv_copy(&argv, words);
	strv_take(&argv, NULL);
	const struct command_spec spec = {
		.argv = argv.v, .envp = command_environment, .timeout = timeout, .for_service = for_service
	};
	return command_start(r->base, &spec, on_command, r, &r->command, err);
}

/* A supervisor knows its programs' names; -1: all are answered. */
static int next_query(const struct run *r)
{
	for (size_t i = 0; i < r->services.n; i++)
		if (r->services.v[i].query.n)
			return (int)i;
	return -1;
}

static enum state restart_next(struct run *r);

/* When what the stale processes run was last replaced, by whomever; 0: unknown. */
static int64_t last_replaced(struct run *r)
{
	int64_t last = ledger_last(&r->report->ledger), t;

	for (size_t i = 0; i < r->report->stale.n; i++) {
		const struct find_process *p = wire_list_at(&find_process, &r->report->stale, i);

		for (size_t k = 0; k < p->reasons.n; k++) {
			const struct find_reason *f = wire_list_at(&find_reason, &p->reasons, k);
			const struct msg_owner *o = owners_find(&r->owners, f->file);

			if (o && o->installed && time_parse(o->installed, &t) == 0 && t > last)
				last = t;
		}
	}
	return last;
}

/* For each service the packages that its stale programs are of. */
static struct strv *find_packages(struct run *r)
{
	struct strv *l = xcalloc(r->services.n + 1, sizeof(*l));

	for (size_t i = 0; i < r->report->stale.n && i < r->services.n_of; i++) {
		const struct find_process *p = wire_list_at(&find_process, &r->report->stale, i);
		const struct msg_owner *o = owners_find(&r->owners, strna(p->exe));
		int s = r->services.of[i];

		if (s >= 0 && o && !strv_contains(&l[s], o->package))
			strv_push(&l[s], o->package);
	}
	return l;
}

static void read_history(struct run *r)
{
	cleanup_free char *path = xasprintf("%s/" HISTORY_FILE, r->config->report.state_dir);
	cleanup_buf struct buf text = { 0 };
	struct err ignored = ERR_INIT;

	if (read_file(path, HISTORY_BYTES, &text, &ignored) == 0)
		restart_history_read(&r->restart_history, buf_str(&text), text.n);
}

static enum state decide(struct run *r)
{
	struct strv *packages = find_packages(r);
	const char *health = strna(r->report->ledger.health);

	read_history(r);
	const struct restart_input in = {
		.mode = r->config->restart.mode,
		.never = &r->config->restart.never,
		.budget = r->config->restart.budget,
		.services = &r->services,
		.packages = packages,
		.history = &r->restart_history,
		.now = clock_wall(),
		.updated = last_replaced(r),
		.stopping = r->stop,
		.health = streq(health, health_name(HEALTH_UNHEALTHY)) ? HEALTH_UNHEALTHY : HEALTH_UNKNOWN,
	};
	r->n_decisions = r->services.n;
	r->decisions = xcalloc(r->n_decisions + 1, sizeof(*r->decisions));
	restart_decide(&in, r->decisions);
	for (size_t i = 0; i < r->services.n; i++)
		strv_clear(&packages[i]);
	free(packages);
	return restart_next(r);
}

static enum state ask_names(struct run *r)
{
	for (int i; (i = next_query(r)) >= 0;) {
		struct err err = ERR_INIT;

		if (!r->stop && start_command(r, &r->services.v[i].query, QUERY_TIMEOUT, false, &err) == 0)
			return S_RESTART;
		if (!r->stop)
			log_warning("name of service '%s': %s", r->services.v[i].name, err.msg);
		services_answer(&r->services, (size_t)i, "");
	}
	name_processes(r);
	return decide(r);
}

void restart_cancel_query(struct run *r)
{
	if (next_query(r) >= 0)
		command_cancel(r->command);
}

enum state restart_begin(struct run *r)
{
	const struct report *rep = r->report;

	if (rep->mode != MODE_ONCE || r->stop || !rep->stale.n || !r->services.n)
		return run_conclude(r);
	/* a name that needs a command is worth it only for a restart */
	return r->config->restart.mode == RESTART_SERVICE ? ask_names(r) : decide(r);
}

/* --- one after the other -------------------------------------------------------------------- */

static void record(struct run *r, enum code code, int64_t gap, const char *detail)
{
	const struct service *s = &r->services.v[r->next_decision];
	struct find_restart *f = wire_list_add(&find_restart, &r->report->restarts);

	f->service = xstrdup(s->name);
	f->kind = xstrdup(service_kind_name(s->kind));
	f->code = code;
	f->gap = gap;
	f->detail = xstrdup(detail);
	if (code == CODE_OK)
		log_notice("restarted %s (%s)", f->service, f->kind);
	else if (code_class(code) != CLASS_KEPT)
		log_warning("%s (%s) is not restarted: %s", f->service, f->kind, strna(detail));
	r->next_decision++;
}

static void note_restart(struct run *r)
{
	const struct service *s = &r->services.v[r->next_decision];
	cleanup_free char *key = restart_key(s), *path = xasprintf("%s/" HISTORY_FILE, r->config->report.state_dir);
	cleanup_buf struct buf text = { 0 };
	struct err err = ERR_INIT;

	restart_history_add(&r->restart_history, key, clock_wall());
	restart_history_write(&r->restart_history, &text);
	if (replace_file(path, 0600, text.s, text.n, &err) < 0)
		log_warning("save the restarts: %s, ignoring", err.msg);
	r->restarted = true;
}

/* All of them were seen to; what was told to end may take its time. */
static enum state settle_begin(struct run *r)
{
	if (!r->restarted)
		return run_conclude(r);
	r->settle_by = clock_ms() + (uint64_t)(r->config->restart.stop_timeout + 1) * 1000;
	loop_arm(r->ev_timer, 1);
	return S_SETTLE;
}

static enum state restart_next(struct run *r)
{
	while (r->next_decision < r->n_decisions) {
		const struct restart_decision *d = &r->decisions[r->next_decision];
		const struct service *s = &r->services.v[r->next_decision];
		struct err err = ERR_INIT;

		if (r->stop) {
			record(r, CODE_STOPPED, 0, "the run was asked to stop before it");
			continue;
		}
		if (d->action != RESTART_DO) {
			record(r, d->code, 0, d->detail);
			continue;
		}
		/* before it happens: a restart may be our own end */
		note_restart(r);
		if (s->kind == SERVICE_CHILD) {
			if (r->cb->restart_child(r->arg) == 0)
				return S_RESTART;
			record(r, CODE_RESTART_FAILED, 0, "PID 1 does not take the request");
			continue;
		}
		if (start_command(r, &s->restart, r->config->restart.stop_timeout + COMMAND_EXTRA, true, &err) == 0)
			return S_RESTART;
		record(r, CODE_RESTART_FAILED, 0, err.msg);
	}
	return settle_begin(r);
}

enum state restart_command_done(struct run *r)
{
	int query = next_query(r);
	cleanup_buf struct buf why = { 0 };

	if (query >= 0) {
		services_answer(&r->services, (size_t)query,
				command_ok(r->command_result) ? r->command_result->output : "");
		return ask_names(r);
	}
	if (command_ok(r->command_result)) {
		record(r, CODE_OK, 0, NULL);
	} else {
		command_describe(r->command_result, &why);
		if (why.n > TEXT_KEPT)
			why.s[TEXT_KEPT] = '\0';
		record(r, CODE_RESTART_FAILED, 0, buf_str(&why));
	}
	return restart_next(r);
}

enum state restart_child_done(struct run *r)
{
	record(r, r->child->code, r->child->gap, r->child->detail);
	return restart_next(r);
}

/* --- afterwards --------------------------------------------------------------------------------- */

/* Is a stale process of a restarted service still there? */
static bool old_ones_left(const struct run *r)
{
	for (size_t i = 0; i < r->report->stale.n && i < r->services.n_of; i++) {
		const struct find_process *p = wire_list_at(&find_process, &r->report->stale, i);
		int s = r->services.of[i];

		if (s >= 0 && (r->decisions[s].action == RESTART_DO || r->decisions[s].action == RESTART_WITH) &&
		    procfacts_same("/proc", (pid_t)p->pid, p->start))
			return true;
	}
	return false;
}

static void on_health(void *arg, const struct health_result *result)
{
	struct run *r = arg;

	r->health = NULL;
	r->health_result = result;
	run_step(r, E_HEALTH);
}

/* A service that was restarted and still runs old code could not be helped. */
static enum state look_again(struct run *r)
{
	scan_again(r);
	for (size_t i = 0; i < r->report->restarts.n; i++) {
		struct find_restart *f = wire_list_at(&find_restart, &r->report->restarts, i);

		for (size_t k = 0; f->code == CODE_OK && k < r->report->stale.n; k++) {
			const struct find_process *p = wire_list_at(&find_process, &r->report->stale, k);

			if (!streq(strna(p->service), f->service) || !streq(strna(p->kind), f->kind))
				continue;
			f->code = CODE_STILL_STALE;
			free(f->detail);
			f->detail = xasprintf("process %lld still runs old code after the restart", (long long)p->pid);
		}
	}
	return run_conclude(r);
}

static enum state health_begin(struct run *r)
{
	cleanup_strv struct strv argv = { 0 };
	struct err err = ERR_INIT;

	if (r->stop || !*strna(r->config->health.command))
		return look_again(r);
	if (value_argv(r->config->health.command, &argv, &err) < 0) {
		log_warning("health command: %s, ignoring", err.msg);
		return look_again(r);
	}
	r->health = health_start(r->base, &argv, command_environment, r->config->health.timeout, on_health, r);
	return S_HEALTH;
}

enum state restart_settle(struct run *r)
{
	if (old_ones_left(r) && clock_ms() < r->settle_by && !r->stop) {
		loop_arm(r->ev_timer, SETTLE_MS);
		return S_SETTLE;
	}
	return health_begin(r);
}

enum state restart_health_done(struct run *r)
{
	const struct health_result *h = r->health_result;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < r->report->restarts.n; i++) {
		struct find_restart *f = wire_list_at(&find_restart, &r->report->restarts, i);

		if (f->code == CODE_OK)
			f->health = xstrdup(health_name(h->state));
	}
	free(r->report->ledger.health);
	r->report->ledger.health = xstrdup(health_name(h->state));
	if (ledger_save(&r->report->ledger, r->config->report.state_dir, &err) < 0)
		log_warning("save the ledger: %s, ignoring", err.msg);
	if (h->state == HEALTH_UNHEALTHY)
		report_alarm(r->report, CODE_UNHEALTHY, "after the restart '%s' fails: %s", r->config->health.command,
			     strna(h->detail));
	return look_again(r);
}
