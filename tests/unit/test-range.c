/* Thresholds: cases/range has one of each form. */
#include "lines.h"
#include "range.h"

TEST(forms_and_what_they_alert_on)
{
	cleanup_free char *text = lines_read("range/alerts");
	char *next = text;

	for (char *line; (line = lines_next(&next));) {
		char *save = NULL, *word = strtok_r(line, " \t", &save);
		bool alert = false;
		struct range r;

		if (range_parse(word, &r) < 0)
			FAIL("'%s' is not taken", word);
		while ((word = strtok_r(NULL, " \t", &save))) {
			if (streq(word, "alert") || streq(word, "quiet"))
				alert = streq(word, "alert");
			else if (range_alerts(&r, strtoll(word, NULL, 10)) != alert)
				FAIL("%s %s", line, word);
		}
	}
}

TEST(what_is_no_range)
{
	cleanup_free char *text = lines_read("range/refused");
	char *next = text;
	struct range r;

	EQ(range_parse("", &r), -1);
	for (char *line; (line = lines_next(&next));)
		if (range_parse(line, &r) == 0)
			FAIL("'%s' is taken", line);
}

TEST(states)
{
	EQ(range_state(0, NULL, NULL), 0);
	EQ(range_state(1, NULL, NULL), 2);
	EQ(range_state(3, "0", "5"), 1);
	EQ(range_state(6, "0", "5"), 2);
	EQ(range_state(0, "0", "5"), 0);
	EQ(range_state(9, "10", NULL), 0);
}

TAP_MAIN
