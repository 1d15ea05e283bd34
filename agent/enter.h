/* enter.h - run stopgap in one container, and get back what it says.
 *
 * The caller is a process for this one container (exec.c): everything here may
 * block up to the deadline, and what it holds ends with it. Nothing that comes
 * back is believed: it is bounded, and checked and escaped by the caller.
 *
 *	supervisor	this process
 *	  entrant	joins, mounts, takes on the restrictions; not in the
 *			container's pid namespace, so nobody in there can see it
 *	  agent		its child, handed to the supervisor: has nothing but what
 *			the container allows and three descriptors, then execs
 */
#pragma once
#include "buf.h"
#include "hostcache.h"
#include "inject.h"
#include "target.h"
#include "wire.h"

#define ENTER_OUTPUT_MAX (16 * 1024 * 1024)
#define ENTER_COPIES 2

struct enter_spec {
	const struct target *target;
	const char *name; /* for log lines: of the container, printable */
	const char *bundle; /* folder of the host */
	const struct strv *args; /* of the agent in the container, from the mode on */
	const struct strv *env; /* "NAME=value", besides the few words that every program expects */
	uint64_t deadline; /* clock_ms() */
	uint64_t state_max; /* bytes */
	const struct hostcache *cache; /* downloads of other containers; NULL: none */
	const char *group; /* hostlists.h */
	int64_t share_wait; /* s it may wait for others that fetch the same */
	int turns; /* a file whose locks say who copies the bundle now: at most ENTER_COPIES at once */
	size_t turn; /* which of them it waits for */
	const char *state_dir; /* hoststate.h: what it gets and what it leaves; NULL: nothing is kept */
};

struct enter_result {
	struct err error; /* code ok: the agent ran to its end */
	int status; /* wait status of the agent */
	struct buf output; /* what it wrote, at most ENTER_OUTPUT_MAX */
	struct err state; /* what it left could not be taken back; code ok: it could */
	struct wire_list left; /* msg_process: still in the entry's mount namespace; pids as the container has them */
};

/* Enter and wait. Always fills RET. */
void enter_run(const struct enter_spec *spec, struct enter_result *ret);
void enter_result_clear(struct enter_result *r);

/* --- entrant.c: the two processes that go in */

/* What they say on the status pipe: their failure, or that the agent was started. */
struct entrant_note {
	struct err err; /* code ok: started */
	pid_t agent; /* in our pid namespace; the supervisor's child */
	uint64_t mntns; /* the private copy */
};

struct entrant {
	const struct enter_spec *spec;
	const struct inject *in;
	int socket, log, status; /* the ends for in there */
};

/* The entrant's whole life, after fork(). */
_noreturn_ void entrant_main(const struct entrant *e);

/* --- entryscan.c: who is in the entry */

/* SIGKILL for all processes in mount namespace MNTNS and the container's pid
 * namespace. How many there were. */
size_t entry_kill(const struct target *t, uint64_t mntns);
/* List them. */
void entry_list(const struct target *t, uint64_t mntns, struct wire_list *ret);
