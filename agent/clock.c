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

	if (!gmtime_r(&tt, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099)
		memcpy(ret, "1970-01-01T00:00:00Z", 21);
	else
		(void)snprintf(ret, TIME_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
			       tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* N digits at S, which must be followed by END. */
static int take_digits(const char **s, int n, char end, int *ret)
{
	*ret = 0;
	for (; n > 0; n--, (*s)++) {
		if (**s < '0' || **s > '9')
			return -1;
		*ret = *ret * 10 + (**s - '0');
	}
	return *(*s)++ == end ? 0 : -1;
}

int time_parse(const char *s, int64_t *ret)
{
	struct tm tm = { 0 };
	const char *p = s;
	char back[TIME_TEXT_MAX];

	if (take_digits(&p, 4, '-', &tm.tm_year) < 0 || take_digits(&p, 2, '-', &tm.tm_mon) < 0 ||
	    take_digits(&p, 2, 'T', &tm.tm_mday) < 0 || take_digits(&p, 2, ':', &tm.tm_hour) < 0 ||
	    take_digits(&p, 2, ':', &tm.tm_min) < 0 || take_digits(&p, 2, 'Z', &tm.tm_sec) < 0 || *p)
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
