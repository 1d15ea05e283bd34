/* doctor.h - can this container be patched, and if not, why, and what to do.
 *
 * A run that plans and changes nothing (run.h), or where an agent runs a check
 * by it, and what a run does not look at: the state folder and the locks, the
 * socket, and who could restart what. On the host of containers: can they be
 * entered.
 */
#pragma once
#include "config.h"
#include "diagnosis.h"
#include "options.h"

/* Returns the exit status: 0, 1, 2, 3, 5, 6. */
int doctor_main(const struct options *opt, const struct config *config);

/* doctorhost.c: on the host, can containers be entered? */

/* This is the host of containers and none itself. */
bool doctor_on_host(void);
/* Rights, system calls, the state folder, and each container. */
void look_at_host(struct diagnosis *d, const struct config *config);

/* doctorlook.c: what a run does not look at. */

/* The state folder can be locked: a run may use it. */
bool look_at_state(struct diagnosis *d, const char *state_dir);
/* Somebody holds a lock of a package system below ROOT (""). */
void look_at_locks(struct diagnosis *d, const char *root);
/* A socket could be made at PATH. */
void look_at_socket(struct diagnosis *d, const char *path);
/* Which services run here, and whether each could be restarted. CHILD: the wrapped command, 0: none. */
void look_at_services(struct diagnosis *d, const struct config *config, pid_t child);
