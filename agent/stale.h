/* stale.h - from processes and owners of files to what a report says.
 *
 * Pure: procscan.h has looked, a plugin has said whose the files are, the
 * ledger knows which update replaced them when.
 */
#pragma once
#include "procscan.h"
#include "report.h"

/* Who owns which path, as a plugin has said. Zero is empty. */
struct owners {
	struct wire_list v;	/* msg_owner that names a package, by path once sorted */
	bool sorted;
};

/* Take over the answers of L, which is empty then. */
void owners_add(struct owners *o, struct wire_list *l);
/* NULL: nobody was asked, or no package owns it. */
const struct msg_owner *owners_find(struct owners *o, const char *path);
void owners_clear(struct owners *o);

/* The paths whose owners have to be known for stale_judge(), each once. */
void stale_paths(const struct procscan *scan, struct strv *ret);

struct stale_input {
	const struct procscan *scan;
	struct owners *now;	/* as the database has it */
	struct owners *before;	/* before this run's updates: a file that is gone has no owner now */
	bool named;		/* there was somebody to ask: what has no owner is unmanaged */
	const char *etc;	/* the folder with passwd */
	const char *bundle;	/* our own files are not the container's */
};

/* Fill REP's processes, stale, unreadable and unmanaged anew. A script is old
 * when its package was unpacked after its process had started. */
void stale_judge(const struct stale_input *in, struct report *rep);
