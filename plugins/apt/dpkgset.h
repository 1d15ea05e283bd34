/* dpkgset.h - installing one set, and what is known about each package. */
#pragma once
#include "dpkgdb.h"
#include "dpkgrun.h"
#include "sets.h"

struct deb_progress {
	bool begun; /* its set was begun, and dpkg did not die before it */
	bool replacing; /* dpkg has it half-installed */
	bool unpacked, configured; /* steps counted as done */
	enum code code; /* why it failed; CODE_OK: it has not */
	char *detail;
};

struct apply {
	const struct dpkg_sets *sets;
	struct deb_progress *debs; /* one per sets->debs */
	struct msg_apply *ret; /* conffiles are added while dpkg runs */
	struct wire_list others; /* msg_failure: packages that were not ours to change */
	char *log;
	int64_t silence;
	int64_t done, total; /* steps */
	size_t errors; /* in the current call of dpkg */
	int64_t call_start; /* size of the log before it */
	bool begun, any_failed;
	bool disk_full; /* nothing more is unpacked */
	bool half_installed; /* a package of the last set needs its .deb again */
	struct err aborted; /* why no further set was begun */
};

/* Run dpkg with ARGS (emptied), noting what it says about each package.
 * Returns its exit status, or -1 with ERR. */
int apply_call(struct apply *a, struct strv *args, struct err *err);
/* Install one set. Packages that fail, and those of the set that need them,
 * are noted; -1 only when dpkg could not be run. */
int apply_set(struct apply *a, const struct dpkg_set *set, struct err *err);
void apply_clear(struct apply *a);
/* Note why deb I failed, unless a reason is known; DETAIL is taken. */
void apply_fail(struct apply *a, size_t i, enum code code, char *detail);
