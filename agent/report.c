/* report.c - see report.h. */
#include <stdio.h>
#include "clock.h"
#include "fd.h"
#include "report.h"

#define CARRIED_MAX 20000

void report_init(struct report *r, enum mode mode, const char *trigger)
{
	*r = (struct report){ .mode = mode, .trigger = trigger, .time = clock_wall(), .start_ms = clock_ms(),
			      .error = ERR_INIT };
	container_read("/proc", "", &r->container);
}

void report_clear(struct report *r)
{
	container_clear(&r->container);
	wire_clear(&msg_probe, &r->probe);
	free(r->plugin);
	free(r->plugin_version);
	wire_list_clear(&msg_reason, &r->blocked);
	wire_list_clear(&msg_reason, &r->alarms);
	wire_list_clear(&msg_repository, &r->repositories);
	wire_list_clear(&msg_update, &r->pending);
	wire_list_clear(&msg_update, &r->kept_back);
	wire_list_clear(&msg_update, &r->applied);
	strv_clear(&r->carried);
	wire_list_clear(&msg_failure, &r->failed);
	wire_list_clear(&msg_conffile, &r->conffiles);
	wire_list_clear(&msg_process, &r->left_behind);
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

static enum exit_code judge(const struct report *r)
{
	size_t open = report_open(r);

	if (r->error.code != CODE_OK)
		return code_class(r->error.code) == CLASS_USAGE ? EXIT_USAGE : EXIT_FAILED;
	if (r->blocked.n)
		return EXIT_BLOCKED;
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
	if (out_of_support(r))
		report_alarm(r, CODE_OUT_OF_SUPPORT, "%s: free security support ended on %s; what still exists is applied",
			     strna(r->probe.distribution.name), strna(r->probe.distribution.end_of_life));
	r->exit_code = judge(r);
}

const char *report_result(const struct report *r)
{
	switch (r->exit_code) {
	case EXIT_DONE:
		return "ok";
	case EXIT_FAILED:
		return "failed";
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

/* One "package=version", in place of another version of the package. */
static void carry(struct strv *l, const char *one)
{
	size_t n = strcspn(one, "=");

	for (size_t i = 0; i < l->n; i++)
		if (strncmp(l->v[i], one, n + 1) == 0) {
			free(l->v[i]);
			l->v[i] = xstrdup(one);
			return;
		}
	strv_push(l, one);
}

void report_carry(struct report *r, const char *state_dir)
{
	cleanup_free char *path = xasprintf("%s/last.json", state_dir);
	cleanup_buf struct buf text = { 0 };
	struct json_object *last = NULL, *host = NULL, *e = NULL, *l = NULL;
	struct err err;

	if (read_file(path, WIRE_PLAN_MAX, &text, &err) == 0 &&
	    wire_parse(buf_str(&text), text.n ? text.n - 1 : 0, &last, &err) == 0 &&
	    /* a state folder that outlived its container says nothing of this one */
	    json_object_object_get_ex(last, "host", &host) &&
	    streq(json_object_get_string(host), strna(r->container.host)) &&
	    json_object_object_get_ex(last, "ephemeral", &e) && json_object_object_get_ex(e, "lost_on_recreate", &l) &&
	    json_object_is_type(l, json_type_array))
		for (size_t i = 0; i < json_object_array_length(l) && i < CARRIED_MAX; i++) {
			const char *one = json_object_get_string(json_object_array_get_idx(l, i));

			if (one && strchr(one, '=') && strlen(one) < 600)
				carry(&r->carried, one);
		}
	json_object_put(last);
	for (size_t i = 0; i < r->applied.n; i++) {
		const struct msg_update *u = wire_list_at(&msg_update, &r->applied, i);
		cleanup_free char *one = xasprintf("%s=%s", u->package, u->candidate);

		carry(&r->carried, one);
	}
}

/* What patching in place does not solve, and how to carry it over. */
static struct json_object *ephemeral_json(const struct report *r)
{
	struct json_object *e = json_object_new_object(), *lost = json_object_new_array();
	cleanup_buf struct buf how = { 0 };

	for (size_t i = 0; i < r->carried.n; i++) {
		json_object_array_add(lost, json_object_new_string(r->carried.v[i]));
		buf_printf(&how, " %s", r->carried.v[i]);
	}
	json_object_object_add(e, "image_still_vulnerable", json_object_new_boolean(r->carried.n > 0 || report_open(r) > 0));
	json_object_object_add(e, "lost_on_recreate", lost);
	if (r->carried.n && streq(strna(r->plugin), "apt")) {
		cleanup_free char *cmd = xasprintf("apt-get update && apt-get install -y --only-upgrade%s", buf_str(&how));

		json_object_object_add(e, "carry_over", json_object_new_string(cmd));
	}
	return e;
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
	json_object_object_add(o, "duration", json_object_new_double_s((double)(r->end_ms - r->start_ms) / 1000.0, duration));
	wire_add_string(o, "host", r->container.host);
	wire_add_string(c, "id", r->container.id);
	wire_add_string(c, "engine", r->container.engine);
	json_object_object_add(o, "container", c);
	json_object_object_add(o, "distribution", r->probed ? wire_encode(&msg_distribution, &r->probe.distribution) : NULL);
	static const char *const modes[] = { "once", "dry-run", "check", "scan" };
	json_object_object_add(o, "mode", json_object_new_string(modes[r->mode]));
	json_object_object_add(o, "trigger", json_object_new_string(r->trigger));
	json_object_object_add(o, "result", json_object_new_string(report_result(r)));
	json_object_object_add(o, "exit_code", json_object_new_int(r->exit_code));
	if (r->error.code != CODE_OK) {
		struct json_object *e = json_object_new_object();

		wire_add_string(e, "code", code_name(r->error.code));
		wire_add_string(e, "message", r->error.msg);
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

int report_save(const struct report *r, const char *state_dir, struct err *err)
{
	struct json_object *o = report_json(r);
	cleanup_free char *path = xasprintf("%s/last.json", state_dir);
	cleanup_buf struct buf text = { 0 };

	wire_put(&text, o);
	json_object_put(o);
	return replace_file(path, 0600, text.s, text.n, err);
}
