/* sets.c - see sets.h. */
#include <solv/repo.h>
#include "sets.h"

#define SET_BYTES (24 * 1024 * 1024) /* of package files: about five seconds */
#define SET_PACKAGES 30

struct maker {
	Pool *pool;
	const struct planned *p;
	size_t n;
	size_t *parent; /* union-find */
	size_t *replacer; /* per solvable: 1 + the package that replaces it, 0: stays */
	size_t *planned; /* per solvable: 1 + its index, 0: not planned */
};

static size_t root_of(struct maker *m, size_t i)
{
	while (m->parent[i] != i)
		i = m->parent[i] = m->parent[m->parent[i]];
	return i;
}

/* The lower one leads, so that sets keep the plan's order. */
static void join(struct maker *m, size_t a, size_t b)
{
	a = root_of(m, a);
	b = root_of(m, b);
	m->parent[a > b ? a : b] = a > b ? b : a;
}

static Id *deps_of(const Solvable *s, Offset o)
{
	return s->repo && o ? s->repo->idarraydata + o : NULL;
}

static bool provides(Pool *pool, Id p, Id dep)
{
	Id q, pp;

	FOR_PROVIDES(q, pp, dep)
	if (q == p)
		return true;
	return false;
}

static bool is_installed(const struct maker *m, Id p)
{
	return m->pool->solvables[p].repo == m->pool->installed;
}

/* What the new package needs and nothing installed has comes with it. */
static void join_requirements(struct maker *m, size_t i)
{
	Pool *pool = m->pool;
	const Solvable *s = &pool->solvables[m->p[i].id];
	Id *deps = deps_of(s, s->requires), dep, q, pp;

	while (deps && (dep = *deps++)) {
		bool met = false;

		FOR_PROVIDES(q, pp, dep)
		met |= is_installed(m, q) || q == m->p[i].id || q == SYSTEMSOLVABLE;
		if (met)
			continue;
		FOR_PROVIDES(q, pp, dep)
		if (m->planned[q])
			join(m, i, m->planned[q] - 1);
	}
}

/* What an installed package, that a set replaces, takes away from another. */
static void join_losses(struct maker *m, Id old)
{
	Pool *pool = m->pool;
	const Solvable *s = &pool->solvables[old];
	Id *deps = deps_of(s, s->requires), dep, q, pp;

	if (!m->replacer[old])
		return;
	while (deps && (dep = *deps++))
		FOR_PROVIDES(q, pp, dep)
		{
			size_t by = is_installed(m, q) ? m->replacer[q] : 0;

			if (by && by != m->replacer[old] && !provides(m->pool, m->p[by - 1].id, dep))
				join(m, m->replacer[old] - 1, by - 1);
		}
}

static void join_conflicts(struct maker *m, Id p, size_t i)
{
	Pool *pool = m->pool;
	const Solvable *s = &pool->solvables[p];
	Id *lists[] = { deps_of(s, s->conflicts), deps_of(s, s->obsoletes) };

	for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
		Id *deps = lists[k], dep, q, pp;

		while (deps && (dep = *deps++))
			FOR_PROVIDES(q, pp, dep)
			{
				if (is_installed(m, q) && m->replacer[q])
					join(m, i, m->replacer[q] - 1);
				else if (m->planned[q])
					join(m, i, m->planned[q] - 1);
			}
	}
}

/* Files move between packages of one source. */
static void join_sources(struct maker *m)
{
	cleanup_free const char **source = xcalloc(m->n + 1, sizeof(*source));

	for (size_t i = 0; i < m->n; i++) {
		Solvable *s = &m->pool->solvables[m->p[i].id];
		const char *text = solvable_lookup_sourcepkg(s);

		source[i] = text ? pool_tmpjoin(m->pool, text, NULL, NULL) : NULL;
		source[i] = xstrdup(source[i]);
	}
	for (size_t i = 0; i < m->n; i++)
		for (size_t k = i + 1; source[i] && k < m->n; k++)
			if (source[k] && streq(source[i], source[k]))
				join(m, i, k);
	for (size_t i = 0; i < m->n; i++)
		free((char *)(uintptr_t)source[i]);
}

static size_t number(struct maker *m, size_t *of)
{
	cleanup_free int64_t *bytes = xcalloc(m->n + 1, sizeof(*bytes));
	cleanup_free size_t *count = xcalloc(m->n + 1, sizeof(*count)),
			    *set_of_root = xcalloc(m->n + 1, sizeof(*set_of_root));
	size_t sets = 0;
	int64_t set_bytes = 0;
	size_t set_count = 0;

	for (size_t i = 0; i < m->n; i++) {
		bytes[root_of(m, i)] += m->p[i].size;
		count[root_of(m, i)]++;
	}
	for (size_t i = 0; i < m->n; i++) {
		size_t r = root_of(m, i);

		if (r == i) {
			if (!sets || set_bytes + bytes[i] > SET_BYTES || set_count + count[i] > SET_PACKAGES) {
				sets++;
				set_bytes = 0;
				set_count = 0;
			}
			set_bytes += bytes[i];
			set_count += count[i];
			set_of_root[i] = sets - 1;
		}
		of[i] = set_of_root[r];
	}
	return sets;
}

size_t sets_make(Pool *pool, const struct planned *p, size_t n, size_t *of)
{
	struct maker m = { .pool = pool, .p = p, .n = n };
	const Solvable *s;
	size_t sets;
	Id q;

	m.parent = xcalloc(n + 1, sizeof(*m.parent));
	m.replacer = xcalloc((size_t)pool->nsolvables, sizeof(*m.replacer));
	m.planned = xcalloc((size_t)pool->nsolvables, sizeof(*m.planned));
	for (size_t i = 0; i < n; i++) {
		m.parent[i] = i;
		m.planned[p[i].id] = i + 1;
		m.replacer[p[i].old] = p[i].old ? i + 1 : 0;
		m.replacer[p[i].replaces] = p[i].replaces ? i + 1 : 0;
	}
	for (size_t i = 0; i < n; i++) {
		join_requirements(&m, i);
		join_conflicts(&m, p[i].id, i);
		if (p[i].old)
			join_conflicts(&m, p[i].old, i);
	}
	FOR_REPO_SOLVABLES(pool->installed, q, s)
	join_losses(&m, q);
	join_sources(&m);
	sets = number(&m, of);
	free(m.parent);
	free(m.replacer);
	free(m.planned);
	return sets;
}
