/* metrics.c - see metrics.h. */
#include "clock.h"
#include "metrics.h"

#define LABEL_MAX	 256	/* bytes of a label's value */
#define REPOSITORIES_MAX 64

/* -------------------------------------------------------------------------------------------------- samples */

/* One family that is being written. */
struct out {
	struct buf *b;
	const char *name;		/* as its samples have it */
	const struct metrics_snapshot *m;
};

/* Backslash, quote and newline are all that the formats escape; what is no
 * printable text was made \xHH before. */
static void put_label(struct buf *b, const char *sep, const char *name, const char *value)
{
	cleanup_free char *text = escape_text(strna(value), LABEL_MAX);

	buf_printf(b, "%s%s=\"", sep, name);
	for (const char *s = text; *s; s++) {
		if (*s == '\\' || *s == '"')
			buf_putc(b, '\\');
		buf_putc(b, *s);
	}
	buf_putc(b, '"');
}

/* LABELS: name, value, name, value, ..., NULL; a NULL value is "". */
static void put_labels(const struct out *o, const char *const *labels)
{
	const char *sep = "";

	if (!o->m->container && !labels[0])
		return;
	buf_putc(o->b, '{');
	if (o->m->container) {
		put_label(o->b, sep, "container", o->m->container);
		sep = ",";
	}
	for (; labels[0]; labels += 2) {
		put_label(o->b, sep, labels[0], labels[1]);
		sep = ",";
	}
	buf_putc(o->b, '}');
}

#define LABELS(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static void put_int(const struct out *o, const char *const *labels, int64_t value)
{
	buf_puts(o->b, o->name);
	put_labels(o, labels);
	buf_printf(o->b, " %lld\n", (long long)value);
}

/* A count that nobody knows has no sample. */
static void put_known(const struct out *o, int64_t value)
{
	if (value >= 0)
		put_int(o, LABELS(), value);
}

static void put_time(const struct out *o, int64_t t)
{
	if (t > 0)
		put_int(o, LABELS(), t);
}

static void put_codes(const struct out *o, const char *label, const struct wire_list *reasons)
{
	bool seen[CODE_MAX] = { false };

	for (size_t i = 0; i < reasons->n; i++) {
		const struct msg_reason *r = wire_list_at(&msg_reason, reasons, i);

		if (!seen[r->code])
			put_int(o, LABELS(label, code_name(r->code)), 1);
		seen[r->code] = true;
	}
}

/* A run that failed early says nothing of some things: the one before still holds. */
static const struct report *planned_by(const struct out *o)
{
	return o->m->planned ? o->m->planned : o->m->last;
}

static const struct report *probed_by(const struct out *o)
{
	return o->m->last->probed ? o->m->last : planned_by(o);
}

static const struct report *refreshed_by(const struct out *o)
{
	return o->m->last->refreshed || o->m->last->repositories.n ? o->m->last : planned_by(o);
}

/* ---------------------------------------------------------------------------------------- families of one number */

static int64_t carried_count(const struct report *r)
{
	cleanup_strv struct strv l = { 0 };

	ledger_carried(&r->ledger, &l);
	return (int64_t)l.n;
}

#define NUMBER(fn, put, expr)                       \
	static void fn(const struct out *o)         \
	{                                           \
		const struct metrics_snapshot *m = o->m; \
		put(o, (int64_t)(expr));            \
	}

/* clang-format off */
NUMBER(start_time, put_time, m->started)
NUMBER(next_run, put_time, m->next_run)
NUMBER(run_in_progress, put_known, m->running)
NUMBER(last_run, put_time, m->state->last_run)
NUMBER(last_success, put_time, m->state->last_success)
NUMBER(updates_applied, put_known, m->state->applied)
NUMBER(updates_failed, put_known, m->state->failed)
NUMBER(fetched_bytes, put_known, m->state->bytes)
NUMBER(stale_processes, put_known, m->stale_processes)
NUMBER(unreadable_processes, put_known, m->unreadable_processes)
NUMBER(scanned_processes, put_known, m->scanned_processes)
NUMBER(unmanaged_files, put_known, m->unmanaged_files)
NUMBER(unsupported_packages, put_known, m->unsupported_packages)
NUMBER(unfixed_cves, put_known, m->unfixed_cves)
NUMBER(last_exit_code, put_known, m->last->exit_code)
NUMBER(last_applied, put_known, m->last->applied.n)
NUMBER(last_failed, put_known, m->last->failed.n)
NUMBER(left_behind, put_known, m->last->left_behind.n)
NUMBER(conffiles, put_known, m->last->conffiles.n)
NUMBER(image_vulnerable, put_known, m->last->ledger.updates.n > 0 || report_open(planned_by(o)) > 0)
NUMBER(lost_on_recreate, put_known, carried_count(m->last))
NUMBER(plugin_rss, put_known, m->last->plugin_max_rss)
/* clang-format on */

