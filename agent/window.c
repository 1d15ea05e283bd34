/* window.c - see window.h. */
#include "window.h"

#define DAY 86400

static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

/* The index of the day that *P begins with, and *P behind it; -1: none. */
static int take_day(const char **p)
{
	for (size_t i = 0; i < ARRAY_SIZE(days); i++)
		if (strncasecmp(*p, days[i], 3) == 0) {
			*p += 3;
			return (int)i;
		}
	return -1;
}

/* "Mon-Fri,Sun" */
static int parse_days(const char *p, unsigned *ret)
{
	unsigned set = 0;

	for (;;) {
		int from = take_day(&p), to = from;

		if (from >= 0 && *p == '-') {
			p++;
			to = take_day(&p);
		}
		if (from < 0 || to < 0)
			return -1;
		for (int d = from;; d = (d + 1) % 7) {
			set |= 1U << d;
			if (d == to)
				break;
		}
		if (!*p)
			break;
		if (*p++ != ',')
			return -1;
	}
	*ret = set;
	return 0;
}

/* "hh:mm" or "h:mm" at *P, up to MAX hours. */
static int take_time(const char **p, int max, int *ret)
{
	const char *s = *p;
	int hours = 0, minutes = 0;
	size_t n = strspn(s, "0123456789");

	if (n < 1 || n > 2 || s[n] != ':' || strspn(s + n + 1, "0123456789") != 2)
		return -1;
	for (size_t i = 0; i < n; i++)
		hours = hours * 10 + (s[i] - '0');
	minutes = (s[n + 1] - '0') * 10 + (s[n + 2] - '0');
	if (minutes > 59 || hours * 60 + minutes > max * 60)
		return -1;
	*p = s + n + 3;
	*ret = hours * 60 + minutes;
	return 0;
}

static int parse_offset(const char *p, int *ret)
{
	char sign = *p++;
	int minutes;

	if ((sign != '+' && sign != '-') || take_time(&p, 14, &minutes) < 0 || *p)
		return -1;
	*ret = sign == '-' ? -minutes : minutes;
	return 0;
}

/* "22:00-04:00,12:00-13:00", each with W's days and offset. */
static int parse_ranges(const char *p, const struct window *w, struct windows *ret, struct err *err)
{
	for (const char *whole = p;;) {
		struct window one = *w;

		if (take_time(&p, 24, &one.begin) < 0 || *p != '-' || (p++, take_time(&p, 24, &one.end)) < 0 ||
		    (*p && *p != ','))
			return err_set(err, CODE_CONFIG, 0, "'%s' is not a range such as 02:00-05:00", whole);
		if (one.begin == one.end || one.begin == 1440)
			return err_set(err, CODE_CONFIG, 0, "'%s' holds an empty range; a whole day is 00:00-24:00",
				       whole);
		if (one.end < one.begin)
			one.end += 1440;
		if (ret->n == WINDOW_MAX)
			return err_set(err, CODE_CONFIG, 0, "more than %d ranges", WINDOW_MAX);
		ret->v[ret->n++] = one;
		if (!*p++)
			return 0;
	}
}

static int parse_entry(char *entry, struct windows *ret, struct err *err)
{
	char *words[4] = { 0 };
	size_t n = 0, i = 0;
	struct window w = { .days = 0x7f };

	for (char *p; (p = strsep(&entry, " \t"));)
		if (*p && n < ARRAY_SIZE(words))
			words[n++] = p;
	if (!n)
		return 0;
	if (*words[0] < '0' || *words[0] > '9') {
		if (parse_days(words[0], &w.days) < 0)
			return err_set(err, CODE_CONFIG, 0, "'%s' is not days such as Mon-Fri or Sat,Sun", words[0]);
		i++;
	}
	if (i == n)
		return err_set(err, CODE_CONFIG, 0, "'%s' without a range such as 02:00-05:00", words[0]);
	if (i + 1 < n && parse_offset(words[i + 1], &w.offset) < 0)
		return err_set(err, CODE_CONFIG, 0,
			       "'%s' is not an offset such as +02:00; a semicolon separates entries", words[i + 1]);
	if (i + 2 < n)
		return err_set(err, CODE_CONFIG, 0, "'%s' after the offset; a semicolon separates entries",
			       words[i + 2]);
	return parse_ranges(words[i], &w, ret, err);
}

int value_window(const char *v, struct windows *ret, struct err *err)
{
	cleanup_free char *text = xstrdup(v);
	struct windows w = { .n = 0 };
	char *next = text;

	for (char *entry; (entry = strsep(&next, ";"));)
		if (parse_entry(entry, &w, err) < 0)
			return -1;
	*ret = w;
	return 0;
}

void window_find(const struct windows *w, int64_t t, int64_t *begin, int64_t *end)
{
	int64_t best = INT64_MAX;

	*begin = INT64_MIN;
	*end = INT64_MAX;
	for (size_t i = 0; i < w->n; i++) {
		const struct window *o = &w->v[i];
		int64_t local = t + o->offset * 60, midnight = local - ((local % DAY) + DAY) % DAY;

		/* from yesterday, whose range may still run, to the same day next week */
		for (int d = -1; d <= 7; d++) {
			int64_t day = midnight + d * (int64_t)DAY, weekday = ((day / DAY + 4) % 7 + 7) % 7;
			int64_t from = day + o->begin * 60 - o->offset * 60, to = day + o->end * 60 - o->offset * 60;
			int64_t first = from > t ? from : t;

			if (!(o->days & 1U << weekday) || t >= to)
				continue;
			if (first < best || (first == best && to > *end)) {
				best = first;
				*begin = from;
				*end = to;
			}
			break;
		}
	}
}
