/* cgroupid.h - which container a process is of, by the path of its cgroup.
 *
 * The paths as the engines and systemd document them, with the cgroupfs and the
 * systemd driver, cgroup v1 and v2. Below the cgroup of its container a process may
 * make whatever it likes, so the outermost id is the one to believe.
 */
#pragma once
#include "util.h"

#define CONTAINER_ID_MAX 256

struct cgroup_id {
	const char *engine;		/* static; NULL with an id: the path does not say */
	char id[CONTAINER_ID_MAX];	/* "" is none; 64 hex digits, or "ENGINE:NAME" */
};

struct cgroup_ids {
	struct cgroup_id outer, inner;	/* inner: the last one, the same as outer when there is but one */
	bool helper;			/* of an engine and not of a container: conmon, an LXC monitor, a build */
	bool inner_helper;		/* the same below outer */
};

/* TEXT is /proc/PID/cgroup, HOST that of the host's first process: what is of the host is no part of the name. */
void cgroup_ids_read(const char *text, const char *host, struct cgroup_ids *ret);
/* "ENGINE:NAME" into RET. -1: NAME is not one that can be an identifier (and a file name). */
int cgroup_id_named(const char *engine, const char *name, struct cgroup_id *ret);
/* 64 lower-case hex digits and no more? */
bool cgroup_id_hex(const char *s);
/* The path of CONTROLLER ("freezer"; "" is cgroup v2) in TEXT; caller frees. NULL: none, or one that leads out. */
char *cgroup_path(const char *text, const char *controller);
