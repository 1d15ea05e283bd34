/* findings.h - what a report says about processes, files and restarts, as tables.
 *
 * The tables (wire.h) give the report its JSON and its readers their bounds.
 * Strings from /proc are hostile; they are bounded and escaped on their way out.
 */
#pragma once
#include "wire.h"

/* Why a process is stale: the file, whose it is, and what its update fixed. */
struct find_reason {
	char *file;		/* as the process sees it */
	char *evidence;		/* "executable", "library", "file", "script" */
	char *package;		/* absent: none owns it, or nobody could be asked */
	char *arch;
	char *from, *to;	/* versions; absent where no update by stopgap is known */
	struct strv cves;
};

struct find_process {
	int64_t pid;
	int64_t start;		/* clock ticks after boot: with the pid it names the process */
	char *started;		/* the same, RFC 3339 */
	char *exe, *cmdline;
	char *user;		/* the name in the container's /etc/passwd, else the number */
	char *service, *kind;	/* what is restarted to be rid of it (service.h) */
	struct wire_list reasons;	/* find_reason */
};

/* A process that could not be looked into; OUTDATED: it is older than an update. */
struct find_unreadable {
	int64_t pid, start;
	char *started, *name, *user;
	char *detail;
	bool outdated;
};

/* A running executable or library that no package owns. */
struct find_unmanaged {
	char *file;
};

/* What became of a service that runs old code. */
struct find_restart {
	char *service, *kind;
	enum code code;		/* code ok: it was restarted */
	char *detail;
	int64_t gap;		/* ms in which it did not run, where it is known */
	char *health;		/* "healthy", "unhealthy"; absent: nobody asked */
};

extern const struct wire_message find_reason, find_process, find_unreadable, find_unmanaged, find_restart;
