/* distro_read_at() on the folders of tests/cases/distro: a root each, with "expect". */
#include <dirent.h>
#include "lines.h"
#include "distro.h"

/* expect: lines "TODAY id version codename end_of_life support", "-" for absent; then the name on a line. */
static void run_case(const char *name)
{
	cleanup_free char *root = xasprintf(STOPGAP_TOP "/tests/cases/distro/%s", name);
	cleanup_free char *expect = xasprintf("distro/%s/expect", name);
	cleanup_free char *text = lines_read(expect);
	char *p = text;

	for (char *line; (line = lines_next(&p));) {
		struct msg_distribution d = { 0 };
		struct err err = ERR_INIT;
		char today[16];

		if (sscanf(line, "%15s", today) != 1)
			FAIL("%s: not a case: %s", name, line);
		EQ(distro_read_at(root, STOPGAP_TOP "/tests/cases", today, &d, &err), 0);
		cleanup_free char *got = xasprintf("%s %s %s %s %s %s", today, d.id, *d.version ? d.version : "-",
						   d.codename ? d.codename : "-", d.end_of_life ? d.end_of_life : "-",
						   d.support);
		wire_clear(&msg_distribution, &d);
		if (!streq(got, line))
			FAIL("%s: %s, expected %s", name, got, line);
	}
}

TEST(roots)
{
	DIR *d = opendir(STOPGAP_TOP "/tests/cases/distro");
	size_t n = 0;

	OK(d != NULL);
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		run_case(e->d_name);
		if (tap_failed)
			break;
		n++;
	}
	(void)closedir(d);
	GE(n, 8);
}

TEST(names_are_unquoted)
{
	struct msg_distribution d = { 0 };
	struct err err = ERR_INIT;

	EQ(distro_read_at(STOPGAP_TOP "/tests/cases/distro/quotes", NULL, "2026-01-01", &d, &err), 0);
	STREQ(d.name, "A \"quoted\" $name `with` \\ signs");
	STREQ(d.support, "unknown");
	wire_clear(&msg_distribution, &d);
}

TEST(without_os_release)
{
	struct msg_distribution d = { 0 };
	struct err err = ERR_INIT;

	EQ(distro_read_at("/nowhere/at/all", NULL, "2026-01-01", &d, &err), -1);
	HAS(err.msg, "the container's distribution is unknown: open '/nowhere/at/all/usr/lib/os-release'");
	OK(d.id == NULL);
}

TEST(today_is_now)
{
	struct msg_distribution d = { 0 };
	struct err err = ERR_INIT;

	EQ(distro_read(STOPGAP_TOP "/tests/cases/distro/wheezy", STOPGAP_TOP "/tests/cases", &d, &err), 0);
	STREQ(d.support, "ended");
	wire_clear(&msg_distribution, &d);
}
TAP_MAIN
