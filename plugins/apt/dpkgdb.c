/* dpkgdb.c - see dpkgdb.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include "dpkg.h"
#include "dpkgdb.h"
#include "fd.h"

#define UPDATE_MAX (1024UL * 1024) /* one journal entry is one stanza */
#define JOURNAL_MAX 10000 /* dpkg starts over at 250 */
#define WORD_MAX 255 /* names and versions */

static const char *const status_names[] = {
	[DPKGDB_NOT_INSTALLED] = "not-installed",	[DPKGDB_CONFIG_FILES] = "config-files",
	[DPKGDB_HALF_INSTALLED] = "half-installed",	[DPKGDB_UNPACKED] = "unpacked",
	[DPKGDB_HALF_CONFIGURED] = "half-configured",	[DPKGDB_TRIGGERS_AWAITED] = "triggers-awaited",
	[DPKGDB_TRIGGERS_PENDING] = "triggers-pending", [DPKGDB_INSTALLED] = "installed",
};

const char *dpkgdb_status_name(enum dpkgdb_status s)
{
	return status_names[s];
}

/* One stanza while its lines are read. */
struct stanza {
	struct dpkgdb_package p;
	bool any, status, description;
};

static const struct stanza new_stanza = {
	.p = { .name = "", .arch = "", .version = "", .source = "", .source_version = "" }
};

struct reader {
	struct dpkgdb *db;
	const char *path;
	size_t line;
	size_t cap;
	size_t order;
	struct stanza last; /* the stanza read last, complete or not */
};

static int broken(const struct reader *r, struct err *err, const char *what)
{
	return err_set(err, CODE_DATABASE_BROKEN, 0, "%s:%zu: %s", r->path, r->line, what);
}

static bool name_valid(const char *s)
{
	size_t n = 0;

	for (; s[n]; n++) {
		char c = s[n];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!alnum && (n == 0 || !strchr("-+._", c)))
			return false;
	}
	return n > 0 && n <= WORD_MAX;
}

/* Printable and without blanks: versions and architectures go into reports. */
static bool word_valid(const char *s)
{
	size_t n = 0;

	for (; s[n]; n++)
		if (s[n] <= ' ' || s[n] > '~')
			return false;
	return n > 0 && n <= WORD_MAX;
}

/* "install ok installed": what is wanted, whether it is broken, what it is. */
static int read_status(struct reader *r, struct stanza *s, char *value, struct err *err)
{
	static const char *const wants[] = { "unknown", "install", "hold", "deinstall", "purge" };
	char *save = NULL;
	const char *want = strtok_r(value, " \t", &save);
	const char *flag = strtok_r(NULL, " \t", &save);
	const char *status = strtok_r(NULL, " \t", &save);
	bool known = false;

	if (!status || strtok_r(NULL, " \t", &save))
		return broken(r, err, "the field Status does not have three words");
	for (size_t i = 0; i < ARRAY_SIZE(wants); i++)
		known |= streq(want, wants[i]);
	if (!known || (!streq(flag, "ok") && !streq(flag, "reinstreq")))
		return broken(r, err, "the field Status has an unknown word");
	s->p.reinstall = streq(flag, "reinstreq");
	for (size_t i = 0; i < ARRAY_SIZE(status_names); i++) {
		if (!streq(status, status_names[i]))
			continue;
		s->p.status = (enum dpkgdb_status)i;
		s->status = true;
		return 0;
	}
	return broken(r, err, "the field Status has an unknown word");
}

/* "openssl", or "glibc (2.36-9)". It decides nothing that is done to a package,
 * so what cannot be read leaves the package its own source. */
static void read_source(struct stanza *s, char *value)
{
	char *version = strchr(value, ' '), *end;

	s->p.source = s->p.source_version = "";
	if (version) {
		*version++ = '\0';
		end = version + strlen(version);
		if (end - version < 3 || *version != '(' || end[-1] != ')')
			return;
		end[-1] = '\0';
		if (!word_valid(version + 1))
			return;
		s->p.source_version = version + 1;
	}
	if (name_valid(value))
		s->p.source = value;
}

