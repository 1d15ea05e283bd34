/* report.c - see report.h. */
#include <stdio.h>
#include "clock.h"
#include "history.h"
#include "report.h"
#include "statefile.h"
#include "support.h"

void report_init(struct report *r, enum mode mode, const char *trigger)
{
	*r = (struct report){
		.mode = mode, .trigger = trigger, .time = clock_wall(), .start_ms = clock_ms(), .error = ERR_INIT
	};
	container_read("/proc", "", &r->container);
}

void report_clear(struct report *r)
{
	container_clear(&r->container);
	wire_clear(&msg_probe, &r->probe);
	wire_clear(&msg_support, &r->support);
	free(r->plugin);
	free(r->plugin_version);
	wire_list_clear(&msg_reason, &r->blocked);
	wire_list_clear(&msg_reason, &r->alarms);
	wire_list_clear(&msg_repository, &r->repositories);
	wire_list_clear(&msg_update, &r->pending);
	wire_list_clear(&msg_update, &r->kept_back);
	wire_list_clear(&msg_update, &r->applied);
	ledger_clear(&r->ledger);
	wire_list_clear(&msg_failure, &r->failed);
	wire_list_clear(&msg_conffile, &r->conffiles);
	wire_list_clear(&msg_process, &r->left_behind);
	wire_list_clear(&find_process, &r->stale);
	wire_list_clear(&find_unreadable, &r->unreadable);
	wire_list_clear(&find_unmanaged, &r->unmanaged);
	wire_list_clear(&find_restart, &r->restarts);
	free(r->log);
	*r = (struct report){ 0 };
}

static void add_reason(struct wire_list *l, enum code code, const char *fmt, va_list ap)
{
	struct msg_reason *r = wire_list_add(&msg_reason, l);
	struct err e;

	(void)err_vset(&e, code, 0, fmt, ap);
	r->code = code;
	r->detail = xstrdup(e.msg);
}

void report_block(struct report *r, enum code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_reason(&r->blocked, code, fmt, ap);
	va_end(ap);
}

void report_alarm(struct report *r, enum code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_reason(&r->alarms, code, fmt, ap);
	va_end(ap);
}

size_t report_open(const struct report *r)
{
	size_t n = r->pending.n + r->failed.n;

	/* a half-configured package is no update, but it is not done either */
	n += !r->failed.n && streq(strna(r->probe.database.state), "interrupted");

	for (size_t i = 0; i < r->kept_back.n; i++) {
		const struct msg_update *u = wire_list_at(&msg_update, &r->kept_back, i);

		/* a failed download is among the failed already */
		n += !plan_kept_by_policy(u->kept_back.code) && u->kept_back.code != CODE_DOWNLOAD_FAILED &&
		     u->kept_back.code != CODE_HASH_MISMATCH;
	}
	return n;
}

static bool out_of_support(const struct report *r)
{
	return r->probed && streq(strna(r->probe.distribution.support), "ended");
}

bool report_blind(const struct report *r)
{
	for (size_t i = 0; i < r->repositories.n; i++) {
		const struct msg_repository *m = wire_list_at(&msg_repository, &r->repositories, i);

		if (m->security && m->error.code != CODE_OK)
			return true;
	}
	return false;
}

bool report_stale(const struct report *r)
{
	for (size_t i = 0; i < r->unreadable.n; i++) {
		const struct find_unreadable *u = wire_list_at(&find_unreadable, &r->unreadable, i);

		if (u->outdated)
			return true;
	}
	return r->stale.n > 0;
}

static bool runs_still(const struct report *r, const struct find_restart *f)
{
	for (size_t i = 0; i < r->stale.n; i++) {
		const struct find_process *p = wire_list_at(&find_process, &r->stale, i);

		if (streq(strna(p->service), strna(f->service)) && streq(strna(p->kind), strna(f->kind)))
			return true;
	}
	return false;
}

const struct find_restart *report_broken_service(const struct report *r)
{
	for (size_t i = 0; i < r->restarts.n; i++) {
		const struct find_restart *f = wire_list_at(&find_restart, &r->restarts, i);

		if (f->code == CODE_DIED_AGAIN || streq(strna(f->health), "unhealthy") ||
		    (f->code == CODE_RESTART_FAILED && !runs_still(r, f)))
			return f;
	}
	return NULL;
}

static enum exit_code judge(const struct report *r)
{
	size_t open = report_open(r);

