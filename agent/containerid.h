/* containerid.h - which container a first process is of, when its cgroup does not tell.
 *
 * The process above it is the engine's: containerd's shim, conmon and systemd-nspawn
 * name the container on their command line. Below runc alone it is nobody in particular:
 * runc's state folder ("runc --root") names the first process of each container.
 */
#pragma once
#include "cgroupid.h"

/* PARENT, a process of the host, below PROC ("/proc"). ID may stay "" with an engine. -1: no engine's. */
int container_id_by_parent(const char *proc, pid_t parent, struct cgroup_id *ret);

struct container_states {
	struct container_state *v;
	size_t n;
	bool read;
};

/* Read ROOT + each of FOLDERS (NULL, empty: CONTAINERS_RUNC), once. What cannot be read is left out. */
void container_states_read(const char *root, const struct strv *folders, struct container_states *s);
/* The container that PID, which started then, is the first process of. -1: of none. */
int container_id_by_state(const struct container_states *s, pid_t pid, uint64_t start, struct cgroup_id *ret);
void container_states_clear(struct container_states *s);
#define cleanup_container_states _cleanup_(container_states_clear)
