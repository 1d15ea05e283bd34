/* stale.c - see stale.h. */
#include "clock.h"
#include "user.h"
#include "stale.h"

/* --- owners -------------------------------------------------------------- */

static int by_path(const void *a, const void *b)
{
	const struct msg_owner *x = a, *y = b;

	return strcmp(x->path, y->path);
}

void owners_add(struct owners *o, struct wire_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct msg_owner *from = wire_list_at(&msg_owner, l, i);

		if (!from->package)
			continue;
		*(struct msg_owner *)wire_list_add(&msg_owner, &o->v) = *from;
		*from = (struct msg_owner){ 0 };
	}
	wire_list_clear(&msg_owner, l);
	o->sorted = false;
}

const struct msg_owner *owners_find(struct owners *o, const char *path)
{
	struct msg_owner key = { .path = (char *)(uintptr_t)path };

	if (!o->sorted && o->v.n)
		qsort(o->v.v, o->v.n, sizeof(key), by_path);
	o->sorted = true;
	return o->v.n ? bsearch(&key, o->v.v, o->v.n, sizeof(key), by_path) : NULL;
}

void owners_clear(struct owners *o)
{
	wire_list_clear(&msg_owner, &o->v);
	o->sorted = false;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void stale_paths(const struct procscan *scan, struct strv *ret)
{
	struct strv all = { 0 };

	strv_copy(&all, &scan->running);
	for (size_t i = 0; i < scan->n; i++) {
		const struct scan_process *p = &scan->v[i];

		for (size_t k = 0; k < p->n_reasons; k++)
			strv_push(&all, p->reasons[k].file);
		for (size_t k = 0; k < p->scripts.n; k++)
			strv_push(&all, p->scripts.v[k]);
	}
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), by_text);
	for (size_t i = 0; i < all.n; i++)
		if (i == 0 || !streq(all.v[i], all.v[i - 1]))
			strv_push(ret, all.v[i]);
	strv_clear(&all);
}

/* --- one process ---------------------------------------------------------- */

static char *time_text(int64_t t)
{
	char text[TIME_TEXT_MAX];

	time_format(t, text);
	return xstrdup(text);
}

/* Whose the file is or was: now, before this run, or before an earlier one. */
static void name_owner(const struct stale_input *in, const struct ledger *l, struct find_reason *r)
{
	const struct msg_owner *o = owners_find(in->now, r->file);

	if (!o)
		o = owners_find(in->before, r->file);
	if (o) {
		r->package = xstrdup(o->package);
		r->arch = xstrdup(o->arch);
		return;
	}
	const struct ledger_update *u = ledger_owner(l, r->file);
	if (u) {
		r->package = xstrdup(u->package);
		r->arch = xstrdup(u->arch);
	}
}

static void add_reason(const struct stale_input *in, const struct report *rep, struct find_process *p, int64_t started,
		       enum scan_evidence evidence, const char *file)
{
	struct find_reason *r = wire_list_add(&find_reason, &p->reasons);
	r->file = xstrdup(file);
	r->evidence = xstrdup(scan_evidence_name(evidence));
	name_owner(in, &rep->ledger, r);
	ledger_explain(&rep->ledger, started, r);
	const struct msg_owner *now = owners_find(in->now, file);
	if (now && !r->to)	/* somebody else's update: what it has become is known all the same */
		r->to = xstrdup(now->version);
}

static bool unpacked_since(const struct msg_owner *o, int64_t started)
{
	int64_t t;

	return o && o->installed && time_parse(o->installed, &t) == 0 && started < t;
}

static void judge_readable(const struct stale_input *in, const struct scan_process *p, int64_t started,
			   struct report *rep)
{
	struct find_process f = { .pid = p->pid, .start = p->start };

	for (size_t i = 0; i < p->n_reasons; i++)
		add_reason(in, rep, &f, started, p->reasons[i].evidence, p->reasons[i].file);
	for (size_t i = 0; i < p->scripts.n; i++)
		if (unpacked_since(owners_find(in->now, p->scripts.v[i]), started))
			add_reason(in, rep, &f, started, SCAN_SCRIPT, p->scripts.v[i]);
	if (!f.reasons.n)
		return;
	f.started = time_text(started);
	f.exe = xstrdup(strna(p->exe));
	f.cmdline = xstrdup(strna(p->cmdline));
	f.user = user_name(in->etc, p->uid);
	*(struct find_process *)wire_list_add(&find_process, &rep->stale) = f;
}

static void judge_unreadable(const struct stale_input *in, const struct scan_process *p, int64_t started,
			     struct report *rep)
{
	struct find_unreadable *u = wire_list_add(&find_unreadable, &rep->unreadable);

	u->pid = p->pid;
	u->start = p->start;
	u->started = time_text(started);
	u->name = xstrndup(p->comm, strnlen(p->comm, sizeof(p->comm)));
	u->user = user_name(in->etc, p->uid);
	u->detail = xstrdup(p->unreadable);
	u->outdated = started < ledger_last(&rep->ledger);
}

static bool is_below(const char *path, const char *folder)
{
	size_t n = strlen(strna(folder));

	return n && strncmp(path, folder, n) == 0 && path[n] == '/';
}

void stale_judge(const struct stale_input *in, struct report *rep)
{
	wire_list_clear(&find_process, &rep->stale);
	wire_list_clear(&find_unreadable, &rep->unreadable);
	wire_list_clear(&find_unmanaged, &rep->unmanaged);
	rep->scanned = true;
	rep->processes = (int64_t)in->scan->n;
	for (size_t i = 0; i < in->scan->n; i++) {
		const struct scan_process *p = &in->scan->v[i];
		int64_t started = procscan_started(in->scan, p);

		if (p->unreadable)
			judge_unreadable(in, p, started, rep);
		else
			judge_readable(in, p, started, rep);
	}
	for (size_t i = 0; in->named && i < in->scan->running.n; i++) {
		const char *file = in->scan->running.v[i];

		if (owners_find(in->now, file) || is_below(file, in->bundle))
			continue;
		((struct find_unmanaged *)wire_list_add(&find_unmanaged, &rep->unmanaged))->file = xstrdup(file);
	}
}
