/* output.c - see output.h. */
#include <stdio.h>
#include <sys/ioctl.h>
#include "clock.h"
#include "fd.h"
#include "output.h"

#define CELL_MAX 60		/* bytes of one table cell */
#define QUOTE_LINES 12		/* of a failing script's output */

enum style { PLAIN, GOOD, BAD, WARN, DIM, BOLD };
static const char *const escapes[] = { "", "\033[32m", "\033[31m", "\033[33m", "\033[2m", "\033[1m" };

struct out {
	struct buf *b;
	bool colour;
	int width;
};

static void put(const struct out *o, enum style style, const char *fmt, ...) _printf_(3, 4);
static void put(const struct out *o, enum style style, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (o->colour && style != PLAIN)
		buf_puts(o->b, escapes[style]);
	buf_puts(o->b, text);
	if (o->colour && style != PLAIN)
		buf_puts(o->b, "\033[0m");
}

static void size_format(int64_t bytes, char *ret, size_t n)
{
	if (bytes >= 1000000)
		(void)snprintf(ret, n, "%.1f MB", (double)bytes / 1e6);
	else if (bytes >= 1000)
		(void)snprintf(ret, n, "%.1f kB", (double)bytes / 1e3);
	else
		(void)snprintf(ret, n, "%lld bytes", (long long)bytes);
}

static char *cell(const char *s)
{
	return escape_text(strna(s), CELL_MAX);
}

/* Columns of text cells, as wide as they need to be. */
struct table {
	struct strv cells;
	size_t columns;
};

static void table_put(const struct out *o, const struct table *t)
{
	size_t width[8] = { 0 };

	for (size_t i = 0; i < t->cells.n; i++) {
		size_t n = strlen(t->cells.v[i]);

		if (n > width[i % t->columns])
			width[i % t->columns] = n;
	}
	for (size_t i = 0; i < t->cells.n; i++) {
		size_t col = i % t->columns;
		bool last = col == t->columns - 1;

		put(o, i < t->columns ? DIM : PLAIN, "  %-*s", last ? 0 : (int)width[col], t->cells.v[i]);
		if (last)
			buf_putc(o->b, '\n');
	}
}

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

		strv_take(&t.cells, cell(u->package));
		strv_take(&t.cells, cell(u->installed ? u->installed : "(new)"));
		strv_take(&t.cells, cell(u->candidate));
		if (cves)
			strv_take(&t.cells, cve_cell(&u->cves));
	}
	table_put(o, &t);
	strv_clear(&t.cells);
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
		cleanup_free char *package = cell(f->package), *version = cell(f->version), *uri = escape_text(strna(f->uri), 400);
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
		cleanup_free char *package = cell(u->package), *candidate = cell(u->candidate);
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
		strv_take(&t.cells, cell(m->uri));
		strv_take(&t.cells, cell(m->suite));
		if (m->error.code != CODE_OK) {
			cleanup_free char *why = cell(m->error.detail);

			strv_take(&t.cells, xasprintf("%s: %s", code_name(m->error.code), why));
		} else if (*strna(m->signed_by)) {
			size_t n = strlen(m->signed_by);
			cleanup_free char *key = cell(m->signed_by + (n > 16 ? n - 16 : 0));

			strv_take(&t.cells, xasprintf("signed by %s", key));
		} else {
			strv_take(&t.cells, cell(m->trust));
		}
		strv_push(&t.cells, age);
	}
	if (l->n > unused)
		table_put(o, &t);
	if (unused)
		put(o, DIM, "  %zu more %s not needed\n", unused, unused == 1 ? "repository was" : "repositories were");
	strv_clear(&t.cells);
}

static void put_headline(const struct out *o, const struct report *r)
{
	static const char *const modes[] = { "once", "once --dry-run", "check" };
	cleanup_free char *name = cell(r->probed ? r->probe.distribution.name : "unknown distribution");
	cleanup_free char *host = cell(r->container.host);

	put(o, BOLD, "stopgap %s", modes[r->mode]);
	put(o, PLAIN, " · %s · %s · %.1f s\n", host, name, (double)(r->end_ms - r->start_ms) / 1000.0);
}

/* Nothing about the container has to change: the reason may pass by itself. */
static bool for_now(const struct report *r)
{
	for (size_t i = 0; i < r->blocked.n; i++) {
		const struct msg_reason *b = wire_list_at(&msg_reason, &r->blocked, i);

		if (b->code != CODE_BUSY && b->code != CODE_LOCKED && b->code != CODE_NO_EGRESS)
			return false;
	}
	return r->blocked.n > 0;
}

