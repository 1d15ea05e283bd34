/* psagent.h - reach the agents inside of containers, though a container may not let go of who opens its files.
 *
 * A path below a container's root may be on a file system in user space that never
 * answers, and then only SIGKILL ends the wait. So a child opens, connects and
 * asks, hands each connection over, and is replaced when it is held.
 */
#pragma once
#include "containers.h"

/* Ask on the status socket in each of C for its status, until DEADLINE (ms of clock_ms()): FDS has a connection for
 * each, on which the answer will come, or -1. */
void ps_agents_ask(const struct host_containers *c, uint64_t deadline, int *fds);
