/* user.h - users and groups, by our own reading of passwd and group.
 *
 * No name service: it would load modules of the container (nonss.c). The rules
 * are the engines': a name is looked up in passwd; the group, when none is
 * given, is the user's, and the user's supplementary groups come from group.
 * What is all digits is a number, never a name, whatever passwd says. Lines and
 * files are bounded; only user_name() allocates.
 */
#pragma once
#include <sys/types.h>
#include "err.h"

#define USER_GROUPS_MAX 256
#define USER_HOME_MAX	256

struct user_ids {
	uid_t uid;
	gid_t gid;
	gid_t groups[USER_GROUPS_MAX];	/* the primary one first */
	size_t n_groups;
	char home[USER_HOME_MAX];	/* "/" for a number that passwd does not have */
	char root_home[USER_HOME_MAX];	/* of uid 0: what a runtime set HOME to */
};

/* SPEC with the files in the folder ETC. -1: no such user or group, or not a
 * number in 0..2^32-2. Codes: USAGE, IO. */
int user_resolve(const char *etc, const char *spec, struct user_ids *ret, struct err *err);
/* NAME, a name or a number, as a group of ETC/group. Codes: CONFIG, IO. */
int user_group(const char *etc, const char *name, gid_t *ret, struct err *err);
/* Who UID is in ETC/passwd, else its number; caller frees. */
char *user_name(const char *etc, uid_t uid);
