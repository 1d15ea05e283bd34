/* clock.c - see clock.h. */
#include <stdio.h>
#include <string.h>
#include "clock.h"

uint64_t clock_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int64_t clock_wall(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec;
}

void time_format(int64_t t, char *ret)
{
	struct tm tm;
	time_t tt = (time_t)t;

	if (!gmtime_r(&tt, &tm) || strftime(ret, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		memcpy(ret, "1970-01-01T00:00:00Z", 21);
}

int time_parse(const char *s, int64_t *ret)
{
	struct tm tm = { 0 };
	char back[TIME_TEXT_MAX];
	int end = 0;

	if (sscanf(s, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) != 6 || end != 20 || s[20])
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	int64_t t = (int64_t)timegm(&tm);
	time_format(t, back);
	if (strcmp(back, s) != 0)	/* the 31st of February and its like */
		return -1;
	*ret = t;
	return 0;
}

void duration_format(int64_t s, char *ret)
{
	static const struct {
		int64_t seconds;
		const char *unit;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	size_t i = 0;

	if (s < 0)
		s = 0;
	while (i < 3 && s < 2 * units[i].seconds)
		i++;
	(void)snprintf(ret, 32, "%lld %s", (long long)(s / units[i].seconds), units[i].unit);
}
