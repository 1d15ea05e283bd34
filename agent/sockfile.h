/* sockfile.h - a listening Unix socket at a path, with nothing to race for.
 *
 * The socket is bound under a temporary name, gets its group and mode, listens,
 * and is renamed into place: nobody ever meets it with another mode or refusing.
 * A flock beside it ("PATH.lock", gone afterwards) keeps a second agent out; a
 * socket without a listener is replaced. An abstract socket, which has no mode,
 * is never used.
 */
#pragma once
#include <sys/types.h>
#include "err.h"

struct sockfile {
	int fd;			/* listens, non-blocking; -1: none */
	int lock, dir;		/* descriptors */
	char *path, *name;	/* NAME is the last component of PATH */
	dev_t dev;
	ino_t ino;
};

#define SOCKFILE_INIT ((struct sockfile){ .fd = -1, .lock = -1, .dir = -1 })

/* Make PATH's folder (0700) when it is missing. Refused (io) when the folder
 * belongs to another user, or others could rename in it; when PATH is there and
 * no socket; CODE_BUSY, with the path, when somebody serves it. GROUP -1: ours. */
int sockfile_listen(const char *path, mode_t mode, gid_t group, struct sockfile *ret, struct err *err);
/* Remove the file if it is still ours, and close. */
void sockfile_close(struct sockfile *s);
