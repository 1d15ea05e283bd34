/* tests/cases/changelog/NAME.case: the ids that changelog entries name.
 *
 *	installed VERSION	candidate VERSION
 *	entries NUMBER				expected
 *	cve ID ...				expected, in this order
 *	advisory ID ...				expected
 *	---					the changelog follows
 */
#include "cases.h"
#include "changelog.h"

/* Good enough for the versions of these cases; the plugin passes dpkg's order. */
static int by_version(const char *a, const char *b)
{
	return strverscmp(a, b);
}

static void join(const struct strv *l, char *ret, size_t size)
{
	size_t n = 0;

	*ret = '\0';
	for (size_t i = 0; i < l->n && n < size; i++)
		n += (size_t)snprintf(ret + n, size - n, "%s%s", i ? " " : "", l->v[i]);
}

static void check_changelog(void)
{
	cleanup_free char *text = case_text();
	cleanup_strv struct strv cves = { 0 }, advisories = { 0 };
	const char *installed = "", *candidate = "", *cve = "", *advisory = "", *entries = "0";
	char *next = text, got[4096], number[16];

	for (char *line; (line = strsep(&next, "\n")) && !streq(line, "---");) {
		char *rest = strchr(line, ' ');

		if (!rest)
			continue;
		*rest++ = '\0';
		const char **to = streq(line, "installed") ? &installed :
				  streq(line, "candidate") ? &candidate :
				  streq(line, "cve")	   ? &cve :
				  streq(line, "advisory")  ? &advisory :
							     &entries;
		*to = rest;
	}
	OK(next);
	int n = changelog_ids(next, strlen(next), installed, candidate, by_version, &cves, &advisories);
	(void)snprintf(number, sizeof(number), "%d", n);
	STREQ(number, entries);
	join(&cves, got, sizeof(got));
	STREQ(got, cve);
	join(&advisories, got, sizeof(got));
	STREQ(got, advisory);
}

/* A file full of ids costs neither unbounded memory nor time. */
static void many_ids(void)
{
	cleanup_buf struct buf b = { 0 };
	cleanup_strv struct strv cves = { 0 }, advisories = { 0 };

	case_next = case_next->next;
	buf_puts(&b, "xy (2) s; urgency=low\n");
	for (int i = 0; i < 20000; i++)
		buf_printf(&b, "  * CVE-2026-%d\n", 10000 + i);
	EQ(changelog_ids(b.s, b.n, "1", "2", by_version, &cves, &advisories), 1);
	EQ(cves.n, CHANGELOG_IDS_MAX);
}

int main(void)
{
	static struct tap_test many = { "many_ids", many_ids, NULL };

	add_cases("changelog", check_changelog);
	*tap_last = &many;
	tap_last = &many.next;
	return cases_main();
}