static int read_field(struct reader *r, struct stanza *s, const char *name, char *value, struct err *err)
{
	const char **word = NULL;

	s->any = true;
	if (strcasecmp(name, "Package") == 0) {
		if (*s->p.name || !name_valid(value))
			return broken(r, err, "the field Package is not one package name");
		s->p.name = value;
	} else if (strcasecmp(name, "Status") == 0) {
		if (s->status)
			return broken(r, err, "a second field Status");
		return read_status(r, s, value, err);
	} else if (strcasecmp(name, "Version") == 0) {
		word = &s->p.version;
	} else if (strcasecmp(name, "Architecture") == 0) {
		word = &s->p.arch;
	} else if (strcasecmp(name, "Source") == 0) {
		read_source(s, value);
	} else if (strcasecmp(name, "Description") == 0) {
		s->description = true;
	}
	if (word) {
		if (**word || (*value && !word_valid(value)))
			return broken(r, err, "a version or architecture is not one word");
		*word = value;
	}
	return 0;
}

static int end_stanza(struct reader *r, struct stanza *s, struct err *err)
{
	struct dpkgdb *db = r->db;

	if (!s->any)
		return 0;
	r->last = *s;
	if (!*s->p.name)
		return broken(r, err, "an entry without the field Package");
	if (!*s->p.version && s->p.status != DPKGDB_NOT_INSTALLED && s->p.status != DPKGDB_HALF_INSTALLED)
		return broken(r, err, "an entry without the field Version");
	if (db->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 512;
		db->packages = xrealloc(db->packages, r->cap, sizeof(*db->packages));
	}
	s->p.order = r->order++;
	if (!*s->p.source)
		s->p.source = s->p.name;
	if (!*s->p.source_version)
		s->p.source_version = s->p.version;
	db->packages[db->n++] = s->p;
	*s = new_stanza;
	return 0;
}

