/* inject.h - what is brought into a container: a copy of the bundle, and a folder to write to.
 *
 * Two file systems in memory that are mounted nowhere yet. No inode of them is
 * the host's or another container's, so nothing that the container does to them
 * (not even to their cached pages) reaches anything else. They are filled
 * before any namespace is joined, and gone when nobody uses them any more.
 */
#pragma once
#include <stdint.h>
#include <sys/types.h>
#include "err.h"

struct inject {
	int bundle; /* a detached mount: read-only, nosuid, nodev; with an empty folder INJECT_STATE and a file INJECT_CONFIG */
	int state; /* a detached mount: nosuid, nodev; the entry's state_dir */
};

#define INJECT_STATE "state"
#define INJECT_CONFIG "stopgap.conf" /* empty */

struct inject_spec {
	const char *bundle; /* folder of the host */
	const char *plugin; /* "apt", "rpm"; NULL: none. The other one's files stay out */
	uid_t uid; /* our ids of the container's root, who owns `state` */
	gid_t gid;
	uint64_t state_max; /* bytes that can be written to it */
};

/* Codes: IO, NO_SPACE, ENTER_FAILED (a kernel before Linux 5.2). RET is empty (-1) on failure. */
int inject_make(const struct inject_spec *spec, struct inject *ret, struct err *err);
void inject_clear(struct inject *in);
