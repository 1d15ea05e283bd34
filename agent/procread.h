/* procread.h - the raw facts of one process, as the kernel tells them.
 *
 * All reads go through one descriptor of /proc/PID, so that a pid that is used
 * again cannot mix two processes: the descriptor of a dead one answers ESRCH.
 * An execve() in between is noticed too (RACED): the maps file is bound to the
 * memory of the old image. The environment is never read.
 */
#pragma once
#include <sys/types.h>
#include "procmaps.h"

struct proc_identity {
	pid_t ppid, sid;
	int64_t start; /* clock ticks after boot */
	unsigned flags; /* PF_… of the kernel */
	char state;
	unsigned threads;
	char comm[16];
	/* Addresses of the image: another execve() gives other ones, if we may see them. */
	uint64_t code, stack, data;
};

/* One line of /proc/PID/stat; the name may hold any byte. -1: malformed. */
int proc_identity_parse(const char *text, size_t n, struct proc_identity *ret);
/* Read DIRFD/stat. -1 with errno. */
int proc_identity_read(int dirfd, struct proc_identity *ret);
/* The same process, running the same image from its begin on. */
bool proc_identity_same(const struct proc_identity *a, const struct proc_identity *b);

/* When the first thread of PID has ended (ID says Z) and others have not, what they map is seen through one of them
 * only: its folder, and its identity in ID. -1: there is none, look at DIR. */
int procread_thread(int dir, pid_t pid, struct proc_identity *id);

/* Links of a process: bytes of the container, at most PATH_MAX - 1. */
struct proc_links {
	char exe[PATH_MAX]; /* " (deleted)" included; "" when there is none */
	char cwd[PATH_MAX]; /* only for interpreters, else "" */
	/* Its root folder and the mount that is on, which no other mount namespace has; 0: not known. Those of the
	 * process before are often the same, then the two below are as well, and are not read again. */
	uint64_t root_mount, root_ino;
	char root[PATH_MAX]; /* "/", or where it is chrooted to */
	uint64_t ns; /* inode of its mount namespace, 0: unknown */
	uint64_t exe_dev, exe_ino; /* with exe_known; see procread_exe_stat() */
	bool exe_known;
	bool java; /* its open archives are told */
	bool data; /* what it maps as data counts, too: interp_maps_data() */
};

/* What procread_gather() found, and how it ended. */
enum procread {
	PROCREAD_OK,
	PROCREAD_GONE, /* the process ended */
	PROCREAD_RACED, /* it executed another program meanwhile: read it again */
	PROCREAD_DENIED, /* reading it is not permitted */
	PROCREAD_TOO_MANY, /* more than PROCMAPS_MAX mappings */
	PROCREAD_BROKEN, /* /proc gave what is no maps file */
};

struct procread_sink {
	/* Once, before the mappings. */
	void (*links)(void *ctx, struct proc_links *links);
	/* Each mapping of a file. */
	void (*mapping)(void *ctx, const struct mapping *m);
	/* java only: each open archive. */
	void (*archive)(void *ctx, const struct mapping *m);
	void *ctx;
};

/* Buffers for procread_gather(), reused. */
struct procread_buffers {
	struct procmaps maps;
	struct proc_links links;
};

/* Hand the process behind DIRFD to SINK. What SINK got counts only after PROCREAD_OK. */
enum procread procread_gather(int dirfd, struct procread_buffers *b, const struct procread_sink *sink);
/* Fill exe_dev and exe_ino, which are wanted only when the program maps no part of its own file. -1: none. */
int procread_exe_stat(int dirfd, struct proc_links *l);
/* Inode of the mount namespace of DIRFD (/proc/PID), 0: not ours to know. */
uint64_t procread_namespace(int dirfd);
/* Base name of a path without " (deleted)", for interp_of(); into RET of NAME_MAX + 1 bytes. */
void procread_base_name(const char *path, char *ret);
/* LEN bytes at NAME end in " (deleted)" and have something before it. */
bool procread_deleted(const char *name, size_t len);
#define PROCREAD_DELETED " (deleted)"
