/* screen.c - see screen.h. */
#include <solv/evr.h>
#include <solv/solvable.h>
#include "screen.h"

#define NAME_LENGTH 200 /* bytes of a name, a version, an architecture */

struct maker {
	const struct solve_input *in;
	struct screen *s;
	Id *installed; /* by name: one installed package */
};

static const char *name_of(const Pool *pool, const Solvable *s)
{
	return pool_id2str((Pool *)(uintptr_t)pool, s->name);
}

bool screen_ignores(const Pool *pool, const Solvable *s)
{
	/* names that begin like a kernel's and run in user space */
	static const char *const others[] = { "kernel-headers", "kernel-tools", "kernel-srpm-macros",
					      "kernel-rpm-macros", "kernelshark" };
	static const char *const photon[] = { "linux",	  "linux-aws",	  "linux-esx",
					      "linux-rt", "linux-secure", "linux-drivers-gpu" };
	const char *name = name_of(pool, s);

	for (size_t i = 0; i < ARRAY_SIZE(photon); i++)
		if (streq(name, photon[i]))
			return true;
	if (!starts_with(name, "kernel"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (starts_with(name, others[i]))
			return false;
	return name[6] == '\0' || name[6] == '-';
}

static uint16_t add_reason(struct screen *s, enum code code, char *detail)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->reasons[i].code == code && streq(strna(s->reasons[i].detail), strna(detail))) {
			free(detail);
			return (uint16_t)(i + 1);
		}
	if (s->n >= UINT16_MAX - 1) {
		free(detail);
		return (uint16_t)s->n;
	}
	s->reasons = xrealloc(s->reasons, s->n + 1, sizeof(*s->reasons));
	s->reasons[s->n++] = (struct screen_reason){ code, detail };
	return (uint16_t)s->n;
}

static void hold_back(struct screen *s, Id p, enum code code, char *detail)
{
	MAPCLR(&s->considered, p);
	if (!s->of[p])
		s->of[p] = add_reason(s, code, detail);
	else
		free(detail);
}

static size_t compile(const struct strv *patterns, regex_t **ret)
{
	size_t n = 0;

	*ret = xcalloc(patterns->n + 1, sizeof(**ret));
	for (size_t i = 0; i < patterns->n; i++) {
		cleanup_free char *anchored = xasprintf("^(%s)$", patterns->v[i]);

		/* the agent has checked them */
		if (regcomp(&(*ret)[n], anchored, REG_EXTENDED | REG_NOSUB) == 0)
			n++;
	}
	return n;
}

static bool any_matches(const regex_t *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (regexec(&v[i], name, 0, NULL, 0) == 0)
			return true;
	return false;
}

static void free_regexes(regex_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		regfree(&v[i]);
	free(v);
}

/* --- what the operator denies --------------------------------------------------- */

static void screen_denied(struct maker *m, Repo *repo, const regex_t *deny, size_t n)
{
	Pool *pool = repo->pool;
	const struct msg_plan_params *params = m->in->params;
	const Solvable *x;
	Id p;

	FOR_REPO_SOLVABLES(repo, p, x)
	{
		const char *name = name_of(pool, x), *arch = pool_id2str(pool, x->arch);

		for (size_t i = 0; i < params->denials.n; i++) {
			const struct msg_denial *d = wire_list_at(&msg_denial, &params->denials, i);

			if (streq(d->package, name) && (!*strna(d->arch) || streq(d->arch, arch)))
				hold_back(m->s, p, d->reason.code, xstrdup(strna(d->reason.detail)));
		}
		if (n && any_matches(deny, n, name))
			hold_back(m->s, p, CODE_DENY_LIST, xstrdup("updates.deny"));
		if (!params->allow_new && !m->installed[x->name] && !starts_with(name, "patch:"))
			hold_back(m->s, p, CODE_NEW_PACKAGE, xasprintf("%s is new and updates.allow_new = no", name));
	}
}

/* --- what the container's configuration excludes ----------------------------------- */

static bool matches_any(const struct strv *patterns, Pool *pool, const Solvable *x, const char **which)
{
	for (size_t i = 0; i < patterns->n; i++) {
		if (!repo_pattern_matches(patterns->v[i], name_of(pool, x), pool_id2str(pool, x->evr),
					  pool_id2str(pool, x->arch)))
			continue;
		*which = patterns->v[i];
		return true;
	}
	return false;
}

