/* targets.c - see targets.h. */
#include <solv/bitmap.h>
#include <solv/evr.h>
#include <solv/repo.h>
#include "targets.h"

static struct target *add_target(struct state *st, Id installed)
{
	struct target *t;

	if (st->n_targets % 64 == 0)
		st->targets = xrealloc(st->targets, st->n_targets + 64, sizeof(*st->targets));
	t = &st->targets[st->n_targets++];
	*t = (struct target){ .installed = installed };
	queue_init(&t->candidates);
	return t;
}

static bool arch_fits(Id a, Id b)
{
	return a == b || a == ARCH_NOARCH || b == ARCH_NOARCH;
}

/* Does the policy take this advisory? Else *CODE and *DETAIL say why not. */
static bool takes(const struct state *st, const struct advisory *a, enum code *code, char **detail)
{
	const struct msg_plan_params *p = st->in->params;
	enum advisory_severity min = advisory_severity_from(strna(p->min_severity));

	if (a->severity != SEVERITY_UNKNOWN && a->severity < min) {
		*code = CODE_BELOW_SEVERITY;
		free(*detail);
		*detail = xasprintf("%s is %s, updates.min_severity = %s", a->id, advisory_severity_name(a->severity),
				    advisory_severity_name(min));
		return false;
	}
	if (!screen_wants(&st->screen, a->id, &a->cves)) {
		*code = CODE_NOT_ALLOWED;
		free(*detail);
		*detail = xasprintf("updates.fixes has neither %s nor what it fixes", a->id);
		return false;
	}
	if (a->issued && st->in->now - a->issued < p->min_age) {
		*code = CODE_TOO_NEW;
		free(*detail);
		*detail = xasprintf("%s is %lld h old, updates.min_age = %llds", a->id,
				    (long long)((st->in->now - a->issued) / 3600), (long long)p->min_age);
		return false;
	}
	return true;
}

static void add_facts(const struct advisory *a, struct solve_update *u)
{
	u->security = true;
	if (a->severity > u->severity)
		u->severity = a->severity;
	if (!strv_contains(&u->advisories, a->id))
		strv_push(&u->advisories, a->id);
	if (a->issued > u->issued)
		u->issued = a->issued;
	for (size_t i = 0; i < a->cves.n; i++)
		if (!strv_contains(&u->cves, a->cves.v[i]))
			strv_push(&u->cves, a->cves.v[i]);
}

void targets_facts(const struct state *st, const Solvable *old, const Solvable *new, struct solve_update *u)
{
	size_t n;
	const struct advisory_entry *e = advisories_of(&st->advisories, new->name, &n);
	enum code code;

	for (size_t i = 0; i < n; i++) {
		const struct advisory *a = &st->advisories.v[e[i].advisory];
		cleanup_free char *detail = NULL;

		if (!arch_fits(e[i].arch, new->arch) ||
		    (old && pool_evrcmp(st->pool, e[i].evr, old->evr, EVRCMP_COMPARE) <= 0) ||
		    pool_evrcmp(st->pool, e[i].evr, new->evr, EVRCMP_COMPARE) > 0 || !takes(st, a, &code, &detail))
			continue;
		add_facts(a, u);
	}
}

static bool usable(const struct state *st, Id p)
{
	const Solvable *s = &st->pool->solvables[p];

	return s->repo && s->repo != st->pool->installed && MAPTST(&st->screen.considered, p) &&
	       pool_installable(st->pool, &st->pool->solvables[p]);
}

/* Packages of NAME that ARCH may become, from version LOW on. EXACT: that alone. */
static void candidates_from(const struct state *st, Id name, Id arch, Id low, bool exact, Queue *ret)
{
	Pool *pool = st->pool;
	Id p, pp;

	FOR_PROVIDES(p, pp, name)
	{
		const Solvable *s = &pool->solvables[p];

		if (s->name != name || !arch_fits(s->arch, arch) || !usable(st, p))
			continue;
		int c = pool_evrcmp(st->pool, s->evr, low, EVRCMP_COMPARE);
		if (exact ? c == 0 : c >= 0)
			queue_pushunique(ret, p);
	}
}

