/* schedulefile.h - the part of a schedule that outlives its process: DIR/schedule.json.
 *
 * Written before a run begins, so that an agent or a container that crashes in it
 * backs off.
 */
#pragma once
#include "report.h"
#include "schedule.h"

/* Read DIR's into RET for container HOST, ID (NULL: unknown), which stay the
 * caller's; one of another container is "moved". No file: never ran. */
void schedule_load(const char *dir, const char *host, const char *id, struct schedule_state *ret);
void schedule_save(const char *dir, const char *host, const char *id, const struct schedule_state *s);
/* Why a run did not do what there was to do, and whether waiting may help; CODE_OK: it did. */
enum code schedule_outcome(const struct report *r, bool *retryable);
