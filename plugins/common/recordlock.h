/* recordlock.h - POSIX record locks, which dpkg and rpm guard their databases with.
 *
 * They belong to the process and vanish when it closes any descriptor of the
 * file, so nobody else in it may open that. A child does not inherit them.
 */
#pragma once
#include "err.h"

/* Open PATH (made when it is missing) and take its lock; *RET is the descriptor
 * that keeps it. Waits until TIMEOUT seconds after START (clock_ms()), and says
 * once for whom. Codes: LOCKED (the holder's pid and program, retryable),
 * STOPPED, READ_ONLY_ROOT, IO. */
int record_lock(const char *path, int64_t timeout, uint64_t start, int *ret, struct err *err);
/* Set or (F_UNLCK) drop the lock of FD at once. -1 with errno. */
int record_lock_try(int fd, short type);
