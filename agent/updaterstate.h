/* updaterstate.h - the updater's state, and the part of it that outlives its process. Private to updater*.c.
 *
 * What is kept of its schedule: schedulefile.h.
 */
#pragma once
#include <event2/event.h>
#include <limits.h>
#include "metrics.h"
#include "options.h"
#include "run.h"
#include "schedule.h"
#include "snapshot.h"
#include "status.h"

/* A run that waits for the end of the running one; id 0: none does. */
struct updater_queue {
	int64_t id;
	enum mode mode;
	const char *trigger;
};

struct updater {
	const struct options *opt;
	struct config config;
	char bundle[PATH_MAX];
	struct event_base *base;
	struct event *ev_timer, *ev_link;
	int64_t started;
	struct status *status;		/* NULL: no socket */

	struct run *run;		/* NULL: idle */
	struct report *report;		/* the running run's */
	int64_t run_id, last_id;	/* rising, also over restarts: they begin with the time */
	struct updater_queue queue[2];	/* in order; a check and a scan at most: a whole run answers both */
	struct snapshot snapshot;
	struct metrics_state metrics;

	struct container container;	/* this one: whose state the folder holds is asked */
	struct schedule_state schedule;
	int64_t next;			/* seconds since the epoch, SCHEDULE_NEVER */
	char reason[256];

	int link;			/* -1: alone */
	bool waiting;			/* the service waits for us */
	bool resume;			/* the run was cut short for it: go on afterwards */
	bool stopping, reload;
	pid_t child;			/* 0: it does not run */
	int64_t child_restarts;
	uint32_t restart_id;
};

/* What the state folder knows: schedule, counters, the last report. */
void updater_load(struct updater *u);
/* A run of MODE begins; ended with R. */
void updater_begun(struct updater *u, enum mode mode);
void updater_ended(struct updater *u, const struct report *r);
void updater_clear(struct updater *u);
