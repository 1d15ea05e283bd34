/* ledger.h - what stopgap has done in this container so far: STATE_DIR/ledger.json.
 *
 * A report tells of one run; that a process started before the last but one
 * update, and which packages the image behind the container lacks, outlives it.
 * Bounded: of a package's updates the oldest are joined.
 */
#pragma once
#include "container.h"
#include "findings.h"
#include "messages.h"

struct ledger_update {
	char *package, *arch;
	char *from, *to;	/* FROM absent: a new package */
	int64_t time;		/* seconds since the epoch, when it was in place */
	struct strv cves;
	struct strv files;	/* of FROM that were running: afterwards none may own them */
};

struct ledger {
	char *host, *id;	/* of the container it was written in */
	struct wire_list updates;	/* ledger_update, oldest first */
	char *health;		/* what [health] command said last (health_name()); absent: nothing yet */
};

extern const struct wire_message ledger_update, ledger;

/* Read STATE_DIR/ledger.json into the zeroed RET. What cannot be read, or is
 * another container's (a state folder may be a volume), is nothing: RET is
 * empty then, for the container that is C. */
void ledger_read(const char *state_dir, const struct container *c, struct ledger *ret);
/* Write it (temporary, fsync, rename). Codes: IO. */
int ledger_save(const struct ledger *l, const char *state_dir, struct err *err);
void ledger_clear(struct ledger *l);

/* U (msg_update) is in place since TIME. */
struct ledger_update *ledger_add(struct ledger *l, const struct msg_update *u, int64_t time);
/* Is this update of U's package the last one known? */
bool ledger_has(const struct ledger *l, const struct msg_update *u);
/* PATH was a file of U's package before the update. */
void ledger_add_file(struct ledger_update *u, const char *path);
/* The last update that replaced PATH; NULL: none is known. */
const struct ledger_update *ledger_owner(const struct ledger *l, const char *path);
/* When the last update was in place; 0: none is known. */
int64_t ledger_last(const struct ledger *l);
/* What a process that started at STARTED missed of R's package: from, to, CVEs. */
void ledger_explain(const struct ledger *l, int64_t started, struct find_reason *r);
/* "package=version" of each package that was updated, as it is now. */
void ledger_carried(const struct ledger *l, struct strv *ret);
