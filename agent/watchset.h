/* watchset.h - the containers that are watched, and whose turn it is.
 *
 * Pure but for what it reads of a new container's state: time is an argument, and
 * nothing is started here. Due ones wait while another one of their image runs, so
 * that never all of them are restarted at once, and while enough run at all; whoever
 * has been due longest is next.
 */
#pragma once
#include "command.h"
#include "containers.h"
#include "metrics.h"
#include "options.h"
#include "schedule.h"
#include "snapshot.h"
#include "watchlabel.h"

#define WATCHSET_MAX 4096	/* containers; what is more is logged and left alone */
#define WATCHSET_UNTOLD 60	/* s a new container waits for its engine to tell its labels */

struct watched {
	char *id, *name, *image;	/* hostile text but for the id */
	const char *engine;
	char *group;		/* what it shares with others of its image; NULL: nothing is known */
	char *dir;		/* its state (hoststate.h) */
	pid_t pid;
	uint64_t start;
	bool known, nested;	/* as host_container has it */
	bool told;		/* its engine has said what its labels are */
	int64_t found;
	bool seen;		/* in the last look */
	bool paused;
	const char *why_not;	/* it is left alone; NULL: it is watched */
	struct watch_labels labels;
	struct config *own;	/* with its labels' settings; NULL: the host's */

	struct schedule_state schedule;
	int64_t next;		/* when it is due */
	char *reason;
	bool asked;		/* over the socket; MODE says for what */
	enum mode mode;		/* of the running run, or what was asked for */
	struct command *command; /* NULL: none runs */
	int64_t begun;
	struct err failure;	/* of the last attempt that brought no report; code ok: it did */
	struct snapshot snapshot;
	struct metrics_state metrics;
};

struct watchset {
	struct watched **v;	/* a pointer stays valid until it is dropped */
	size_t n;
	const struct options *opt;	/* where configurations are loaded from */
	const struct config *config;	/* the host's */
	bool full;		/* it was said that there are too many */
};

/* Take the result of a look: new ones are added, those that are gone dropped,
 * unless something runs in them. How many are new. */
size_t watchset_update(struct watchset *s, const struct host_containers *found);
/* Is there nothing in FOUND that an engine is to be asked about? */
bool watchset_knows(const struct watchset *s, const struct host_containers *found);
/* The configuration has changed: all is judged anew. */
void watchset_configure(struct watchset *s, const struct config *config);
/* When W is due, given what is known now: sets next and reason. */
void watchset_plan(const struct watchset *s, struct watched *w, int64_t now);
/* Whose turn it is at NOW; NULL: nobody's. */
struct watched *watchset_next(const struct watchset *s, int64_t now);
/* When watchset_next() may say something else by the passing of time; SCHEDULE_NEVER. */
int64_t watchset_wake(const struct watchset *s, int64_t now);
size_t watchset_running(const struct watchset *s);
/* The configuration that holds for W. */
const struct config *watchset_config(const struct watchset *s, const struct watched *w);
/* Read what the host's state folder has of W's reports and counters. */
void watched_load(struct watched *w);
/* Why there is no report of W: what exec wrote of its one target (its JSON, after
 * lines of its log), else how it ended. Sets failure. */
void watched_failed(struct watched *w, const struct command_result *r);
void watchset_clear(struct watchset *s);