	if (r->error.code != CODE_OK)
		return code_class(r->error.code) == CLASS_USAGE ? EXIT_USAGE : EXIT_FAILED;
	if (report_broken_service(r))
		return EXIT_FAILED;
	if (r->blocked.n)
		return EXIT_BLOCKED;
	if (r->mode == MODE_SCAN)
		return report_stale(r) ? EXIT_STALE : EXIT_DONE;
	if (r->mode != MODE_ONCE) {
		if (open)
			return EXIT_PENDING;
	} else if (open) {
		/* a download that is not to be had leaves the rest done; a
		 * package that broke with nothing else applied is a failure */
		for (size_t i = 0; i < r->failed.n && !r->applied.n; i++) {
			const struct msg_failure *f = wire_list_at(&msg_failure, &r->failed, i);

			if (code_class(f->code) == CLASS_FAILED && f->code != CODE_HASH_MISMATCH)
				return EXIT_FAILED;
		}
		return EXIT_PARTIAL;
	}
	if (r->mode == MODE_ONCE && report_stale(r))
		return EXIT_STALE;
	if (out_of_support(r))
		return EXIT_OUT_OF_SUPPORT;
	if (r->refreshed && (!r->security_source || report_blind(r)))
		return EXIT_NO_METADATA;
	return EXIT_DONE;
}

static int by_package(const void *a, const void *b)
{
	const struct msg_update *x = a, *y = b;
	int d = strcmp(strna(x->package), strna(y->package));

	return d ? d : strcmp(strna(x->arch), strna(y->arch));
}

void report_finish(struct report *r)
{
	struct wire_list *const lists[] = { &r->pending, &r->kept_back, &r->applied };

	r->end_ms = clock_ms();
	/* the order of work means nothing to a reader */
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (lists[i]->n)
			qsort(lists[i]->v, lists[i]->n, sizeof(struct msg_update), by_package);
	if (r->mode != MODE_SCAN && out_of_support(r))
		report_alarm(r, CODE_OUT_OF_SUPPORT,
			     "%s: free security support ended on %s; what still exists is applied",
			     strna(r->probe.distribution.name), strna(r->probe.distribution.end_of_life));
	r->exit_code = judge(r);
}

const char *mode_name(enum mode mode)
{
	static const char *const names[] = { "once", "dry-run", "check", "scan", "doctor", "probe" };

	return names[mode];
}

const char *report_result(const struct report *r)
{
	switch (r->exit_code) {
	case EXIT_DONE:
		return "ok";
	case EXIT_FAILED:
		/* nothing went wrong: it was told to end */
		return r->error.code == CODE_STOPPED ? "interrupted" : "failed";
	case EXIT_USAGE:
		return "usage";
	case EXIT_BLOCKED:
		return "blocked";
	case EXIT_PARTIAL:
		return "partial";
	case EXIT_NO_METADATA:
		return "no_security_metadata";
	case EXIT_OUT_OF_SUPPORT:
		return "out_of_support";
	case EXIT_PENDING:
		return "pending";
	case EXIT_STALE:
		return "stale";
	}
	return "failed";
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void report_cves(const struct report *r, struct strv *ret)
{
	struct strv all = { 0 };

	for (size_t i = 0; i < r->applied.n; i++) {
		const struct msg_update *u = wire_list_at(&msg_update, &r->applied, i);

		strv_copy(&all, &u->cves);
	}
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), by_text);
	for (size_t i = 0; i < all.n; i++)
		if (i == 0 || !streq(all.v[i], all.v[i - 1]))
			strv_push(ret, all.v[i]);
	strv_clear(&all);
}

static struct json_object *list_json(const struct wire_message *m, const struct wire_list *l)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < l->n; i++)
		json_object_array_add(a, wire_encode(m, wire_list_at(m, l, i)));
	return a;
}

/* What patching in place does not solve, and how to carry it over. */
static struct json_object *ephemeral_json(const struct report *r)
{
	struct json_object *e = json_object_new_object(), *lost = json_object_new_array();
	cleanup_strv struct strv carried = { 0 };
	cleanup_buf struct buf how = { 0 };

	ledger_carried(&r->ledger, &carried);
	for (size_t i = 0; i < carried.n; i++) {
		json_object_array_add(lost, json_object_new_string(carried.v[i]));
		buf_printf(&how, " %s", carried.v[i]);
	}
	json_object_object_add(e, "image_still_vulnerable",
			       json_object_new_boolean(carried.n > 0 || report_open(r) > 0));
	json_object_object_add(e, "lost_on_recreate", lost);
	if (carried.n && streq(strna(r->plugin), "apt")) {
		cleanup_free char *cmd =
			xasprintf("apt-get update && apt-get install -y --only-upgrade%s", buf_str(&how));

		json_object_object_add(e, "carry_over", json_object_new_string(cmd));
	}
	return e;
}

