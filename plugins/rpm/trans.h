/* trans.h - one rpm transaction, in a child of its own (watch.h).
 *
 * The child runs our librpm where that can write the database, else the
 * container's own rpm, else its dnf, yum, zypper or tdnf, always with the same
 * verified files. What became of the packages is asked of the database
 * afterwards; the child's words are for explanation.
 */
#pragma once
#include "session.h"

enum trans_way {
	WAY_NONE, /* nothing here can change this database */
	WAY_LIBRPM,
	WAY_RPM, /* /usr/bin/rpm of the container */
	WAY_TOOL, /* its dnf, ... */
};

enum trans_verb {
	TRANS_UPGRADE,
	TRANS_REPLACE, /* the same, and what is installed in this version is installed again */
	TRANS_FORGET, /* the rows of the packages go, no file is touched, no script runs */
};

struct trans_item {
	const char *name, *arch, *evr;
	const char *file; /* NULL for TRANS_FORGET */
	/* set */
	bool problem; /* it stands in the way of the whole, which did not begin */
	bool script_failed; /* fatal: it was not installed */
	bool timeout; /* a script of it was ended */
	struct strv warnings; /* what failed without stopping it */
	struct buf said; /* by the scripts that failed */
	struct buf detail;
};

enum trans_end {
	TRANS_DONE, /* it ran; some packages may have failed */
	TRANS_PROBLEMS, /* it did not begin: see the items */
	TRANS_LOCKED, /* somebody else took the lock first */
};

struct trans {
	const struct session *s;
	enum trans_verb verb;
	struct trans_item *items;
	size_t n;
	const char *log; /* path */
	void (*progress)(const char *package, void *ctx); /* one more step is done: two per item */
	void *ctx;
	/* set */
	enum trans_end end;
	struct buf output; /* error lines of the whole */
};

/* Which way does this container go? TOOL: the program, a static string. */
enum trans_way trans_way(const struct session *s, const char **tool);
/* -1 when the child could not be started. The lock must be free. */
int trans_run(struct trans *t, struct err *err);
void trans_clear(struct trans *t);
/* Wait until nobody holds rpm's lock, then leave it. Codes as record_lock(). */
int trans_wait_for_lock(const struct session *s, struct err *err);

/* What the container's macro files say that librpm is to honour, and the files
 * that are mount points: pushed as macros. In the child alone. */
void trans_set_macros(void);

/* transown.c: the child's part with librpm; returns its exit status. */
int trans_own(const struct trans *t);
/* transother.c: the arguments of a program that does the same. */
void trans_arguments(const struct trans *t, enum trans_way way, const char *tool, struct strv *argv);

/* What such a program said: fills the items, the end and the output. */
void trans_read_output(struct trans *t, const char *output);
/* Append a line, as far as there is room. */
void trans_add_text(struct buf *b, const char *text);

/* Words of the status lines between the child and trans.c:
 *	step NAME.ARCH			a package was installed, or its predecessor removed
 *	script NAME.ARCH		a script of it starts
 *	failed NAME.ARCH TAG		a script failed that stops the package
 *	said NAME.ARCH TEXT		a line of the script that failed, before it is called so
 *	warning NAME.ARCH TAG		a script failed that does not
 *	problem NAME.ARCH TEXT		the transaction cannot begin because of it
 *	error TEXT			librpm's message
 *	locked */
