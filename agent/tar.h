/* tar.h - write a tar archive: POSIX ustar, with pax headers where that is too small.
 *
 * What is written depends on the entries alone: no user names, no times but theirs.
 */
#pragma once
#include <stdint.h>
#include "buf.h"
#include "err.h"

enum tar_type { TAR_FILE = '0', TAR_HARDLINK = '1', TAR_SYMLINK = '2', TAR_FOLDER = '5' };

struct tar_entry {
	const char *path;	/* relative; a folder has no slash at its end */
	enum tar_type type;
	unsigned mode;
	uint32_t uid, gid;
	int64_t mtime;		/* seconds since the epoch, 0 at least */
	uint64_t size;		/* of a file */
	const char *link;	/* of a link */
	const void *capability;	/* the extended attribute security.capability; NULL: none */
	size_t capability_n;
};

struct tar {
	int fd;
	uint64_t left;		/* bytes of the last file that are still to come */
	uint64_t padding;	/* behind them */
};

/* Begin an entry; its SIZE bytes follow by tar_data(), and all of them must. Codes: IO, NO_SPACE. */
int tar_add(struct tar *t, const struct tar_entry *e, struct err *err);
int tar_data(struct tar *t, const void *p, size_t n, struct err *err);
int tar_end(struct tar *t, struct err *err);
