/* cgroup.h - how much the container's cgroup still allows, versions 1 and 2. */
#pragma once
#include <stdint.h>

struct cgroup_room {
	int64_t memory_limit, memory_left; /* bytes; -1: no limit */
	int64_t pids_limit, pids_left; /* processes; -1: no limit */
};

/* Read ROOT/proc/self/cgroup ("" for /) and ROOT/sys/fs/cgroup. The tightest
 * of our group and its parents counts, as far as they can be seen; what cannot
 * be read is no limit. Page cache that the kernel would drop counts as left. */
void cgroup_read(const char *root, struct cgroup_room *ret);
