/* outcome.h - fold a plugin's checked answers into the report.
 *
 * Every planned update ends in exactly one place: applied, failed or pending.
 * The plugin's word is not enough: what it claims must have been planned, and
 * what the database does not show afterwards was not applied.
 */
#pragma once
#include "report.h"

/* Repositories (replaced), alarms (each once), bytes. Empties M. */
void outcome_refresh(struct report *rep, struct msg_refresh *m);
void outcome_repositories(struct report *rep, struct wire_list *l);
/* The plan as it stands: pending and kept back. */
void outcome_plan(struct report *rep, const struct plan *plan);
/* What could not be downloaded: failed, and denied from now on. */
void outcome_fetch(struct report *rep, const struct msg_fetch *m, struct wire_list *denials);
/* Sort each planned update into applied, failed or still pending. EVIDENCE is
 * a list of msg_evidence. CODE_PLUGIN_PROTOCOL when M claims what was not planned. */
int outcome_apply(struct report *rep, const struct plan *plan, const struct wire_list *evidence,
		  const struct msg_apply *m, struct wire_list *denials, struct err *err);
/* The database has the last word. STOPPED: pending updates were not begun,
 * else they are failures without an explanation. */
void outcome_verify(struct report *rep, struct msg_verify *m, bool stopped);
/* After a plugin that failed in apply: pending updates that the database shows
 * (they are not in M) were applied all the same. */
void outcome_recheck(struct report *rep, const struct wire_list *evidence, struct msg_verify *m);