/* ------------------------------------------------------------------------------------------ families: agent */

static void build_info(const struct out *o)
{
	const struct report *r = o->m->last;

	put_int(o,
		LABELS("version", PACKAGE_VERSION, "plugin", r ? r->plugin : NULL, "plugin_version",
		       r ? r->plugin_version : NULL),
		1);
}

static void container_info(const struct out *o)
{
	const struct container *c = o->m->last ? &o->m->last->container : NULL;

	if (c || o->m->name || o->m->image)
		put_int(o,
			LABELS("id", c ? c->id : NULL, "name", o->m->name, "image", o->m->image, "engine",
			       c ? c->engine : NULL, "host", c ? c->host : NULL),
			1);
}

static void runs(const struct out *o)
{
	for (size_t i = 0; i < METRICS_RESULTS; i++)
		put_int(o, LABELS("result", metrics_results[i]), o->m->state->runs[i]);
}

static void restarts(const struct out *o)
{
	put_int(o, LABELS("outcome", "ok"), o->m->state->restarts);
	put_int(o, LABELS("outcome", "failed"), o->m->state->restarts_failed);
}

/* --------------------------------------------------------------------------------- families: the last report */

static void last_result(const struct out *o)
{
	const char *result = report_result(o->m->last);

	for (size_t i = 0; i < METRICS_RESULTS; i++)
		put_int(o, LABELS("result", metrics_results[i]), streq(metrics_results[i], result));
}

static void last_duration(const struct out *o)
{
	const struct report *r = o->m->last;

	buf_puts(o->b, o->name);
	put_labels(o, LABELS());
	buf_printf(o->b, " %.3f\n", (double)(r->end_ms - r->start_ms) / 1000.0);
}

static void last_error(const struct out *o)
{
	/* a run that was told to end has not failed */
	if (o->m->last->error.code != CODE_OK && o->m->last->error.code != CODE_STOPPED)
		put_int(o, LABELS("code", code_name(o->m->last->error.code)), 1);
}

/* Wanted, and not in place: open security updates of any cause are an alert's matter. */
static void pending_security(const struct out *o)
{
	const struct report *r = planned_by(o);
	int64_t n = (int64_t)r->failed.n;

	if (!r->planned)
		return;
	for (size_t i = 0; i < r->pending.n; i++)
		n += ((const struct msg_update *)wire_list_at(&msg_update, &r->pending, i))->security;
	put_int(o, LABELS(), n);
}

static void pending(const struct out *o)
{
	if (planned_by(o)->planned)
		put_int(o, LABELS(), (int64_t)report_open(planned_by(o)));
}

static void kept_back(const struct out *o)
{
	const struct wire_list *l = &planned_by(o)->kept_back;
	int64_t count[CODE_MAX] = { 0 };

	for (size_t i = 0; i < l->n; i++)
		count[((const struct msg_update *)wire_list_at(&msg_update, l, i))->kept_back.code]++;
	for (int i = 0; i < CODE_MAX; i++)
		if (count[i])
			put_int(o, LABELS("reason", code_name((enum code)i)), count[i]);
}

static void fixed_cves(const struct out *o)
{
	cleanup_strv struct strv ids = { 0 };

	report_cves(o->m->last, &ids);
	put_int(o, LABELS(), (int64_t)ids.n);
}

static void blocked(const struct out *o)
{
	put_codes(o, "reason", &o->m->last->blocked);
}

static void alarms(const struct out *o)
{
	put_codes(o, "code", &o->m->last->alarms);
}

static void packages(const struct out *o)
{
	if (probed_by(o)->probed)
		put_int(o, LABELS(), probed_by(o)->probe.database.packages);
}

static void database_clean(const struct out *o)
{
	if (probed_by(o)->probed)
		put_int(o, LABELS(), streq(strna(probed_by(o)->probe.database.state), "clean"));
}

static void security_source(const struct out *o)
{
	const struct report *r = refreshed_by(o);

	if (r->refreshed)
		put_int(o, LABELS(), r->security_source && !report_blind(r));
}

/* -------------------------------------------------------------------------------- families: the distribution */

static void end_of_life(const struct out *o)
{
	const struct msg_distribution *d = &probed_by(o)->probe.distribution;

	if (probed_by(o)->probed)
		put_int(o,
			LABELS("distribution", d->id, "version", d->version, "codename", d->codename, "support",
			       d->support),
			streq(strna(d->support), "ended"));
}

static void end_of_life_time(const struct out *o)
{
	const char *day = probed_by(o)->probe.distribution.end_of_life;
	cleanup_free char *text = xasprintf("%sT23:59:59Z", strna(day));
	int64_t t;

	if (probed_by(o)->probed && time_parse(text, &t) == 0)
		put_time(o, t);
}

