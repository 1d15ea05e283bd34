/* updater.h - the agent that stays: schedule, status socket, signals.
 *
 * `stopgap daemon` is the updater alone; under `stopgap run` it is a process
 * beside PID 1 (init.h) and may be killed at any moment: what has to outlive it
 * is in the state folder.
 *
 *	SIGHUP		read the configuration anew, when no run is under way
 *	SIGUSR1		run now
 *	SIGTERM, SIGINT	finish the running set, report, end
 */
#pragma once
#include "options.h"

/* LINK is the updater's end of the link to PID 1 (initlink.h), -1: there is
 * none. Returns the exit status: 0, or 2 when the configuration is wrong. */
int updater_main(const struct options *opt, int link);
