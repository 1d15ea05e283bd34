/* command.h - run one program on the event loop: restarts, health checks, hooks.
 *
 * No shell. The program gets default signals, an empty mask, a session of its
 * own, / as working directory and no descriptor but 0 to 2. It cannot hold the
 * caller up: whatever it does (hangs, floods, ignores SIGTERM, leaves a daemon
 * with its output open), done() is called exactly once, from the event loop.
 *
 * Its output is hostile bytes: escape it (buf.h) before it is shown.
 */
#pragma once
#include <event2/event.h>
#include "buf.h"
#include "err.h"

#define COMMAND_INPUT_MAX  (16 * 1024 * 1024)
#define COMMAND_OUTPUT_MAX 65536

enum command_end {
	COMMAND_EXITED,			/* STATUS: exit status */
	COMMAND_SIGNALED,		/* STATUS: signal */
	COMMAND_TIMEOUT,		/* it and its process group were ended at the deadline */
	COMMAND_CANCELLED,		/* the same by command_cancel() */
	COMMAND_NOT_RUN,		/* STATUS: errno of the exec */
};

struct command_result {
	enum command_end end;
	int status;
	const char *output;		/* stdout and stderr as they came; NUL-terminated; the caller's during done() */
	size_t n;
	bool cut;			/* there was more */
	int64_t timeout;		/* s, of the spec */
	uint64_t ms;			/* how long it took */
};

struct command_spec {
	char *const *argv;		/* a name without a slash is looked for in ENVP's PATH */
	char *const *envp;		/* all of its environment; command_environment, or more */
	const char *input;		/* its stdin, of INPUT_N bytes; NULL: /dev/null */
	size_t input_n;			/* at most COMMAND_INPUT_MAX */
	int64_t timeout;		/* s, at least 1: then SIGTERM, 2 s later SIGKILL to its process group */
	size_t output_max;		/* 0: COMMAND_OUTPUT_MAX; the rest is read and dropped */
	/* For what starts a service: undo what the updater has of oom_score_adj and
	 * niceness, as far as the kernel allows it. */
	bool for_service;
};

struct command;
typedef void command_done(void *arg, const struct command_result *r);

/* PATH and the few words every program expects; nothing of the agent's own. */
extern char *const command_environment[];

/* Codes: IO (no process could be made); done() is not called then. SPEC is not
 * needed afterwards. *RET (NULL: not wanted) is valid until done(). */
int command_start(struct event_base *base, const struct command_spec *spec, command_done *done, void *arg,
		  struct command **ret, struct err *err);
/* Ask it to end by itself, with SIGTERM; its deadline stays as it is. */
void command_terminate(struct command *c);
/* End it as at its deadline; done() follows. */
void command_cancel(struct command *c);
/* Did it exit with 0? */
bool command_ok(const struct command_result *r);
/* "exit status 1: last line of its output": why it is not ok, escaped. */
void command_describe(const struct command_result *r, struct buf *ret);
