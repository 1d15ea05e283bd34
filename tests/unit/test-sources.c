/* tests/cases/sources/NAME.case: the copy of a repository list.
 *
 *	the original, up to a line "---", the expected copy up to the next, then one line per
 *	expected alarm: the line number and a part of its text. A name with "deb822" is read as such.
 */
#include "cases.h"
#include "messages.h"
#include "sources.h"

static void check_alarms(const struct wire_list *alarms, char *next)
{
	size_t n = 0;

	for (char *line; (line = strsep(&next, "\n"));) {
		if (!*line)
			continue;
		OK(n < alarms->n);
		const struct msg_reason *r = wire_list_at(&msg_reason, alarms, n++);
		char *part = strchr(line, ' ');
		OK(part);
		*part++ = '\0';
		cleanup_free char *at = xasprintf("/etc/apt/x:%s: ", line);
		EQ(r->code, CODE_TRUST_LOWERED);
		HAS(r->detail, at);
		HAS(r->detail, part);
	}
	EQ(n, alarms->n);
}

static void check_sources(void)
{
	bool deb822 = strstr(case_next->name, "deb822") != NULL;
	cleanup_free char *text = case_text();
	cleanup_buf struct buf out = { 0 };
	struct wire_list alarms = { 0 };
	char *want = strstr(text, "\n---\n");

	OK(want);
	size_t n = (size_t)(want - text) + 1;
	want += 5;
	char *rest = strstr(want, "\n---\n");
	OK(rest);
	rest[1] = '\0';
	(deb822 ? sources_copy_deb822 : sources_copy_list)("/etc/apt/x", text, n, &out, &alarms);
	STREQ(buf_str(&out), want);
	check_alarms(&alarms, rest + 5);
	wire_list_clear(&msg_reason, &alarms);
}

int main(void)
{
	add_cases("sources", check_sources);
	return cases_main();
}
