/* ids.h - users and groups by name, without a name service (nonss.c).
 *
 * A NAME of digits is the number itself; else ROOT/etc/passwd or ROOT/etc/group
 * is read, as bytes of a container: bounded, and what is no entry is passed
 * over. ROOT is "" or a folder whose path the caller trusts. An unknown name,
 * an unreadable file and the number -1 (which chown(2) and setuid(2) take for
 * "leave it") are CODE_CONFIG; *RET is untouched then.
 */
#pragma once
#include <sys/types.h>
#include "err.h"

int ids_group(const char *root, const char *name, gid_t *ret, struct err *err);
/* GID, which may be NULL, becomes the user's own group; a number that the file
 * does not name has group 0, as for `docker run --user`. */
int ids_user(const char *root, const char *name, uid_t *uid, gid_t *gid, struct err *err);
