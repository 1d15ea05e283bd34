/* distro.c - see distro.h. */
#include <stdio.h>
#include "clock.h"
#include "distro.h"
#include "fd.h"

#define FILE_LIMIT 65536
#define VALUE_MAX 200
#define COLUMNS 16
#define DAY_LENGTH 10 /* YYYY-MM-DD */

/* A value as a shell would read it: bare, in '' or in "" with \ before $`"\. */
static char *unquote(const char *s)
{
	cleanup_buf struct buf b = { 0 };
	char quote = *s == '"' || *s == '\'' ? *s++ : 0;

	for (; *s && *s != quote && b.n < VALUE_MAX; s++) {
		if (!quote && (*s == ' ' || *s == '\t' || *s == '\r'))
			break;
		if (*s == '\\' && quote != '\'' && s[1])
			s++;
		buf_putc(&b, *s);
	}
	return b.n ? buf_steal(&b) : xstrdup("");
}

struct os_release {
	char *id, *version, *codename, *name, *support_end, *ubuntu_codename;
};

static void read_assignment(struct os_release *r, const char *line)
{
	const struct {
		const char *key;
		char **value;
	} keys[] = {
		{ "ID=", &r->id },
		{ "VERSION_ID=", &r->version },
		{ "VERSION_CODENAME=", &r->codename },
		{ "UBUNTU_CODENAME=", &r->ubuntu_codename },
		{ "PRETTY_NAME=", &r->name },
		{ "SUPPORT_END=", &r->support_end },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!starts_with(line, keys[i].key))
			continue;
		free(*keys[i].value); /* the last one stands, as in a shell */
		*keys[i].value = unquote(line + strlen(keys[i].key));
	}
}

