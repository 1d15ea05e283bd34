/* reach.c - see reach.h. */
#include <solv/bitmap.h>
#include <solv/dataiterator.h>
#include <solv/queue.h>
#include "reach.h"
#include "util.h"

#define PREFIX "patch:"

struct obsoleter {
	Id old, by; /* names */
};

struct reach {
	Pool *pool;
	Id *first, *next; /* solvables by name: the first of a name, the next after a solvable */
	struct obsoleter *obsoleters; /* sorted by the old name */
	size_t n_obsoleters;
	Map names, asked; /* in the set; whose providers were looked up */
	Queue todo; /* names whose packages are still to be looked at */
	Queue deps; /* of one package: what is left of it */
};

static void add_name(struct reach *r, Id name)
{
	if (ISRELDEP(name) || MAPTST(&r->names, name))
		return;
	MAPSET(&r->names, name);
	queue_push(&r->todo, name);
}

static bool has_two_sides(int flags)
{
	/* a comparison's other side is a version */
	return flags > 7;
}

static void add_providers(struct reach *r, Id word)
{
	Pool *pool = r->pool;
	Id p, pp;

	if (MAPTST(&r->asked, word))
		return;
	MAPSET(&r->asked, word);
	FOR_PROVIDES(p, pp, word)
	add_name(r, pool->solvables[p].name);
}

/* Metadata can nest dependencies as deep as it likes: no recursion. */
static void follow(struct reach *r, Id dep)
{
	queue_push(&r->deps, dep);
	while (r->deps.count) {
		Id d = queue_pop(&r->deps);

		if (!ISRELDEP(d)) {
			add_providers(r, d);
			continue;
		}
		const Reldep *rd = GETRELDEP(r->pool, d);
		queue_push(&r->deps, rd->name);
		if (has_two_sides(rd->flags))
			queue_push(&r->deps, rd->evr);
	}
}

static int by_old(const void *a, const void *b)
{
	const struct obsoleter *x = a, *y = b;

	return x->old < y->old ? -1 : x->old > y->old;
}

static void note_obsoletes(struct reach *r, const Solvable *s)
{
	const Id *deps = s->obsoletes ? s->repo->idarraydata + s->obsoletes : NULL;
	Id dep;

	while (deps && (dep = *deps++)) {
		while (ISRELDEP(dep))
			dep = GETRELDEP(r->pool, dep)->name;
		if (r->n_obsoleters % 256 == 0)
			r->obsoleters = xrealloc(r->obsoleters, r->n_obsoleters + 256, sizeof(*r->obsoleters));
		r->obsoleters[r->n_obsoleters++] = (struct obsoleter){ dep, s->name };
	}
}

static void index_solvables(struct reach *r)
{
	Pool *pool = r->pool;

	for (Id p = pool->nsolvables - 1; p > 0; p--) {
		const Solvable *s = &pool->solvables[p];

		if (!s->repo || ISRELDEP(s->name))
			continue;
		r->next[p] = r->first[s->name];
		r->first[s->name] = p;
		if (s->repo != pool->installed)
			note_obsoletes(r, s);
	}
	if (r->n_obsoleters)
		qsort(r->obsoleters, r->n_obsoleters, sizeof(*r->obsoleters), by_old);
}

static void add_obsoleters(struct reach *r, Id name)
{
	size_t lo = 0, hi = r->n_obsoleters;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->obsoleters[mid].old < name)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < r->n_obsoleters && r->obsoleters[lo].old == name; lo++)
		add_name(r, r->obsoleters[lo].by);
}

static void find_names(struct reach *r)
{
	const Solvable *s;
	Id p;

	FOR_REPO_SOLVABLES(r->pool->installed, p, s)
	add_name(r, s->name);
	while (r->todo.count) {
		Id name = queue_pop(&r->todo), dep;

		add_obsoleters(r, name);
		for (p = r->first[name]; p; p = r->next[p]) {
			s = &r->pool->solvables[p];
			const Id *deps = s->requires ? s->repo->idarraydata + s->requires : NULL;
			while (deps && (dep = *deps++))
				follow(r, dep);
		}
	}
}

static bool names_any(const struct reach *r, Id patch)
{
	Dataiterator di;
	bool found = false;

	dataiterator_init(&di, r->pool, NULL, patch, UPDATE_COLLECTION, NULL, 0);
	while (!found && dataiterator_step(&di)) {
		dataiterator_setpos(&di);
		Id name = pool_lookup_id(r->pool, SOLVID_POS, UPDATE_COLLECTION_NAME);
		found = name > 0 && !ISRELDEP(name) && name < r->pool->ss.nstrings && MAPTST(&r->names, name);
	}
	dataiterator_free(&di);
	return found;
}

static void reduce(const struct reach *r, Repo *repo)
{
	const Solvable *s;
	Id p;

	FOR_REPO_SOLVABLES(repo, p, s)
	{
		bool in = !ISRELDEP(s->name) && MAPTST(&r->names, s->name);

		if (!in && !(starts_with(pool_id2str(r->pool, s->name), PREFIX) && names_any(r, p)))
			repo_free_solvable(repo, p, 0);
	}
}

void reach_reduce(Pool *pool, Repo *const *repos, size_t n)
{
	struct reach r = { .pool = pool };

	pool_addfileprovides(pool);
	pool_createwhatprovides(pool);
	r.first = xcalloc((size_t)pool->ss.nstrings, sizeof(*r.first));
	r.next = xcalloc((size_t)pool->nsolvables, sizeof(*r.next));
	map_init(&r.names, pool->ss.nstrings);
	map_init(&r.asked, pool->ss.nstrings);
	queue_init(&r.todo);
	queue_init(&r.deps);
	index_solvables(&r);
	find_names(&r);
	for (size_t i = 0; i < n; i++)
		reduce(&r, repos[i]);
	free(r.first);
	free(r.next);
	free(r.obsoleters);
	map_free(&r.names);
	map_free(&r.asked);
	queue_free(&r.todo);
	queue_free(&r.deps);
	pool_freewhatprovides(pool);
}
