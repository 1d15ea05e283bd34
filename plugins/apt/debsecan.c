/* debsecan.c - see debsecan.h. */
#include <stdio.h>
#include "debsecan.h"
#include "dpkg.h"

#define COUNT_MAX 500000 /* lines of one kind */
#define LINE_MAX  (1024 * 1024)
#define WORD_MAX  255
#define CVE_MAX	  64

/* ------------------------------------------------------------ parsing */

struct parser {
	struct debsecan *d;
	char *p, *end;
	size_t line;
	size_t cap;
};

static int bad(const struct parser *p, const char *what, struct err *err)
{
	return err_set(err, CODE_FEED_FAILED, 0, "line %zu: %s", p->line, what);
}

/* The next line; 0: an empty one or the end of the text ended the part. */
static int next_line(struct parser *p, bool last_part, char **ret, struct err *err)
{
	if (p->p == p->end) {
		p->line++;
		return last_part ? 0 : bad(p, "the text ends in the middle", err);
	}
	char *nl = memchr(p->p, '\n', (size_t)(p->end - p->p)), *end = nl ? nl : p->end;

	p->line++;
	if (end - p->p > LINE_MAX)
		return bad(p, "longer than 1 MiB", err);
	if (memchr(p->p, '\0', (size_t)(end - p->p)))
		return bad(p, "a NUL byte", err);
	if (!nl && !last_part)
		return bad(p, "the text ends in the middle", err);
	*end = '\0';	/* a buf has room for it */
	*ret = p->p;
	p->p = nl ? nl + 1 : end;
	return **ret != '\0';
}

/* Room for one more of SIZE bytes. */
static int grow(struct parser *p, void *array, size_t n, size_t size, struct err *err)
{
	void **a = array;

	if (n >= COUNT_MAX)
		return bad(p, "too many lines", err);
	if (n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 4096;
		*a = xrealloc(*a, p->cap, size);
	}
	return 0;
}

/* Cut LINE at its first commas into N fields; the last one has the rest. */
static bool cut(char *line, const char *ret[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *comma = i < n - 1 ? strchr(line, ',') : NULL;

		if (!comma && i < n - 1)
			return false;
		ret[i] = line;
		if (comma) {
			*comma = '\0';
			line = comma + 1;
		}
	}
	return true;
}

static bool printable(const char *s, size_t max)
{
	size_t n = 0;

	for (; s[n]; n++)
		if (s[n] <= ' ' || s[n] > '~')
			return false;
	return n > 0 && n <= max;
}

/* Words separated by one blank each, or nothing. */
static bool words(const char *s)
{
	while (*s) {
		size_t n = strcspn(s, " ");

		if (!n || n > WORD_MAX)
			return false;
		for (size_t i = 0; i < n; i++)
			if (s[i] <= ' ' || s[i] > '~')
				return false;
		s += n;
		if (*s == ' ' && !*++s)
			return false;
	}
	return true;
}

static int parse_bug(struct parser *p, char *line, struct err *err)
{
	struct debsecan *d = p->d;
	const char *f[3]; /* name, flags, description */

	if (!cut(line, f, ARRAY_SIZE(f)) || !printable(f[0], CVE_MAX))
		return bad(p, "not a vulnerability: NAME,FLAGS,DESCRIPTION", err);
	if (grow(p, &d->bugs, d->n_bugs, sizeof(*d->bugs), err) < 0)
		return -1;
	d->bugs[d->n_bugs++] = (struct debsecan_bug){ f[0], f[2] };
	return 0;
}

static bool flags_valid(const char *f)
{
	static const char *const accepted[] = { "SB ", "LMH ", "?R ", "F " };

	for (size_t i = 0; i < ARRAY_SIZE(accepted); i++)
		if (!f[i] || !strchr(accepted[i], f[i]))
			return false;
	return f[4] == '\0';
}