static void screen_excluded(struct maker *m, const struct solve_repo *r)
{
	Pool *pool = m->in->pool;
	const char *which = NULL;
	const Solvable *x;
	Id p;

	if (!r->conf || (!r->conf->exclude.n && !r->conf->include.n))
		return;
	FOR_REPO_SOLVABLES(r->repo, p, x)
	{
		if (matches_any(&r->conf->exclude, pool, x, &which))
			hold_back(m->s, p, CODE_HOLD, xasprintf("exclude=%s of repository '%s'", which, r->conf->id));
		else if (r->conf->include.n && !matches_any(&r->conf->include, pool, x, &which))
			hold_back(m->s, p, CODE_HOLD, xasprintf("not in includepkgs= of repository '%s'", r->conf->id));
	}
}

/* --- versionlock ------------------------------------------------------------------- */

static void collect_locked(const char *lock, Repo *repo, bool *names, bool *versions)
{
	Pool *pool = repo->pool;
	const struct strv one = { (char **)(uintptr_t)&lock, 1 };
	const char *which;
	const Solvable *x;
	Id p;

	FOR_REPO_SOLVABLES(repo, p, x)
	{
		if (!matches_any(&one, pool, x, &which))
			continue;
		names[x->name] = true;
		versions[p] = true;
	}
}

static void screen_locked(struct maker *m)
{
	Pool *pool = m->in->pool;
	cleanup_free bool *names = xcalloc((size_t)pool->ss.nstrings, sizeof(*names));
	cleanup_free bool *locked = xcalloc((size_t)pool->nsolvables, sizeof(*locked));

	for (size_t i = 0; m->in->locks && i < m->in->locks->n; i++) {
		const char *lock = m->in->locks->v[i];
		cleanup_free bool *none = *lock == '!' ? xcalloc((size_t)pool->nsolvables, sizeof(*none)) : NULL;
		cleanup_free bool *unnamed = *lock == '!' ? xcalloc((size_t)pool->ss.nstrings, sizeof(*unnamed)) : NULL;

		if (!none)
			collect_locked(lock, pool->installed, names, locked);
		for (size_t k = 0; k < m->in->n_repos; k++)
			collect_locked(lock + (none != NULL), m->in->repos[k].repo, none ? unnamed : names,
				       none ? none : locked);
		for (Id p = 1; none && p < pool->nsolvables; p++)
			if (none[p])
				hold_back(m->s, p, CODE_HOLD, xasprintf("versionlock %s", lock));
	}
	for (size_t k = 0; k < m->in->n_repos; k++) {
		const Solvable *x;
		Id p;

		FOR_REPO_SOLVABLES(m->in->repos[k].repo, p, x)
		if (names[x->name] && !locked[p])
			hold_back(m->s, p, CODE_HOLD, xasprintf("versionlock of %s", name_of(pool, x)));
	}
}

/* --- modules ------------------------------------------------------------------------- */

static bool is_modular(const Pool *pool, const Solvable *s)
{
	const char *evr = pool_id2str((Pool *)(uintptr_t)pool, s->evr);

	return strstr(evr, ".module+") || strstr(evr, ".module_");
}

/* Packages of other streams are invisible, as they are for dnf: no reason is noted. */
static void screen_modules(struct maker *m, const struct solve_repo *r)
{
	Pool *pool = m->in->pool;
	const Solvable *x;
	Id p;

	if (r->conf && r->conf->module_hotfixes)
		return;
	FOR_REPO_SOLVABLES(r->repo, p, x)
	{
		Id old = m->installed[x->name];
		bool new_modular = is_modular(pool, x), old_modular = old && is_modular(pool, &pool->solvables[old]);

		if (!new_modular && !old_modular)
			continue;
		if (old && new_modular != old_modular)
			MAPCLR(&m->s->considered, p);
		else if (m->in->modules && modules_hide(m->in->modules, name_of(pool, x), pool_id2str(pool, x->evr),
							pool_id2str(pool, x->arch)))
			MAPCLR(&m->s->considered, p);
	}
}

/* As dnf has it: of the repositories that have a package, the one of the best
 * priority alone may update it, whatever the others have. */
