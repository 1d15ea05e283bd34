/* ledger.c - see ledger.h. */
#include "ledger.h"
#include "statefile.h"

#define FILE_NAME    "ledger.json"
#define NAME	     256
#define UPDATES_MAX  8192
#define PER_PACKAGE  8		/* updates of one package that are told apart */
#define CVES_MAX     1024	/* of one update */
#define FILES_MAX    64		/* of one update */
#define PATH_BYTES   4096

static const struct wire_field ledger_update_fields[] = {
	{ .name = "package",
	  .type = WIRE_STRING,
	  .flags = WIRE_REQUIRED,
	  .offset = offsetof(struct ledger_update, package),
	  .min = 1,
	  .max = NAME },
	{ .name = "arch", .type = WIRE_STRING, .offset = offsetof(struct ledger_update, arch), .max = NAME },
	{ .name = "from",
	  .type = WIRE_STRING,
	  .flags = WIRE_OMIT,
	  .offset = offsetof(struct ledger_update, from),
	  .max = NAME },
	{ .name = "to",
	  .type = WIRE_STRING,
	  .flags = WIRE_REQUIRED,
	  .offset = offsetof(struct ledger_update, to),
	  .min = 1,
	  .max = NAME },
	{ .name = "time",
	  .type = WIRE_INT,
	  .flags = WIRE_REQUIRED,
	  .offset = offsetof(struct ledger_update, time),
	  .max = INT64_MAX - 1 },
	{ .name = "cves",
	  .type = WIRE_STRINGS,
	  .offset = offsetof(struct ledger_update, cves),
	  .max = NAME,
	  .items = CVES_MAX },
	{ .name = "files",
	  .type = WIRE_STRINGS,
	  .flags = WIRE_OMIT,
	  .offset = offsetof(struct ledger_update, files),
	  .max = PATH_BYTES,
	  .items = FILES_MAX },
	{ .name = NULL },
};
const struct wire_message ledger_update = { "ledger_update", sizeof(struct ledger_update), ledger_update_fields };

static const struct wire_field ledger_fields[] = {
	{ .name = "host",
	  .type = WIRE_STRING,
	  .flags = WIRE_REQUIRED,
	  .offset = offsetof(struct ledger, host),
	  .max = NAME },
	{ .name = "id", .type = WIRE_STRING, .flags = WIRE_OMIT, .offset = offsetof(struct ledger, id), .max = NAME },
	{ .name = "updates",
	  .type = WIRE_OBJECTS,
	  .flags = WIRE_REQUIRED,
	  .offset = offsetof(struct ledger, updates),
	  .items = UPDATES_MAX,
	  .sub = &ledger_update },
	{ .name = "health",
	  .type = WIRE_STRING,
	  .flags = WIRE_OMIT,
	  .offset = offsetof(struct ledger, health),
	  .max = NAME },
	{ .name = NULL },
};
const struct wire_message ledger = { "ledger", sizeof(struct ledger), ledger_fields };

/* The id is known only where the engine shows it; the name alone may be given twice. */
static bool is_of(const struct ledger *l, const struct container *c)
{
	return streq(strna(l->host), strna(c->host)) && (!l->id || !c->id || streq(l->id, c->id));
}

void ledger_read(const char *state_dir, const struct container *c, struct ledger *ret)
{
	struct json_object *o = NULL;
	struct err ignored = ERR_INIT;

	*ret = (struct ledger){ 0 };
	if (state_read(state_dir, FILE_NAME, &o, &ignored) == 0 && wire_decode(&ledger, o, ret, &ignored) == 0 &&
	    !is_of(ret, c))
		wire_clear(&ledger, ret);
	json_object_put(o);
	free(ret->host);
	ret->host = xstrdup(strna(c->host));
	if (c->id && !ret->id)
		ret->id = xstrdup(c->id);
}

int ledger_save(const struct ledger *l, const char *state_dir, struct err *err)
{
	struct json_object *o = wire_encode(&ledger, l);
	int r = state_write(state_dir, FILE_NAME, o, err);

	json_object_put(o);
	return r;
}

void ledger_clear(struct ledger *l)
{
	wire_clear(&ledger, l);
}

static void drop(const struct wire_message *m, struct wire_list *l, size_t i)
{
	char *p = wire_list_at(m, l, i);

	wire_clear(m, p);
	memmove(p, p + m->size, (l->n - i - 1) * m->size);
	l->n--;
}

