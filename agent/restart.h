/* restart.h - which services are restarted after an update: pure decisions.
 *
 * One joint restart a run: every service that runs old code gets one decision,
 * none is restarted twice. A service whose restart takes others with it comes
 * before them, and they are covered; when it may not be restarted they are
 * decided on their own. Nothing is restarted in a loop: what is stale though it
 * was restarted after the last update stays as it is until the next one, and
 * nothing is restarted more often than the budget allows, whatever asks for it.
 *
 * The caller carries the decisions out in the order of the list, and adds each
 * restart to the history, and saves that, before it begins: a restart may be its
 * own end.
 */
#pragma once
#include "config.h"
#include "health.h"
#include "service.h"

#define RESTART_HISTORY_MAX 1000	/* the latest restarts */

/* Restarts that were made, oldest first. Zero is none. */
struct restart_history {
	struct restart_past {
		char *key;
		int64_t when;		/* wall clock */
	} * v;
	size_t n;
};

void restart_history_add(struct restart_history *h, const char *key, int64_t when);
/* Lines "TIME KEY" for the state folder, and back: what is no such line is left out. */
void restart_history_write(const struct restart_history *h, struct buf *ret);
void restart_history_read(struct restart_history *h, const char *text, size_t n);
void restart_history_clear(struct restart_history *h);

enum restart_action {
	RESTART_KEEP,			/* leave it alone: CODE says why */
	RESTART_DO,			/* by its command, or in place by PID 1 for the child */
	RESTART_WITH,			/* covered: CODE_RESTART_COVERED */
	RESTART_WHOLE,			/* the engine restarts the container: once for all that say so */
};

struct restart_decision {
	enum restart_action action;
	enum code code;			/* OK with RESTART_DO and RESTART_WHOLE */
	char *detail;			/* a sentence, printable */
};

struct restart_input {
	int mode;			/* enum restart_mode */
	const struct strv *
		never; /* EREs of: service, the service without ".service" or its supervisord group, process, package */
	struct budget budget;
	const struct services *services; /* after all queries were answered */
	const struct strv *packages;	/* one for each service: what its executable belongs to; NULL: not known */
	const struct restart_history *history;
	int64_t now;
	int64_t updated;		/* when files were last replaced, by whomever: the package database's time; 0: not known */
	bool stopping;			/* the container is being stopped */
	bool engine;			/* there is an engine that can restart the container */
	enum health_state health;	/* what the last check said */
};

/* RET: one for each service; the caller clears them. */
void restart_decide(const struct restart_input *in, struct restart_decision *ret);
void restart_decisions_clear(struct restart_decision *d, size_t n);
/* Its name in the history; caller frees. NULL for the whole container: "container". */
char *restart_key(const struct service *s);
