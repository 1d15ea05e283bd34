/* advisory.c - see advisory.h. */
#include <solv/dataiterator.h>
#include <solv/repo.h>
#include "advisory.h"

#define PREFIX "patch:"
#define CVES_MAX 1000 /* of one advisory */

static const char *const severity_names[] = { "", "low", "moderate", "important", "critical" };

const char *advisory_severity_name(enum advisory_severity s)
{
	return severity_names[s];
}

enum advisory_severity advisory_severity_from(const char *text)
{
	for (size_t i = 1; i < ARRAY_SIZE(severity_names); i++)
		if (!strcasecmp(text, severity_names[i]))
			return (enum advisory_severity)i;
	return strcasecmp(text, "medium") ? SEVERITY_UNKNOWN : SEVERITY_MODERATE;
}

static void read_references(Pool *pool, struct advisory *a)
{
	Dataiterator di;

	dataiterator_init(&di, pool, NULL, a->patch, UPDATE_REFERENCE, NULL, 0);
	while (dataiterator_step(&di) && a->cves.n < CVES_MAX) {
		dataiterator_setpos(&di);
		const char *type = pool_lookup_str(pool, SOLVID_POS, UPDATE_REFERENCE_TYPE);
		const char *id = pool_lookup_str(pool, SOLVID_POS, UPDATE_REFERENCE_ID);

		if (type && id && streq(type, "cve") && !strv_contains(&a->cves, id))
			strv_push(&a->cves, id);
	}
	dataiterator_free(&di);
}

static void read_collection(Pool *pool, struct advisories *a, size_t advisory)
{
	Dataiterator di;

	dataiterator_init(&di, pool, NULL, a->v[advisory].patch, UPDATE_COLLECTION, NULL, 0);
	while (dataiterator_step(&di)) {
		dataiterator_setpos(&di);
		struct advisory_entry e = { pool_lookup_id(pool, SOLVID_POS, UPDATE_COLLECTION_NAME),
					    pool_lookup_id(pool, SOLVID_POS, UPDATE_COLLECTION_EVR),
					    pool_lookup_id(pool, SOLVID_POS, UPDATE_COLLECTION_ARCH), advisory };

		if (!e.name || !e.evr || !e.arch)
			continue;
		if (a->n_entries % 256 == 0)
			a->entries = xrealloc(a->entries, a->n_entries + 256, sizeof(*a->entries));
		a->entries[a->n_entries++] = e;
	}
	dataiterator_free(&di);
}

void advisories_add(struct advisories *a, Repo *repo)
{
	Pool *pool = repo->pool;
	const Solvable *s;
	Id p;

	FOR_REPO_SOLVABLES(repo, p, s)
	{
		const char *name = pool_id2str(pool, s->name), *category, *severity;

		if (!starts_with(name, PREFIX))
			continue;
		category = pool_lookup_str(pool, p, SOLVABLE_PATCHCATEGORY);
		if (!category || strcasecmp(category, "security") != 0)
			continue;
		severity = pool_lookup_str(pool, p, UPDATE_SEVERITY);
		if (a->n % 64 == 0)
			a->v = xrealloc(a->v, a->n + 64, sizeof(*a->v));
		a->v[a->n++] = (struct advisory){
			.patch = p,
			.id = name + strlen(PREFIX),
			.severity = advisory_severity_from(strna(severity)),
			.issued = (int64_t)pool_lookup_num(pool, p, SOLVABLE_BUILDTIME, 0),
		};
		read_references(pool, &a->v[a->n - 1]);
		read_collection(pool, a, a->n - 1);
	}
}

static int by_name(const void *a, const void *b)
{
	const struct advisory_entry *x = a, *y = b;

	return x->name != y->name ? (x->name < y->name ? -1 : 1) :
	       x->advisory < y->advisory ? -1 :
					   x->advisory > y->advisory;
}

void advisories_sort(struct advisories *a)
{
	if (a->n_entries)
		qsort(a->entries, a->n_entries, sizeof(*a->entries), by_name);
}

const struct advisory_entry *advisories_of(const struct advisories *a, Id name, size_t *n)
{
	size_t lo = 0, hi = a->n_entries;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (a->entries[mid].name < name)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (*n = 0; lo + *n < a->n_entries && a->entries[lo + *n].name == name; (*n)++)
		;
	return *n ? &a->entries[lo] : NULL;
}

void advisories_clear(struct advisories *a)
{
	for (size_t i = 0; i < a->n; i++)
		strv_clear(&a->v[i].cves);
	free(a->v);
	free(a->entries);
	*a = (struct advisories){ 0 };
}
