/* health.h - is the service well after a restart? [health] command decides.
 *
 * A service needs time to come up: the command runs again, a second after it
 * failed, until it exits with 0 or the time is over. One try takes at most
 * HEALTH_TRY seconds, so that a probe which hangs once does not take all.
 */
#pragma once
#include "command.h"

#define HEALTH_TRY 10	/* s */

enum health_state {
	HEALTH_UNKNOWN,			/* no command, or it cannot be run */
	HEALTH_HEALTHY,
	HEALTH_UNHEALTHY,
};

struct health_result {
	enum health_state state;
	unsigned tries;
	uint64_t ms;			/* until it was known */
	const char *detail;		/* of the last try, escaped, ""; the caller's during done() */
};

struct health;
typedef void health_done(void *arg, const struct health_result *r);

/* ARGV (empty: no command), ENVP as in command.h; TIMEOUT in seconds. done() is
 * called exactly once, from the event loop. */
struct health *health_start(struct event_base *base, const struct strv *argv, char *const *envp, int64_t timeout,
			    health_done *done, void *arg);
/* Stop asking: done() follows, with HEALTH_UNKNOWN. */
void health_cancel(struct health *h);
/* "unknown", "healthy", "unhealthy": the JSON value and the metric's label. */
const char *health_name(enum health_state s);