static char *trim(char *s, char *end)
{
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	while (end > s && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	*end = '\0';
	return s;
}

/* Cuts TEXT into strings in place. */
static int read_stanzas(struct reader *r, struct buf *text, struct err *err)
{
	struct stanza s = new_stanza;
	char *p = text->s, *end = text->n ? p + text->n : p; /* an empty file has no bytes at all */

	r->line = 1;
	if (text->n && memchr(p, '\0', text->n))
		return broken(r, err, "the file has NUL bytes");
	for (; p < end; r->line++) {
		char *nl = memchr(p, '\n', (size_t)(end - p)), *colon;

		if (!nl)
			return broken(r, err, "the file ends in the middle of a line");
		*nl = '\0';
		if (p == nl) {
			if (end_stanza(r, &s, err) < 0)
				return -1;
		} else if (*p == ' ' || *p == '\t') {
			if (!s.any || p[strspn(p, " \t\r")] == '\0')
				return broken(r, err,
					      s.any ? "a blank line within an entry" :
						      "a continued line continues nothing");
		} else {
			colon = strchr(p, ':');
			if (!colon || colon == p || *p == '-')
				return broken(r, err, "not a field");
			char *name = trim(p, colon);
			if (strpbrk(name, " \t"))
				return broken(r, err, "not a field");
			if (read_field(r, &s, name, trim(colon + 1, nl), err) < 0)
				return -1;
		}
		p = nl + 1;
	}
	return end_stanza(r, &s, err);
}

static int by_name(const void *a, const void *b)
{
	const struct dpkgdb_package *x = a, *y = b;
	int d = strcmp(x->name, y->name);

	if (!d)
		d = strcmp(x->arch, y->arch);
	return d ? d : (x->order > y->order) - (x->order < y->order);
}

/* Sort, and let the last entry of a package stand. */
static void settle(struct dpkgdb *db)
{
	size_t n = 0;

	if (db->n)
		qsort(db->packages, db->n, sizeof(*db->packages), by_name);
	for (size_t i = 0; i < db->n; i++) {
		const struct dpkgdb_package *p = &db->packages[i], *next = p + 1;

		if (i + 1 < db->n && streq(p->name, next->name) && streq(p->arch, next->arch))
			continue;
		db->installed += p->status >= DPKGDB_UNPACKED;
		db->packages[n++] = *p;
	}
	db->n = n;
}

const struct dpkgdb_package *dpkgdb_find(const struct dpkgdb *db, const char *name, const char *arch)
{
	size_t lo = 0, hi = db->n;
	const struct dpkgdb_package *only = NULL;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(db->packages[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < db->n && streq(db->packages[lo].name, name); lo++) {
		const struct dpkgdb_package *p = &db->packages[lo];

		if (arch && streq(p->arch, arch))
			return p;
		if (!arch || !*arch || streq(arch, "all") || streq(p->arch, "all") || !*p->arch)
			only = only && only->status > p->status ? only : p;
	}
	return only;
}

static struct buf *new_text(struct dpkgdb *db)
{
	db->texts = xrealloc(db->texts, db->n_texts + 1, sizeof(*db->texts));
	db->texts[db->n_texts] = (struct buf){ 0 };
	return &db->texts[db->n_texts++];
}

static int digits_only(const struct dirent *e)
{
	return e->d_name[strspn(e->d_name, "0123456789")] == '\0';
}

/* updates/: what dpkg did since it last wrote status, one stanza a file, to be
 * read in the order of the names. */
static int read_journal(struct reader *r, const char *dir, struct err *err)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, digits_only, alphasort), ret = 0;

	for (int i = 0; i < n; i++) {
		cleanup_free char *path = xasprintf("%s/%s", dir, names[i]->d_name);
		struct buf *text;

		free(names[i]);
		if (ret < 0 || i >= JOURNAL_MAX)
			continue;
		r->db->journal++;
		text = new_text(r->db);
		r->path = path;
		ret = read_file(path, UPDATE_MAX, text, err);
		if (ret < 0)
			err->code = CODE_DATABASE_BROKEN;
		else
			ret = read_stanzas(r, text, err);
	}
	free(names);
	return ret;
}

/* Packages with a file list but without an entry. */
static size_t count_lost(const struct dpkgdb *db, const char *dir, size_t *lists)
{
	DIR *d = opendir(dir);
	size_t lost = 0;

	*lists = 0;
	if (!d)
		return 0;
	for (struct dirent *e; (e = readdir(d));) {
		char *colon;

		if (!ends_with(e->d_name, ".list"))
			continue;
		++*lists;
		e->d_name[strlen(e->d_name) - strlen(".list")] = '\0';
		colon = strchr(e->d_name, ':');
		if (colon)
			*colon++ = '\0';
		lost += !dpkgdb_find(db, e->d_name, colon);
	}
	(void)closedir(d);
	return lost;
}

/* dpkg ends every entry with an empty line, so a file that stops without one
 * was cut off or edited: it stands if its last entry is whole and no package
 * is missing. A cut between two entries shows as many packages missing. */
static int check_whole(const struct reader *r, const char *dir, bool ends_blank, struct err *err)
{
	cleanup_free char *info = xasprintf("%s/info", dir);
	size_t lists, lost = count_lost(r->db, info, &lists);
	const struct stanza *s = &r->last;
	bool half = !s->status || (s->p.status > DPKGDB_CONFIG_FILES && !s->description);

	if (r->db->n == 0 && lists)
		return err_set(err, CODE_DATABASE_BROKEN, 0, "%s is empty, but %zu packages have file lists", r->path,
			       lists);
	if (!ends_blank && half && r->db->n)
		return broken(r, err, "the file ends in the middle of an entry");
	if (lost > (ends_blank ? lists / 10 + 2 : 0))
		return broken(r, err, "the file was cut off: packages with file lists have no entry");
	return 0;
}