static void screen_priorities(struct maker *m)
{
	Pool *pool = m->in->pool;
	cleanup_free Repo **best = xcalloc((size_t)pool->ss.nstrings, sizeof(Repo *));
	bool differ = false;
	const Solvable *x;
	Id p;

	for (size_t i = 0; i < m->in->n_repos; i++) {
		Repo *repo = m->in->repos[i].repo;

		differ |= repo->priority != m->in->repos[0].repo->priority;
		FOR_REPO_SOLVABLES(repo, p, x)
		if (MAPTST(&m->s->considered, p) && (!best[x->name] || repo->priority > best[x->name]->priority))
			best[x->name] = repo;
	}
	for (size_t i = 0; differ && i < m->in->n_repos; i++) {
		FOR_REPO_SOLVABLES(m->in->repos[i].repo, p, x)
		if (best[x->name] && x->repo->priority < best[x->name]->priority &&
		    !starts_with(name_of(pool, x), "patch:"))
			hold_back(m->s, p, CODE_HOLD,
				  xasprintf("repository '%s' has %s at a better priority", best[x->name]->name,
					    name_of(pool, x)));
	}
}

/* What no package has in its name: it would end the agent's trust in the whole plan. */
static bool is_legal(Pool *pool, const Solvable *s)
{
	static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+_-:~^";
	const char *const words[] = { pool_id2str(pool, s->name), pool_id2str(pool, s->evr),
				      pool_id2str(pool, s->arch) };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!*words[i] || words[i][strspn(words[i], legal)] || strlen(words[i]) > NAME_LENGTH)
			return false;
	return true;
}

static void screen_kernels(struct maker *m, Repo *repo)
{
	const Solvable *x;
	Id p;

	FOR_REPO_SOLVABLES(repo, p, x)
	if (screen_ignores(repo->pool, x) || !is_legal(repo->pool, x))
		MAPCLR(&m->s->considered, p);
}

void screen_make(const struct solve_input *in, struct screen *ret)
{
	Pool *pool = in->pool;
	cleanup_free Id *installed = xcalloc((size_t)pool->ss.nstrings, sizeof(*installed));
	struct maker m = { in, ret, installed };
	regex_t *deny;
	size_t n = compile(&in->params->deny, &deny);
	const Solvable *x;
	Id p;

	*ret = (struct screen){ .end = pool->nsolvables };
	ret->of = xcalloc((size_t)pool->nsolvables, sizeof(*ret->of));
	map_init(&ret->considered, pool->nsolvables);
	map_setall(&ret->considered);
	ret->n_allow = compile(&in->params->allow, &ret->allow);
	ret->n_fixes = compile(&in->params->fixes, &ret->fixes);
	FOR_REPO_SOLVABLES(pool->installed, p, x)
	installed[x->name] = p;
	for (size_t i = 0; i < in->n_repos; i++) {
		screen_kernels(&m, in->repos[i].repo);
		screen_modules(&m, &in->repos[i]);
		screen_excluded(&m, &in->repos[i]);
		screen_denied(&m, in->repos[i].repo, deny, n);
	}
	screen_priorities(&m);
	if (in->locks && in->locks->n)
		screen_locked(&m);
	free_regexes(deny, n);
}

void screen_clear(struct screen *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->reasons[i].detail);
	free(s->reasons);
	free(s->of);
	map_free(&s->considered);
	free_regexes(s->allow, s->n_allow);
	free_regexes(s->fixes, s->n_fixes);
	*s = (struct screen){ 0 };
}

bool screen_wants(const struct screen *s, const char *id, const struct strv *cves)
{
	bool wanted = !s->n_fixes || any_matches(s->fixes, s->n_fixes, id);

	for (size_t i = 0; i < cves->n && !wanted; i++)
		wanted = any_matches(s->fixes, s->n_fixes, cves->v[i]);
	return wanted;
}

const struct screen_reason *screen_reason(const struct screen *s, Id p)
{
	return p < s->end && s->of[p] ? &s->reasons[s->of[p] - 1] : NULL;
}

const char *screen_not_allowed(const struct screen *s, const Pool *pool, const Solvable *p)
{
	if (!s->n_allow || any_matches(s->allow, s->n_allow, name_of(pool, p)))
		return NULL;
	return "no entry of updates.allow matches";
}

void screen_blame(const struct screen *s, Pool *pool, Id dep, struct solve_update *u)
{
	for (Id p = 1; dep && p < s->end; p++) {
		Solvable *x = &pool->solvables[p];

		if (!s->of[p] || !x->repo || !solvable_matchesdep(x, SOLVABLE_PROVIDES, dep, 0))
			continue;
		const struct screen_reason *r = &s->reasons[s->of[p] - 1];
		char *old = u->detail;
		u->detail = xasprintf("%s; %s is kept back: %s", strna(old), pool_solvable2str(pool, x), r->detail);
		free(old);
		if (r->code == CODE_NEW_PACKAGE)
			u->kept = CODE_NEW_PACKAGE;
		return;
	}
}
