/* hosttree.h - copies of small file trees that somebody hostile may have laid out.
 *
 * Regular files and folders, nothing else; plain names (printable ASCII); within
 * bounds of number, size and depth. What does not fit is refused as a whole, so
 * that no half of a tree is taken for the whole one. Needs openat2() (Linux 5.6):
 * each step is opened from its folder, without following links or crossing into
 * another mount.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "err.h"

struct hosttree {
	/* what may still come; they run down over several copies */
	size_t entries;
	int64_t bytes;
	int depth;		/* folders below the top */
	/* of the copies */
	uid_t uid;		/* -1: as they come */
	gid_t gid;
	mode_t file_mode, dir_mode;
	/* Leave out PATH ("apt/lists/lock", from the top), and all below it? NULL: nothing. */
	bool (*skip)(void *arg, const char *path);
	void *arg;
};

/* Copy what is in the folder FROM into the folder TO, where it must not exist
 * yet. Times stay, but none is in the future. Codes: STATE_REFUSED (of what FROM
 * holds), IO, NO_SPACE. */
int hosttree_copy(struct hosttree *t, int from, int to, struct err *err);
/* Open NAME in the folder DIR for reading: a regular file, and never waited for;
 * its size into SIZE. PATH is for messages. Codes: STATE_REFUSED, IO with errnum ENOENT. */
int hosttree_open(int dir, const char *name, int64_t *size, struct err *err);
/* Remove NAME in DIR and all below it. No such thing is no failure. Codes: IO. */
int hosttree_remove(int dir, const char *name, struct err *err);