/* What a person does about it. */
static int with_remedy(const char *dir, struct err *err)
{
	cleanup_free char *old = xasprintf("%s/status-old", dir);
	struct stat st;

	if (err->code != CODE_DATABASE_BROKEN)
		return -1;
	size_t n = strlen(err->msg);
	if (stat(old, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		(void)snprintf(err->msg + n, sizeof(err->msg) - n,
			       "; restore it from %s/status-old (cp -p) or from the image", dir);
	else
		(void)snprintf(err->msg + n, sizeof(err->msg) - n, "; restore it from the image or a backup");
	return -1;
}

static int read_all(struct dpkgdb *db, const char *dir, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/status", dir);
	cleanup_free char *updates = xasprintf("%s/updates", dir);
	struct reader r = { .db = db, .path = path };
	struct buf *text = new_text(db);
	struct stat st;

	if (stat(path, &st) < 0 && errno == ENOENT && stat(dir, &st) < 0)
		return err_set(err, CODE_NO_PACKAGE_MANAGER, errno, "there is no dpkg database: stat '%s'", dir);
	if (read_file(path, DPKGDB_STATUS_MAX, text, err) < 0) {
		err->code = CODE_DATABASE_BROKEN;
		return -1;
	}
	bool ends_blank = text->n < 2 || memcmp(text->s + text->n - 2, "\n\n", 2) == 0;
	if (read_stanzas(&r, text, err) < 0)
		return -1;
	settle(db);
	if (check_whole(&r, dir, ends_blank, err) < 0)
		return -1;
	r.cap = db->n;
	size_t before = db->n;
	if (read_journal(&r, updates, err) < 0)
		return -1;
	if (db->n > before) {
		db->installed = 0;
		settle(db);
	}
	return 0;
}

int dpkgdb_read(const char *root, struct dpkgdb *ret, struct err *err)
{
	cleanup_free char *dir = xasprintf("%s%s", root, DPKGDB_DIR);
	struct err e = ERR_INIT;

	*ret = (struct dpkgdb){ 0 };
	if (read_all(ret, dir, &e) == 0)
		return 0;
	dpkgdb_clear(ret);
	(void)with_remedy(dir, &e);
	*err = e;
	return -1;
}

void dpkgdb_clear(struct dpkgdb *db)
{
	for (size_t i = 0; i < db->n_texts; i++)
		buf_clear(&db->texts[i]);
	free(db->texts);
	free(db->packages);
	*db = (struct dpkgdb){ 0 };
}

bool dpkgdb_at_version(const struct dpkgdb_package *p, const char *version)
{
	return p->status == DPKGDB_INSTALLED && !p->reinstall && dpkg_compare(p->version, version) >= 0;
}

char *dpkgdb_describe(const struct dpkgdb_package *p)
{
	if (!p || p->status <= DPKGDB_CONFIG_FILES)
		return xstrdup("the database says: not installed");
	return xasprintf("the database says: %s%s%s%s", dpkgdb_status_name(p->status), *p->version ? " in " : "",
			 p->version, p->reinstall ? ", must be unpacked again" : "");
}

bool dpkgdb_interrupted(const struct dpkgdb *db, struct buf *detail)
{
	size_t found = 0;

	if (db->journal && detail)
		buf_printf(detail, "dpkg was cut off with %zu changes in %s/updates", db->journal, DPKGDB_DIR);
	for (size_t i = 0; i < db->n; i++) {
		const struct dpkgdb_package *p = &db->packages[i];

		if (!p->reinstall && (p->status <= DPKGDB_CONFIG_FILES || p->status == DPKGDB_INSTALLED))
			continue;
		if (detail && found < 10)
			buf_printf(detail, "%s%s is %s%s", buf_str(detail)[0] ? ", " : "", p->name,
				   dpkgdb_status_name(p->status), p->reinstall ? " and must be unpacked again" : "");
		found++;
	}
	if (detail && found > 10)
		buf_printf(detail, " and %zu more", found - 10);
	return found || db->journal;
}
