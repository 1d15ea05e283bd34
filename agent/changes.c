/* changes.c - see changes.h. */
#include "changes.h"
#include "history.h"
#include "statefile.h"

#define LOOK_BACK 100

/* Equal but for their digits. */
static bool same_text(const char *a, const char *b)
{
	a = strna(a);
	b = strna(b);
	for (;;) {
		a += strspn(a, "0123456789");
		b += strspn(b, "0123456789");
		if (*a != *b)
			return false;
		if (!*a)
			return true;
		a++;
		b++;
	}
}

static bool same(const char *a, const char *b)
{
	return streq(strna(a), strna(b));
}

static bool same_update(const void *a, const void *b)
{
	const struct msg_update *x = a, *y = b;

	return same(x->package, y->package) && same(x->arch, y->arch) && same(x->candidate, y->candidate) &&
	       x->kept_back.code == y->kept_back.code;
}

static bool same_failure(const void *a, const void *b)
{
	const struct msg_failure *x = a, *y = b;

	return same(x->package, y->package) && same(x->arch, y->arch) && same(x->version, y->version) &&
	       x->code == y->code;
}

static bool same_reason(const void *a, const void *b)
{
	const struct msg_reason *x = a, *y = b;

	return x->code == y->code && same_text(x->detail, y->detail);
}

static bool same_process(const void *a, const void *b)
{
	const struct find_process *x = a, *y = b;
	bool equal = same(x->exe, y->exe) && same(x->service, y->service) && x->reasons.n == y->reasons.n;

	for (size_t i = 0; equal && i < x->reasons.n; i++) {
		const struct find_reason *p = wire_list_at(&find_reason, &x->reasons, i);
		const struct find_reason *q = wire_list_at(&find_reason, &y->reasons, i);

		equal = same(p->file, q->file) && same(p->to, q->to);
	}
	return equal;
}

static bool same_unreadable(const void *a, const void *b)
{
	const struct find_unreadable *x = a, *y = b;

	return same(x->name, y->name) && same(x->user, y->user) && x->outdated == y->outdated;
}

static bool same_unmanaged(const void *a, const void *b)
{
	return same(((const struct find_unmanaged *)a)->file, ((const struct find_unmanaged *)b)->file);
}

static void drop(const struct wire_message *m, struct wire_list *l, const struct wire_list *known,
		 bool (*equal)(const void *a, const void *b))
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		char *at = wire_list_at(m, l, i);
		bool have = false;

		for (size_t k = 0; k < known->n && !have; k++)
			have = equal(at, wire_list_at(m, known, k));
		if (have)
			wire_clear(m, at);
		else if (kept++ != i)
			memcpy(wire_list_at(m, l, kept - 1), at, m->size);
	}
	l->n = kept;
}

bool changes_reduce(struct report *r, const struct report *previous)
{
	drop(&msg_update, &r->pending, &previous->pending, same_update);
	drop(&msg_update, &r->kept_back, &previous->kept_back, same_update);
	drop(&msg_failure, &r->failed, &previous->failed, same_failure);
	drop(&msg_reason, &r->blocked, &previous->blocked, same_reason);
	drop(&msg_reason, &r->alarms, &previous->alarms, same_reason);
	drop(&find_process, &r->stale, &previous->stale, same_process);
	drop(&find_unreadable, &r->unreadable, &previous->unreadable, same_unreadable);
	drop(&find_unmanaged, &r->unmanaged, &previous->unmanaged, same_unmanaged);
	return r->pending.n || r->kept_back.n || r->failed.n || r->blocked.n || r->alarms.n || r->stale.n ||
	       r->unreadable.n || r->unmanaged.n || r->applied.n || r->restarts.n ||
	       r->exit_code != previous->exit_code || r->error.code != previous->error.code;
}

struct find {
	struct report *ret;
	bool found, planned, scanned;
	struct wire_list stale, unreadable, unmanaged;
};

static void move(struct wire_list *to, struct wire_list *from)
{
	*to = *from;
	*from = (struct wire_list){ 0 };
}

static void append(const struct wire_message *m, struct wire_list *to, const struct wire_list *from)
{
	for (size_t i = 0; i < from->n; i++)
		wire_copy(m, wire_list_add(m, to), wire_list_at(m, from, i));
}

static bool look(void *arg, const char *line, size_t n)
{
	struct find *f = arg;
	struct json_object *o = NULL;
	struct report r;
	struct err ignored = ERR_INIT;
	bool good = state_parse(line, n, &o, &ignored) == 0 && report_read(o, &r, &ignored) == 0;

	json_object_put(o);
	if (!good)
		return true;
	if (r.scanned && !f->scanned) {
		f->scanned = true;
		move(&f->stale, &r.stale);
		move(&f->unreadable, &r.unreadable);
		move(&f->unmanaged, &r.unmanaged);
	}
	if (!f->found && r.mode != MODE_SCAN) {
		f->found = true;
		f->planned = r.planned;
		*f->ret = r;
		return !f->planned || !f->scanned;
	}
	if (f->found && !f->planned && r.planned) {
		f->planned = true;
		append(&msg_update, &f->ret->pending, &r.pending);
		append(&msg_update, &f->ret->kept_back, &r.kept_back);
		append(&msg_failure, &f->ret->failed, &r.failed);
		append(&msg_reason, &f->ret->alarms, &r.alarms);
	}
	report_clear(&r);
	return !f->planned || !f->scanned;
}

bool changes_previous(const char *state_dir, struct report *ret)
{
	struct find f = { .ret = ret };
	struct err ignored = ERR_INIT;

	*ret = (struct report){ .error = ERR_INIT };
	(void)history_each(state_dir, LOOK_BACK, look, &f, &ignored);
	/* a scan may be newer than what planned, and an early failure looks at nothing */
	wire_list_clear(&find_process, &ret->stale);
	wire_list_clear(&find_unreadable, &ret->unreadable);
	wire_list_clear(&find_unmanaged, &ret->unmanaged);
	move(&ret->stale, &f.stale);
	move(&ret->unreadable, &f.unreadable);
	move(&ret->unmanaged, &f.unmanaged);
	if (!f.found)
		report_clear(ret);
	return f.found;
}
