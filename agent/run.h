/* run.h - one cycle: probe, repair, refresh, plan, fetch, apply, verify, scan, restart, report.
 *
 * The cycle is a state × event table (run.c); every transition is logged. It
 * is driven by the event loop and ends with exactly one call of done(), with a
 * report that is judged (report_finish) and saved.
 */
#pragma once
#include <event2/event.h>
#include "config.h"
#include "hostline.h"
#include "report.h"

struct run;

/* How the restart of the wrapped child ended. */
struct run_child {
	enum code code;		/* code ok: it runs again */
	int64_t gap;		/* ms without it */
	const char *detail;
};

#define RUN_ON_REQUEST "on request"

struct run_callbacks {
	void (*done)(void *arg);	/* the report is final; run_free() is allowed */
	void (*progress)(void *arg, const struct msg_progress *p);	/* may be NULL */
	void (*state)(void *arg, const char *state);	/* a transition; may be NULL */
	/* The wrapped child, or 0; and restart it, to be answered by
	 * run_child_restarted(), later, or -1: nobody takes the request. Both
	 * NULL where nothing is wrapped. */
	pid_t (*child)(void *arg);
	int (*restart_child)(void *arg);
	/* Say this to the host that entered this container; NULL: there is none. What
	 * hostline.h has an answer for is answered by run_host_answered(), later. */
	void (*host)(void *arg, const struct hostline *say);
};

/* BUNDLE is the folder with plugins/. Fills REPORT, which stays the caller's. */
struct run *run_start(struct event_base *base, const struct config *config, const char *bundle, struct report *report,
		      const struct run_callbacks *cb, void *arg);
/* Finish the running set, begin nothing new, report truthfully: "stopped WHY
 * with 3 updates still pending". WHY is a static string; the first one counts. */
void run_stop(struct run *r, const char *why);
/* The answer to restart_child(); ignored when nobody waits for it. */
void run_child_restarted(struct run *r, const struct run_child *how);
/* {"go":true} came; ignored when nobody waits for it. */
void run_host_answered(struct run *r);
/* The state's name, lower case, a static string: "refresh", "apply", ... */
const char *run_state(const struct run *r);
void run_free(struct run *r);
