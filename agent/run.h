/* run.h - one cycle: probe, repair, refresh, plan, fetch, apply, verify, report.
 *
 * The cycle is a state × event table (run.c); every transition is logged. It
 * is driven by the event loop and ends with exactly one call of done(), with a
 * report that is judged (report_finish) and saved.
 */
#pragma once
#include <event2/event.h>
#include "config.h"
#include "report.h"

struct run;

struct run_callbacks {
	void (*done)(void *arg);	/* the report is final; run_free() is allowed */
	void (*progress)(void *arg, const struct msg_progress *p);	/* may be NULL */
};

/* BUNDLE is the folder with plugins/. Fills REPORT, which stays the caller's. */
struct run *run_start(struct event_base *base, const struct config *config, const char *bundle, struct report *report,
		      const struct run_callbacks *cb, void *arg);
/* Finish the running set, begin nothing new, report truthfully. */
void run_stop(struct run *r);
void run_free(struct run *r);
