/* psagent.h - reach the agents inside of containers, though a container may not let go of who opens its files.
 *
 * A path below a container's root may be on a file system in user space that never
 * answers, and then only SIGKILL ends the wait. So a child opens and connects, hands
 * each connection over, and is replaced when it is held.
 */
#pragma once
#include "containers.h"

/* Connect to the status socket in each of C until DEADLINE (ms of clock_ms()): FDS has a descriptor for each, or -1. */
void ps_agents_connect(const struct host_containers *c, uint64_t deadline, int *fds);
