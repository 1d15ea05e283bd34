/* hostlists.h - repository metadata for the next container of the same image.
 *
 * Only a first copy, for a container that has none: what an entry left may have
 * been written by whoever took it over, so the next one believes nothing of it.
 * An InRelease is verified by its signature whether the server says "not
 * modified" or not, an index by all of its hashes in the verified InRelease (the
 * apt plugin's check_indexes()). An old InRelease with a young file time would
 * make the server say "not modified" to a container that has never seen the new
 * one; so no copy is younger than SLACK after the Date in it. libapt's and
 * libsolv's caches are never among them, nor repositories with credentials: the
 * plugin names what is for everybody (PROTOCOL, "lists").
 */
#pragma once
#include <sys/types.h>
#include "hostcache.h"
#include "util.h"

#define HOSTLISTS_MAX	256	/* files */
#define HOSTLISTS_SLACK 3600	/* s between a Release's Date and its file's time */

/* What containers have in common whose root file system is made of the same layers:
 * the hash of IMAGE_ID (the engine's, NULL: unknown), else of the lower folders of
 * the overlay that is the root of process PID; caller frees. NULL: neither is known.
 * It is a hint: nothing rests on its being right. */
char *hostlists_group(const char *proc, pid_t pid, const char *image_id);
/* Is PATH one that may be shared: apt/lists/NAME? */
bool hostlists_path(const char *path);
/* Copy the files NAMES of the state folder STATE_FD to GROUP, in place of what is
 * there. Codes: STATE_REFUSED, IO, NO_SPACE. */
int hostlists_keep(const struct hostcache *c, const char *group, int state_fd, const struct strv *names,
		   struct err *err);
/* Copies of GROUP's files into the folder STATE_FD, for UID and GID: how many bytes.
 * 0: there are none, or the folder has an apt or rpm already. Codes: IO, NO_SPACE. */
int64_t hostlists_seed(const struct hostcache *c, const char *group, int state_fd, uid_t uid, gid_t gid,
		       struct err *err);
/* The Date of a clear-signed Release, as N bytes of its text say; -1: not said in the one form there is. */
int64_t hostlists_date(const char *text, size_t n);
