/* inroot.h - open a path below another root: no link in it leads out.
 *
 * What a container lays out (absolute links, "..", links that change while they
 * are followed) ends inside ROOT, as it would for a process whose root that is.
 */
#pragma once

/* An O_PATH descriptor of PATH (absolute or not) as seen from the folder ROOT, the
 * last component's link followed; -1 with errno. */
int inroot_open(int root, const char *path);
/* The same without openat2(): kernels before 5.6, and profiles that refuse it. */
int inroot_walk(int root, const char *path);
/* Where PATH leads from ROOT, as plain names without links ("usr/lib/x"; "": the root itself), into RET of PATH_MAX
 * bytes. -1 with errno. */
int inroot_resolve(int root, const char *path, char *ret);
