/* census.h - the installed packages by name, and which are there twice. */
#pragma once
#include "rpmdb.h"

struct census_package {
	char *name, *arch, *evr;
	bool several; /* may be installed beside itself: kernels and the like */
};

struct census {
	struct census_package *v; /* sorted by name, architecture, then version, oldest first */
	size_t n;
};

/* CHECKED verifies the digest of each header. Codes: DATABASE_BROKEN. */
int census_take(const struct rpmdb_where *w, bool checked, struct census *ret, struct err *err);
/* The newest of that name and architecture (NULL: any), or NULL. */
const struct census_package *census_find(const struct census *c, const char *name, const char *arch);
/* Is entry I an older one of a package that is also there in a newer version? */
bool census_duplicate(const struct census *c, size_t i);
size_t census_duplicates(const struct census *c);
void census_clear(struct census *c);
#define cleanup_census _cleanup_(census_clear)
