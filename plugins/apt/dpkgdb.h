/* dpkgdb.h - the dpkg database as it lies on disk, read without dpkg.
 *
 * The files come from a container and are hostile: sizes are bounded, only
 * regular files are opened, every field that is used is checked. The packages
 * point into the text that was read; they live as long as the struct.
 */
#pragma once
#include "buf.h"
#include "err.h"
#include "messages.h"

#define DPKGDB_DIR "/var/lib/dpkg"
#define DPKGDB_STATUS_MAX (64UL * 1024 * 1024) /* the largest seen in the wild is 8 MiB */

/* In dpkg's order: from UNPACKED on the files are those of `version`. */
enum dpkgdb_status {
	DPKGDB_NOT_INSTALLED,
	DPKGDB_CONFIG_FILES,
	DPKGDB_HALF_INSTALLED,
	DPKGDB_UNPACKED,
	DPKGDB_HALF_CONFIGURED,
	DPKGDB_TRIGGERS_AWAITED,
	DPKGDB_TRIGGERS_PENDING,
	DPKGDB_INSTALLED,
};

struct dpkgdb_package {
	const char *name, *arch, *version; /* "" when absent, never NULL */
	const char *source, *source_version; /* of the source package: the same as its own unless it says otherwise */
	enum dpkgdb_status status;
	bool reinstall; /* "reinstreq": broken until unpacked again */
	size_t order; /* of appearance: a later entry replaces an earlier one */
};

struct dpkgdb {
	struct buf *texts; /* status, then the journal; the packages point into them */
	size_t n_texts;
	struct dpkgdb_package *packages; /* by name, then architecture */
	size_t n;
	size_t installed; /* packages with files in place */
	size_t journal; /* entries in updates/: dpkg was cut off */
};

/* Read ROOT/var/lib/dpkg ("" for /). On failure RET is empty and ERR is
 * CODE_DATABASE_BROKEN (file, line, remedy) or CODE_NO_PACKAGE_MANAGER (there
 * is no such database). */
int dpkgdb_read(const char *root, struct dpkgdb *ret, struct err *err);
void dpkgdb_clear(struct dpkgdb *db);
#define cleanup_dpkgdb _cleanup_(dpkgdb_clear)

/* ARCH "" or NULL: whichever there is, when there is one. A package of
 * architecture "all" is also found under the native name, and the reverse. */
const struct dpkgdb_package *dpkgdb_find(const struct dpkgdb *db, const char *name, const char *arch);
/* "half-configured", as dpkg writes it. */
const char *dpkgdb_status_name(enum dpkgdb_status s);
/* Configured, nothing pending, in at least VERSION? */
bool dpkgdb_at_version(const struct dpkgdb_package *p, const char *version);
/* "the database says: half-configured in 1.2-3"; P may be NULL. Caller frees. */
char *dpkgdb_describe(const struct dpkgdb_package *p);
/* Does `dpkg --configure -a` have work? Says what in DETAIL (may be NULL). */
bool dpkgdb_interrupted(const struct dpkgdb *db, struct buf *detail);
