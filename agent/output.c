/* output.c - the report as text (output.h). */
#include <stdio.h>
#include "clock.h"
#include "out.h"
#include "output.h"
#include "outproc.h"

#define QUOTE_LINES 12		/* of a failing script's output */

static char *cve_cell(const struct strv *cves)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < cves->n && i < 2; i++) {
		if (i)
			buf_putc(&b, ' ');
		buf_put_escaped(&b, cves->v[i], strlen(cves->v[i]), 20);
	}
	if (cves->n > 2)
		buf_printf(&b, " +%zu", cves->n - 2);
	return buf_steal(&b);
}

static void put_updates(const struct out *o, const struct wire_list *l, bool cves)
{
	struct table t = { .columns = cves ? 4 : 3 };

	strv_push(&t.cells, "PACKAGE");
	strv_push(&t.cells, "INSTALLED");
	strv_push(&t.cells, "SECURITY UPDATE");
	if (cves)
		strv_push(&t.cells, "FIXES");
	for (size_t i = 0; i < l->n; i++) {
		const struct msg_update *u = wire_list_at(&msg_update, l, i);

		strv_take(&t.cells, out_cell(u->package));
		strv_take(&t.cells, out_cell(u->installed ? u->installed : "(new)"));
		strv_take(&t.cells, out_cell(u->candidate));
		if (cves)
			strv_take(&t.cells, cve_cell(&u->cves));
	}
	table_put(o, &t);
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

static void put_failed(const struct out *o, const struct wire_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct msg_failure *f = wire_list_at(&msg_failure, l, i);
		cleanup_free char *package = out_cell(f->package), *version = out_cell(f->version),
				  *uri = escape_text(strna(f->uri), 400);
		cleanup_free char *copy = xstrdup(strna(f->detail));
		char *next = copy;
		int lines = 0;

		put(o, BAD, "  %s %s", package, version);
		put(o, PLAIN, " [%s] %s%s%s\n", code_name(f->code), code_text(f->code), *uri ? ": " : "", uri);
		for (char *line; lines < QUOTE_LINES && (line = strsep(&next, "\n"));) {
			cleanup_free char *safe = escape_text(line, 300);

			if (*safe && lines++ < QUOTE_LINES)
				put(o, DIM, "      %s\n", safe);
		}
	}
}

static void put_kept(const struct out *o, const struct wire_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct msg_update *u = wire_list_at(&msg_update, l, i);
		cleanup_free char *package = out_cell(u->package), *candidate = out_cell(u->candidate);
		cleanup_free char *detail = escape_text(strna(u->kept_back.detail), 300);

		put(o, WARN, "  %s %s", package, candidate);
		put(o, PLAIN, " [%s] %s%s%s\n", code_name(u->kept_back.code), code_text(u->kept_back.code),
		    *detail ? ": " : "", detail);
	}
}

static void put_repositories(const struct out *o, const struct wire_list *l)
{
	struct table t = { .columns = 4 };
	size_t unused = 0;

	strv_push(&t.cells, "REPOSITORY");
	strv_push(&t.cells, "SUITE");
	strv_push(&t.cells, "TRUST");
	strv_push(&t.cells, "AGE");
	for (size_t i = 0; i < l->n; i++) {
		const struct msg_repository *m = wire_list_at(&msg_repository, l, i);
		char age[32] = "";

		if (streq(strna(m->state), "not_fetched") && m->error.code == CODE_OK) {
			unused++;
			continue;
		}
		if (*strna(m->date))
			duration_format(m->age, age);
		strv_take(&t.cells, out_cell(m->uri));
		strv_take(&t.cells, out_cell(m->suite));
		if (m->error.code != CODE_OK) {
			cleanup_free char *why = out_cell(m->error.detail);

			strv_take(&t.cells, xasprintf("%s: %s", code_name(m->error.code), why));
		} else if (*strna(m->signed_by)) {
			size_t n = strlen(m->signed_by);
			cleanup_free char *key = out_cell(m->signed_by + (n > 16 ? n - 16 : 0));

			strv_take(&t.cells, xasprintf("signed by %s", key));
		} else {
			strv_take(&t.cells, out_cell(m->trust));
		}
		strv_push(&t.cells, age);
	}
	if (l->n > unused)
		table_put(o, &t);
	strv_clear(&t.cells);
	if (unused)
		put(o, DIM, "  %zu more %s not needed\n", unused, unused == 1 ? "repository was" : "repositories were");
}

static void put_headline(const struct out *o, const struct report *r, const char *target)
{
	static const char *const modes[] = { "once", "once --dry-run", "check", "scan", "doctor", "doctor" };
	cleanup_free char *name = out_cell(r->probed ? r->probe.distribution.name : "unknown distribution");
	cleanup_free char *host = out_cell(target ? target : r->container.host);

	put(o, BOLD, "stopgap %s", modes[r->mode]);
	put(o, PLAIN, " · %s · %s · %.1f s\n", host, name, (double)(r->end_ms - r->start_ms) / 1000.0);
}

