/* statedir.h - the folder that outlives a run, and its lock: one run at a time. */
#pragma once
#include "err.h"

/* Make DIR (0711: the downloads' own user passes through to what is below; the
 * files in it are 0600) and take DIR/lock; *RET is the lock's descriptor, to be
 * closed by the caller, and untouched on failure. Codes of class BLOCKED say
 * that the container is at fault: read_only_root, not_root,
 * missing_capability, no_space, busy; else io. A folder that exists is left with
 * the mode that it has, and refused (io) when it is /, of another user, writable
 * for others, or holds somebody else's apt. */
int state_dir_lock(const char *dir, int *ret, struct err *err);
