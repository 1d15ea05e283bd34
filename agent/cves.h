/* cves.h - `stopgap cves`: the known vulnerabilities of installed packages, fixed and not.
 *
 * What debsecan does, from inside the bundle: the plugin fetches the tracker's
 * feed and matches it, the agent takes out what is whitelisted, counts, sorts
 * and shows. Changes nothing in the container.
 */
#pragma once
#include "config.h"
#include "messages.h"
#include "options.h"

#define CVES_SCHEMA 1

struct cves {
	struct err error;		/* why there is no list; code ok: there is one */
	struct wire_list blocked;	/* msg_reason */
	struct msg_distribution distribution;
	char *plugin;
	struct msg_feed feed;		/* its alarms too */
	struct wire_list found;		/* msg_cve, sorted: what has a fix first, then by urgency */
	size_t whitelisted;		/* findings left out */
};

/* Find them all: runs its own event loop until the plugin is gone. SIGTERM,
 * SIGINT and SIGHUP end it early with CODE_STOPPED. PROGRESS: show a progress
 * line on stderr. */
void cves_find(const struct config *config, const char *bundle, bool progress, struct cves *ret);
void cves_clear(struct cves *c);

/* 2, 1 or 3 for what went wrong, 100 when a vulnerability has a fix, else 0. */
int cves_exit(const struct cves *c);
/* Sort FOUND as it is shown. */
void cves_sort(struct cves *c);
/* A table and a summary, COLOUR for a terminal. */
void cves_text(const struct cves *c, bool colour, struct buf *ret);
/* {"schema":1,"counts":{…},"cves":[…],…}; caller puts it. */
struct json_object *cves_json(const struct cves *c);
/* The mode: find, print, and return the exit code. */
int cves_main(const struct options *opt, const struct config *config);