static int read_os_release(const char *root, struct os_release *ret, struct err *err)
{
	cleanup_free char *etc = xasprintf("%s/etc/os-release", root);
	cleanup_free char *usr = xasprintf("%s/usr/lib/os-release", root);
	cleanup_buf struct buf b = { 0 };
	struct err ignored = ERR_INIT;
	char *save = NULL;

	if (read_file(etc, FILE_LIMIT, &b, &ignored) < 0) {
		buf_reset(&b);
		if (read_file(usr, FILE_LIMIT, &b, err) < 0)
			return err_wrap(err, "the container's distribution is unknown");
	}
	buf_putc(&b, '\n');
	for (char *line = strtok_r(b.s, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		line += strspn(line, " \t");
		if (*line != '#')
			read_assignment(ret, line);
	}
	return 0;
}

static void os_release_clear(struct os_release *r)
{
	free(r->id);
	free(r->version);
	free(r->codename);
	free(r->name);
	free(r->support_end);
	free(r->ubuntu_codename);
}

/* /etc/debian_version: "12.7", or "forky/sid" before the release. */
static void read_debian_version(const char *root, struct os_release *r)
{
	cleanup_free char *path = xasprintf("%s/etc/debian_version", root);
	cleanup_buf struct buf b = { 0 };
	struct err ignored = ERR_INIT;
	size_t n;

	if (read_file(path, VALUE_MAX, &b, &ignored) < 0 || !b.n)
		return;
	b.s[strcspn(b.s, " \t\r\n")] = '\0';
	n = strlen(strna(r->version));
	if (!n || (starts_with(b.s, r->version) && (b.s[n] == '.' || b.s[n] == '\0'))) {
		free(r->version);
		r->version = xstrdup(b.s);
	}
	n = strcspn(b.s, "/");
	if (!r->codename && b.s[n] == '/')
		r->codename = xstrndup(b.s, n);
}

/* One line of a table, cut at its commas. */
static size_t cut(char *line, char *fields[COLUMNS])
{
	size_t n = 0;

	line[strcspn(line, "\r")] = '\0';
	for (char *p = line; p && n < COLUMNS;) {
		fields[n++] = p;
		p = strchr(p, ',');
		if (p)
			*p++ = '\0';
	}
	return n;
}

bool distro_is_day(const char *s)
{
	static const char form[] = "0000-00-00";

	for (size_t i = 0; i < DAY_LENGTH; i++)
		if (form[i] == '0' ? s[i] < '0' || s[i] > '9' : s[i] != '-')
			return false;
	return s[DAY_LENGTH] == '\0';
}

struct dates {
	char *eol, *lts, *server; /* NULL: no such column or empty */
};

static void pick(struct dates *ret, char *const header[COLUMNS], size_t columns, char *const fields[COLUMNS], size_t n)
{
	const struct {
		const char *name;
		char **value;
	} wanted[] = {
		{ "eol", &ret->eol },
		{ "eol-lts", &ret->lts },
		{ "eol-server", &ret->server },
	};

	for (size_t i = 0; i < columns && i < n; i++)
		for (size_t k = 0; k < ARRAY_SIZE(wanted); k++)
			if (streq(header[i], wanted[k].name) && distro_is_day(fields[i]))
				*wanted[k].value = xstrdup(fields[i]);
}

static size_t column(char *const header[COLUMNS], size_t n, const char *name)
{
	size_t i = 0;

	while (i < n && !streq(header[i], name))
		i++;
	return i;
}

/* "12.7" is of the line "12", "22.04" of "22.04 LTS". */
static bool same_version(const char *field, const char *version)
{
	size_t n = strcspn(field, " ");

	return n && strncmp(field, version, n) == 0 && (version[n] == '\0' || version[n] == '.');
}

/* The line of SERIES, or without a codename of VERSION. */
static void look_up(const char *path, const char *series, const char *version, struct dates *ret)
{
	cleanup_buf struct buf b = { 0 };
	struct err ignored = ERR_INIT;
	char *header[COLUMNS], *fields[COLUMNS], *save = NULL, *line;
	size_t columns, by_series, by_version;

	if (read_file(path, FILE_LIMIT, &b, &ignored) < 0 || !b.n || !(line = strtok_r(b.s, "\n", &save)))
		return;
	columns = cut(line, header);
	by_series = column(header, columns, "series");
	by_version = column(header, columns, "version");
	while ((line = strtok_r(NULL, "\n", &save))) {
		size_t n = cut(line, fields);
		bool match;

		if (series && *series)
			match = by_series < n && streq(fields[by_series], series);
		else
			match = by_version < n && same_version(fields[by_version], version);
		if (!match)
			continue;
		pick(ret, header, columns, fields, n);
		return;
	}
}

/* Days in this form compare as text. */
static const char *support_at(const char *today, const char *eol, const char *end)
{
	if (!end)
		return "unknown";
	if (strcmp(today, end) > 0)
		return "ended";
	return eol && strcmp(today, eol) > 0 ? "lts" : "supported";
}

static void judge(const char *bundle, const char *today, struct os_release *r, struct msg_distribution *ret)
{
	bool debian = streq(ret->id, "debian"), ubuntu = streq(ret->id, "ubuntu");
	struct dates d = { 0 };
	const char *end = NULL;

	if (bundle && (debian || ubuntu)) {
		cleanup_free char *path = xasprintf("%s/share/distro-info/%s.csv", bundle, ret->id);

		look_up(path, ret->codename, ret->version, &d);
		end = debian ? d.lts : d.server;
		end = end ? end : d.eol;
	}
	/* what the tables do not know the image may say of itself */
	if (!end && distro_is_day(strna(r->support_end)))
		end = r->support_end;
	ret->end_of_life = xstrdup(end);
	ret->support = xstrdup(support_at(today, debian ? d.eol : NULL, ret->end_of_life));
	free(d.eol);
	free(d.lts);
	free(d.server);
}

int distro_read_at(const char *root, const char *bundle, const char *today, struct msg_distribution *ret,
		   struct err *err)
{
	struct os_release r = { 0 };

	if (read_os_release(root, &r, err) < 0) {
		os_release_clear(&r);
		return -1;
	}
	if (r.codename && !*r.codename) {
		free(r.codename);
		r.codename = NULL;
	}
	if (!r.codename)
		r.codename = steal_ptr(&r.ubuntu_codename);
	if (r.id && streq(r.id, "debian"))
		read_debian_version(root, &r);
	/* "linux" is what os-release(5) gives to a system without ID */
	ret->id = r.id ? steal_ptr(&r.id) : xstrdup("linux");
	ret->version = r.version ? steal_ptr(&r.version) : xstrdup("");
	ret->codename = steal_ptr(&r.codename);
	ret->name = steal_ptr(&r.name);
	judge(bundle, today, &r, ret);
	os_release_clear(&r);
	return 0;
}

int distro_read(const char *root, const char *bundle, struct msg_distribution *ret, struct err *err)
{
	char now[TIME_TEXT_MAX];

	time_format(clock_wall(), now);
	now[DAY_LENGTH] = '\0';
	return distro_read_at(root, bundle, now, ret, err);
}
