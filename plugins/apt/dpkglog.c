/* dpkglog.c - quoting what dpkg and a maintainer script said. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include "buf.h"
#include "dpkgrun.h"

#define READ_MAX (256 * 1024) /* of the end of the log */
#define LINES 20
#define QUOTE_MAX 3500 /* bytes; each may become four when escaped */

static size_t read_end(const char *log, int64_t from, char **ret)
{
	cleanup_fd int fd = open(log, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= from)
		return 0;
	if (st.st_size - from > READ_MAX)
		from = st.st_size - READ_MAX;
	*ret = xmalloc((size_t)(st.st_size - from) + 1);
	n = pread(fd, *ret, (size_t)(st.st_size - from), from);
	if (n <= 0)
		return 0;
	for (ssize_t i = 0; i < n; i++)
		if ((*ret)[i] == '\0')
			(*ret)[i] = '?';
	(*ret)[n] = '\0';
	return (size_t)n;
}

/* The line that starts with WORDS PACKAGE and SEP: the first one from P on, or
 * the last one before END. */
static char *find_line(char *p, const char *end, const char *words, const char *package, const char *sep, bool last)
{
	cleanup_free char *want = xasprintf("%s%s%s", words, package, sep);
	char *found = NULL;

	while (p && p < end && (last || !found)) {
		if (starts_with(p, want))
			found = p;
		p = strchr(p, '\n');
		if (p)
			p++;
	}
	return found;
}

/* "dpkg: error processing package X (--configure):" and the indented reason. */
static char *error_end(char *text, const char *end, const char *package)
{
	bool deb = *package == '/';
	char *p = find_line(text, end, deb ? "dpkg: error processing archive " : "dpkg: error processing package ",
			    package, " (--", true);

	if (!p)
		return NULL;
	do {
		p = strchr(p, '\n');
		p = p ? p + 1 : text + (end - text);
	} while (*p == ' ');
	return p;
}

static char *package_start(char *text, const char *end, const char *package)
{
	static const struct {
		const char *words, *sep;
	} starts[] = {
		{ "Setting up ", " (" },
		{ "Processing triggers for ", " (" },
		{ "dpkg: dependency problems prevent configuration of ", ":" },
	};
	char *start = NULL;

	if (*package == '/') {
		const char *slash = strrchr(package, '/');
		char *p = find_line(text, end, "Preparing to unpack ", package, " ", true);

		/* dpkg shortens long paths to ".../name" */
		return p ? p : find_line(text, end, "Preparing to unpack ...", slash, " ", true);
	}
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		char *p = find_line(text, end, starts[i].words, package, starts[i].sep, true);

		if (p && (!start || p > start))
			start = p;
	}
	return start;
}

char *dpkg_log_quote(const char *log, int64_t from, const char *package)
{
	cleanup_free char *text = NULL;
	cleanup_buf struct buf out = { 0 };
	size_t n = read_end(log, from, &text), lines = 0;
	char *start, *end;

	if (!n)
		return xstrdup("");
	end = error_end(text, text + n, package);
	if (!end)
		end = text + n;
	start = package_start(text, end, package);
	if (!start)
		start = text;
	while (end > start && end[-1] == '\n')
		end--;
	for (char *p = end; p > start; p--) {
		if ((p[-1] == '\n' && ++lines == LINES) || end - p >= QUOTE_MAX) {
			start = p;
			break;
		}
	}
	for (char *p = start; p < end; p++) {
		if (*p == '\n')
			buf_puts(&out, " | ");
		else if (*p != '\r')
			buf_putc(&out, *p);
	}
	return buf_steal(&out);
}
