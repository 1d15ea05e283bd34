/* outproc.c - see outproc.h. */
#include "outproc.h"

#define PROCESSES_SHOWN 40
#define FILES_SHOWN     6
#define CVES_SHOWN      4

/* "nginx" of "/usr/sbin/nginx", or what else is known of the process. */
static char *short_name(const struct find_process *p)
{
	const char *name = *strna(p->exe) ? p->exe : strna(p->cmdline);
	const char *slash = strrchr(name, '/');

	return out_cell(slash && slash[1] ? slash + 1 : name);
}

static void put_cves(struct buf *b, const struct strv *cves)
{
	for (size_t i = 0; i < cves->n && i < CVES_SHOWN; i++) {
		buf_puts(b, i ? " " : ": ");
		buf_put_escaped(b, cves->v[i], strlen(cves->v[i]), 20);
	}
	if (cves->n > CVES_SHOWN)
		buf_printf(b, " +%zu", cves->n - CVES_SHOWN);
}

/* Was the package of reason I named by one before it? */
static bool said_before(const struct find_process *p, size_t i)
{
	const struct find_reason *r = wire_list_at(&find_reason, &p->reasons, i);

	for (size_t k = 0; r->package && k < i; k++) {
		const struct find_reason *q = wire_list_at(&find_reason, &p->reasons, k);

		if (q->package && streq(q->package, r->package) && streq(strna(q->arch), strna(r->arch)))
			return true;
	}
	return false;
}

static void put_reason(const struct out *o, const char *name, const struct find_process *p, const struct find_reason *r)
{
	cleanup_free char *package = out_cell(r->package), *from = out_cell(r->from), *to = out_cell(r->to);
	cleanup_free char *file = escape_text(strna(r->file), 200), *service = out_cell(p->service);
	cleanup_buf struct buf cves = { 0 };

	put(o, WARN, "  %s (pid %lld", name, (long long)p->pid);
	if (*service && !streq(service, name))
		put(o, PLAIN, ", service %s", service);
	put(o, WARN, ")");
	if (!*package) {
		put(o, PLAIN, " still runs %s, which was replaced or removed; no package owns it\n", file);
		return;
	}
	put_cves(&cves, &r->cves);
	put(o, PLAIN, " still runs %s%s%s", package, *from ? " " : "", from);
	if (*to)
		put(o, PLAIN, ", replaced by %s", to);
	put(o, PLAIN, "%s\n", buf_str(&cves));
}

static void put_process(const struct out *o, const struct find_process *p)
{
	cleanup_free char *name = short_name(p);
	size_t shown = 0, left = 0;

	for (size_t i = 0; i < p->reasons.n; i++) {
		if (said_before(p, i))
			continue;
		if (shown++ < FILES_SHOWN)
			put_reason(o, name, p, wire_list_at(&find_reason, &p->reasons, i));
		else
			left++;
	}
	if (left)
		put(o, DIM, "      and %zu more\n", left);
}

static void put_unreadable(const struct out *o, const struct wire_list *l)
{
	for (size_t i = 0; i < l->n && i < FILES_SHOWN; i++) {
		const struct find_unreadable *u = wire_list_at(&find_unreadable, l, i);
		cleanup_free char *name = out_cell(u->name), *why = escape_text(strna(u->detail), 300);

		put(o, WARN, "  %s (pid %lld)", name, (long long)u->pid);
		put(o, PLAIN, " could not be looked into%s: %s\n", u->outdated ? ", and is older than an update" : "",
		    why);
	}
	if (l->n > FILES_SHOWN)
		put(o, DIM, "  and %zu more that could not be looked into\n", l->n - FILES_SHOWN);
}

static void put_restarts(const struct out *o, const struct wire_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct find_restart *r = wire_list_at(&find_restart, l, i);
		cleanup_free char *service = out_cell(r->service), *kind = out_cell(r->kind);
		cleanup_free char *detail = escape_text(strna(r->detail), 400);

		if (r->code == CODE_OK) {
			put(o, GOOD, "  %s", service);
			put(o, PLAIN, " (%s) was restarted", kind);
			if (r->gap)
				put(o, PLAIN, ", down for %lld ms", (long long)r->gap);
			if (r->health)
				put(o, streq(r->health, "healthy") ? GOOD : BAD, ", %s", r->health);
			put(o, PLAIN, "%s%s\n", *detail ? ": " : "", detail);
		} else {
			put(o, WARN, "  %s", service);
			put(o, PLAIN, " (%s) [%s] %s\n", kind, code_name(r->code),
			    *detail ? detail : code_text(r->code));
		}
	}
}

void output_processes(const struct out *o, const struct report *r)
{
	if (r->restarts.n) {
		put(o, BOLD, "services\n");
		put_restarts(o, &r->restarts);
	}
	if (r->stale.n || r->unreadable.n)
		put(o, BOLD, "processes\n");
	for (size_t i = 0; i < r->stale.n && i < PROCESSES_SHOWN; i++)
		put_process(o, wire_list_at(&find_process, &r->stale, i));
	if (r->stale.n > PROCESSES_SHOWN)
		put(o, DIM, "  and %zu more processes; the JSON report has them all\n", r->stale.n - PROCESSES_SHOWN);
	put_unreadable(o, &r->unreadable);
	if (r->unmanaged.n) {
		put(o, DIM,
		    "no package owns %zu running files, so no update of the distribution fixes them:", r->unmanaged.n);
		for (size_t i = 0; i < r->unmanaged.n && i < FILES_SHOWN; i++) {
			const struct find_unmanaged *u = wire_list_at(&find_unmanaged, &r->unmanaged, i);
			cleanup_free char *file = escape_text(strna(u->file), 200);

			put(o, DIM, " %s", file);
		}
		put(o, DIM, r->unmanaged.n > FILES_SHOWN ? " ...\n" : "\n");
	}
}

void output_stale(const struct out *o, const struct report *r)
{
	size_t unknown = 0;

	for (size_t i = 0; i < r->unreadable.n; i++)
		unknown +=
			((const struct find_unreadable *)wire_list_at(&find_unreadable, &r->unreadable, i))->outdated;
	if (r->stale.n)
		put(o, WARN, "%zu %s old code", r->stale.n,
		    r->stale.n == 1 ? "process still runs" : "processes still run");
	if (unknown)
		put(o, WARN, "%s%zu could not be looked into and may", r->stale.n ? ", " : "", unknown);
	put(o, WARN, "; restart the service, or the container (its patched files stay)\n");
}
