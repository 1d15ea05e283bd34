/* dpkgrun.h - one call of the container's dpkg (watch.h). */
#pragma once
#include "err.h"
#include "util.h"

enum dpkg_event_type {
	DPKG_PROCESSING, /* text: the stage ("configure"), just before it starts */
	DPKG_STATUS, /* text: the new status */
	DPKG_ERROR, /* package: name or .deb, text: dpkg's message */
	DPKG_CONFFILE, /* text: a changed conffile, which is kept */
	DPKG_TIMEOUT, /* the script of this package was ended, text: why */
};

struct dpkg_event {
	enum dpkg_event_type type;
	const char *package; /* "libc6:amd64", "bash", or the path of a .deb; "" if unknown */
	const char *text;
};

struct dpkg_run {
	struct strv args; /* behind dpkg's own options: verb, packages */
	const char *log; /* path of the log file */
	int64_t silence; /* s without event or output until a script is ended */
	void (*event)(const struct dpkg_event *e, void *ctx);
	void *ctx;
};

/* Returns dpkg's exit status (128+n for a signal), or -1 with ERR when it
 * could not be started. */
int dpkg_run(struct dpkg_run *run, struct err *err);

/* One line of --status-fd, which is cut up, as at most one event. CURRENT: the package that is being processed, kept
 * from line to line; of the caller to free. For dpkg_run() and its fuzz target. */
void dpkg_status_line(const struct dpkg_run *run, char **current, char *line);

/* What the log says about the failure of PACKAGE (a name as in events, or the
 * path of a .deb) since byte FROM: its last lines up to dpkg's error message,
 * joined by " | "; the last lines of all when dpkg printed none. Caller frees. */
char *dpkg_log_quote(const char *log, int64_t from, const char *package);

/* dpkglock.c: a dpkg child takes the inner lock itself. */
void dpkg_lock_lend(void);
void dpkg_lock_return(void);