static int parse_entry(struct parser *p, char *line, struct err *err)
{
	struct debsecan *d = p->d;
	const char *f[5]; /* package, number, flags, version of unstable, other versions */
	uint64_t bug;

	if (!cut(line, f, ARRAY_SIZE(f)) || !printable(f[0], WORD_MAX))
		return bad(p, "not an entry: PACKAGE,NUMBER,FLAGS,VERSION,VERSIONS", err);
	if (parse_u64(f[1], COUNT_MAX, &bug) < 0 || bug >= d->n_bugs)
		return bad(p, "no vulnerability has this number", err);
	if (!flags_valid(f[2]))
		return bad(p, "unknown flags", err);
	if ((*f[3] && !printable(f[3], WORD_MAX)) || !words(f[4]))
		return bad(p, "not a version", err);
	if (grow(p, &d->entries, d->n_entries, sizeof(*d->entries), err) < 0)
		return -1;
	d->entries[d->n_entries++] = (struct debsecan_entry){
		.package = f[0],
		.unstable = f[3],
		.others = f[4],
		.bug = (unsigned)bug,
		.kind = f[2][0],
		.urgency = f[2][1],
		.remote = f[2][2],
		.fix = f[2][3],
	};
	return 0;
}

static int parse_source(struct parser *p, char *line, struct err *err)
{
	struct debsecan *d = p->d;
	const char *f[2]; /* name, binary packages */

	if (!cut(line, f, ARRAY_SIZE(f)) || !printable(f[0], WORD_MAX) || !words(f[1]))
		return bad(p, "not a source package: NAME,PACKAGES", err);
	if (grow(p, &d->sources, d->n_sources, sizeof(*d->sources), err) < 0)
		return -1;
	d->sources[d->n_sources++] = (struct debsecan_source){ f[0], f[1] };
	return 0;
}

/* Entries of one package keep the order of the text, which their addresses in it tell. */
static int by_package(const void *a, const void *b)
{
	const struct debsecan_entry *x = a, *y = b;
	int d = strcmp(x->package, y->package);

	return d ? d : (x->package > y->package) - (x->package < y->package);
}

/* The last of two lines stands. */
static int by_source(const void *a, const void *b)
{
	const struct debsecan_source *x = a, *y = b;
	int d = strcmp(x->name, y->name);

	return d ? d : (x->name < y->name) - (x->name > y->name);
}

static int parse(struct parser *p, struct err *err)
{
	static int (*const parts[])(struct parser *, char *, struct err *) = { parse_bug, parse_entry, parse_source };
	char *line = NULL;
	int r = next_line(p, false, &line, err);

	if (r < 0)
		return -1;
	if (!r || !streq(line, "VERSION 1"))
		return bad(p, "not a feed in debsecan's format, or of another version than 1", err);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		p->cap = 0;
		while ((r = next_line(p, i == 2, &line, err)) > 0)
			if (parts[i](p, line, err) < 0)
				return -1;
		if (r < 0)
			return -1;
	}
	return 0;
}

int debsecan_parse(struct buf *text, struct debsecan *ret, struct err *err)
{
	struct parser p = { .d = ret, .p = text->s, .end = text->s + text->n };

	*ret = (struct debsecan){ 0 };
	if (parse(&p, err) < 0) {
		debsecan_clear(ret);
		return -1;
	}
	if (ret->n_entries)
		qsort(ret->entries, ret->n_entries, sizeof(*ret->entries), by_package);
	if (ret->n_sources)
		qsort(ret->sources, ret->n_sources, sizeof(*ret->sources), by_source);
	return 0;
}

void debsecan_clear(struct debsecan *d)
{
	free(d->bugs);
	free(d->entries);
	free(d->sources);
	*d = (struct debsecan){ 0 };
}

/* ------------------------------------------------------------ matching */

/* The first entry of PACKAGE, or n_entries. */
static size_t find_entries(const struct debsecan *d, const char *package)
{
	size_t lo = 0, hi = d->n_entries;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(d->entries[mid].package, package) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < d->n_entries && streq(d->entries[lo].package, package) ? lo : d->n_entries;
}

struct word {
	char s[WORD_MAX + 1];
};

/* Take the next word off *S. */
static bool next_word(const char **s, struct word *ret)
{
	size_t n = strcspn(*s, " ");

	if (!n)
		return false;
	(void)snprintf(ret->s, sizeof(ret->s), "%.*s", (int)n, *s);
	*s += n + ((*s)[n] == ' ');
	return true;
}

