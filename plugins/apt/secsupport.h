/* secsupport.h - which installed packages does Debian support no longer, or in part?
 *
 * From the tables of the package debian-security-support, of which the bundle
 * carries a copy newer than the container:
 *
 *	security-support-ended.debN	pattern, last version with support, day, note
 *	security-support-limited	pattern, note
 *
 * N is the release's number. A pattern is an expression that the whole name of
 * a source package matches; the first line that does counts.
 */
#pragma once
#include "dpkgdb.h"

/* Look all installed packages of DB up in the tables of FOLDER for RELEASE ("12",
 * "12.7") as of TODAY, "YYYY-MM-DD". Fills RET. Without a table of the release
 * `known` is false. Codes: IO (a table that exists and cannot be read). */
int support_find(const struct dpkgdb *db, const char *folder, const char *release, const char *today,
		 struct msg_support *ret, struct err *err);
