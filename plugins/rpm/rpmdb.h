/* rpmdb.h - the container's rpm database: which kind it is, and what is in it.
 *
 * librpm opens what it is told and makes an empty database when it finds none of
 * that kind, so the kind is found out first, from file names, and said to it.
 * sqlite and bdb are read by librpm (bdb cannot be written), ndb by ndb.c.
 */
#pragma once
#include <rpm/header.h>
#include <rpm/rpmts.h>
#include "err.h"
#include "messages.h"

enum rpmdb_kind { RPMDB_NONE, RPMDB_SQLITE, RPMDB_BDB, RPMDB_NDB };

struct rpmdb_where {
	enum rpmdb_kind kind;
	const char *dir; /* "/var/lib/rpm", a static string */
};

/* Codes: NO_PACKAGE_MANAGER (there is none), UNSUPPORTED_DATABASE (several, or
 * one that this does not know), each with what was found. */
int rpmdb_find(const char *root, struct rpmdb_where *ret, struct err *err);
const char *rpmdb_kind_name(enum rpmdb_kind kind);

/* Read rpm's configuration (the bundle's, never the container's) and point
 * librpm at the database of the root "/". Once a process. */
int rpmdb_setup(const struct rpmdb_where *w, struct err *err);
/* A transaction set that reads the database; CHECKED also verifies the digest
 * of each header. Free with rpmtsFree(). */
rpmts rpmdb_ts(bool checked);

/* Call FN with each installed package's header, until it returns false. OFFSET
 * names the header for erasing. Codes: DATABASE_BROKEN. */
typedef bool rpmdb_each_fn(Header h, unsigned offset, void *ctx);
int rpmdb_each(const struct rpmdb_where *w, bool checked, rpmdb_each_fn *fn, void *ctx, struct err *err);

/* ndb.c: the same for the file PATH of kind ndb. Its bytes are hostile. */
int ndb_each(const char *path, rpmdb_each_fn *fn, void *ctx, struct err *err);

/* "[epoch:]version-release" of H; caller frees. */
char *rpmdb_evr(Header h);
/* rpm's own comparison of two of those. */
int rpmdb_evr_compare(const char *a, const char *b);