static bool same_package(const struct ledger_update *u, const char *package, const char *arch)
{
	return streq(u->package, package) && (!*strna(arch) || !*strna(u->arch) || streq(u->arch, arch));
}

/* Add what TO does not have yet. */
static void merge(struct strv *to, const struct strv *from, size_t max)
{
	for (size_t i = 0; i < from->n && to->n < max; i++)
		if (!strv_contains(to, from->v[i]))
			strv_push(to, from->v[i]);
}

/* a → b and b → c become a → c, at the time of the later one. */
static void join_oldest(struct ledger *l, const char *package, const char *arch)
{
	struct ledger_update *first = NULL;

	for (size_t i = 0; i < l->updates.n; i++) {
		struct ledger_update *u = wire_list_at(&ledger_update, &l->updates, i);

		if (!same_package(u, package, arch))
			continue;
		if (!first) {
			first = u;
			continue;
		}
		free(u->from);
		u->from = steal_ptr(&first->from);
		merge(&u->cves, &first->cves, CVES_MAX);
		merge(&u->files, &first->files, FILES_MAX);
		drop(&ledger_update, &l->updates, (size_t)(first - (struct ledger_update *)l->updates.v));
		return;
	}
}

struct ledger_update *ledger_add(struct ledger *l, const struct msg_update *u, int64_t time)
{
	size_t known = 0;

	for (size_t i = 0; i < l->updates.n; i++)
		known += same_package(wire_list_at(&ledger_update, &l->updates, i), u->package, u->arch);
	if (known >= PER_PACKAGE)
		join_oldest(l, u->package, u->arch);
	if (l->updates.n >= UPDATES_MAX)
		drop(&ledger_update, &l->updates, 0);
	struct ledger_update *n = wire_list_add(&ledger_update, &l->updates);
	n->package = xstrdup(u->package);
	n->arch = xstrdup(u->arch);
	n->from = xstrdup(u->installed);
	n->to = xstrdup(u->candidate);
	n->time = time;
	merge(&n->cves, &u->cves, CVES_MAX);
	return n;
}

bool ledger_has(const struct ledger *l, const struct msg_update *u)
{
	for (size_t i = l->updates.n; i-- > 0;) {
		const struct ledger_update *x = wire_list_at(&ledger_update, &l->updates, i);

		if (same_package(x, u->package, u->arch))
			return streq(x->to, u->candidate);
	}
	return false;
}

void ledger_add_file(struct ledger_update *u, const char *path)
{
	if (u->files.n < FILES_MAX && !strv_contains(&u->files, path))
		strv_push(&u->files, path);
}

const struct ledger_update *ledger_owner(const struct ledger *l, const char *path)
{
	for (size_t i = l->updates.n; i-- > 0;) {
		const struct ledger_update *u = wire_list_at(&ledger_update, &l->updates, i);

		if (strv_contains(&u->files, path))
			return u;
	}
	return NULL;
}

int64_t ledger_last(const struct ledger *l)
{
	int64_t last = 0;

	for (size_t i = 0; i < l->updates.n; i++) {
		const struct ledger_update *u = wire_list_at(&ledger_update, &l->updates, i);

		if (u->time > last)
			last = u->time;
	}
	return last;
}

void ledger_explain(const struct ledger *l, int64_t started, struct find_reason *r)
{
	for (size_t i = 0; r->package && i < l->updates.n; i++) {
		const struct ledger_update *u = wire_list_at(&ledger_update, &l->updates, i);

		if (!same_package(u, r->package, r->arch) || u->time < started)
			continue;
		if (!r->from)
			r->from = xstrdup(u->from);
		free(r->to);
		r->to = xstrdup(u->to);
		merge(&r->cves, &u->cves, CVES_MAX);
	}
}

/* One "package=version", in place of another version of the package. */
static void carry(struct strv *l, const struct ledger_update *u)
{
	size_t n = strlen(u->package);

	for (size_t i = 0; i < l->n; i++)
		if (strncmp(l->v[i], u->package, n) == 0 && l->v[i][n] == '=') {
			free(l->v[i]);
			l->v[i] = xasprintf("%s=%s", u->package, u->to);
			return;
		}
	strv_take(l, xasprintf("%s=%s", u->package, u->to));
}

void ledger_carried(const struct ledger *l, struct strv *ret)
{
	for (size_t i = 0; i < l->updates.n; i++)
		carry(ret, wire_list_at(&ledger_update, &l->updates, i));
}
