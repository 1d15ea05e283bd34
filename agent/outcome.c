/* outcome.c - see outcome.h. */
#include "outcome.h"

void outcome_repositories(struct report *rep, struct wire_list *l)
{
	wire_list_clear(&msg_repository, &rep->repositories);
	rep->repositories = *l;
	*l = (struct wire_list){ 0 };
}

void outcome_refresh(struct report *rep, struct msg_refresh *m)
{
	outcome_repositories(rep, &m->repositories);
	for (size_t i = 0; i < m->alarms.n; i++) {
		const struct msg_reason *a = wire_list_at(&msg_reason, &m->alarms, i);
		bool known = false;

		/* a second refresh says the same again */
		for (size_t k = 0; k < rep->alarms.n && !known; k++) {
			const struct msg_reason *b = wire_list_at(&msg_reason, &rep->alarms, k);

			known = a->code == b->code && streq(strna(a->detail), strna(b->detail));
		}
		if (!known)
			wire_copy(&msg_reason, wire_list_add(&msg_reason, &rep->alarms), a);
	}
	rep->refreshed = true;
	rep->security_source = m->security_source;
	rep->bytes += m->bytes;
	wire_clear(&msg_refresh, m);
}

static void copy_list(const struct wire_message *m, struct wire_list *dst, const struct wire_list *src)
{
	for (size_t i = 0; i < src->n; i++)
		wire_copy(m, wire_list_add(m, dst), wire_list_at(m, src, i));
}

void outcome_plan(struct report *rep, const struct plan *plan)
{
	wire_list_clear(&msg_update, &rep->pending);
	wire_list_clear(&msg_update, &rep->kept_back);
	copy_list(&msg_update, &rep->pending, &plan->updates);
	copy_list(&msg_update, &rep->kept_back, &plan->kept_back);
	rep->planned = true;
}

void outcome_fetch(struct report *rep, const struct msg_fetch *m, struct wire_list *denials)
{
	rep->bytes += m->bytes;
	for (size_t i = 0; i < m->failed.n; i++) {
		const struct msg_failure *f = wire_list_at(&msg_failure, &m->failed, i);

		plan_deny(denials, f->package, f->arch, f->code, f->detail);
		wire_copy(&msg_failure, wire_list_add(&msg_failure, &rep->failed), f);
	}
}

static bool is_package(const struct msg_update *u, const char *package, const char *arch)
{
	return streq(u->package, package) && (!*strna(arch) || streq(u->arch, arch));
}

static struct msg_update *find(const struct wire_list *l, const char *package, const char *arch)
{
	for (size_t i = 0; i < l->n; i++) {
		struct msg_update *u = wire_list_at(&msg_update, l, i);

		if (is_package(u, package, arch))
			return u;
	}
	return NULL;
}

static void drop(struct wire_list *l, struct msg_update *u)
{
	size_t i = (size_t)(u - (struct msg_update *)l->v);

	wire_clear(&msg_update, u);
	memmove(u, u + 1, (l->n - i - 1) * sizeof(*u));
	l->n--;
}

/* What repair said about a package is over once an update of it was tried. */
static void forget_failure(struct report *rep, const char *package, const char *arch)
{
	for (size_t i = rep->failed.n; i-- > 0;) {
		struct msg_failure *f = wire_list_at(&msg_failure, &rep->failed, i);

		if (!streq(f->package, package) || (*strna(arch) && *strna(f->arch) && !streq(f->arch, arch)))
			continue;
		wire_clear(&msg_failure, f);
		memmove(f, f + 1, (rep->failed.n - i - 1) * sizeof(*f));
		rep->failed.n--;
	}
}

static void add_evidence(const struct wire_list *evidence, struct msg_update *u)
{
	for (size_t i = 0; i < evidence->n; i++) {
		const struct msg_evidence *e = wire_list_at(&msg_evidence, evidence, i);

		if (!is_package(u, e->package, e->arch))
			continue;
		for (size_t k = 0; k < e->cves.n; k++)
			if (!strv_contains(&u->cves, e->cves.v[k]))
				strv_push(&u->cves, e->cves.v[k]);
		for (size_t k = 0; k < e->advisories.n; k++)
			if (!strv_contains(&u->advisories, e->advisories.v[k]))
				strv_push(&u->advisories, e->advisories.v[k]);
	}
}

