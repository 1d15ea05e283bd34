/* procchild.h - read processes of another user by becoming that user.
 *
 * Without CAP_SYS_PTRACE, which containers lack, root may not read the maps of
 * other users' processes; a process with the same user *and* group may, when the
 * target is dumpable (nginx's workers are). A child per user and group takes
 * those, reads, and sends what it found through a pipe. It holds /proc and the
 * pipe, nothing else, has no capability left, cannot be traced (not dumpable) and
 * knows no secret. Its user can still stop or kill it: there is a deadline, and
 * every byte of its answer is checked.
 */
#pragma once
#include "procread.h"

struct procchild_target {
	pid_t pid;
	int64_t start;
};

/* The fixed part of what the child sends; LEN bytes of text follow, without a zero. For each target in order: EXE,
 * CWD, ROOT, any number of files, END; or END alone. Again EXE: forget what was said, the program was another. */
struct procchild_record {
	enum { REC_EXE, REC_CWD, REC_ROOT, REC_MAPPING, REC_ARCHIVE, REC_END, REC_REFUSED } type;
	uint32_t target, len;
	uint32_t
		flags; /* of a mapping: RECORD_…; of REC_END: enum procread; of REC_EXE: dev and ino are known, data counts */
	uint64_t dev, ino; /* REC_ROOT: ino is the mount namespace */
};
#define RECORD_EXEC   1
#define RECORD_SHARED 2
#define RECORD_KNOWN  1
#define RECORD_DATA   2

/* Where answers go: for each target that was answered `facts`, then `end`. */
struct procchild_sink {
	struct procread_sink facts;
	/* Target I is about to be told. False: not of interest any more. */
	bool (*begin)(void *ctx, size_t i);
	void (*end)(void *ctx, size_t i, enum procread how);
	void *ctx;
};

/* The answers about N targets, as they come from the descriptor IN, until the deadline (clock_ms()).
 * NULL: all were answered; else why the rest was not, a static text. */
const char *procchild_receive(int in, size_t n, uint64_t deadline, const struct procchild_sink *sink);
/* Read the N targets, all of UID and GID, in order; PROC is a descriptor of /proc.
 * Returns what procchild_receive() does. */
const char *procchild_read(int proc, uid_t uid, gid_t gid, const struct procchild_target *targets, size_t n,
			   uint64_t deadline, const struct procchild_sink *sink);
