/* initlink.h - what PID 1 and the updater say to each other.
 *
 * Fixed-size messages over one SOCK_SEQPACKET pair; both ends are the same
 * executable, so there is no version and no encoding. The updater reads hostile
 * bytes and may have been taken over: PID 1 checks every field of every message
 * and kills an updater that sends anything else. Neither side ever waits for the
 * other, and nothing is allocated.
 *
 *   updater → PID 1   SETTINGS   first, once the configuration is read; again when it was read anew
 *                     FAILED     the configuration is wrong: instead of the first SETTINGS, and only
 *                                from the first updater; PID 1 exits with `status` before the service starts
 *                     READY      the service may start
 *                     RESTART    restart the service in place; answered by one or more RESTARTED with its id
 *   PID 1 → updater   CHILD      at the start of the updater, and whenever it changes
 *                     DEADLINE   schedule.before_start is over: begin no new set
 *                     STOP       finish the running set and exit, within `grace` ms. So does the end of
 *                                the link: then PID 1 is gone
 *                     RESTARTED  what became of RESTART
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum initlink_type {
	INITLINK_SETTINGS = 1,
	INITLINK_FAILED,
	INITLINK_READY,
	INITLINK_RESTART,
	INITLINK_CHILD,
	INITLINK_DEADLINE,
	INITLINK_STOP,
	INITLINK_RESTARTED,
};

enum initlink_state {
	INITLINK_WAITING,	/* not started yet */
	INITLINK_RUNNING,
	INITLINK_RESTARTING,	/* being stopped, or between two starts */
	INITLINK_GONE,		/* ended for good: the container is ending */
};

enum initlink_outcome {
	INITLINK_OK,		/* it runs again */
	INITLINK_REFUSED_BUDGET,
	INITLINK_DIED_AGAIN,	/* within 10 s, on its own; it is started again unless `last` */
	INITLINK_BUSY,		/* another restart is under way, or it has not started yet */
	INITLINK_STOPPED,	/* a stop from outside came in between, and wins */
};

#define SIGNAL_MAX	    64
#define INITLINK_MS_MAX	    (7u * 86400 * 1000)
#define INITLINK_BUDGET_MAX 64
#define INITLINK_PERIOD_MAX (366u * 86400)

/* 0 means: not waited for (grace, timeout), "never" (before_start), no restart at all (budget_count). */
struct initlink_settings {
	int32_t stop_signal;	/* 1..64 */
	uint32_t stop_timeout, shutdown_grace, before_start;	/* ms */
	uint32_t budget_count;	/* restarts… */
	uint32_t budget_period;	/* …in so many seconds, ≥ 1 */
};

struct initlink_message {
	uint32_t type;		/* enum initlink_type */
	uint32_t id;		/* RESTART, RESTARTED */
	union {
		struct initlink_settings settings;
		struct {
			int32_t status;		/* 1..125 */
		} failed;
		struct {
			uint32_t reason;	/* enum code, of the sender's choice; returned */
		} restart;
		struct {
			uint32_t grace;		/* ms */
		} stop;
		struct {
			int32_t pid;		/* 0: it does not run */
			uint32_t state;		/* enum initlink_state */
			uint64_t start;		/* clock ticks after boot: /proc/PID/stat */
			uint32_t restarts;	/* in place, since PID 1 began; retries count */
		} child;
		struct {
			uint32_t reason;
			uint32_t outcome;	/* enum initlink_outcome */
			uint32_t gap;		/* ms without the main process (OK) */
			int32_t pid;		/* of the new one (OK) */
			uint64_t start;
			uint32_t left;		/* old processes that SIGKILL did not end in time (OK) */
			int32_t status;		/* exit status (DIED_AGAIN) */
			uint32_t last;		/* 1: given up (DIED_AGAIN) */
		} restarted;
	};
};

/* 0; -1 with errno: EAGAIN when the other end does not read. */
int initlink_send(int fd, const struct initlink_message *m);
/* 1: a message from the other side, UPDATERS: which is the updater, in *RET. 0: none now.
 * -1: the other end is closed (errno 0) or broke the rules (EPROTO). */
int initlink_recv(int fd, bool updaters, struct initlink_message *ret);
/* May this side send that, with these values? */
bool initlink_valid(const struct initlink_message *m, bool updaters);
/* Seconds of the configuration as a field in ms, at most INITLINK_MS_MAX. */
uint32_t initlink_ms(int64_t seconds);
