/* Strings, lists and numbers. */
#include "tap.h"
#include "util.h"

TEST(ends_with_compares_whole_suffixes)
{
	OK(ends_with("bookworm-security", "-security"));
	OK(ends_with("x", ""));
	OK(ends_with("same", "same"));
	OK(!ends_with("security", "-security"));
	OK(!ends_with("", "x"));
}

TEST(strdup_of_nothing_is_nothing)
{
	OK(xstrdup(NULL) == NULL);
	STREQ(strna(NULL), "");
	cleanup_free char *cut = xstrndup("abcdef", 3), *whole = xstrndup("ab", 10);
	STREQ(cut, "abc");
	STREQ(whole, "ab");
}

TEST(list_keeps_order_and_owns_its_strings)
{
	struct strv l = { 0 }, copy = { 0 };
	char text[16];

	for (int i = 0; i < 1000; i++) {
		(void)snprintf(text, sizeof(text), "item %d", i);
		strv_push(&l, text);
	}
	strv_take(&l, xstrdup("taken"));
	EQ(l.n, 1001);
	STREQ(l.v[0], "item 0");
	STREQ(l.v[999], "item 999");
	STREQ(l.v[1000], "taken");
	OK(strv_contains(&l, "item 512"));
	OK(!strv_contains(&l, "item 1000"));
	strv_copy(&copy, &l);
	strv_clear(&l);
	OK(l.v == NULL && l.n == 0);
	EQ(copy.n, 1001);
	STREQ(copy.v[1000], "taken");
	strv_push(&l, "after clear");
	EQ(l.n, 1);
	strv_clear(&l);
	strv_clear(&copy);
}

TEST(steal_leaves_nothing_behind)
{
	char *p = xstrdup("x"), *q = steal_ptr(&p);
	int fd = 7;

	OK(p == NULL);
	STREQ(q, "x");
	free(q);
	EQ(steal_fd(&fd), 7);
	EQ(fd, -1);
}

TEST(parse_u64_is_strict)
{
	static const char *const bad[] = { "",
					   " 1",
					   "1 ",
					   "+1",
					   "-1",
					   "0x10",
					   "1.0",
					   "1e3",
					   "abc",
					   "1a",
					   "18446744073709551616",
					   "99999999999999999999999" };
	uint64_t n = 42;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (parse_u64(bad[i], UINT64_MAX, &n) >= 0)
			FAIL("'%s' is taken", bad[i]);
		EQ(n, 42);
	}
	EQ(parse_u64("18446744073709551615", UINT64_MAX, &n), 0);
	OK(n == UINT64_MAX);
	EQ(parse_u64("007", 10, &n), 0);
	EQ(n, 7);
	EQ(parse_u64("10", 10, &n), 0);
	EQ(parse_u64("11", 10, &n), -1);
	EQ(n, 10);
}

TAP_MAIN