/* ---------------------------------------------------------------------------------- families: repositories */

typedef void each_repository(const struct out *o, const struct msg_repository *m, const char *const *labels);

/* Each address and suite once: two samples with the same labels spoil the whole answer. */
static void repositories(const struct out *o, each_repository *fn)
{
	const struct wire_list *l = &refreshed_by(o)->repositories;
	cleanup_strv struct strv seen = { 0 };

	for (size_t i = 0; i < l->n && seen.n < REPOSITORIES_MAX; i++) {
		const struct msg_repository *m = wire_list_at(&msg_repository, l, i);
		const char *host = strstr(strna(m->uri), "://"), *at = strrchr(strna(m->uri), '@');
		size_t scheme = host ? (size_t)(host - m->uri) + 3 : 0;
		const char *rest = host && at && at > host ? at + 1 : strna(m->uri) + scheme;
		cleanup_free char *uri = xasprintf("%.*s%s", (int)scheme, strna(m->uri), rest);
		cleanup_free char *shown = escape_text(uri, LABEL_MAX),
				  *suite = escape_text(strna(m->suite), LABEL_MAX);
		cleanup_free char *key = xasprintf("%s %s", shown, suite);

		if (strv_contains(&seen, key))
			continue;
		strv_push(&seen, key);
		fn(o, m, LABELS("repository", uri, "suite", m->suite, "security", m->security ? "yes" : "no"));
	}
}

static void one_age(const struct out *o, const struct msg_repository *m, const char *const *labels)
{
	int64_t date;

	/* it grows until the next run */
	if (m->date && time_parse(m->date, &date) == 0)
		put_int(o, labels, o->m->now > date ? o->m->now - date : 0);
}

static void one_expiry(const struct out *o, const struct msg_repository *m, const char *const *labels)
{
	int64_t until;

	if (m->valid_until && time_parse(m->valid_until, &until) == 0)
		put_int(o, labels, until);
}

static void one_usable(const struct out *o, const struct msg_repository *m, const char *const *labels)
{
	if (!streq(strna(m->state), "not_fetched"))
		put_int(o, labels, m->error.code == CODE_OK);
}

static void repository_age(const struct out *o)
{
	repositories(o, one_age);
}

static void repository_expiry(const struct out *o)
{
	repositories(o, one_expiry);
}

static void repository_usable(const struct out *o)
{
	repositories(o, one_usable);
}

/* ------------------------------------------------------------------------------------------------ exposition */

enum kind { GAUGE, COUNTER, INFO };

