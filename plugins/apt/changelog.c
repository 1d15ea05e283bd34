/* changelog.c - see changelog.h. */
#include <ctype.h>
#include "changelog.h"

#define VERSION_MAX 255

/* "source (version) suites; urgency=..." at the start of a line: the version
 * into RET of VERSION_MAX + 1 bytes. The name may be another than today's:
 * sources are renamed, and some binaries carry entries of their own. */
static bool entry_version(const char *line, size_t n, char *ret)
{
	size_t name = 0;

	while (name < n && (isalnum((unsigned char)line[name]) || (name && strchr("+-.", line[name]))))
		name++;
	if (name < 2 || n < name + 4 || memcmp(line + name, " (", 2) != 0)
		return false;
	const char *v = line + name + 2, *end = memchr(v, ')', n - name - 2);
	if (!end || end == v || end - v > VERSION_MAX)
		return false;
	for (const char *p = v; p < end; p++)
		if (!isalnum((unsigned char)*p) && !strchr(".+-~:", *p))
			return false;
	memcpy(ret, v, (size_t)(end - v));
	ret[end - v] = '\0';
	return true;
}

static void add_once(struct strv *l, const char *s, size_t n)
{
	if (l->n >= CHANGELOG_IDS_MAX)
		return;
	for (size_t i = 0; i < l->n; i++)
		if (strlen(l->v[i]) == n && memcmp(l->v[i], s, n) == 0)
			return;
	strv_take(l, xstrndup(s, n));
}

static size_t digits(const char *s, const char *end, size_t min, size_t max)
{
	size_t n = 0;

	while (s + n < end && n <= max && isdigit((unsigned char)s[n]))
		n++;
	return n >= min && n <= max ? n : 0;
}

/* Length of "CVE-YYYY-NNNN..." at S, 0 if it is not one. */
static size_t cve_length(const char *s, const char *end)
{
	size_t n;

	if (end - s < 13 || memcmp(s, "CVE-", 4) != 0 || digits(s + 4, end, 4, 4) != 4 || s[8] != '-')
		return 0;
	n = digits(s + 9, end, 4, 19);
	return n ? 9 + n : 0;
}

/* Length of "DSA-NNNN", "DSA-NNNN-N" and the like at S. */
static size_t advisory_length(const char *s, const char *end)
{
	static const char *const kinds[] = { "DSA-", "DLA-", "ELA-", "USN-" };
	size_t n, again;

	if (end - s < 6)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (memcmp(s, kinds[i], 4) != 0)
			continue;
		n = digits(s + 4, end, 2, 6);
		if (!n)
			return 0;
		if (s + 4 + n < end && s[4 + n] == '-') {
			again = digits(s + 5 + n, end, 1, 3);
			return again ? 5 + n + again : 4 + n;
		}
		return 4 + n;
	}
	return 0;
}

static void line_ids(const char *line, size_t n, struct strv *cves, struct strv *advisories)
{
	const char *end = line + n;

	for (const char *s = line; s < end; s++) {
		size_t len;

		if (*s != 'C' && *s != 'D' && *s != 'E' && *s != 'U')
			continue;
		if (s > line && isalnum((unsigned char)s[-1]))
			continue;
		if ((len = cve_length(s, end)) > 0)
			add_once(cves, s, len);
		else if ((len = advisory_length(s, end)) > 0)
			add_once(advisories, s, len);
		if (len)
			s += len - 1;
	}
}

int changelog_ids(const char *text, size_t n, const char *installed, const char *candidate, version_compare *compare,
		  struct strv *cves, struct strv *advisories)
{
	char version[VERSION_MAX + 1];
	bool inside = false;
	int entries = 0;

	if (n > CHANGELOG_MAX)
		n = CHANGELOG_MAX;
	for (const char *line = text, *end = text + n; line < end;) {
		const char *nl = memchr(line, '\n', (size_t)(end - line));
		size_t len = nl ? (size_t)(nl - line) : (size_t)(end - line);

		if (entry_version(line, len, version)) {
			/* entries are newest first; what follows the installed version is history */
			if (compare(version, installed) <= 0)
				break;
			inside = compare(version, candidate) <= 0;
			entries += inside;
		} else if (inside) {
			line_ids(line, len, cves, advisories);
		}
		if (!nl)
			break;
		line = nl + 1;
	}
	return entries;
}
