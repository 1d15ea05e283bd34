/* procscan.h - which processes still run files that were replaced.
 *
 * Read only: nothing of a process is executed, loaded or interpreted, and its
 * environment is not read (needrestart's CVE-2024-48990, -48991, -48992 and
 * -11003 came from doing so). What comes from /proc is a container's bytes:
 * bounded here, escaped by whoever shows it.
 *
 * A process that cannot be read is tried again by a child that takes its user
 * and group (procchild.h); if that cannot either, it is `unreadable` and never
 * counts as fresh.
 *
 * Evidence is code: mappings that are executable, and data where its program runs
 * that. Other mapped data of the distribution is none. It is made anew by
 * triggers (locale-archive, gconv-modules.cache, mime.cache, gschemas.compiled), so
 * every process with a locale would be called stale after locale-gen; and four of
 * five mappings would have to be looked at for it.
 *
 * Not seen: a library that was moved aside before a new one was put in place
 * (its mapping follows the rename), a file changed in place, modules without
 * native code that an interpreter imported (only the script it was started with).
 */
#pragma once
#include <sys/types.h>
#include "err.h"
#include "util.h"

#define PROCSCAN_MAX	     65536 /* processes */
#define PROCSCAN_REASONS_MAX 64 /* replaced files that are named, of one process */
#define PROCSCAN_SCRIPTS_MAX 64
#define PROCSCAN_RUNNING_MAX 8192
#define PROCSCAN_CMDLINE_MAX 1024 /* bytes that are kept */
#define PROCSCAN_ARGS_MAX    65536 /* bytes in which a script is looked for */

enum scan_evidence {
	SCAN_EXECUTABLE, /* its own program */
	SCAN_LIBRARY, /* mapped code: libraries, extension modules */
	SCAN_FILE, /* data that is code to its program: java's modules and open archives, assemblies of mono and .NET */
	SCAN_SCRIPT, /* what its interpreter runs; found by the caller from `scripts` */
};
/* "executable", "library", "file", "script" */
const char *scan_evidence_name(enum scan_evidence e);

struct scan_reason {
	enum scan_evidence evidence;
	char *file; /* as the process sees it below its own root, without " (deleted)" */
};

struct scan_process {
	pid_t pid, ppid, sid;
	int64_t start; /* clock ticks after boot: pid and start name a process for ever */
	uid_t uid; /* effective */
	gid_t gid;
	char comm[16];
	bool ns; /* another mount namespace or root than ours and that of PID 1 */
	const char *unreadable; /* why it could not be read, static; NULL: it was */
	/* Each replaced file once. */
	struct scan_reason *reasons;
	size_t n_reasons;
	/* Interpreters: scripts and archives that they run; stale when a package that owns one was unpacked after
	 * `start`. Absolute paths of regular files that are there, in the process's view. */
	struct strv scripts;
	/* Of a process that is stale, unreadable or has scripts; else NULL. */
	char *exe; /* of the names of its file the one it was started by; NULL also when unreadable */
	char *cmdline; /* words joined by blanks, at most PROCSCAN_CMDLINE_MAX bytes */
};

struct procscan {
	/* By pid; no kernel threads, no zombies, nothing that was skipped. */
	struct scan_process *v;
	size_t n;
	size_t unreadable; /* how many of them */
	bool cut; /* there were more than PROCSCAN_MAX */
	/* Programs and libraries that are mapped and not replaced, each once, of processes that see our files: which
	 * belong to no package? */
	struct strv running;
	int64_t boot_ms; /* milliseconds since the epoch when the clock of `start` was 0 */
};

struct scan_skip {
	pid_t pid;
	bool tree; /* and everything below it */
};

struct procscan_options {
	const char *proc; /* "/proc", or a recorded tree */
	bool recorded; /* it is one: no proc filesystem is demanded, no link of it is followed */
	const struct scan_skip *skip;
	size_t n_skip;
	unsigned child_ms; /* deadline of all children together, 0: 10 s */
};

/* One pass over all processes. RET must be zero. -1: /proc cannot be used. Codes: IO. */
int procscan_read(const struct procscan_options *o, struct procscan *ret, struct err *err);
/* Add a reason, unless the process has it already. */
void procscan_add_reason(struct scan_process *p, enum scan_evidence e, const char *file);
/* When the process started, since the epoch: in milliseconds, exact to a clock tick (10 ms) as long as the wall clock
 * was not set since; in seconds, rounded down. */
int64_t procscan_started_ms(const struct procscan *s, const struct scan_process *p);
int64_t procscan_started(const struct procscan *s, const struct scan_process *p);
void procscan_clear(struct procscan *s);
