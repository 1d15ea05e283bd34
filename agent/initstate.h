/* initstate.h - what PID 1 does next: phase × event → actions. Pure.
 *
 * Time comes in with each event and the actions are bits, so the whole of it is
 * tested with text (tests/cases/init). init.c makes events of signals, messages
 * and dead children, and carries the actions out.
 *
 *   WAIT   the service has not started: updates come first, until before_start is over
 *   RUN    the service runs
 *   STOP   a restart: the stop signal was sent, not all of its processes are gone
 *   KILL   SIGKILL was sent
 *   AGAIN  it died right after a restart; a pause before the next start
 *   END    it ended for good, the updater is finishing
 *   DONE   nothing is left to wait for: exit
 */
#pragma once
#include "initlink.h"

#define INIT_PHASES(X) X(WAIT) X(RUN) X(STOP) X(KILL) X(AGAIN) X(END) X(DONE)
enum init_phase {
#define X(name) INIT_##name,
	INIT_PHASES(X)
#undef X
		INIT_PHASE_MAX
};

#define INIT_EVENTS(X)                                                           \
	X(READY)	/* the updater: the service may start */                  \
	X(SETTINGS)	/* the updater: s->settings were changed */               \
	X(FAILED)	/* the updater: n is the exit status */                   \
	X(RESTART)	/* the updater: id, reason */                             \
	X(EXIT)		/* the main process ended: n is the exit status */        \
	X(GONE)		/* no process of the service is left */                   \
	X(QUIT)		/* a stop from outside: n is the signal */                \
	X(ALONE)	/* no updater, and none will come */                      \
	X(TIMEOUT)	/* s->timer has passed: n is how many processes are left */
enum init_event {
#define X(name) INIT_EV_##name,
	INIT_EVENTS(X)
#undef X
		INIT_EVENT_MAX
};

/* Carried out in this order; but a REPORT without START comes first, for who is told to stop is gone. */
#define INIT_ACTIONS(X)                                                        \
	X(TELL_STOP, 0)		/* STOP to the updater */                      \
	X(TELL_DEADLINE, 1)	/* DEADLINE to the updater */                  \
	X(SIGNAL, 2)		/* the stop signal to the main process */      \
	X(TERM_REST, 3)		/* SIGTERM to what the main process left */    \
	X(KILL, 4)		/* SIGKILL to every process of the service */  \
	X(START, 5)		/* start the service */                        \
	X(REPORT, 6)		/* s->report to the updater */
enum init_action {
#define X(name, bit) INIT_DO_##name = 1 << (bit),
	INIT_ACTIONS(X)
#undef X
};

#define INIT_KILL_MS	 5000	/* a process that SIGKILL does not end in this time is not waited for */
#define INIT_YOUNG_MS	 10000	/* who ends before that has died of the restart */
#define INIT_TRIES	 5
#define INIT_SURVIVED_MS 60000	/* a service that lives so long after a stop signal was not being stopped */

struct initstate {
	enum init_phase phase;
	uint64_t timer;			/* ms, clock_ms(); 0: none */
	struct initlink_settings settings;
	bool has_updater;		/* kept by the caller */
	bool trusted;			/* the first updater, which has read nothing hostile yet; kept by the caller */
	bool alive;			/* the main process */
	int status;			/* exit status so far */
	bool failed;			/* it is the updater's, nothing was started */
	uint32_t restarts;
	struct initlink_message report;
	/* private */
	bool before_start_fixed, deadline_told, restarted;
	uint64_t began, started_at, exited_at, again_at, stop_at;
	uint32_t id, reason, left;
	int tries;
	uint64_t budget[INITLINK_BUDGET_MAX];	/* when restarts were granted; a ring */
	unsigned budget_next;
};

struct init_input {
	enum init_event event;
	int n;
	uint32_t id, reason;
};

/* BEFORE_START in ms; <0: the configuration's, 60 s until it is known; 0: the
 * service starts at once. Returns actions. */
unsigned initstate_begin(struct initstate *s, int64_t before_start, uint64_t now);
unsigned initstate_step(struct initstate *s, const struct init_input *in, uint64_t now);
/* Is the updater to be kept alive? Not after it was told to stop. */
bool initstate_wants_updater(struct initstate *s, uint64_t now);
const char *init_phase_name(enum init_phase phase);
/* For the CHILD message. */
enum initlink_state initstate_public(const struct initstate *s);
