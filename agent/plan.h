/* plan.h - the plan as data, and the agent's own check of it.
 *
 * A plugin solves under the policy; the agent does not believe it. plan_check()
 * looks at every planned update again and may only shrink the plan: what it
 * refuses becomes a denial, and the plugin plans anew with that. A plan that
 * contradicts itself is CODE_PLUGIN_PROTOCOL.
 */
#pragma once
#include "config.h"
#include "digest.h"
#include "messages.h"

struct plan {
	struct wire_list updates;	/* msg_update: to be applied */
	struct wire_list kept_back;	/* msg_update with a reason */
	struct wire_list archives;	/* msg_archive: files of updates that a host may have */
	struct msg_plan summary;
};

void plan_clear(struct plan *p);
/* Names and versions are joined by blanks in the digest, and shown in a command
 * to be pasted: the first of U's with a character that none has, or NULL. */
const char *plan_illegal_word(const struct msg_update *u);
/* Take one event of the plan request: "update", "kept_back" or "archive". Other names are
 * not the plan's and are left alone (0). */
int plan_event(struct plan *p, const char *name, struct json_object *line, struct err *err);
/* Take the result; counts and digest must be what the events add up to. */
int plan_result(struct plan *p, struct json_object *result, struct err *err);

/* Why policy does not want U, or CODE_OK. HOME is the repository it comes from,
 * NULL unless it is a security update. DETAIL gets the sentence (caller frees). */
enum code plan_refuses(const struct config *c, const struct msg_update *u, const struct msg_repository *home,
		       char **detail);
/* Add a msg_denial per refused update to DENIALS. Returns how many were added;
 * -1 with ERR when the plan is a lie: an update that was denied before, or a
 * security update from none of the security REPOSITORIES (msg_repository) of
 * the refresh. */
int plan_check(const struct config *c, const struct plan *p, const struct wire_list *repositories,
	       struct wire_list *denials, struct err *err);
void plan_deny(struct wire_list *denials, const char *package, const char *arch, enum code code, const char *detail);
/* Is this update kept back for good reason (a hold, the policy), or does it
 * stay open although it was wanted? */
bool plan_kept_by_policy(enum code code);
/* The `plan` request's params. Caller puts it. */
struct json_object *plan_params(const struct config *c, const struct wire_list *denials, bool plugin_minimal);
/* The `probe` request's params: the settings of the session. Caller puts it. */
struct json_object *probe_params(const struct config *c);
