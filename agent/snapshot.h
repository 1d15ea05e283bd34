/* snapshot.h - what an agent knows of its container, as the documents of the status socket.
 *
 * A run answers some questions and not others: a scan says nothing of pending
 * updates, a check nothing of processes. The snapshot keeps the latest answer to
 * each, with its time.
 */
#pragma once
#include "metrics.h"
#include "report.h"
#include "status.h"

/* Of the agent itself; strings are the caller's. */
struct snapshot_agent {
	bool present;		/* false: there is none, the report comes from the state folder */
	const char *mode;	/* "run", "daemon" */
	int64_t started;	/* seconds since the epoch */
	const char *state;	/* run_state(), "idle" between two runs */
	int64_t run;		/* the running one, or the last; 0: none yet */
	int64_t queued;		/* the run that waits; 0: none */
	int64_t next;		/* when the next is due; 0: not planned */
	const char *next_reason;
	int64_t last_success;	/* end of the last run that did all there was to do; 0: none */
	bool wraps;		/* there is a child */
	pid_t child;		/* 0: it does not run now */
	int64_t child_restarts;
};

struct snapshot {
	struct report *last;	/* of any mode; NULL: no run yet */
	struct report *attempt;	/* the last that was to plan, whatever became of it: not a scan */
	struct report *updates;	/* the last that planned */
	struct report *processes; /* the last that looked at processes */
};

/* Takes over R, from xmalloc; reports that nothing refers to any more go. */
void snapshot_take(struct snapshot *s, struct report *r);
void snapshot_clear(struct snapshot *s);
/* What STATE_DIR has, into the empty S: last.json, and of the history what else
 * is the latest of its kind. OF (NULL: any): only reports of this container.
 * -1: there is no last report. */
int snapshot_load(struct snapshot *s, const char *state_dir, const struct container *of, struct err *err);
/* A reference for the caller to put; NULL: there was no such run yet. CONFIG
 * names the state folder, for the history. */
struct json_object *snapshot_document(const struct snapshot *s, const struct snapshot_agent *a, const char *state_dir,
				      enum status_doc doc, int64_t limit);
/* The part of M that reports know: the reports and the counts. */
void snapshot_metrics(const struct snapshot *s, struct metrics_snapshot *m);
