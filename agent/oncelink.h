/* oncelink.h - a run that a host has started in a container: hostline.h on standard input and output.
 *
 * Standard input and output are one socket then, and STOPGAP_LINK=stdio says so. The
 * report follows on it when the run is over.
 */
#pragma once
#include <event2/event.h>
#include "run.h"

struct oncelink {
	struct event *ev;	/* NULL: no host */
	struct buf in;
	struct run *run;
};

/* Is there a host? */
bool oncelink_wanted(void);
void oncelink_start(struct event_base *base, struct run *run, struct oncelink *ret);
void oncelink_say(const struct hostline *say);
void oncelink_stop(struct oncelink *l);
