/* distro.h - which distribution is this, and does it still get security updates?
 *
 * From os-release and distro-info's tables. The files are the container's and
 * hostile; the tables are the bundle's, so that they are newer than the image.
 */
#pragma once
#include "messages.h"

/* Fill RET from ROOT/etc/os-release, else ROOT/usr/lib/os-release (ROOT "" for
 * /), and BUNDLE/share/distro-info/{debian,ubuntu}.csv (BUNDLE may be NULL).
 * end_of_life is the last day of public security support that costs nothing:
 * eol-lts or eol of Debian, eol-server or eol of Ubuntu, SUPPORT_END of
 * os-release where the tables have no date; support is "supported", "lts"
 * (Debian's LTS team alone), "ended", or "unknown" (no date is known, as for
 * testing and unstable). -1: neither os-release can be read; RET is empty then. */
int distro_read(const char *root, const char *bundle, struct msg_distribution *ret, struct err *err);
/* The same on day TODAY, "YYYY-MM-DD". */
int distro_read_at(const char *root, const char *bundle, const char *today, struct msg_distribution *ret,
		   struct err *err);
/* "YYYY-MM-DD" in digits? Such days compare as text. */
bool distro_is_day(const char *s);
