/* secsupport.c - see secsupport.h. */
#include <regex.h>
#include "distro.h"
#include "fd.h"
#include "secsupport.h"

#define TABLE_MAX  (1024 * 1024)
#define ROWS_MAX   10000

struct row {
	const char *pattern, *since, *detail; /* into the text; since "" for limited */
	regex_t re;
	bool compiled;
};

struct table {
	struct buf text;
	struct row *rows;
	size_t n;
};

static void table_clear(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i].compiled)
			regfree(&t->rows[i].re);
	free(t->rows);
	buf_clear(&t->text);
	*t = (struct table){ 0 };
}

/* Cut the next word off *P. */
static char *word(char **p)
{
	char *s = *p + strspn(*p, " \t\r");
	size_t n = strcspn(s, " \t\r");

	*p = s + n + (s[n] != '\0');
	s[n] = '\0';
	return s;
}

static void add_row(struct table *t, char *line, bool ended)
{
	struct row r = { .pattern = word(&line), .since = "" };

	if (!*r.pattern || *r.pattern == '#')
		return;
	if (ended) {
		(void)word(&line); /* the last version with support: what is newer is no better off */
		r.since = word(&line);
		if (!distro_is_day(r.since))
			return;
	}
	line += strspn(line, " \t\r");
	line[strcspn(line, "\r")] = '\0';
	r.detail = line;
	cleanup_free char *whole = xasprintf("^(%s)$", r.pattern);
	r.compiled = regcomp(&r.re, whole, REG_EXTENDED | REG_NOSUB) == 0;
	t->rows = xrealloc(t->rows, t->n + 1, sizeof(*t->rows));
	t->rows[t->n++] = r;
}

/* 1: there is such a table. */
static int table_read(const char *path, bool ended, struct table *ret, struct err *err)
{
	char *save = NULL;

	if (access(path, F_OK) < 0)
		return 0;
	if (read_file(path, TABLE_MAX, &ret->text, err) < 0)
		return -1;
	buf_putc(&ret->text, '\n');
	for (char *line = strtok_r(ret->text.s, "\n", &save); line && ret->n < ROWS_MAX;
	     line = strtok_r(NULL, "\n", &save))
		add_row(ret, line, ended);
	return 1;
}

static const struct row *table_find(const struct table *t, const char *source)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct row *r = &t->rows[i];

		/* "g++-12" is no expression that matches itself */
		if (streq(r->pattern, source) || (r->compiled && regexec(&r->re, source, 0, NULL, 0) == 0))
			return r;
	}
	return NULL;
}

static void add_packages(const struct dpkgdb *db, const struct table *t, const char *today, struct msg_support *ret)
{
	const char *source = NULL;
	const struct row *row = NULL;

	for (size_t i = 0; i < db->n; i++) {
		const struct dpkgdb_package *p = &db->packages[i];

		if (p->status < DPKGDB_UNPACKED)
			continue;
		/* packages of one source often are neighbours */
		if (!source || !streq(source, p->source))
			row = table_find(t, p->source);
		source = p->source;
		if (!row)
			continue;
		struct msg_support_package *s = wire_list_add(&msg_support_package, &ret->packages);
		s->package = xstrdup(p->name);
		s->arch = xstrdup(p->arch);
		s->version = xstrdup(p->version);
		s->source = xstrdup(p->source);
		/* days in this form compare as text */
		s->state = xstrdup(!*row->since ? "limited" : strcmp(row->since, today) <= 0 ? "ended" : "ending");
		s->since = *row->since ? xstrdup(row->since) : NULL;
		s->detail = *row->detail ? xstrdup(row->detail) : NULL;
	}
}

int support_find(const struct dpkgdb *db, const char *folder, const char *release, const char *today,
		 struct msg_support *ret, struct err *err)
{
	int digits = (int)strspn(release, "0123456789");
	cleanup_free char *ended = xasprintf("%s/security-support-ended.deb%.*s", folder, digits, release);
	cleanup_free char *limited = xasprintf("%s/security-support-limited", folder);
	struct table t = { 0 };
	int r = digits ? table_read(ended, true, &t, err) : 0;

	if (r > 0) {
		ret->known = true;
		add_packages(db, &t, today, ret);
	}
	table_clear(&t);
	if (r >= 0)
		r = table_read(limited, false, &t, err);
	if (r > 0)
		add_packages(db, &t, today, ret);
	table_clear(&t);
	return r < 0 ? -1 : 0;
}
