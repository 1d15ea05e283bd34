/* runinherit.c - what a run that was cut off in the middle of an apply has left (runstate.h, approved.h). */
#include "clock.h"
#include "log.h"
#include "runstate.h"

/* --- before an apply ------------------------------------------------------------ */

static void copy_list(const struct wire_message *m, struct wire_list *to, const struct wire_list *from)
{
	for (size_t i = 0; i < from->n; i++)
		wire_copy(m, wire_list_add(m, to), wire_list_at(m, from, i));
}

void inherit_leave(struct run *r)
{
	const struct report *rep = r->report;
	cleanup_approved struct approved a = { .host = xstrdup(strna(rep->container.host)) };
	char when[TIME_TEXT_MAX];
	struct err err = ERR_INIT;

	time_format(rep->time, when);
	a.time = xstrdup(when);
	a.id = xstrdup(rep->container.id);
	copy_list(&msg_update, &a.updates, &r->plan.updates);
	/* earlier passes are in no report yet either */
	copy_list(&msg_update, &a.updates, &rep->applied);
	copy_list(&msg_owner, &a.owners, &r->before.v);
	r->approved = approved_save(&a, r->config->report.state_dir, &err) == 0;
	if (!r->approved)
		log_warning("save what is being applied: %s, ignoring", err.msg);
}

/* --- before a refresh ------------------------------------------------------------- */

bool inherit_any(struct run *r)
{
	return r->report->mode == MODE_ONCE &&
	       approved_read(r->config->report.state_dir, &r->report->container, &r->inherited);
}

enum state inherit_begin(struct run *r)
{
	if (!r->inherited.updates.n)
		return update_refresh(r);
	update_ask_database(r, &r->inherited.updates, 0);
	return S_INHERIT;
}

static bool is_missing(const struct msg_verify *m, const struct msg_update *u)
{
	for (size_t i = 0; i < m->missing.n; i++) {
		const struct msg_failure *f = wire_list_at(&msg_failure, &m->missing, i);

		if (streq(f->package, u->package) && (!*strna(f->arch) || streq(f->arch, u->arch)))
			return true;
	}
	return false;
}

static void book(struct run *r, const struct msg_verify *m)
{
	const struct approved *a = &r->inherited;
	struct report *rep = r->report;

	for (size_t i = 0; i < a->updates.n; i++) {
		const struct msg_update *u = wire_list_at(&msg_update, &a->updates, i);

		if (is_missing(m, u))
			continue;
		struct msg_update *mine = wire_list_add(&msg_update, &rep->applied);
		wire_copy(&msg_update, mine, u);
		if (!mine->interrupted_run)
			mine->interrupted_run = xstrdup(a->time);
	}
	/* the running files of then, for the ledger alone: those of now are not asked for yet */
	owners_add(&r->before, &r->inherited.owners);
	update_record(r);
	owners_clear(&r->before);
	if (rep->applied.n)
		report_alarm(rep, CODE_REPAIRED,
			     "the run of %s was cut off while it applied updates: %zu of its %zu are in place", a->time,
			     rep->applied.n, a->updates.n);
}

/* What the plugin had to say when nobody listened any more. */
static void take_answer(struct run *r)
{
	struct report *rep = r->report;

	copy_list(&msg_conffile, &rep->conffiles, &r->left.conffiles);
	copy_list(&msg_process, &rep->left_behind, &r->left.left_behind);
	copy_list(&msg_reason, &rep->alarms, &r->left.alarms);
	if (!rep->log)
		rep->log = xstrdup(r->left.log);
}

enum state inherit_result(struct run *r)
{
	struct msg_verify m = { 0 };
	struct err err = ERR_INIT;

	if (wire_decode(&msg_verify, r->result, &m, &err) < 0)
		return run_give_up(r, &err);
	book(r, &m);
	approved_read_answer(r->config->report.state_dir, &r->left);
	take_answer(r);
	wire_clear(&msg_verify, &m);
	r->approved = true;
	return r->stop ? run_wind_up(r) : update_refresh(r);
}
