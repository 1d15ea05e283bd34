/* Times as text and back. */
#include "clock.h"
#include "tap.h"

TEST(format_and_parse_are_inverse)
{
	static const struct {
		int64_t t;
		const char *text;
	} times[] = {
		{ 0, "1970-01-01T00:00:00Z" },		   { 951782400, "2000-02-29T00:00:00Z" },
		{ 1795471010, "2026-11-23T21:56:50Z" },	   { 4102444799, "2099-12-31T23:59:59Z" },
		{ 2147483648, "2038-01-19T03:14:08Z" },	   { 253402300799, "9999-12-31T23:59:59Z" },
		{ -86400, "1969-12-31T00:00:00Z" },
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		char text[TIME_TEXT_MAX];
		int64_t t = 1;

		time_format(times[i].t, text);
		STREQ(text, times[i].text);
		EQ(time_parse(text, &t), 0);
		EQ(t, times[i].t);
	}
}

TEST(format_survives_any_number)
{
	static const int64_t odd[] = { INT64_MAX, INT64_MIN, INT32_MIN, 1LL << 40, -(1LL << 40) };
	char text[TIME_TEXT_MAX];

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		time_format(odd[i], text);
		OK(strlen(text) >= 20);
	}
	time_format(INT64_MAX, text);
	STREQ(text, "1970-01-01T00:00:00Z");
}

TEST(parse_takes_that_form_alone)
{
	static const char *const bad[] = {
		"",
		"now",
		"2026-11-23",
		"2026-11-23T21:56:50",
		"2026-11-23 21:56:50Z",
		"2026-11-23T21:56:50+00:00",
		"2026-11-23T21:56:50.0Z",
		"2026-11-23T21:56:50ZZ",
		" 2026-11-23T21:56:50Z",
		"2026-11-23T21:56:50Z ",
		"26-11-23T21:56:50Z",
		"2026-1-23T21:56:50Z",
		"2026-02-31T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-11-00T00:00:00Z",
		"2026-11-23T24:00:00Z",
		"2026-11-23T21:60:50Z",
		"2026-11-23T21:56:60Z",
		"2026-11--3T21:56:50Z",
		"2026-11-23t21:56:50z",
		"-026-11-23T21:56:50Z",
		"2026-+1-23T21:56:50Z",
	};
	int64_t t = 42;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (time_parse(bad[i], &t) >= 0)
			FAIL("'%s' is taken", bad[i]);
		EQ(t, 42);
	}
}

TEST(durations_show_the_largest_unit_that_says_something)
{
	static const struct {
		int64_t s;
		const char *text;
	} cases[] = { { -5, "0 s" }, { 0, "0 s" }, { 119, "119 s" }, { 120, "2 min" }, { 7199, "119 min" },
		      { 7200, "2 h" }, { 172799, "47 h" }, { 172800, "2 d" }, { 6134400, "71 d" } };
	char text[32];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		duration_format(cases[i].s, text);
		STREQ(text, cases[i].text);
	}
	duration_format(INT64_MAX, text);
	HAS(text, " d");
}

TEST(clocks_run)
{
	uint64_t before = clock_ms();

	OK(before > 0);
	OK(clock_ms() >= before);
	OK(clock_wall() > 1700000000);
}

TAP_MAIN
