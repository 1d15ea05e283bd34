/* statedir.h - the folder that outlives a run, and its lock: one run at a time. */
#pragma once
#include "err.h"

/* Make DIR (0700) and take DIR/lock; *RET is the lock's descriptor, to be
 * closed by the caller, and untouched on failure. Codes of class BLOCKED say
 * that the container is at fault: read_only_root, not_root,
 * missing_capability, no_space, busy; else io. */
int state_dir_lock(const char *dir, int *ret, struct err *err);
