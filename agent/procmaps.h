/* procmaps.h - the files that a process has mapped, one mapping after the other.
 *
 * Linux 6.11 is asked for the mappings of files alone (PROCMAP_QUERY), or only
 * for the executable ones: one of the four or five that a library has. An older
 * kernel's text is parsed in one buffer, and gives all. No memory is allocated
 * per mapping. Every byte of a name is the container's.
 *
 * A maps file is bound to the memory (mm) that the process had when the file was
 * opened: after an execve() of the process it ends with ESRCH, so what comes
 * from one procmaps_open() is one program image.
 */
#pragma once
#include <limits.h>
#include "syscalls.h"
#include "util.h"

#define PROCMAPS_MAX (1U << 20) /* mappings that are looked at, of one process */

/* One mapping of a file. */
struct mapping {
	uint64_t dev; /* as st_dev */
	uint64_t ino;
	bool exec, shared;
	bool again; /* the same file as the mapping before */
	/* As the kernel prints it, " (deleted)" included, newlines as they are; valid until the next call.
	 * Empty: too long for a path. */
	const char *name;
	size_t len;
};

/* Large: reuse one for all processes. Zero is closed. */
struct procmaps {
	int fd;
	bool open, text, first, all, guess;
	size_t count;
	struct sys_procmap_query q;
	uint64_t dev, ino;
	size_t len;
	size_t pos, end; /* what is in `buf`, text only */
	char name[4 * PATH_MAX];
	char buf[8 * PATH_MAX];
};

/* Open DIRFD/maps. -1 with errno: EACCES, EPERM: not ours to read; ENOENT, ESRCH: gone. */
int procmaps_open(struct procmaps *m, int dirfd);
/* Data is wanted too; before the first procmaps_next(). */
void procmaps_want_data(struct procmaps *m);
/* 1: a mapping in RET; 0: the last was before; -1 with errno: ESRCH: another
 * image runs now, or none; E2BIG: more than PROCMAPS_MAX; EBADMSG: not a maps file. */
int procmaps_next(struct procmaps *m, struct mapping *ret);
void procmaps_close(struct procmaps *m);

/* One line of text without its newline. 1: RET is set, its name is in NAME (SIZE
 * bytes, terminated), "\012" made a newline again; 0: no file; -1: malformed. */
int procmaps_parse(const char *line, size_t n, struct mapping *ret, char *name, size_t size);
