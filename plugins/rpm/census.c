/* census.c - see census.h. */
#include "census.h"

static bool may_be_several(Header h)
{
	/* each says so itself; packages of old distributions do not */
	static const char *const words[] = { "installonlypkg(", "kernel-modules", "multiversion(" };
	const char *name = strna(headerGetString(h, RPMTAG_NAME));
	struct rpmtd_s td;
	bool several = streq(name, "kernel") || starts_with(name, "kernel-");

	if (several || !headerGet(h, RPMTAG_PROVIDENAME, &td, HEADERGET_MINMEM))
		return several;
	while (rpmtdNext(&td) >= 0)
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			several |= starts_with(strna(rpmtdGetString(&td)), words[i]);
	rpmtdFreeData(&td);
	return several;
}

static bool add(Header h, unsigned offset _unused_, void *ctx)
{
	struct census *c = ctx;
	const char *name = strna(headerGetString(h, RPMTAG_NAME));

	if (streq(name, "gpg-pubkey"))
		return true;
	if (c->n % 64 == 0)
		c->v = xrealloc(c->v, c->n + 64, sizeof(*c->v));
	c->v[c->n++] = (struct census_package){ .name = xstrdup(name),
						.arch = xstrdup(strna(headerGetString(h, RPMTAG_ARCH))),
						.evr = rpmdb_evr(h),
						.several = may_be_several(h) };
	return true;
}

static int by_package(const void *a, const void *b)
{
	const struct census_package *x = a, *y = b;
	int d = strcmp(x->name, y->name);

	if (!d)
		d = strcmp(x->arch, y->arch);
	return d ? d : rpmdb_evr_compare(x->evr, y->evr);
}

int census_take(const struct rpmdb_where *w, bool checked, struct census *ret, struct err *err)
{
	if (rpmdb_each(w, checked, add, ret, err) < 0) {
		census_clear(ret);
		return -1;
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_package);
	return 0;
}

const struct census_package *census_find(const struct census *c, const char *name, const char *arch)
{
	const struct census_package *found = NULL;

	for (size_t i = 0; i < c->n; i++)
		if (streq(c->v[i].name, name) && (!*strna(arch) || streq(c->v[i].arch, arch)))
			found = &c->v[i];
	return found;
}

bool census_duplicate(const struct census *c, size_t i)
{
	return i + 1 < c->n && !c->v[i].several && streq(c->v[i].name, c->v[i + 1].name) &&
	       streq(c->v[i].arch, c->v[i + 1].arch);
}

size_t census_duplicates(const struct census *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += census_duplicate(c, i);
	return n;
}

void census_clear(struct census *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].name);
		free(c->v[i].arch);
		free(c->v[i].evr);
	}
	free(c->v);
	*c = (struct census){ 0 };
}
