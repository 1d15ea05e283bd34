/* whitelist.c - see whitelist.h. */
#include "fd.h"
#include "whitelist.h"

#define FILE_MAX (4 * 1024 * 1024)
#define LINE_MAX 600

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void whitelist_clear(struct whitelist *w)
{
	strv_clear(&w->entries);
}

/* "CVE-2026-0001," or "CVE-2026-0001,package", without a blank anywhere. */
static bool entry_valid(const char *line, size_t n)
{
	size_t commas = 0;

	for (size_t i = 0; i < n; i++) {
		if (line[i] <= ' ' || line[i] > '~')
			return false;
		commas += line[i] == ',';
	}
	return commas == 1 && n <= LINE_MAX && line[0] >= 'A' && line[0] <= 'Z';
}

int whitelist_parse(const char *name, const char *text, size_t n, struct whitelist *ret, struct err *err)
{
	size_t line_no = 0;

	for (size_t i = 0; i < n || !line_no;) {
		const char *line = text + i, *nl = n > i ? memchr(line, '\n', n - i) : NULL;
		size_t len = nl ? (size_t)(nl - line) : n - i;

		i += len + 1;
		if (++line_no == 1) {
			if (len == 9 && memcmp(line, "VERSION 0", 9) == 0)
				continue;
			return err_set(err, CODE_CONFIG, 0,
				       "%s:1: not a whitelist of debsecan: its first line is 'VERSION 0'", name);
		}
		if (!len)
			continue;
		if (!entry_valid(line, len)) {
			whitelist_clear(ret);
			return err_set(err, CODE_CONFIG, 0, "%s:%zu: accepted: CVE, a comma, and a package or nothing",
				       name, line_no);
		}
		strv_take(&ret->entries, xstrndup(line, len));
	}
	if (ret->entries.n)
		qsort(ret->entries.v, ret->entries.n, sizeof(*ret->entries.v), by_text);
	return 0;
}

int whitelist_read(const char *path, struct whitelist *ret, struct err *err)
{
	cleanup_buf struct buf text = { 0 };

	if (read_file(path, FILE_MAX, &text, err) < 0) {
		err->code = CODE_CONFIG;
		return err_wrap(err, "cves.whitelist");
	}
	return whitelist_parse(path, buf_str(&text), text.n, ret, err);
}

static bool has(const struct whitelist *w, const char *cve, const char *package)
{
	cleanup_free char *entry = xasprintf("%s,%s", cve, package);

	return bsearch(&entry, w->entries.v, w->entries.n, sizeof(*w->entries.v), by_text) != NULL;
}

bool whitelist_has(const struct whitelist *w, const char *cve, const char *package)
{
	return w->entries.n && (has(w, cve, "") || has(w, cve, package));
}