static Id lowest(const Pool *pool, const Queue *q)
{
	Id best = 0;

	for (int i = 0; i < q->count; i++)
		if (!best || pool_evrcmp(pool, pool->solvables[q->elements[i]].evr, pool->solvables[best].evr,
					 EVRCMP_COMPARE) < 0)
			best = q->elements[i];
	return best;
}

/* Minimal: versions that advisories name. When the repository has none of those
 * any more (some keep the newest alone), the lowest above them. */
static void fill_candidates(const struct state *st, Id name, Id arch, const Id *fixes, size_t n, Queue *ret)
{
	const bool minimal = st->in->params->minimal;
	Id low = 0, high = 0;

	for (size_t i = 0; i < n; i++) {
		if (!low || pool_evrcmp(st->pool, fixes[i], low, EVRCMP_COMPARE) < 0)
			low = fixes[i];
		if (!high || pool_evrcmp(st->pool, fixes[i], high, EVRCMP_COMPARE) > 0)
			high = fixes[i];
		if (minimal)
			candidates_from(st, name, arch, fixes[i], true, ret);
	}
	if (!n || ret->count)
		return;
	candidates_from(st, name, arch, minimal ? high : low, false, ret);
	if (minimal && ret->count) {
		Id one = lowest(st->pool, ret);

		queue_empty(ret);
		queue_push(ret, one);
	}
}

/* The best package that the screen holds back, to name it in a report. */
static Id screened_candidate(const struct state *st, const Solvable *old, Id fix)
{
	Id best = 0, p;

	for (p = 1; p < st->pool->nsolvables; p++) {
		const Solvable *s = &st->pool->solvables[p];

		if (!s->repo || s->repo == st->pool->installed || s->name != old->name ||
		    !arch_fits(s->arch, old->arch) || !screen_reason(&st->screen, p) ||
		    pool_evrcmp(st->pool, s->evr, fix, EVRCMP_COMPARE) < 0)
			continue;
		if (!best || pool_evrcmp(st->pool, s->evr, st->pool->solvables[best].evr, EVRCMP_COMPARE) > 0)
			best = p;
	}
	return best;
}

void targets_keep(struct solve_update *u, enum code code, const char *detail)
{
	u->kept = code;
	free(u->detail);
	u->detail = xstrdup(detail);
}

static void security_target(struct state *st, Id installed)
{
	const Solvable *old = &st->pool->solvables[installed];
	size_t n, fixes = 0;
	const struct advisory_entry *e = advisories_of(&st->advisories, old->name, &n);
	cleanup_free Id *fix = xcalloc(n + 1, sizeof(*fix));
	struct solve_update refused = { .old = installed };
	Id newest = 0;

	for (size_t i = 0; i < n; i++) {
		const struct advisory *a = &st->advisories.v[e[i].advisory];

		if (!arch_fits(e[i].arch, old->arch) || pool_evrcmp(st->pool, e[i].evr, old->evr, EVRCMP_COMPARE) <= 0)
			continue;
		if (!newest || pool_evrcmp(st->pool, e[i].evr, newest, EVRCMP_COMPARE) > 0)
			newest = e[i].evr;
		if (takes(st, a, &refused.kept, &refused.detail)) {
			fix[fixes++] = e[i].evr;
			continue;
		}
		add_facts(a, &refused);
	}
	if (newest && !screen_ignores(st->pool, old)) {
		struct target *t = add_target(st, installed);
		const char *why = screen_not_allowed(&st->screen, st->pool, old);

		fill_candidates(st, old->name, old->arch, fix, fixes, &t->candidates);
		if (!fixes) {
			t->facts = refused;
			refused = (struct solve_update){ 0 };
			Queue q;
			queue_init(&q);
			candidates_from(st, old->name, old->arch, newest, false, &q);
			t->facts.id = lowest(st->pool, &q);
			queue_free(&q);
		} else if (why) {
			t->facts.id = t->candidates.count ? t->candidates.elements[0] : 0;
			queue_empty(&t->candidates);
			targets_keep(&t->facts, CODE_NOT_ALLOWED, why);
		} else if (!t->candidates.count) {
			const struct screen_reason *r;
			Id p = screened_candidate(st, old, fix[0]);

			t->facts.id = p;
			r = p ? screen_reason(&st->screen, p) : NULL;
			if (r)
				targets_keep(&t->facts, r->code, r->detail);
			else
				targets_keep(&t->facts, CODE_UNMET_DEPENDENCY,
					     "an advisory names the fix, and no enabled repository offers it");
		}
		t->facts.old = installed;
		if (t->facts.id && !t->facts.security)
			targets_facts(st, old, &st->pool->solvables[t->facts.id], &t->facts);
	}
	free(refused.detail);
	strv_clear(&refused.advisories);
	strv_clear(&refused.cves);
}