static void put_result(const struct out *o, const struct report *r)
{
	cleanup_strv struct strv cves = { 0 };
	char size[32];

	report_cves(r, &cves);
	size_format(r->bytes, size, sizeof(size));
	switch (r->exit_code) {
	case EXIT_DONE:
		if (r->applied.n)
			put(o, GOOD, "ok: %zu updates applied (%s fetched), %zu CVEs fixed; ", r->applied.n, size, cves.n);
		else
			put(o, GOOD, "ok: ");
		if (r->kept_back.n)
			put(o, WARN, "nothing else is wanted, %zu kept back by policy\n", r->kept_back.n);
		else
			put(o, GOOD, "no security update is pending\n");
		break;
	case EXIT_PENDING:
		put(o, WARN, "pending: %zu security updates; 'stopgap once' applies them\n", report_open(r));
		break;
	case EXIT_PARTIAL:
		put(o, WARN, "partial: %zu applied (%s), %zu CVEs fixed, %zu not\n", r->applied.n, size, cves.n, report_open(r));
		break;
	case EXIT_OUT_OF_SUPPORT:
		put(o, BAD, "out of support: %zu updates applied, nothing is pending, and nothing new will come\n", r->applied.n);
		break;
	case EXIT_NO_METADATA:
		put(o, BAD, "%s, so nothing pending means nothing\n",
		    r->security_source ? "a security repository could not be used" : "no security repository is configured");
		break;
	case EXIT_BLOCKED:
		put(o, BAD, "blocked: %s\n",
		    for_now(r) ? "not now; run it again later" : "this container cannot be patched as it is");
		break;
	case EXIT_STALE:
		put(o, WARN, "applied, but processes still run old code\n");
		break;
	case EXIT_FAILED:
	case EXIT_USAGE:
		put(o, BAD, "failed\n");
		break;
	}
	if (r->error.code != CODE_OK) {
		cleanup_free char *msg = escape_text(r->error.msg, 1000);

		put(o, BAD, "error:");
		put(o, PLAIN, " [%s] %s\n", code_name(r->error.code), msg);
	}
}

void output_text(const struct report *r, bool colour, int width, struct buf *ret)
{
	const struct out o = { .b = ret, .colour = colour, .width = width };

	put_headline(&o, r);
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
	put_repositories(&o, &r->repositories);
	put_reasons(&o, "blocked:", BAD, &r->blocked);
	put_reasons(&o, "note:", WARN, &r->alarms);
	if (r->log && (r->failed.n || r->applied.n))
		put(&o, DIM, "package manager output: %s\n", r->log);
	if (r->applied.n)
		put(&o, DIM,
		    "the image behind this container is still vulnerable: a new container needs these updates again\n"
		    "(ephemeral.carry_over in the JSON report is the command for a Dockerfile)\n");
	put_result(&o, r);
}

int output_nagios(const struct report *r, struct buf *ret)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };
	size_t open = report_open(r);
	cleanup_buf struct buf text = { 0 };
	int state = 3;

	switch (r->exit_code) {
	case EXIT_DONE:
		state = 0;
		if (r->kept_back.n)
			buf_printf(&text, "no wanted security update is pending, %zu kept back by policy", r->kept_back.n);
		else
			buf_puts(&text, "no security update is pending");
		break;
	case EXIT_PENDING:
	case EXIT_PARTIAL:
		state = 2;
		buf_printf(&text, "%zu security updates are open", open);
		break;
	case EXIT_STALE:
		state = 1;
		buf_puts(&text, "processes still run old code");
		break;
	case EXIT_OUT_OF_SUPPORT:
		state = 1;
		buf_puts(&text, "the distribution is out of support");
		break;
	case EXIT_NO_METADATA:
	case EXIT_BLOCKED:
	case EXIT_FAILED:
	case EXIT_USAGE:
		if (r->error.code != CODE_OK) {
			buf_puts(&text, r->error.msg);
		} else if (r->blocked.n) {
			const struct msg_reason *b = wire_list_at(&msg_reason, &r->blocked, 0);

			buf_printf(&text, "%s: %s", code_name(b->code), strna(b->detail));
		} else {
			buf_puts(&text, r->exit_code != EXIT_NO_METADATA ? "failed" :
				 r->security_source ? "a security repository could not be used" :
						      "no security repository is configured");
		}
		break;
	}
	buf_printf(ret, "STOPGAP %s - ", words[state]);
	/* the bar begins performance data, so it may not be in the text */
	for (size_t i = 0; i < text.n; i++)
		if (text.s[i] == '|')
			text.s[i] = '/';
	buf_put_escaped(ret, buf_str(&text), text.n, 500);
	buf_printf(ret, "|pending=%zu;;0;0 applied=%zu failed=%zu kept_back=%zu\n", open, r->applied.n, r->failed.n,
		   r->kept_back.n);
	return state;
}

static bool progress_shown;

void progress_clear(void)
{
	if (progress_shown)
		(void)write_all(STDERR_FILENO, "\r\033[K", 4);
	progress_shown = false;
}

void progress_show(const struct msg_progress *p)
{
	cleanup_buf struct buf b = { 0 };
	struct winsize ws;
	int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 20 ? ws.ws_col : 80;
	char done[32], total[32];

	if (!streq(p->phase, "apply")) {
		size_format(p->done, done, sizeof(done));
		size_format(p->total, total, sizeof(total));
	} else {
		(void)snprintf(done, sizeof(done), "%lld", (long long)p->done);
		(void)snprintf(total, sizeof(total), "%lld", (long long)p->total);
	}
	cleanup_free char *phase = cell(p->phase), *item = cell(p->item);
	buf_printf(&b, "%s %s", phase, done);
	if (p->total)
		buf_printf(&b, " of %s", total);
	buf_printf(&b, "  %s", item);
	if (b.n > (size_t)columns - 1)
		b.n = (size_t)columns - 1;
	(void)write_all(STDERR_FILENO, "\r", 1);
	(void)write_all(STDERR_FILENO, b.s, b.n);
	(void)write_all(STDERR_FILENO, "\033[K", 3);
	progress_shown = true;
}
