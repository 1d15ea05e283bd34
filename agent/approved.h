/* approved.h - the plan that is being applied: STATE_DIR/approved.json, while it is.
 *
 * The agent may be killed in the middle. The plugin finishes its running set, or
 * the next run's repair does, and nobody is left to book it: that is what the
 * next run asks the database about. What was known of an update when it was
 * approved is all that is known then: CVEs that a plugin would have told at the
 * end of its work are not in it.
 */
#pragma once
#include "container.h"
#include "messages.h"

struct approved {
	char *host, *id;		/* of the container */
	char *time;			/* when the run began, RFC 3339 */
	struct wire_list updates;	/* msg_update */
	struct wire_list owners;	/* msg_owner: of running files, before anything was replaced */
};

extern const struct wire_message approved;

/* Write it; an apply.json of earlier is removed. Codes: IO. */
int approved_save(const struct approved *a, const char *state_dir, struct err *err);
/* Fill the zeroed RET. False: no run was cut off in the middle of an apply. What
 * cannot be read, or is another container's, is removed. */
bool approved_read(const char *state_dir, const struct container *c, struct approved *ret);
/* What its plugin has left in apply.json, when it had come to an end; else zero. */
void approved_read_answer(const char *state_dir, struct msg_apply *ret);
/* Its end is known and booked. */
void approved_remove(const char *state_dir);
void approved_clear(struct approved *a);
#define cleanup_approved _cleanup_(approved_clear)