/* {scanned, unreadable, stale[], unreadable_processes[]}, or null when nobody looked. */
static struct json_object *processes_json(const struct report *r)
{
	if (!r->scanned)
		return NULL;
	struct json_object *p = json_object_new_object();
	json_object_object_add(p, "scanned", json_object_new_int64(r->processes));
	json_object_object_add(p, "unreadable", json_object_new_int64((int64_t)r->unreadable.n));
	json_object_object_add(p, "stale", list_json(&find_process, &r->stale));
	json_object_object_add(p, "unreadable_processes", list_json(&find_unreadable, &r->unreadable));
	return p;
}

struct json_object *report_json(const struct report *r)
{
	struct json_object *o = json_object_new_object(), *c = json_object_new_object(), *p = json_object_new_object();
	struct json_object *cves = json_object_new_array();
	cleanup_strv struct strv ids = { 0 };
	char when[TIME_TEXT_MAX];

	time_format(r->time, when);
	json_object_object_add(o, "schema", json_object_new_int(REPORT_SCHEMA));
	json_object_object_add(o, "stopgap", json_object_new_string(PACKAGE_VERSION));
	json_object_object_add(o, "time", json_object_new_string(when));
	cleanup_free char *duration = xasprintf("%.3f", (double)(r->end_ms - r->start_ms) / 1000.0);
	json_object_object_add(o, "duration",
			       json_object_new_double_s((double)(r->end_ms - r->start_ms) / 1000.0, duration));
	wire_add_string(o, "host", r->container.host);
	wire_add_string(c, "id", r->container.id);
	wire_add_string(c, "engine", r->container.engine);
	json_object_object_add(o, "container", c);
	json_object_object_add(o, "distribution",
			       r->probed ? wire_encode(&msg_distribution, &r->probe.distribution) : NULL);
	if (r->support_known)
		json_object_object_add(o, "support", support_json(&r->support));
	json_object_object_add(o, "mode", json_object_new_string(mode_name(r->mode)));
	if (r->id)
		json_object_object_add(o, "run", json_object_new_int64(r->id));
	json_object_object_add(o, "trigger", json_object_new_string(r->trigger));
	json_object_object_add(o, "result", json_object_new_string(report_result(r)));
	json_object_object_add(o, "exit_code", json_object_new_int(r->exit_code));
	if (r->error.code != CODE_OK) {
		struct json_object *e = json_object_new_object();

		wire_add_string(e, "code", code_name(r->error.code));
		wire_add_string(e, "message", r->error.msg);
		json_object_object_add(e, "retryable", json_object_new_boolean(r->error.retryable));
		json_object_object_add(o, "error", e);
	}
	json_object_object_add(o, "blocked", list_json(&msg_reason, &r->blocked));
	json_object_object_add(o, "repositories", list_json(&msg_repository, &r->repositories));
	json_object_object_add(o, "pending", list_json(&msg_update, &r->pending));
	json_object_object_add(o, "applied", list_json(&msg_update, &r->applied));
	json_object_object_add(o, "kept_back", list_json(&msg_update, &r->kept_back));
	json_object_object_add(o, "failed", list_json(&msg_failure, &r->failed));
	report_cves(r, &ids);
	for (size_t i = 0; i < ids.n; i++)
		json_object_array_add(cves, json_object_new_string(ids.v[i]));
	json_object_object_add(o, "cves_fixed", cves);
	json_object_object_add(o, "conffiles_kept", list_json(&msg_conffile, &r->conffiles));
	json_object_object_add(o, "processes", processes_json(r));
	json_object_object_add(o, "unmanaged", list_json(&find_unmanaged, &r->unmanaged));
	json_object_object_add(o, "restarts", list_json(&find_restart, &r->restarts));
	json_object_object_add(o, "left_behind", list_json(&msg_process, &r->left_behind));
	json_object_object_add(o, "alarms", list_json(&msg_reason, &r->alarms));
	json_object_object_add(o, "ephemeral", ephemeral_json(r));
	json_object_object_add(o, "bytes_fetched", json_object_new_int64(r->bytes));
	wire_add_string(p, "name", r->plugin);
	wire_add_string(p, "version", r->plugin_version);
	wire_add_string(p, "manager", r->probe.manager);
	json_object_object_add(p, "max_rss", json_object_new_int64(r->plugin_max_rss));
	if (r->probed)
		json_object_object_add(p, "database", wire_encode(&msg_database, &r->probe.database));
	json_object_object_add(o, "plugin", p);
	if (r->log)
		wire_add_string(o, "log", r->log);
	return o;
}

int report_save(const struct report *r, const char *state_dir, int64_t history, struct err *err)
{
	struct json_object *o = report_json(r);
	int failed = state_write(state_dir, "last.json", o, err) < 0 || history_append(state_dir, o, history, err) < 0;

	json_object_put(o);
	return failed ? -1 : 0;
}
