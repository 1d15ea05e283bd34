/* hostwatch.h - the daemon of the host: `stopgap watch`.
 *
 * Each container that it watches is patched on the configuration's schedule, and a
 * new one within WATCH_LOOK_MS of its start and a turn. A run is a child, `stopgap
 * exec ID -- once`, whose reports and state are below report.state_dir (hoststate.h);
 * the daemon itself enters nothing, and parses nothing but what exec has written.
 *
 * Whether there are new containers is looked for in /proc, which knows those of
 * every engine: when the kernel has given out a process id since the last time (one
 * read of /proc/loadavg on a quiet host), and there is a mount namespace that was not
 * there (one read of a link for each process, on a busy one). An engine's stream of
 * events would be a second way with its own failures for the same 10 s.
 *
 *	SIGHUP		read the configuration anew
 *	SIGUSR1		run all now
 *	SIGTERM, SIGINT	begin nothing, let the running ones finish their set, end within WATCH_STOP_MS
 */
#pragma once
#include "options.h"

#define WATCH_LOOK_MS 8000
#define WATCH_AGAIN_MS 600000	/* looks happen all the same */
#define WATCH_STOP_MS 60000

/* Returns the exit status: 0, or 2 when the configuration is wrong. */
int watch_main(const struct options *opt);
