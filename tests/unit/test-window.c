/* Maintenance windows: tests/cases/window/opens and refused. */
#include "clock.h"
#include "lines.h"
#include "window.h"

/* Cut LINE at SEP, blanks around it gone; the part behind it. */
static char *cut(char *line, const char *sep)
{
	char *at = strstr(line, sep), *end = at;

	if (!at)
		return NULL;
	while (end > line && end[-1] == ' ')
		end--;
	*end = '\0';
	at += strlen(sep);
	return at + strspn(at, " ");
}

TEST(opens)
{
	cleanup_free char *text = lines_read("window/opens");
	char *next = text;
	int n = 0;

	for (char *line; (line = lines_next(&next)); n++) {
		char *when = cut(line, "|"), *opens = cut(when, "->"), *closes = cut(opens, "..");
		char got[TIME_TEXT_MAX], got_end[TIME_TEXT_MAX];
		struct windows w;
		struct err err = ERR_INIT;
		int64_t t, begin, end;

		EQ(time_parse(when, &t), 0);
		EQ(value_window(line, &w, &err), 0);
		window_find(&w, t, &begin, &end);
		time_format(begin, got);
		time_format(end, got_end);
		if (!streq(begin == INT64_MIN ? "always" : got, opens) ||
		    !streq(end == INT64_MAX ? "never" : got_end, closes))
			FAIL("%s | %s: %s .. %s", line, when, got, got_end);
	}
	GE(n, 18);
}

TEST(refused)
{
	cleanup_free char *text = lines_read("window/refused");
	char *next = text;
	int n = 0;

	for (char *line; (line = lines_next(&next)); n++) {
		char *part = cut(line, "|");
		struct windows w = { .n = 7 };
		struct err err = ERR_INIT;

		if (value_window(line, &w, &err) == 0)
			FAIL("'%s' is taken", line);
		EQ(err.code, CODE_CONFIG);
		EQ(w.n, 7);
		HAS(err.msg, part);
	}
	GE(n, 18);
}

TEST(bounded)
{
	cleanup_buf struct buf b = { 0 };
	struct windows w;
	struct err err = ERR_INIT;

	for (int i = 0; i < WINDOW_MAX; i++)
		buf_puts(&b, "02:00-05:00;");
	EQ(value_window(buf_str(&b), &w, &err), 0);
	buf_puts(&b, "02:00-05:00");
	EQ(value_window(buf_str(&b), &w, &err), -1);
	HAS(err.msg, "more than 64 ranges");
}

TAP_MAIN
