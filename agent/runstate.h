/* runstate.h - one run from the inside: its state and its steps.
 *
 * Private to run.c, which has the table, and to the steps in runupdate.c
 * (probe to verify), runinherit.c, runscan.c, runrestart.c and runhooks.c. A step
 * returns the state that follows.
 */
#pragma once
#include "approved.h"
#include "command.h"
#include "health.h"
#include "plugin.h"
#include "restart.h"
#include "run.h"
#include "service.h"
#include "stale.h"

/* clang-format off */
#define RUN_STATES(X) \
	X(IDLE) X(BEFORE) X(PROBE) X(SUPPORT) X(REPAIR) X(INHERIT) X(REFRESH) X(PLAN) X(WANT) X(FETCH) X(SHARE) X(RUNNING) \
	X(APPLY) X(VERIFY) X(RECHECK) X(OWNER) X(CLOSE) X(RESTART) X(SETTLE) X(HEALTH) X(AFTER) X(DONE)
/* clang-format on */
enum state {
#define X(s) S_##s,
	RUN_STATES(X)
#undef X
		S_MAX
};

#define RUN_EVENTS(X) X(START) X(RESULT) X(ERROR) X(STOP) X(GONE) X(COMMAND) X(CHILD) X(TIMER) X(HEALTH) X(HOST)
enum run_event {
#define X(e) E_##e,
	RUN_EVENTS(X)
#undef X
		E_MAX
};

struct run {
	struct event_base *base;
	const struct config *config;
	char *bundle;
	struct report *report;
	const struct run_callbacks *cb;
	void *arg;
	enum state state;
	struct event *ev_start, *ev_timer;
	int lock_fd;
	bool stop;
	const char *stop_why;		/* static; NULL: the plugin was told by others */

	/* the plugin */
	struct strv plugins;		/* paths still to be tried, in order */
	size_t next_plugin;
	struct plugin *plugin;
	bool again;			/* after CLOSE: try the next plugin */
	bool recheck;			/* it failed in apply: ask a new one what was done */
	struct wire_list not_applicable; /* msg_reason of plugins that were tried */

	/* the update */
	bool refreshed_all;
	int plans, passes;
	struct plan plan;
	struct wire_list denials;	/* msg_denial */
	struct wire_list evidence;	/* msg_evidence */
	size_t recorded;		/* applied updates that the ledger has */
	struct approved inherited;	/* of a run that was cut off */
	struct msg_apply left;		/* its plugin's answer */
	bool approved;			/* approved.json is there, and its end is known once the report is saved */

	/* processes and restarts */
	bool looked;			/* once is enough, whether it worked or not */
	struct procscan scan;
	struct owners owners, before;	/* as the database has it; before the update */
	struct strv paths;		/* whose owners are asked for */
	size_t asked;			/* of them, so far */
	struct services services;
	struct restart_history restart_history;
	struct restart_decision *decisions;	/* one for each service */
	size_t n_decisions, next_decision;
	bool restarted;			/* at least one service */
	uint64_t settle_by;		/* clock_ms() */
	struct command *command;
	struct health *health;

	/* what the event carries; run_step() forgets it */
	struct json_object *result;
	const struct err *failure;
	const struct msg_error *details;
	const struct command_result *command_result;
	const struct run_child *child;
	const struct health_result *health_result;
};

/* R may be gone afterwards: the last step calls done(). */
void run_step(struct run *r, enum run_event e);

/* run.c: what all steps end with */
enum state run_give_up(struct run *r, const struct err *why);
/* The update part is over: look at the processes, or close the plugin. */
enum state run_wind_up(struct run *r);
enum state run_close_plugin(struct run *r);
/* Everything is known: judge, save, run the hook. */
enum state run_conclude(struct run *r);

/* runupdate.c */
enum state update_begin(struct run *r);
enum state update_next_plugin(struct run *r);
enum state update_probe_result(struct run *r);
enum state update_support_result(struct run *r);
enum state update_support_error(struct run *r);
enum state update_repair_result(struct run *r);
enum state update_refresh_result(struct run *r);
enum state update_refresh_error(struct run *r);
enum state update_plan_result(struct run *r);
enum state update_fetch(struct run *r);
enum state update_fetch_result(struct run *r);
enum state update_apply(struct run *r);
enum state update_apply_result(struct run *r);
enum state update_apply_error(struct run *r);
enum state update_verify_result(struct run *r);
enum state update_verify_error(struct run *r);
enum state update_recheck_result(struct run *r);
enum state update_recheck_error(struct run *r);
int update_event(struct run *r, const char *name, struct json_object *line, struct err *err);

enum state update_refresh(struct run *r);
/* VERIFY, RECHECK, INHERIT: ask the database about UPDATES (msg_update), from index FROM on. */
void update_ask_database(struct run *r, const struct wire_list *updates, size_t from);
/* What was applied is in the ledger at once: the agent may be killed before the report is written. */
void update_record(struct run *r);

/* runinherit.c */
/* An apply begins: leave word of it. */
void inherit_leave(struct run *r);
/* Was a run cut off in one? Then its plugin may still be at work: repair waits for that. */
bool inherit_any(struct run *r);
/* Book what that run has left, then refresh. */
enum state inherit_begin(struct run *r);
enum state inherit_result(struct run *r);

/* runscan.c: RUNNING remembers whose the running files are before they are
 * replaced, OWNER asks for those that have been. */
enum state scan_before_apply(struct run *r);
enum state scan_before_result(struct run *r);
enum state scan_before_error(struct run *r);
enum state scan_begin(struct run *r);
enum state scan_owner_result(struct run *r);
enum state scan_owner_error(struct run *r);
void scan_again(struct run *r);

/* runrestart.c */
/* Say of each stale process which service it is of. */
void restarts_name(struct run *r);
enum state restart_begin(struct run *r);
enum state restart_command_done(struct run *r);
enum state restart_child_done(struct run *r);
enum state restart_settle(struct run *r);
enum state restart_health_done(struct run *r);
/* The stop came: names are not needed any more. A restart that has begun is not left half-way. */
void restart_cancel_query(struct run *r);

/* runhost.c: WANT asks the host for the plan's files before they are fetched, SHARE
 * shows it those that were. Without a host neither is entered. */
enum state host_want(struct run *r);
enum state host_share(struct run *r);
enum state host_answered(struct run *r);
/* "lists" of a refresh go on to the host. */
int host_lists(struct run *r, struct json_object *line, struct err *err);

/* runhooks.c */
enum state hook_before(struct run *r);
enum state hook_before_done(struct run *r);
enum state hook_after(struct run *r);
enum state hook_after_done(struct run *r);
