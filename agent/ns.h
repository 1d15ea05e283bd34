/* ns.h - join a container's namespaces, and mount what was brought along where only we see it.
 *
 * For a process of one thread that does nothing else afterwards. The mounts are
 * in a copy of the container's mount namespace of our own: the container never
 * sees them, and they are gone with the last process that is in there.
 */
#pragma once
#include "inject.h"
#include "target.h"

#define NS_AT_MAX 64

/* Join, copy the mount namespace, make it private. Children are in the
 * container's pid namespace. The working directory is the container's root,
 * which is verified. Codes: ENTER_FAILED. */
int ns_join(const struct target *t, struct err *err);
/* Mount IN on a folder of the container's; its path into AT of NS_AT_MAX bytes.
 * Codes: ENTER_FAILED. */
int ns_mount(const struct inject *in, char *at, struct err *err);
/* A folder (O_PATH) of ROOT by a path without any link or mount-point trick: as a
 * process in ROOT would see it if no component is a symbolic link. -1 with errno. */
int ns_open_plain(int root, const char *path);