#define NEEDS_REPORT true
static const struct family {
	const char *name;		/* as OpenMetrics names the family: no _total, no _info */
	enum kind kind;
	bool needs_report;
	void (*put)(const struct out *o);
	const char *help;
} families[] = {
	{ "stopgap_build", INFO, false, build_info, "Version of the agent and of its last plugin." },
	{ "stopgap_container", INFO, false, container_info, "What container this is." },
	{ "stopgap_start_time_seconds", GAUGE, false, start_time, "When the agent began." },
	{ "stopgap_run_in_progress", GAUGE, false, run_in_progress, "1 while a run is going on." },
	{ "stopgap_next_run_timestamp_seconds", GAUGE, false, next_run, "When the next run is due." },
	{ "stopgap_last_run_timestamp_seconds", GAUGE, false, last_run, "End of the last run." },
	{ "stopgap_last_success_timestamp_seconds", GAUGE, false, last_success,
	  "End of the last run that could do its work; what it found is another matter." },
	{ "stopgap_runs", COUNTER, false, runs, "Runs, by their result." },
	{ "stopgap_updates_applied", COUNTER, false, updates_applied, "Updates applied." },
	{ "stopgap_updates_failed", COUNTER, false, updates_failed, "Updates that failed." },
	{ "stopgap_restarts", COUNTER, false, restarts, "Restarts of services after updates." },
	{ "stopgap_fetched_bytes", COUNTER, false, fetched_bytes, "Bytes fetched from repositories." },
	{ "stopgap_stale_processes", GAUGE, false, stale_processes, "Processes that still run replaced code." },
	{ "stopgap_unreadable_processes", GAUGE, false, unreadable_processes,
	  "Processes that could not be read, and may run replaced code." },
	{ "stopgap_scanned_processes", GAUGE, false, scanned_processes, "Processes that the last scan looked at." },
	{ "stopgap_unmanaged_files", GAUGE, false, unmanaged_files,
	  "Mapped files that no package owns, so that no update reaches them." },
	{ "stopgap_unsupported_packages", GAUGE, false, unsupported_packages,
	  "Installed packages whose security support has ended." },
	{ "stopgap_unfixed_cves", GAUGE, false, unfixed_cves, "Known vulnerabilities without a fix to install." },
	{ "stopgap_last_run_result", GAUGE, NEEDS_REPORT, last_result,
	  "1 for the result of the last run, 0 for the others." },
	{ "stopgap_last_run_exit_code", GAUGE, NEEDS_REPORT, last_exit_code, "Exit code of the last run." },
	{ "stopgap_last_run_duration_seconds", GAUGE, NEEDS_REPORT, last_duration, "How long the last run took." },
	{ "stopgap_last_run_error", GAUGE, NEEDS_REPORT, last_error, "Why the last run failed, if it did." },
	{ "stopgap_last_run_applied_updates", GAUGE, NEEDS_REPORT, last_applied, "Updates that the last run applied." },
	{ "stopgap_last_run_failed_updates", GAUGE, NEEDS_REPORT, last_failed, "Updates that failed in the last run." },
	{ "stopgap_last_run_fixed_cves", GAUGE, NEEDS_REPORT, fixed_cves, "Vulnerabilities that the last run fixed." },
	{ "stopgap_pending_security_updates", GAUGE, NEEDS_REPORT, pending_security,
	  "Security updates that are planned or failed." },
	{ "stopgap_pending_updates", GAUGE, NEEDS_REPORT, pending, "Updates that are wanted and open." },
	{ "stopgap_kept_back_updates", GAUGE, NEEDS_REPORT, kept_back, "Updates that are not planned, by the reason." },
	{ "stopgap_blocked", GAUGE, NEEDS_REPORT, blocked, "1 for each reason why this container cannot be patched." },
	{ "stopgap_alarm", GAUGE, NEEDS_REPORT, alarms, "1 for each alarm of the last run." },
	{ "stopgap_left_behind_processes", GAUGE, NEEDS_REPORT, left_behind,
	  "Processes that maintainer scripts left behind." },
	{ "stopgap_kept_conffiles", GAUGE, NEEDS_REPORT, conffiles,
	  "Changed configuration files that an update kept." },
	{ "stopgap_image_still_vulnerable", GAUGE, NEEDS_REPORT, image_vulnerable,
	  "1 when a new container of the image would lack updates." },
	{ "stopgap_lost_on_recreate_packages", GAUGE, NEEDS_REPORT, lost_on_recreate,
	  "Updated packages that a new container would lack." },
	{ "stopgap_plugin_max_rss_bytes", GAUGE, NEEDS_REPORT, plugin_rss,
	  "Most memory that a plugin took in the last run." },
	{ "stopgap_installed_packages", GAUGE, NEEDS_REPORT, packages, "Installed packages." },
	{ "stopgap_database_clean", GAUGE, NEEDS_REPORT, database_clean, "1 when the package database is clean." },
	{ "stopgap_security_source", GAUGE, NEEDS_REPORT, security_source,
	  "1 when all security repositories could be used." },
	{ "stopgap_end_of_life", GAUGE, NEEDS_REPORT, end_of_life,
	  "1 when the distribution gets no security updates any more." },
	{ "stopgap_end_of_life_timestamp_seconds", GAUGE, NEEDS_REPORT, end_of_life_time,
	  "When the distribution's security updates end." },
	{ "stopgap_repository_age_seconds", GAUGE, NEEDS_REPORT, repository_age,
	  "Age of a repository's metadata by its signed date." },
	{ "stopgap_repository_expiry_timestamp_seconds", GAUGE, NEEDS_REPORT, repository_expiry,
	  "When a repository's metadata expires." },
	{ "stopgap_repository_usable", GAUGE, NEEDS_REPORT, repository_usable,
	  "1 when a repository could be used in the last run." },
};

static void put_family(const struct family *f, const struct metrics_snapshot *v, size_t n, bool openmetrics,
		       struct buf *ret)
{
	const char *suffix = f->kind == COUNTER ? "_total" : f->kind == INFO ? "_info" : "";
	const char *type = f->kind == COUNTER ? "counter" : f->kind == INFO && openmetrics ? "info" : "gauge";
	cleanup_free char *sample = xasprintf("%s%s", f->name, suffix);
	const char *name = openmetrics ? f->name : sample;
	cleanup_buf struct buf samples = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct out o = { &samples, sample, &v[i] };

		if (!f->needs_report || v[i].last)
			f->put(&o);
	}
	if (!samples.n)
		return;
	buf_printf(ret, "# HELP %s %s\n# TYPE %s %s\n", name, f->help, name, type);
	if (openmetrics && (ends_with(f->name, "_seconds") || ends_with(f->name, "_bytes")))
		buf_printf(ret, "# UNIT %s %s\n", name, strrchr(f->name, '_') + 1);
	buf_append(ret, samples.s, samples.n);
}

void metrics_write(const struct metrics_snapshot *v, size_t n, bool openmetrics, struct buf *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		put_family(&families[i], v, n, openmetrics, ret);
	if (openmetrics)
		buf_puts(ret, "# EOF\n");
}
