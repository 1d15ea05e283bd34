/* cveshow.c - see cves.h: the order, the table and the document. */
#include <stdio.h>
#include "clock.h"
#include "cves.h"
#include "out.h"
#include "report.h"

static const struct msg_cve *at(const struct cves *c, size_t i)
{
	return wire_list_at(&msg_cve, &c->found, i);
}

static int rank(const char *urgency)
{
	static const char *const order[] = { "high", "medium", "low" };
	int i = 0;

	while (i < 3 && !streq(strna(urgency), order[i]))
		i++;
	return i;
}

static int by_weight(const void *a, const void *b)
{
	const struct msg_cve *x = a, *y = b;
	const int d[] = {
		y->fix_available - x->fix_available,
		rank(x->urgency) - rank(y->urgency),
		streq(strna(y->remote), "yes") - streq(strna(x->remote), "yes"),
		strverscmp(y->cve, x->cve),	/* the newest first */
		strcmp(x->package, y->package),
		strcmp(x->arch, y->arch),
	};

	for (size_t i = 0; i < ARRAY_SIZE(d); i++)
		if (d[i])
			return d[i];
	return 0;
}

void cves_sort(struct cves *c)
{
	if (c->found.n)
		qsort(c->found.v, c->found.n, sizeof(struct msg_cve), by_weight);
}

static size_t fixable(const struct cves *c)
{
	size_t n = 0;

	while (n < c->found.n && at(c, n)->fix_available)
		n++;
	return n;
}

int cves_exit(const struct cves *c)
{
	if (c->error.code != CODE_OK)
		return code_class(c->error.code) == CLASS_USAGE ? EXIT_USAGE : EXIT_FAILED;
	if (c->blocked.n)
		return EXIT_BLOCKED;
	return fixable(c) ? EXIT_PENDING : EXIT_DONE;
}

/* --- for people ------------------------------------------------------------------- */

static void put_row(struct table *t, const struct msg_cve *f)
{
	cleanup_buf struct buf notes = { 0 };

	if (streq(strna(f->remote), "yes"))
		buf_puts(&notes, "remote");
	if (f->obsolete)
		buf_printf(&notes, "%sobsolete", notes.n ? ", " : "");
	const char *const cells[] = {
		f->cve,
		f->package,
		f->installed,
		f->fix_available ? (f->fixed ? f->fixed : "yes") : "-",
		f->urgency ? f->urgency : "-",
		buf_str(&notes),
	};
	for (size_t i = 0; i < ARRAY_SIZE(cells); i++)
		strv_take(&t->cells, out_cell(cells[i]));
}

static void put_reasons(const struct out *o, const char *title, enum style style, const struct wire_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct msg_reason *m = wire_list_at(&msg_reason, l, i);
		cleanup_free char *detail = escape_text(strna(m->detail), 1000);

		put(o, style, "%s", title);
		put(o, PLAIN, " [%s] %s\n", code_name(m->code), *detail ? detail : code_text(m->code));
	}
}

static void put_headline(const struct out *o, const struct cves *c)
{
	cleanup_free char *name = out_cell(c->distribution.name ? c->distribution.name : "unknown distribution");
	cleanup_free char *suite = out_cell(c->feed.suite), *date = out_cell(c->feed.date),
			  *state = out_cell(c->feed.state);

	put(o, BOLD, "stopgap cves");
	put(o, PLAIN, " · %s", name);
	if (*suite)
		put(o, PLAIN, " · feed %s%s%s (%s)", suite, *date ? " of " : "", date, state);
	put(o, PLAIN, "\n");
}