static void plain_target(struct state *st, Id installed)
{
	Pool *pool = st->pool;
	const Solvable *old = &pool->solvables[installed];
	struct target t = { .installed = installed };
	Id p, pp;

	queue_init(&t.candidates);
	FOR_PROVIDES(p, pp, old->name)
	{
		const Solvable *s = &st->pool->solvables[p];

		if (s->name == old->name && arch_fits(s->arch, old->arch) && usable(st, p) &&
		    pool_evrcmp(st->pool, s->evr, old->evr, EVRCMP_COMPARE) > 0)
			queue_push(&t.candidates, p);
	}
	if (t.candidates.count && !screen_ignores(st->pool, old) && !screen_not_allowed(&st->screen, st->pool, old))
		add_target(st, installed)->candidates = t.candidates;
	else
		queue_free(&t.candidates);
}

/* What P obsoletes of the installed packages, or 0. */
static Id obsoleted_by(Pool *pool, const Solvable *s)
{
	Id *deps = s->repo && s->obsoletes ? s->repo->idarraydata + s->obsoletes : NULL;
	Id dep, p, pp;

	while (deps && (dep = *deps++))
		FOR_PROVIDES(p, pp, dep)
	if (pool->solvables[p].repo == pool->installed && pool->solvables[p].name != s->name &&
	    pool_match_nevr(pool, &pool->solvables[p], dep))
		return p;
	return 0;
}

static bool name_installed(Pool *pool, Id name)
{
	Id p, pp;

	FOR_PROVIDES(p, pp, name)
	if (pool->solvables[p].repo == pool->installed && pool->solvables[p].name == name)
		return true;
	return false;
}

/* A package under a new name that takes the place of an installed one: a target
 * when its version (or, for the latest, an earlier one) is a security update. */
static void obsoleter_targets(struct state *st)
{
	for (size_t r = 0; r < st->in->n_repos; r++) {
		const Solvable *s;
		Id p;

		FOR_REPO_SOLVABLES(st->in->repos[r].repo, p, s)
		{
			struct solve_update facts = { 0 };

			if (!s->obsoletes || !usable(st, p) || name_installed(st->pool, s->name) ||
			    !obsoleted_by(st->pool, s) || screen_not_allowed(&st->screen, st->pool, s))
				continue;
			targets_facts(st, NULL, s, &facts);
			size_t n;
			const struct advisory_entry *e = advisories_of(&st->advisories, s->name, &n);
			bool named = false;
			for (size_t i = 0; i < n; i++)
				named |= e[i].evr == s->evr && arch_fits(e[i].arch, s->arch);
			if (st->all || (facts.security && (named || !st->in->params->minimal)))
				queue_push(&add_target(st, 0)->candidates, p);
			strv_clear(&facts.advisories);
			strv_clear(&facts.cves);
		}
	}
}

void targets_find(struct state *st)
{
	const Solvable *s;
	Id p;

	FOR_REPO_SOLVABLES(st->pool->installed, p, s)
	{
		size_t before = st->n_targets;

		security_target(st, p);
		if (!st->all)
			continue;
		/* an update that is no security update, or a newer one than the fix */
		if (st->n_targets > before && st->targets[before].candidates.count)
			candidates_from(st, s->name, s->arch,
					st->pool->solvables[st->targets[before].candidates.elements[0]].evr, false,
					&st->targets[before].candidates);
		else if (st->n_targets == before)
			plain_target(st, p);
	}
	obsoleter_targets(st);
}
