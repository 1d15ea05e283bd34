/* dpkg_compare() on tests/cases/compare/versions. */
#include "lines.h"
#include "dpkg.h"

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

TEST(versions)
{
	cleanup_free char *text = lines_read("compare/versions");
	char *p = text, a[256], op, b[256];

	for (char *line; (line = lines_next(&p));) {
		if (sscanf(line, "%255s %c %255s", a, &op, b) != 3)
			FAIL("not a case: %s", line);
		int want = op == '<' ? -1 : op == '>';
		if (sign(dpkg_compare(a, b)) != want || sign(dpkg_compare(b, a)) != -want)
			FAIL("%s: compared as %d and %d", line, dpkg_compare(a, b), dpkg_compare(b, a));
		if (dpkg_compare(a, a) != 0 || dpkg_compare(b, b) != 0)
			FAIL("%s: not equal to itself", line);
	}
}

/* Sorting needs it: a < b and b < c give a < c, over all pairs of a hundred. */
TEST(order_is_total)
{
	cleanup_free char *text = lines_read("compare/versions");
	static char v[512][256];
	size_t n = 0;
	char *p = text;

	for (char *line; (line = lines_next(&p)) && n < ARRAY_SIZE(v);)
		n += sscanf(line, "%255s", v[n]) == 1;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			for (size_t k = 0; k < n; k++)
				if (dpkg_compare(v[i], v[j]) <= 0 && dpkg_compare(v[j], v[k]) <= 0 &&
				    dpkg_compare(v[i], v[k]) > 0)
					FAIL("%s <= %s <= %s, but not the first and the last", v[i], v[j], v[k]);
}

TEST(empty)
{
	EQ(dpkg_compare("", ""), 0);
	OK(dpkg_compare("", "1") < 0);
	OK(dpkg_compare("", "~") > 0);
}
TAP_MAIN