static bool among(const char *versions, const char *version)
{
	struct word w;

	while (next_word(&versions, &w))
		if (dpkg_compare(w.s, version) == 0)
			return true;
	return false;
}

static bool is_binary(const struct debsecan_entry *e, const struct dpkgdb_package *p)
{
	return e->kind == 'B' && streq(e->package, p->name);
}

static bool vulnerable(const struct debsecan_entry *e, const struct dpkgdb_package *p)
{
	if (is_binary(e, p))
		return !*e->unstable || dpkg_compare(p->version, e->unstable) < 0;
	if (!streq(e->package, p->source))
		return false;
	return (!*e->unstable || dpkg_compare(p->source_version, e->unstable) < 0) &&
	       !among(e->others, p->source_version);
}

/* The feed names the fixed versions of all suites; the one of this suite is the
 * next above what is installed from it. */
static void find_fixed(const struct debsecan_entry *e, const struct dpkgdb_package *p, struct word *ret)
{
	const char *have = is_binary(e, p) ? p->version : p->source_version, *others = e->others;
	struct word w;

	(void)snprintf(ret->s, sizeof(ret->s), "%s", e->unstable);
	while (next_word(&others, &w))
		if (dpkg_compare(w.s, have) > 0 && (!*ret->s || dpkg_compare(w.s, ret->s) < 0))
			*ret = w;
}

static bool is_obsolete(const struct debsecan *d, const struct debsecan_entry *e, const char *package)
{
	const struct debsecan_source *s = NULL;
	size_t lo = 0, hi = d->n_sources;
	struct word w;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(d->sources[mid].name, e->package) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < d->n_sources && streq(d->sources[lo].name, e->package))
		s = &d->sources[lo];
	if (!s || e->kind == 'B')
		return false;
	for (const char *b = s->binaries; next_word(&b, &w);)
		if (streq(w.s, package))
			return false;
	return true;
}

static int report(const struct debsecan *d, const struct debsecan_entry *e, const struct dpkgdb_package *p,
		  int (*fn)(const struct msg_cve *c, void *arg), void *arg)
{
	struct word fixed = { "" };
	struct msg_cve c = { .fix_available = e->fix == 'F', .obsolete = is_obsolete(d, e, p->name) };
	const struct {
		char **to;
		const char *from;
	} strings[] = {
		{ &c.cve, d->bugs[e->bug].name },
		{ &c.package, p->name },
		{ &c.arch, *p->arch ? p->arch : "all" },
		{ &c.installed, p->version },
		{ &c.source, p->source },
		{ &c.source_version, p->source_version },
		{ &c.urgency, e->urgency == 'H' ? "high" :
			      e->urgency == 'M' ? "medium" :
			      e->urgency == 'L' ? "low" :
						  "" },
		{ &c.remote, e->remote == 'R' ? "yes" :
			     e->remote == '?' ? "unknown" :
						"no" },
		{ &c.fixed, fixed.s },
		{ &c.unstable, e->unstable },
		{ &c.description, d->bugs[e->bug].description },
	};

	if (c.fix_available)
		find_fixed(e, p, &fixed);
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		*strings[i].to = *strings[i].from ? (char *)(uintptr_t)strings[i].from : NULL;
	return fn(&c, arg);
}

int debsecan_match(const struct debsecan *d, const struct dpkgdb *db, int (*fn)(const struct msg_cve *c, void *arg),
		   void *arg)
{
	for (size_t i = 0; i < db->n; i++) {
		const struct dpkgdb_package *p = &db->packages[i];

		if (p->status < DPKGDB_UNPACKED)
			continue;
		size_t at = find_entries(d, p->source);
		if (at == d->n_entries)
			at = find_entries(d, p->name);
		for (const char *name = at < d->n_entries ? d->entries[at].package : NULL;
		     at < d->n_entries && streq(d->entries[at].package, name); at++)
			if (vulnerable(&d->entries[at], p) && report(d, &d->entries[at], p, fn, arg) < 0)
				return -1;
	}
	return 0;
}
