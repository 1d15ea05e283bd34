/* watchstate.h - the host daemon from the inside. Private to hostwatch.c and watchdoc.c. */
#pragma once
#include <event2/event.h>
#include <limits.h>
#include "status.h"
#include "watchset.h"

struct watch {
	const struct options *opt;
	struct config config;
	char bundle[PATH_MAX];
	struct event_base *base;
	struct event *ev_timer, *ev_stop;
	struct status *status;		/* NULL: no socket */
	struct watchset set;
	int64_t started, run_id, last_id;
	int loadavg;			/* descriptor */
	char moved[64];			/* what it said at the last look */
	uint64_t signature;		/* watchproc.h, before it */
	uint64_t looked;		/* clock_ms() of that; 0: not yet */
	int64_t swept;
	bool stopping;
};

/* The documents of the status socket, and its metrics: watchdoc.c. */
struct json_object *watch_document(void *arg, enum status_doc doc, int64_t limit);
void watch_metrics(void *arg, bool openmetrics, struct buf *ret);
