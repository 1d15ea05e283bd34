/* compare.c - Debian version comparison, policy 5.6.12. */
#include <string.h>
#include "dpkg.h"

/* Not isdigit(): the order must not follow a locale. */
static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Where the character at P sorts among non-digits: "~" before the end of the
 * part, the end (or a digit) before letters, letters before everything else. */
static int weight(const char *p, const char *end)
{
	unsigned char c = p < end ? (unsigned char)*p : 0;

	if (p == end || digit(*p))
		return 0;
	if (c == '~')
		return -1;
	if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
		return c;
	return c + 256;
}

/* The number at *P without leading zeros; *P moves behind it. */
static const char *number(const char **p, const char *end, size_t *len)
{
	const char *s = *p;

	while (s < end && *s == '0')
		s++;
	*p = s;
	while (*p < end && digit(**p))
		(*p)++;
	*len = (size_t)(*p - s);
	return s;
}

static int compare_part(const char *a, const char *a_end, const char *b, const char *b_end)
{
	while (a < a_end || b < b_end) {
		size_t a_len, b_len;

		while ((a < a_end && !digit(*a)) || (b < b_end && !digit(*b))) {
			int d = weight(a, a_end) - weight(b, b_end);

			if (d)
				return d;
			a++;
			b++;
		}
		const char *a_num = number(&a, a_end, &a_len);
		const char *b_num = number(&b, b_end, &b_len);
		if (a_len != b_len)
			return a_len < b_len ? -1 : 1;
		int d = memcmp(a_num, b_num, a_len);
		if (d)
			return d;
	}
	return 0;
}

/* [epoch:]upstream[-revision]: the epoch ends at the first colon when digits
 * alone precede it, the revision starts behind the last hyphen. */
struct version {
	const char *epoch, *epoch_end, *upstream, *upstream_end, *revision, *end;
};

static struct version split(const char *s)
{
	struct version v = { .epoch = s, .epoch_end = s, .upstream = s, .end = s + strlen(s) };
	size_t digits = strspn(s, "0123456789");

	if (digits && s[digits] == ':') {
		v.epoch_end = s + digits;
		v.upstream = v.epoch_end + 1;
	}
	const char *hyphen = strrchr(v.upstream, '-');
	v.upstream_end = hyphen ? hyphen : v.end;
	v.revision = hyphen ? hyphen + 1 : v.end;
	return v;
}

int dpkg_compare(const char *a, const char *b)
{
	struct version x = split(a), y = split(b);
	int d = compare_part(x.epoch, x.epoch_end, y.epoch, y.epoch_end);

	if (!d)
		d = compare_part(x.upstream, x.upstream_end, y.upstream, y.upstream_end);
	if (!d)
		d = compare_part(x.revision, x.end, y.revision, y.end);
	return d;
}