int outcome_apply(struct report *rep, const struct plan *plan, const struct wire_list *evidence,
		  const struct msg_apply *m, struct wire_list *denials, struct err *err)
{
	/* one false claim, and nothing it says is taken over */
	for (size_t i = 0; i < m->applied.n; i++) {
		const struct msg_package *a = wire_list_at(&msg_package, &m->applied, i);

		if (!find(&plan->updates, a->package, a->arch))
			return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "'%s' was applied without being planned",
				       a->package);
	}
	for (size_t i = 0; i < m->applied.n; i++) {
		const struct msg_package *a = wire_list_at(&msg_package, &m->applied, i);
		struct msg_update *pending = find(&rep->pending, a->package, a->arch);

		if (!pending)	/* said twice */
			continue;
		struct msg_update *mine = wire_list_add(&msg_update, &rep->applied);
		wire_copy(&msg_update, mine, pending);
		add_evidence(evidence, mine);
		drop(&rep->pending, pending);
		forget_failure(rep, a->package, a->arch);
	}
	for (size_t i = 0; i < m->failed.n; i++) {
		const struct msg_failure *f = wire_list_at(&msg_failure, &m->failed, i);
		struct msg_update *pending = find(&rep->pending, f->package, f->arch);

		forget_failure(rep, f->package, f->arch);
		wire_copy(&msg_failure, wire_list_add(&msg_failure, &rep->failed), f);
		plan_deny(denials, f->package, f->arch, f->code, f->detail);
		if (pending)
			drop(&rep->pending, pending);
	}
	copy_list(&msg_conffile, &rep->conffiles, &m->conffiles);
	for (size_t i = 0; i < m->conffiles.n; i++) {
		const struct msg_conffile *c = wire_list_at(&msg_conffile, &m->conffiles, i);

		report_alarm(rep, CODE_CONFFILE_KEPT, "%s of %s was changed here and stays as it is", c->path,
			     c->package);
	}
	copy_list(&msg_process, &rep->left_behind, &m->left_behind);
	for (size_t i = 0; i < m->left_behind.n; i++) {
		const struct msg_process *p = wire_list_at(&msg_process, &m->left_behind, i);

		report_alarm(rep, CODE_LEFT_BEHIND, "a maintainer script left process %lld running: %s",
			     (long long)p->pid, strna(p->cmdline));
	}
	copy_list(&msg_reason, &rep->alarms, &m->alarms);
	free(rep->log);
	rep->log = xstrdup(m->log);
	return 0;
}

void outcome_verify(struct report *rep, struct msg_verify *m, bool stopped)
{
	for (size_t i = 0; i < m->missing.n; i++) {
		struct msg_failure *f = wire_list_at(&msg_failure, &m->missing, i);
		struct msg_update *u = find(&rep->applied, f->package, f->arch);

		if (!u)
			continue;
		f->code = CODE_NOT_APPLIED;
		wire_copy(&msg_failure, wire_list_add(&msg_failure, &rep->failed), f);
		drop(&rep->applied, u);
	}
	wire_clear(&msg_database, &rep->probe.database);
	rep->probe.database = m->database;
	m->database = (struct msg_database){ 0 };
	if (stopped)
		return;
	for (size_t i = 0; i < rep->pending.n; i++) {
		const struct msg_update *u = wire_list_at(&msg_update, &rep->pending, i);
		struct msg_failure *f = wire_list_add(&msg_failure, &rep->failed);

		f->package = xstrdup(u->package);
		f->arch = xstrdup(u->arch);
		f->version = xstrdup(u->candidate);
		f->code = CODE_NOT_APPLIED;
		f->detail = xstrdup("the plugin neither applied it nor said why");
	}
	wire_list_clear(&msg_update, &rep->pending);
}

void outcome_recheck(struct report *rep, const struct wire_list *evidence, struct msg_verify *m)
{
	for (size_t i = rep->pending.n; i-- > 0;) {
		struct msg_update *u = wire_list_at(&msg_update, &rep->pending, i);
		bool missing = false;

		for (size_t k = 0; k < m->missing.n && !missing; k++) {
			const struct msg_failure *f = wire_list_at(&msg_failure, &m->missing, k);

			missing = is_package(u, f->package, f->arch);
		}
		if (missing)
			continue;
		struct msg_update *mine = wire_list_add(&msg_update, &rep->applied);
		wire_copy(&msg_update, mine, u);
		add_evidence(evidence, mine);
		forget_failure(rep, u->package, u->arch);
		drop(&rep->pending, u);
	}
	wire_clear(&msg_database, &rep->probe.database);
	rep->probe.database = m->database;
	m->database = (struct msg_database){ 0 };
}
