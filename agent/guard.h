/* guard.h - maintainer scripts start and stop no service.
 *
 * The bundle's guard folder leads PATH while dpkg or rpm runs. Its links to the
 * agent carry the names below. What would start, stop or reload a service is
 * answered as a policy-rc.d that says 101 would be; everything else is handed
 * to the container's own program of that name. Services are restarted once,
 * after all updates, by the agent.
 */
#pragma once
#include <stdbool.h>

/* The links that the guard folder holds (packaging/bundle/make-bundle reads
 * them here): what Debian's and Ubuntu's scripts call, from debhelper's snippets
 * and the scripts of real packages. */
#define GUARD_NAMES(X) \
	X("deb-systemd-invoke") \
	X("invoke-rc.d") \
	X("service") \
	X("start-stop-daemon") \
	X("systemctl") \
	X("telinit")

/* The same, NULL at the end. */
extern const char *const guard_names[];

enum guard_verdict {
	GUARD_PASS, /* harmless: the container's program runs it */
	GUARD_REFUSE, /* not run, exit `status` */
};

/* What becomes of ARGV (argv[0] is ignored). May take a "--now" out of it, so
 * that the rest can pass. STATUS: exit status of a refusal, or when the
 * container has no such program. */
enum guard_verdict guard_decide(const char *name, int *argc, char **argv, int *status);

/* Play NAME, one of guard_names. Returns the exit status, or does not return. */
int guard_main(const char *name, int argc, char **argv);
