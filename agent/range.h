/* range.h - thresholds as the Monitoring Plugins Development Guidelines write them.
 *
 *	[@]START:END	START may be ~ (minus infinity); "END" is 0:END, "START:" has no end.
 * A value outside of the range alerts, with @ one inside (the ends belong to it).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct range {
	int64_t from, to;	/* INT64_MIN, INT64_MAX: no end */
	bool inside;
};

/* -1: not a range. */
int range_parse(const char *s, struct range *ret);
bool range_alerts(const struct range *r, int64_t value);
/* The plugin API's state, 0 to 2, of N things that should be none: by the
 * thresholds WARNING and CRITICAL (NULL: none; ranges that range_parse() takes),
 * without either critical as soon as there is one. */
int range_state(int64_t n, const char *warning, const char *critical);
