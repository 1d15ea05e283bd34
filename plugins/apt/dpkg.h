/* dpkg.h - running the container's dpkg, and reading its database.
 *
 * Nothing here uses libapt. The container's dpkg runs with a built
 * environment, --force-confdef --force-confold, triggers deferred, its output
 * in a log file (never a pipe that a daemon could keep open), progress from
 * --status-fd, and PATH led by the bundle's guard folder, whose invoke-rc.d,
 * systemctl, ... start nothing.
 */
#pragma once
#include "messages.h"
#include "sets.h"

#define DPKG_PROGRAM "/usr/bin/dpkg"

/* Take lock-frontend and lock as apt and dpkg do, waiting at most TIMEOUT s.
 * CODE_LOCKED names the holder's pid and program, CODE_STOPPED: asked to stop
 * while waiting. The locks are held until dpkg_unlock(), and apply and repair
 * are called with them; dpkg children run with DPKG_FRONTEND_LOCKED. */
int dpkg_lock(int64_t timeout, struct err *err);
void dpkg_unlock(void);
bool dpkg_locked(void);

/* Install SETS in order; stop between two sets when plugin_stop_requested().
 * Fills applied, failed, conffiles, left_behind, log, again, stopped from what
 * the database says afterwards. A failing package does not stop sets that do
 * not need it. Returns -1 only when nothing could be tried. */
int dpkg_apply(const struct dpkg_sets *sets, struct msg_apply *ret, struct err *err);

/* Finish the set that an interrupted run was in, from the .debs it had fetched,
 * and dpkg --configure -a. `failed` has what
 * is still not configured. */
int dpkg_repair(struct msg_repair *ret, struct err *err);
/* Make state_dir/log and return the path of log NAME in it, an overlong one
 * moved away; NULL with ERR. Caller frees. */
char *dpkg_log_open(const char *name, struct err *err);

/* The database: how many packages, and is it clean, interrupted or broken? */
int dpkg_database(struct msg_database *ret, struct err *err);
int dpkg_verify(const struct msg_verify_params *in, struct msg_verify *ret, struct err *err);
int dpkg_owner(const struct msg_owner_params *in, struct msg_owners *ret, struct err *err);

/* Can this container be patched at all? Adds to BLOCKED. Changes nothing. */
void dpkg_preflight(const struct msg_settings *settings, struct wire_list *blocked);
/* "dpkg 1.21.22", or NULL when the container has no dpkg. Caller frees. */
char *dpkg_version(void);
/* Debian version comparison (policy 5.6.12): <0, 0, >0. */
int dpkg_compare(const char *a, const char *b);
