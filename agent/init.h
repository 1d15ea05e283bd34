/* init.h - PID 1: the service runs under it, the updater beside it.
 *
 * Two processes of one executable. PID 1 starts the service (child.h), passes
 * signals on, reaps, restarts the service in place when the updater asks
 * (initstate.h), and starts the updater again when it dies. It allocates nothing
 * and reads nothing but /proc/PID/stat and fixed-size messages (initlink.h); a
 * bug in what the updater reads cannot reach it.
 *
 * What it does as an init: every signal that can be caught is passed on, also
 * real-time ones with their value; orphans are reaped; with a terminal the
 * service is its foreground job, and ^Z stops both it and us for a shell that
 * can continue us, and does nothing where nobody could (as PID 1); the exit
 * status is the service's, 128+n for a signal, 126 and 127 when it cannot be
 * executed. When we are not PID 1, orphans come to us as a subreaper; what the
 * service left behind at its end stays, as it would without us.
 */
#pragma once
#include "initopt.h"

/* Run. Returns the exit status: the service's, or 2 when --user or -s cannot be
 * done (message on stderr, nothing was started), or the status of FAILED.
 *
 * UPDATER runs in a child: LINK is its end, non-blocking by its own calls; ARG
 * is passed on. Its result is that process's exit status. It finds: a session of
 * its own without a terminal, all signals unblocked and at their defaults, stdin
 * from /dev/null, no other descriptors but 1 and 2, cwd /, oom_score_adj 1000,
 * nice 10, SCHED_BATCH, subreaper; the name "stopgap-updater". A SIGTERM means
 * the same as STOP.
 *
 * The caller must not have changed a signal disposition before. */
int init_main(const struct init_options *o, int (*updater)(int link, void *arg), void *arg);
