/* children.h - processes that maintainer scripts leave behind.
 *
 * The plugin is the subreaper of everything it starts: an orphan of a script
 * becomes its child. Identified by pid and start time, read from /proc.
 */
#pragma once
#include <sys/types.h>
#include "messages.h"

struct proc_stat {
	pid_t pid, ppid;
	char state; /* 'Z': a zombie */
	int64_t start; /* clock ticks after boot */
};

/* -1: gone, or /proc cannot be read. */
int proc_stat_read(pid_t pid, struct proc_stat *ret);
/* Call FN for each process until it returns false. -1 without /proc. */
int proc_each(bool (*fn)(const struct proc_stat *p, void *ctx), void *ctx);

struct children {
	struct proc_stat *v;
	size_t n;
};

/* Become the subreaper and remember who is a child already. */
void children_begin(struct children *ret);
/* Add children that came since to LEFT (msg_process) and reap the dead ones.
 * Those that end within a second are not left behind. */
void children_left(const struct children *before, struct wire_list *left);
void children_clear(struct children *c);
