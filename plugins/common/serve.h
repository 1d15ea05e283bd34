/* serve.h - the plugin side of the protocol: one loop, one table of operations.
 *
 * A plugin fills struct plugin_ops and calls plugin_main() from main(). The
 * loop reads requests from fd 3, checks them, calls the operation, and answers
 * with exactly one result or error each. Operations run one at a time and
 * block; while they do, plugin_stop_requested() says whether to finish early
 * (SIGTERM, or the agent's end of the socket is closed). After an early end the
 * agent may still ask what the database says.
 *
 * Operations fill the zeroed RET; the loop encodes and clears it. On failure
 * they return -1 with ERR set, and may have sent events before.
 */
#pragma once
#include "log.h"
#include "messages.h"

#define PLUGIN_FD 3

struct plugin_ops {
	const char *name;		/* "apt" */
	int (*probe)(const struct msg_settings *in, struct msg_probe *ret, struct err *err);
	int (*refresh)(const struct msg_refresh_params *in, struct msg_refresh *ret, struct err *err);
	int (*plan)(const struct msg_plan_params *in, struct msg_plan *ret, struct err *err);
	int (*fetch)(const struct msg_digest *in, struct msg_fetch *ret, struct err *err);
	int (*apply)(const struct msg_digest *in, struct msg_apply *ret, struct err *err);
	int (*owner)(const struct msg_owner_params *in, struct msg_owners *ret, struct err *err);
	int (*repair)(struct msg_repair *ret, struct err *err);
	int (*verify)(const struct msg_verify_params *in, struct msg_verify *ret, struct err *err);
	int (*support)(struct msg_support *ret, struct err *err);
	int (*feed)(const struct msg_feed_params *in, struct msg_feed *ret, struct err *err);
};	/* NULL: the method is not among the capabilities */

/* Serve until EOF or a SIGTERM between requests. Returns the exit status. */
int plugin_main(const struct plugin_ops *ops);

/* The settings that probe brought; valid from probe on. */
const struct msg_settings *plugin_settings(void);
/* The bundle's folder, absolute (from STOPGAP_BUNDLE), or NULL. */
const char *plugin_bundle(void);

/* Send an event for the request being served: NAME is "progress", "update",
 * "kept_back", "evidence", ...; V is a struct of table M. "progress" events
 * are thinned to about ten a second, the last one of a phase always goes out. */
void plugin_event(const char *name, const struct wire_message *m, const void *v);
void plugin_log(enum log_level level, const char *fmt, ...) _printf_(2, 3);

/* Finish the running set and stop: SIGTERM came or nobody listens any more. */
bool plugin_stop_requested(void);
/* After an apply that ended early: its answer is also left as state_dir/apply.json,
 * which the agent reads when nobody was there to take it. */
void plugin_leave_apply(const struct msg_apply *answer);
/* The trust record goes out even when refresh fails: moves L into the error. */
void plugin_error_repositories(struct wire_list *l);
