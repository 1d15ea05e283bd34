/* range.c - see range.h. */
#include "range.h"
#include "util.h"

#define VALUE_MAX 1000000000

static int bound(const char *s, size_t n, int64_t empty, int64_t *ret)
{
	char text[16];
	bool minus = n > 0 && *s == '-';
	uint64_t u;

	if (n == 0) {
		*ret = empty;
		return 0;
	}
	if (n >= sizeof(text))
		return -1;
	memcpy(text, s, n);
	text[n] = '\0';
	if (parse_u64(text + minus, VALUE_MAX, &u) < 0)
		return -1;
	*ret = minus ? -(int64_t)u : (int64_t)u;
	return 0;
}

int range_parse(const char *s, struct range *ret)
{
	struct range r = { 0 };
	const char *colon;

	r.inside = *s == '@';
	s += r.inside;
	colon = strchr(s, ':');
	if (!*s || (colon && strchr(colon + 1, ':')))
		return -1;
	if (colon) {
		size_t n = (size_t)(colon - s);

		if (n == 1 && *s == '~')
			r.from = INT64_MIN;
		else if (n == 0 || bound(s, n, 0, &r.from) < 0)
			return -1;
		s = colon + 1;
	}
	if (bound(s, strlen(s), INT64_MAX, &r.to) < 0 || r.from > r.to)
		return -1;
	*ret = r;
	return 0;
}

bool range_alerts(const struct range *r, int64_t value)
{
	bool in = value >= r->from && value <= r->to;

	return r->inside ? in : !in;
}

int range_state(int64_t n, const char *warning, const char *critical)
{
	struct range r;

	if (!warning && !critical)
		return n ? 2 : 0;
	if (critical && range_parse(critical, &r) == 0 && range_alerts(&r, n))
		return 2;
	return warning && range_parse(warning, &r) == 0 && range_alerts(&r, n) ? 1 : 0;
}
