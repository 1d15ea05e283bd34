/* journal.c - see journal.h. */
#include <stdio.h>
#include <sys/stat.h>
#include "fd.h"
#include "journal.h"

#define JOURNAL_MAX (4 * 1024 * 1024)

static char *path_of(const struct session *s)
{
	return xasprintf("%s/rpm/applying", s->settings->state_dir);
}

int journal_write(const struct session *s, const struct trans_item *items, size_t n, struct err *err)
{
	cleanup_free char *path = path_of(s);
	cleanup_buf struct buf b = { 0 };

	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s %s %s %s\n", items[i].name, items[i].arch, items[i].evr, items[i].file);
	return replace_file(path, 0600, buf_str(&b), b.n, err);
}

bool journal_exists(const struct session *s)
{
	cleanup_free char *path = path_of(s);
	struct stat st;

	return lstat(path, &st) == 0;
}

void journal_read(const struct session *s, struct journal *ret)
{
	cleanup_free char *path = path_of(s);
	cleanup_buf struct buf b = { 0 };
	struct err ignored = ERR_INIT;

	if (read_file(path, JOURNAL_MAX, &b, &ignored) < 0)
		return;
	for (char *rest = b.s, *line; (line = strsep(&rest, "\n"));) {
		char *name = strsep(&line, " "), *arch = strsep(&line, " "), *evr = strsep(&line, " ");
		struct stat st;

		if (!line || !*name || lstat(line, &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		ret->v = xrealloc(ret->v, ret->n + 1, sizeof(*ret->v));
		ret->v[ret->n++] = (struct package){ .name = xstrdup(name),
						     .arch = xstrdup(arch),
						     .evr = xstrdup(evr),
						     .file = xstrdup(line),
						     .verified = true };
	}
}

void journal_remove(const struct session *s)
{
	cleanup_free char *path = path_of(s);

	(void)unlink(path);
}

void journal_clear(struct journal *j)
{
	for (size_t i = 0; i < j->n; i++)
		package_clear(&j->v[i]);
	free(j->v);
	*j = (struct journal){ 0 };
}
