/* fd.h - files: CLOEXEC from birth, whole reads and writes, atomic replacement. */
#pragma once
#include <sys/types.h>
#include "buf.h"
#include "err.h"

/* Write all N bytes, through EINTR and short writes. -1 with errno set. */
int write_all(int fd, const void *p, size_t n);
/* Read a whole regular file of at most MAX bytes into RET (appended). A FIFO,
 * device or folder is refused and never waited for; one that says itself that it is
 * larger is refused unread. Codes: IO. */
int read_file(const char *path, size_t max, struct buf *ret, struct err *err);
int read_file_at(int dirfd, const char *path, size_t max, struct buf *ret, struct err *err);
/* Write PATH as temporary + fsync + rename + fsync of the folder. */
int replace_file(const char *path, mode_t mode, const void *p, size_t n, struct err *err);
/* Create PATH and its missing parents (mode for the last one, 0755 above). */
int make_dirs(const char *path, mode_t mode, struct err *err);
int set_nonblock(int fd);
/* Close every descriptor >= FROM. Async-signal-safe. */
void close_from(int from);
