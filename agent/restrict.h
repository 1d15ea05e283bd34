/* restrict.h - take on what restricts the container's own processes.
 *
 * For the process that enters. The order is what the kernel asks for: host's
 * files are written before its mount namespace is joined; capabilities go last,
 * since all else needs them. Nothing is taken on that would give the entering
 * process more than the container's init could have.
 */
#pragma once
#include "target.h"

/* Before joining: not traceable by anybody in there, no groups, no key ring of
 * ours, its limits and its cgroups. Codes: ENTER_FAILED. */
int restrict_before(const struct target *t, struct err *err);
/* The label of its security module, for the next exec: the last that needs T's
 * descriptors. Codes: ENTER_FAILED. */
int restrict_label(const struct target *t, struct err *err);
/* After joining and mounting: capability bounding set, the ids of its
 * root, no_new_privs, seccomp, capabilities. Codes: ENTER_FAILED. */
int restrict_after(const struct target *t, struct err *err);
