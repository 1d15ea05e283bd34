/* hostdates.h - the highest Date of each suite and repository: an entry cannot step it back. */
#pragma once
#include "buf.h"
#include "err.h"

#define HOSTDATES_MAX 1024	/* suites and repositories; those known first stay */

/* OLD and NEW are folders like entry/ (hoststate.h): write into NEW the later date
 * of each. OLD -1: none yet. NEW may be hostile in content, it is ours in form.
 * Codes: IO. */
int hostdates_merge(int old, int new, struct err *err);
/* The text of apt/dates (lines of date, mtime, size, fingerprint, key) of OLD and
 * NEW as one: the caller frees RET. NOW bounds what NEW may claim. */
void hostdates_join(const char *old, const char *new, int64_t now, struct buf *ret);
