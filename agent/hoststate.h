/* hoststate.h - what the host keeps of a container: STATE_DIR/containers/ID.
 *
 *	instance				which container of that id it is
 *	lock, last.json, history.jsonl,		the host's own: written here from the report that came
 *	metrics.json, schedule.json, ledger.json	over the channel, never taken from an entry
 *	entry/					the entered agent's state folder between two entries
 *
 * An entry gets a copy of entry/ in a tmpfs and leaves its own there; what it
 * leaves is hostile: bounded, regular files only, modes fixed. One that lies (a
 * million files, a terabyte of nothing, a FIFO, a link) loses what that entry has
 * learned; the host keeps what it had. Nothing of it is ever given to another
 * container, hostcache.h has the one exception.
 *
 * Freshness only grows: of each suite (apt/dates) and repository (rpm/repos/X/seen)
 * the later date of the host's and the entry's stays, however little of it the
 * entry gives back; a date of the future is not taken.
 *
 * The caller holds the lock of the folder (statedir.h) from before fill until
 * after take and record.
 */
#pragma once
#include <sys/types.h>
#include "containers.h"
#include "report.h"
#include "util.h"

#define HOSTSTATE_ENTRIES 4096
#define HOSTSTATE_BYTES	  (512LL * 1024 * 1024)
#define HOSTSTATE_FORGET  (30LL * 24 * 3600)	/* s after which what is gone is forgotten */

/* STATE_DIR/containers/ID; caller frees. NULL: ID is not 1 to 200 printable characters without blank or slash, or
 * begins with a dot. */
char *hoststate_dir(const char *state_dir, const char *id);
/* The same for C. What is inside of another container has a name there that a process in the outer one has chosen, and
 * that may be another container's: its folder is "nested-N", by its mount namespace. */
char *hoststate_of(const char *state_dir, const struct host_container *c);
/* DIR is about to be used for the container ID whose first process started at START
 * (clock ticks after boot). An engine's id of 64 digits is never given twice; a name
 * or an inode is, and then entry/ is another container's: but for its dates it goes,
 * as it does when a container of such an id is restarted. Codes: IO. */
int hoststate_claim(const char *dir, const char *id, uint64_t start, struct err *err);
/* Copy DIR's entry/ to the empty folder STATE_FD and give all of it to UID and GID: the
 * container's root as the host sees it. Codes: IO, NO_SPACE, STATE_REFUSED. */
int hoststate_fill(const char *dir, int state_fd, uid_t uid, gid_t gid, struct err *err);
/* After the entry: take back what it left. On failure DIR is as it was. Codes: STATE_REFUSED, IO, NO_SPACE. */
int hoststate_take(const char *dir, int state_fd, struct err *err);
/* Save R, whose ledger is empty, as the last report and in the history (HISTORY of them), count it, and
 * show what entry/ says was applied under R's container, in R too. Codes: IO. */
int hoststate_record(const char *dir, struct report *r, int64_t history, struct err *err);
/* Forget one container, unless something runs in it (CODE_BUSY). */
int hoststate_forget(const char *state_dir, const char *id, struct err *err);
/* Forget those that are not among ALIVE (ids) and have not been written to for AGE
 * seconds. Returns how many. */
int hoststate_sweep(const char *state_dir, const struct strv *alive, int64_t age);
