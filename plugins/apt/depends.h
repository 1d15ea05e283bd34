/* depends.h - after one package failed: which others must be left alone?
 *
 * dpkg unpacks a package whatever its Depends say and then refuses to
 * configure it. Asking first keeps such packages at their old, working version.
 */
#pragma once
#include "dpkgdb.h"

struct depends_view {
	const struct dpkgdb *db;
	/* the version of NAME that is unpacked in the same call, or NULL */
	const char *(*coming)(const char *name, void *ctx);
	/* did NAME fail, or is it left alone because of one that did? */
	bool (*failed)(const char *name, void *ctx);
	void *ctx;
};

/* The first group of FIELD ("libc6 (>= 2.36), a | b") that names a failed
 * package and is met neither by what is installed nor by what comes along, or
 * NULL. A group that names no failed package is dpkg's own matter. Caller frees. */
char *depends_unmet(const char *field, const struct depends_view *view);
/* The Pre-Depends and Depends of a .deb as one field; "" when it cannot be
 * read. Caller frees. */
char *depends_of_deb(const char *path);
