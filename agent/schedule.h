/* schedule.h - when the next run is due, and why.
 *
 * Pure: time is an argument, what happened is a struct, so a year passes in a
 * test at once. All times are wall clock seconds. The caller asks again after
 * each run, after a change of the configuration, and at least every hour, since
 * the wall clock may jump; asking changes nothing.
 *
 *	never ran here			at once
 *	a run failed, retryable		5 min after its end, doubled by each failure in a row, at most the interval
 *	else				[schedule] interval after its begin, and jitter
 *	the agent has just started	at once, unless a run began a short while ago: a container that starts again and
 *					again backs off instead of downloading each time (10 min, doubled, at most the
 *					interval)
 *
 * and all of it not before the window opens. Jitter is the same each time for
 * one container and differs between containers, so that a fleet spreads.
 */
#pragma once
#include "config.h"

#define SCHEDULE_RETRY	     300	/* s, the first one */
#define SCHEDULE_START_PAUSE 600	/* s between runs at starts, the first one */
#define SCHEDULE_START_FREE  2		/* starts that finish an interrupted run at once */
#define SCHEDULE_MIN	     60		/* s: a shorter interval is this */
#define SCHEDULE_NEVER	     INT64_MAX

struct schedule_state {
	const char *id;			/* of the container; static or the caller's */
	bool ran;			/* this agent has begun a run */
	bool moved;			/* what is below is of another container (its state folder is on a volume) */
	/* Kept in the state folder; zero is "never ran". */
	int64_t last_start, last_end;	/* end 0: it did not come to its end */
	enum code last_code;		/* OK, or why it failed */
	bool retryable;
	int64_t failures;		/* retryable ones in a row */
	int64_t starts;			/* runs in a row that were the first of their agent */
};

/* A run begins: keep the state before it does, so that a crash is seen. */
void schedule_begin(struct schedule_state *s, int64_t now);
void schedule_end(struct schedule_state *s, int64_t now, enum code code, bool retryable);
/* When the next run is due: NOW when it is due already, SCHEDULE_NEVER when
 * interval is 0. REASON (N bytes, 200 are enough but for long windows) is text
 * such as "interval 6 h + jitter 12 min" or "retry 3 after no_egress". */
int64_t schedule_next(const struct config *c, const struct schedule_state *s, int64_t now, char *reason, size_t n);
