/* service.h - which service a process belongs to, and what restarts it.
 *
 * From the process tree, /proc and the documented files and commands of service
 * managers only. A process belongs to the program of the nearest supervisor
 * above it (supervisord, s6, runit, OpenRC's supervise-daemon), else to the
 * wrapped child, a systemd unit, an OpenRC service, else to the top of its tree
 * below PID 1. A supervisor's own process is none of its programs, so a stale
 * supervisor is a service by the same rules: in wrapper mode the child.
 *
 * Everything in a container is hostile (DESIGN §9), and what is found here is
 * run as its root: a supervisor counts only when it runs as root itself and its
 * control files can be changed by root alone, so that no other user becomes
 * root by looking like one; names and paths are of a fixed alphabet, and never
 * an option. Nothing of a process is executed, its environment is not read.
 */
#pragma once
#include <sys/types.h>
#include "err.h"
#include "util.h"

struct procscan;

enum service_kind {
	SERVICE_CHILD,			/* the wrapped child: PID 1 restarts it in place */
	SERVICE_SYSTEMD,
	SERVICE_SUPERVISORD,
	SERVICE_S6,
	SERVICE_RUNIT,
	SERVICE_OPENRC,
	SERVICE_TREE,			/* a process below PID 1, or PID 1 */
};

/* One process; the tree is sorted by pid. */
struct proc_node {
	pid_t pid, ppid, sid;
	int64_t start;			/* clock ticks after boot: with pid its identity */
	char comm[16];			/* hostile bytes, NUL-terminated */
};

struct service {
	enum service_kind kind;
	char *name;			/* printable */
	char *process;			/* what its main process is called, printable */
	pid_t pid;			/* of that */
	int64_t start;
	struct strv restart;		/* the command that restarts it; empty for the child, or when none is known */
	struct strv query;		/* not empty: the command whose output goes to services_answer() first */
	char *why_not;			/* no restart command and not the child: why, printable */
	bool below_child;		/* restarting the wrapped child restarts it, too */
	int covered_by;			/* the service in the list whose restart restarts this one; -1: none */
	struct strv control;		/* query's command without its verb */
};

struct services {
	struct service *v;		/* the child first, then by pid of the main process */
	size_t n;
	int *of;			/* for each stale pid: its service, -1 when it is gone */
	size_t n_of;
	struct proc_node child;		/* pid 0: none */
};

/* "child", "systemd", "supervisord", "s6", "runit", "openrc", "process". */
const char *service_kind_name(enum service_kind kind);

/* The tree of SCAN, which has as many; caller frees. */
struct proc_node *services_tree(const struct procscan *scan);
/* The services of the STALE pids. TREE is every process but the agent's own (PID 1
 * may be in it). CHILD: the wrapped child, 0 without one. PROC is "/proc" or a
 * recorded tree, ROOT the prefix of all other files, "" here.
 * What cannot be read makes a service without a restart command, not a failure;
 * CODE_INTERNAL: the tree is not sorted. */
int services_find(const struct proc_node *tree, size_t n, const pid_t *stale, size_t n_stale, pid_t child,
		  const char *proc, const char *root, struct services *ret, struct err *err);
/* OUTPUT of service I's query, "" when it gave none: gives it its name and its
 * restart command, or why_not. What has none of its own but is below the child
 * becomes part of the child, so indices change: begin again with the first. */
void services_answer(struct services *l, size_t i, const char *output);
/* The name under which supervisorctl status lists PID; caller frees. NULL: not
 * there (as every program that has not run for its startsecs), or not a name that
 * can be handed to it. */
char *service_supervisord_name(const char *status, pid_t pid);
void services_clear(struct services *l);
