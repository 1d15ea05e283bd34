/* descend.h - which processes are the service's.
 *
 * A process is the service's when its chain of parents leads to the service's
 * main process, or to an orphan that came to us. Not the service's: the updater
 * and all below it; what the engine put into the container (exec: its parent is
 * outside, 0 here) and all below it; an orphan of the updater, which shows by
 * the scheduling policy that the updater gave itself and that every child
 * inherits (UPDATER_POLICY); an orphan whose session began outside.
 *
 * The limit: an orphan that an exec'd shell leaves behind with a session begun
 * in here cannot be told from the service's own daemon, and is taken for one.
 *
 * Nothing is allocated and nothing but PROC/PID/stat is read, afresh at every
 * call: the service forks meanwhile, so a caller repeats until none is left.
 */
#pragma once
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define UPDATER_POLICY SCHED_BATCH

struct descend {
	const char *proc;	/* "/proc"; another folder in tests */
	pid_t self;		/* PID 1, or the subreaper */
	pid_t child;		/* the service's main process, 0: it is gone */
	pid_t updater;		/* 0: there is none */
};

/* Of a PROC/PID/stat. */
struct descend_stat {
	pid_t ppid, session;
	char state;
	int threads, policy;
	uint64_t start;		/* clock ticks after boot */
};

/* -1 with errno: the process is gone, or its stat is none. */
int descend_stat(const char *proc, pid_t pid, struct descend_stat *ret);
/* Call FN for each process of the service that still runs (no zombies).
 * Returns how many there are, -1 with errno when PROC cannot be read. */
int descend_each(const struct descend *d, void (*fn)(pid_t pid, uint64_t start, void *arg), void *arg);
/* Send SIG to each. Returns how many there are, as above. */
int descend_signal(const struct descend *d, int sig);