void cves_text(const struct cves *c, bool colour, struct buf *ret)
{
	static const char *const heading[] = {
		"VULNERABILITY", "PACKAGE", "INSTALLED", "FIXED IN", "URGENCY", "NOTES",
	};
	const struct out o = { .b = ret, .colour = colour };
	struct table t = { .columns = ARRAY_SIZE(heading) };
	size_t fix = fixable(c);

	put_headline(&o, c);
	for (size_t i = 0; c->found.n && i < ARRAY_SIZE(heading); i++)
		strv_push(&t.cells, heading[i]);
	for (size_t i = 0; i < c->found.n; i++)
		put_row(&t, at(c, i));
	table_put(&o, &t);
	put_reasons(&o, "blocked:", BAD, &c->blocked);
	put_reasons(&o, "note:", WARN, &c->feed.alarms);
	if (c->error.code != CODE_OK) {
		cleanup_free char *msg = escape_text(c->error.msg, 1000);

		put(&o, BAD, "error:");
		put(&o, PLAIN, " [%s] %s\n", code_name(c->error.code), msg);
	} else if (!c->blocked.n) {
		cleanup_free char *suite = out_cell(c->feed.suite);

		put(&o, fix ? WARN : GOOD, "%zu with a fix in %s, %zu without", fix, suite, c->found.n - fix);
		if (c->whitelisted)
			put(&o, PLAIN, ", %zu whitelisted", c->whitelisted);
		put(&o, PLAIN, "%s\n", fix ? "; 'stopgap check' says which updates are to be had" : "");
	}
}

/* --- for programs ------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* How many different strings the field at OFFSET has. */
static size_t distinct(const struct cves *c, size_t offset)
{
	const char **names = xcalloc(c->found.n + 1, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; i < c->found.n; i++)
		names[i] = *(char *const *)(const void *)((const char *)at(c, i) + offset);
	if (c->found.n)
		qsort(names, c->found.n, sizeof(*names), by_name);
	for (size_t i = 0; i < c->found.n; i++)
		n += i == 0 || !streq(names[i], names[i - 1]);
	free(names);
	return n;
}

static struct json_object *counts_json(const struct cves *c)
{
	static const char *const names[] = { "high", "medium", "low", "unassigned" };
	struct json_object *o = json_object_new_object();
	size_t urgency[ARRAY_SIZE(names)] = { 0 }, fix = fixable(c);

	for (size_t i = 0; i < c->found.n; i++)
		urgency[rank(at(c, i)->urgency)]++;
	const struct {
		const char *name;
		size_t n;
	} counts[] = {
		{ "total", c->found.n },
		{ "fix_available", fix },
		{ "no_fix", c->found.n - fix },
		{ "vulnerabilities", distinct(c, offsetof(struct msg_cve, cve)) },
		{ "packages", distinct(c, offsetof(struct msg_cve, package)) },
		{ "whitelisted", c->whitelisted },
	};
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		json_object_object_add(o, counts[i].name, json_object_new_int64((int64_t)counts[i].n));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		json_object_object_add(o, names[i], json_object_new_int64((int64_t)urgency[i]));
	return o;
}

static struct json_object *list_json(const struct wire_message *m, const struct wire_list *l)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < l->n; i++)
		json_object_array_add(a, wire_encode(m, wire_list_at(m, l, i)));
	return a;
}

struct json_object *cves_json(const struct cves *c)
{
	struct json_object *o = json_object_new_object(), *feed = c->feed.uri ? wire_encode(&msg_feed, &c->feed) : NULL;
	char when[TIME_TEXT_MAX];

	time_format(clock_wall(), when);
	json_object_object_add(o, "schema", json_object_new_int(CVES_SCHEMA));
	json_object_object_add(o, "stopgap", json_object_new_string(PACKAGE_VERSION));
	json_object_object_add(o, "time", json_object_new_string(when));
	json_object_object_add(o, "exit_code", json_object_new_int(cves_exit(c)));
	if (c->error.code != CODE_OK) {
		struct json_object *e = json_object_new_object();

		wire_add_string(e, "code", code_name(c->error.code));
		wire_add_string(e, "message", c->error.msg);
		json_object_object_add(o, "error", e);
	}
	json_object_object_add(o, "blocked", list_json(&msg_reason, &c->blocked));
	json_object_object_add(o, "distribution",
			       c->distribution.id ? wire_encode(&msg_distribution, &c->distribution) : NULL);
	if (feed) {	/* beside what counts here */
		json_object_object_del(feed, "alarms");
		json_object_object_del(feed, "count");
	}
	json_object_object_add(o, "feed", feed);
	json_object_object_add(o, "alarms", list_json(&msg_reason, &c->feed.alarms));
	json_object_object_add(o, "counts", counts_json(c));
	json_object_object_add(o, "cves", list_json(&msg_cve, &c->found));
	return o;
}
