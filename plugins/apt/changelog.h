/* changelog.h - what an update fixes, by the changelog that it brings.
 *
 * Pure: text in, ids out. The text comes out of a package whose signature was
 * checked, and still nothing in it is believed: lines and counts are bounded.
 */
#pragma once
#include "util.h"

#define CHANGELOG_MAX (4 * 1024 * 1024) /* bytes of a changelog that are looked at */
#define CHANGELOG_IDS_MAX 4096 /* ids of one update */

/* Version order: <0, 0, >0. */
typedef int version_compare(const char *a, const char *b);

/* Collect the CVE ids and the advisory ids (DSA, DLA, ELA, USN) that the
 * entries newer than INSTALLED and not newer than CANDIDATE name, each once, in
 * order of appearance. Versions are those of the source package. Returns the
 * number of entries in that range, 0 when the text has none: it then says
 * nothing about this update. */
int changelog_ids(const char *text, size_t n, const char *installed, const char *candidate, version_compare *compare,
		  struct strv *cves, struct strv *advisories);