/* Nothing about the container has to change: the reason may pass by itself. */
static bool for_now(const struct report *r)
{
	for (size_t i = 0; i < r->blocked.n; i++) {
		const struct msg_reason *b = wire_list_at(&msg_reason, &r->blocked, i);

		if (!code_passes(b->code))
			return false;
	}
	return r->blocked.n > 0;
}

static void put_done(const struct out *o, const struct report *r, const char *size, size_t cves)
{
	if (r->mode == MODE_SCAN) {
		put(o, GOOD, "ok: %lld processes looked at, none runs old code\n", (long long)r->processes);
		return;
	}
	if (r->applied.n)
		put(o, GOOD, "ok: %zu updates applied (%s fetched), %zu CVEs fixed; ", r->applied.n, size, cves);
	else
		put(o, GOOD, "ok: ");
	if (r->kept_back.n)
		put(o, WARN, "nothing else is wanted, %zu kept back by policy", r->kept_back.n);
	else
		put(o, GOOD, "no security update is pending");
	put(o, GOOD, r->scanned ? ", no process runs old code\n" : "\n");
}

static void put_failure(const struct out *o, const struct report *r)
{
	const struct find_restart *f = report_broken_service(r);
	cleanup_free char *service = f ? out_cell(f->service) : NULL;

	if (r->error.code == CODE_OK && f)
		put(o, BAD, "failed: %zu updates applied, and %s is not well after its restart\n", r->applied.n,
		    service);
	else
		put(o, BAD, "%s\n", report_result(r));
}

static void put_pending(const struct out *o, const struct report *r, const char *target)
{
	cleanup_free char *name = target ? out_cell(target) : NULL;

	put(o, WARN, "pending: %zu security updates; 'stopgap %s%s%sonce' applies them\n", report_open(r),
	    name ? "exec " : "", strna(name), name ? " -- " : "");
}

static void put_result(const struct out *o, const struct report *r, const char *target)
{
	cleanup_strv struct strv cves = { 0 };
	char size[32];

	report_cves(r, &cves);
	size_format(r->bytes, size, sizeof(size));
	switch (r->exit_code) {
	case EXIT_DONE:
		put_done(o, r, size, cves.n);
		break;
	case EXIT_PENDING:
		put_pending(o, r, target);
		break;
	case EXIT_PARTIAL:
		put(o, WARN, "partial: %zu applied (%s), %zu CVEs fixed, %zu not\n", r->applied.n, size, cves.n,
		    report_open(r));
		break;
	case EXIT_OUT_OF_SUPPORT:
		put(o, BAD, "out of support: %zu updates applied, nothing is pending, and nothing new will come\n",
		    r->applied.n);
		break;
	case EXIT_NO_METADATA:
		put(o, BAD, "%s, so nothing pending means nothing\n",
		    r->security_source ? "a security repository could not be used" :
					 "no security repository is configured");
		break;
	case EXIT_BLOCKED:
		put(o, BAD, "blocked: %s\n",
		    for_now(r) ? "not now; run it again later" : "this container cannot be patched as it is");
		break;
	case EXIT_STALE:
		if (r->applied.n)
			put(o, WARN, "stale: %zu updates applied (%s), %zu CVEs fixed, but ", r->applied.n, size,
			    cves.n);
		else
			put(o, WARN, "stale: ");
		output_stale(o, r);
		break;
	case EXIT_FAILED:
	case EXIT_USAGE:
		put_failure(o, r);
		break;
	}
	if (r->error.code != CODE_OK) {
		cleanup_free char *msg = escape_text(r->error.msg, 1000);

		put(o, BAD, "error:");
		put(o, PLAIN, " [%s] %s\n", code_name(r->error.code), msg);
	}
}

void output_text(const struct report *r, const char *target, bool colour, struct buf *ret)
{
	const struct out o = { .b = ret, .colour = colour };

	put_headline(&o, r, target);
	if (r->applied.n) {
		put(&o, BOLD, "applied\n");
		put_updates(&o, &r->applied, true);
	}
	if (r->pending.n) {
		put(&o, BOLD, "pending\n");
		put_updates(&o, &r->pending, false);
	}
	if (r->failed.n) {
		put(&o, BOLD, "failed\n");
		put_failed(&o, &r->failed);
	}
	if (r->kept_back.n) {
		put(&o, BOLD, "kept back\n");
		put_kept(&o, &r->kept_back);
	}
	output_processes(&o, r);
	put_repositories(&o, &r->repositories);
	put_reasons(&o, "blocked:", BAD, &r->blocked);
	put_reasons(&o, "note:", WARN, &r->alarms);
	if (r->log && (r->failed.n || r->applied.n))
		put(&o, DIM, "package manager output: %s\n", r->log);
	if (r->applied.n)
		put(&o, DIM,
		    "the image behind this container is still vulnerable: a new container needs these updates again\n"
		    "(ephemeral.carry_over in the JSON report is the command for a Dockerfile)\n");
	put_result(&o, r, target);
}
