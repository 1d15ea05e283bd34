/* procfiles.h - is a mapped file still the one at its path? Each is looked up once.
 *
 * A file is replaced when its name is gone ("(deleted)"), or when another inode
 * is at its path, looked up below the root of the mount namespace that maps it.
 * On a union file system (overlayfs, aufs, FUSE) an inode number is no evidence:
 * seen on overlayfs, a chmod of a hard-linked file (perl) copies it up and gives
 * it another number, while /proc/PID/maps keeps the old one. There the name
 * alone decides, and it can: what is replaced through the mount loses it.
 */
#pragma once
#include <sys/stat.h>
#include "procread.h"

#define PROC_FILES_MAX 16384 /* different files that are remembered */
#define PROC_BASES_MAX 64 /* mount namespaces whose root is kept open */

struct proc_file {
	uint64_t hash, dev, ino;
	uint32_t base; /* id of its base */
	char *name; /* as mapped */
	size_t len; /* of it without a " (deleted)" that is not part of it */
	bool stale;
	bool literal; /* each newline of the name is "\\012" in truth: the text of maps has both as one */
	bool listed; /* the owner's: has it been listed */
	uint32_t mark, slot; /* the owner's: which process saw it last, and where */
};

struct proc_files {
	struct proc_file *v;
	size_t n;
	uint32_t *index; /* hash → place in v + 1 */
	size_t index_size;
	struct {
		uint64_t ns;
		uint32_t id;
		int fd;
	} bases[PROC_BASES_MAX];
	size_t n_bases;
	uint32_t last_id;
};

/* The root below which the paths of a process are looked up, found through DIRFD
 * (/proc/PID) or, where OWN says that its mount namespace shows what ours does, our
 * own. -1: none is known, only "(deleted)" is evidence then. */
int proc_files_base(struct proc_files *f, int dirfd, const struct proc_links *l, bool own);
/* Number of M's file in f->v, judged. -1: the table is full. */
int proc_files_get(struct proc_files *f, int base, const struct mapping *m);
/* Judge M without remembering it; RET->name stays NULL. */
void proc_files_judge(const struct proc_files *f, int base, const struct mapping *m, struct proc_file *ret);
/* stat PATH below BASE. -1: it is not there. */
int proc_files_stat(const struct proc_files *f, int base, const char *path, struct stat *ret);
/* A `literal` name as it is; caller frees. */
char *proc_file_literal(const char *name);
void proc_files_clear(struct proc_files *f);

/* Whose files are at a path. */
enum proc_place {
	PLACE_NONE, /* nobody's: temporary files, devices, memory, what the kernel names */
	PLACE_ROOT, /* directly in "/": a program of a small image, or an object of the kernel */
	PLACE_SYSTEM, /* the distribution's: data of a program that runs it is evidence too */
	PLACE_OTHER, /* code there is evidence, data is not (databases, caches, logs, uploads) */
};
enum proc_place proc_place(const char *path, size_t len);
