/* debsecan.h - what Debian's security tracker serves to debsecan, VERSION 1.
 *
 *	VERSION 1
 *	CVE-2026-0001,,A buffer overflow ...		vulnerabilities, numbered from 0
 *	<empty line>
 *	openssl,0,SHRF,3.6.1-1,3.0.22-1~deb12u1 ...	package, number, flags, version of
 *	<empty line>			unstable that has the fix, fixed versions elsewhere
 *	openssl,libssl-dev libssl3 openssl		source and its binary packages, when
 *	<empty line or end>				they are not just the one of its name
 *
 * Flags: S or B (a source or a binary package; blank: unknown); urgency L, M,
 * H or blank; remote R, "?" (unknown) or blank; F when the suite has a fix. The
 * text comes over the network and is hostile: sizes, counts, names and versions
 * are checked, and one bad line refuses the whole. The data is unsigned; it is
 * as good as the transport it came over.
 */
#pragma once
#include "dpkgdb.h"

#define DEBSECAN_MAX (64UL * 1024 * 1024) /* unpacked; the tracker's are some 15 MiB */

struct debsecan_bug {
	const char *name, *description;
};

struct debsecan_entry {
	const char *package;
	const char *unstable; /* "" for none */
	const char *others; /* versions, separated by one blank */
	unsigned bug; /* index into bugs */
	char kind, urgency, remote, fix; /* the flags */
};

struct debsecan_source {
	const char *name, *binaries; /* separated by one blank */
};

/* The strings point into the text that was parsed. */
struct debsecan {
	struct debsecan_bug *bugs;
	struct debsecan_entry *entries; /* by package, else in the order of the text */
	struct debsecan_source *sources; /* by name */
	size_t n_bugs, n_entries, n_sources;
};

/* Cuts TEXT into strings in place; it must outlive RET. Code: FEED_FAILED,
 * with the line. On failure RET is empty. */
int debsecan_parse(struct buf *text, struct debsecan *ret, struct err *err);
void debsecan_clear(struct debsecan *d);
#define cleanup_debsecan _cleanup_(debsecan_clear)

/* Call FN for each vulnerability of each package of DB that has files in place,
 * in the order of DB; a negative return ends it. What is vulnerable is what
 * debsecan says is: below unstable's fixed version and not one of the others,
 * or without a fix in unstable not one of the others; of a binary package only
 * the first counts. C belongs to the caller of FN; its strings are borrowed. */
int debsecan_match(const struct debsecan *d, const struct dpkgdb *db, int (*fn)(const struct msg_cve *c, void *arg),
		   void *arg);
