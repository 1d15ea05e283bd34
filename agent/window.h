/* window.h - maintenance windows: when updates may run.
 *
 *	[schedule] window = Mon-Fri 22:00-04:00 +02:00; Sat,Sun 02:00-05:00,14:00-15:30
 *
 * Entries are separated by semicolons. An entry is days (all, when left out),
 * one or more ranges, and an offset from UTC (none: UTC). A range that ends
 * before it begins goes past midnight and belongs to the day it begins on;
 * 24:00 is the end of a day. Daylight saving is not known here: an offset is
 * fixed, so nothing of the container's time zone is read.
 *
 * Pure; times are seconds since the epoch.
 */
#pragma once
#include "err.h"
#include "util.h"

#define WINDOW_MAX 64

struct window {
	unsigned days;			/* bit 0: Sunday */
	int begin, end;			/* minutes of the local day; END > BEGIN, up to 48 h */
	int offset;			/* minutes east of UTC */
};

/* None: always open. */
struct windows {
	struct window v[WINDOW_MAX];
	size_t n;
};

/* Parse V; RET is complete on success. Codes: CONFIG, naming the part that is wrong. */
int value_window(const char *v, struct windows *ret, struct err *err);
/* The window that is open at T, else the next one: [*BEGIN, *END), so *BEGIN <= T
 * means open. Of several the one that is open longest. Without windows it is
 * [INT64_MIN, INT64_MAX). */
void window_find(const struct windows *w, int64_t t, int64_t *begin, int64_t *end);
