/* childwatch.h - one child that changes the system, watched until its end.
 *
 * The child runs in a session of its own (no signal meant for the plugin reaches
 * it), with a built environment, descriptors 0 to 2 and the status descriptor,
 * and its output appended to a log file. Files carry what it says, never pipes:
 * a daemon that a script started could keep a pipe open, and a pipe would end
 * the child halfway when the plugin dies. It is never signalled, except that
 * scripts below it which stay silent too long are ended.
 */
#pragma once
#include "err.h"
#include "util.h"

#define WATCH_STATUS_FD 3

struct watch {
	const char *program; /* to be executed with ARGV; NULL: FN is called in the child */
	char *const *argv;
	int (*fn)(void *ctx); /* returns the exit status */
	char *const *envp;
	const char *log; /* path of the log file */
	const char *title; /* a line for its head: "dpkg --configure -a" */
	int64_t silence; /* s without a status line or output until scripts are ended */
	/* Each line that came on the status descriptor; may be changed. Returns
	 * nothing: any line is a sign of life. */
	void (*line)(char *line, void *ctx);
	/* Scripts are about to be ended, TEXT says why. Comes before what they say then. */
	void (*ended)(const char *text, void *ctx);
	void *ctx;
};

/* Returns the exit status (128+n for a signal), or -1 with ERR when the child
 * could not be started. */
int watch_run(struct watch *w, struct err *err);
/* state_dir/log/NAME, its folder made; one that became large is put aside. Caller frees. */
char *watch_log_path(const char *state_dir, const char *name, struct err *err);
