/* snapshot.c - see snapshot.h. */
#include "clock.h"
#include "history.h"
#include "log.h"
#include "snapshot.h"
#include "statefile.h"
#include "support.h"

#define LOOK_BACK 100 /* reports of the history */

static void let_go(struct snapshot *s, struct report *r)
{
	if (!r || r == s->last || r == s->attempt || r == s->updates || r == s->processes)
		return;
	report_clear(r);
	free(r);
}

static void replace(struct snapshot *s, struct report **at, struct report *r)
{
	struct report *old = *at;

	*at = r;
	let_go(s, old);
}

void snapshot_take(struct snapshot *s, struct report *r)
{
	replace(s, &s->last, r);
	if (r->mode != MODE_SCAN)
		replace(s, &s->attempt, r);
	if (r->planned)
		replace(s, &s->updates, r);
	if (r->scanned)
		replace(s, &s->processes, r);
}

void snapshot_clear(struct snapshot *s)
{
	replace(s, &s->last, NULL);
	replace(s, &s->attempt, NULL);
	replace(s, &s->updates, NULL);
	replace(s, &s->processes, NULL);
}

/* --- from the state folder ------------------------------------------------------- */

struct loading {
	struct snapshot *s;
	const char *state_dir;
	const struct container *of;
};

/* O as a report of the container that is wanted; NULL with ERR. */
static struct report *take_report(const struct loading *l, struct json_object *o, struct err *err)
{
	struct report *r = xcalloc(1, sizeof(*r));
	const struct container *c = &r->container;

	if (report_read(o, r, err) == 0) {
		if (!l->of ||
		    (streq(strna(c->host), strna(l->of->host)) && (!c->id || !l->of->id || streq(c->id, l->of->id)))) {
			ledger_read(l->state_dir, c, &r->ledger);
			return r;
		}
		(void)err_set(err, CODE_IO, 0, "the reports in '%s' are another container's", l->state_dir);
		report_clear(r);
	}
	free(r);
	return NULL;
}

/* A run answers some questions: older ones answer the rest. */
static bool take_older(void *arg, const char *line, size_t n)
{
	struct loading *l = arg;
	struct snapshot *s = l->s;
	struct json_object *o = NULL;
	struct report *r = NULL;
	struct err ignored = ERR_INIT;

	if (state_parse(line, n, &o, &ignored) == 0)
		r = take_report(l, o, &ignored);
	json_object_put(o);
	if (!r)
		return true;
	if (!s->attempt && r->mode != MODE_SCAN)
		s->attempt = r;
	if (!s->updates && r->planned)
		s->updates = r;
	if (!s->processes && r->scanned)
		s->processes = r;
	let_go(s, r);
	return !s->attempt || !s->updates || !s->processes;
}

int snapshot_load(struct snapshot *s, const char *state_dir, const struct container *of, struct err *err)
{
	struct loading l = { s, state_dir, of };
	struct json_object *o = NULL;
	struct report *r = NULL;
	struct err ignored = ERR_INIT;

	if (state_read(state_dir, "last.json", &o, err) == 0)
		r = take_report(&l, o, err);
	json_object_put(o);
	if (!r)
		return -1;
	snapshot_take(s, r);
	if (!s->attempt || !s->updates || !s->processes)
		(void)history_each(state_dir, LOOK_BACK, take_older, &l, &ignored);
	return 0;
}

/* --- documents --------------------------------------------------------------------- */

static void add_time(struct json_object *o, const char *name, int64_t t)
{
	char text[TIME_TEXT_MAX];

	if (!t)
		return;
	time_format(t, text);
	json_object_object_add(o, name, json_object_new_string(text));
}

static void add_int(struct json_object *o, const char *name, int64_t n)
{
	json_object_object_add(o, name, json_object_new_int64(n));
}

static struct json_object *run_json(const struct snapshot_agent *a)
{
	struct json_object *o = json_object_new_object();

	add_int(o, "id", a->run);
	wire_add_string(o, "state", a->state);
	if (a->queued)
		add_int(o, "queued", a->queued);
	return o;
}

static struct json_object *agent_json(const struct snapshot_agent *a)
{
	struct json_object *o = json_object_new_object();

	add_int(o, "pid", getpid());
	wire_add_string(o, "mode", a->mode);
	add_time(o, "started", a->started);
	add_time(o, "next_run", a->next);
	wire_add_string(o, "next_reason", a->next_reason);
	add_time(o, "last_success", a->last_success);
	if (a->wraps) {
		struct json_object *c = json_object_new_object();

		add_int(c, "pid", a->child);
		json_object_object_add(c, "running", json_object_new_boolean(a->child > 0));
		add_int(c, "restarts", a->child_restarts);
		json_object_object_add(o, "child", c);
	}
	return o;
}

/* The parts of a whole report that are wanted, and when it is from. */
static struct json_object *parts(const struct report *r, const char *const *names, size_t n)
{
	struct json_object *whole = report_json(r), *o = json_object_new_object();
	static const char *const head[] = { "time", "mode", "run", "result", "exit_code" };

	for (size_t i = 0; i < ARRAY_SIZE(head) + n; i++) {
		const char *name = i < ARRAY_SIZE(head) ? head[i] : names[i - ARRAY_SIZE(head)];
		struct json_object *m = NULL;

		if (json_object_object_get_ex(whole, name, &m))
			json_object_object_add(o, name, json_object_get(m));
	}
	json_object_put(whole);
	return o;
}

static struct json_object *last_json(const struct report *r)
{
	static const char *const names[] = { "trigger", "duration", "error", "blocked", "alarms", "plugin" };
	struct json_object *o = parts(r, names, ARRAY_SIZE(names));

	add_int(o, "age", clock_wall() > r->time ? clock_wall() - r->time : 0);
	return o;
}

static struct json_object *updates_json(const struct report *r)
{
	struct json_object *o = json_object_new_object();

	add_time(o, "time", r->time);
	add_int(o, "open", (int64_t)report_open(r));
	add_int(o, "pending", (int64_t)r->pending.n);
	add_int(o, "applied", (int64_t)r->applied.n);
	add_int(o, "failed", (int64_t)r->failed.n);
	add_int(o, "kept_back", (int64_t)r->kept_back.n);
	return o;
}

static struct json_object *processes_json(const struct report *r)
{
	struct json_object *o = json_object_new_object();

	add_time(o, "time", r->time);
	add_int(o, "scanned", r->processes);
	add_int(o, "stale", (int64_t)r->stale.n);
	add_int(o, "unreadable", (int64_t)r->unreadable.n);
	add_int(o, "unmanaged", (int64_t)r->unmanaged.n);
	return o;
}

static struct json_object *status_json(const struct snapshot *s, const struct snapshot_agent *a)
{
	struct json_object *o = json_object_new_object();
	const struct report *d = s->updates && s->updates->probed ? s->updates : s->last;

	add_int(o, "schema", REPORT_SCHEMA);
	json_object_object_add(o, "stopgap", json_object_new_string(PACKAGE_VERSION));
	add_time(o, "time", clock_wall());
	json_object_object_add(o, "agent", a->present ? agent_json(a) : NULL);
	json_object_object_add(o, "run", run_json(a));
	if (s->last) {
		struct json_object *c = json_object_new_object();

		wire_add_string(o, "host", s->last->container.host);
		wire_add_string(c, "id", s->last->container.id);
		wire_add_string(c, "engine", s->last->container.engine);
		json_object_object_add(o, "container", c);
	}
	json_object_object_add(o, "distribution",
			       d && d->probed ? wire_encode(&msg_distribution, &d->probe.distribution) : NULL);
	json_object_object_add(o, "last", s->last ? last_json(s->last) : NULL);
	json_object_object_add(o, "updates", s->updates ? updates_json(s->updates) : NULL);
	json_object_object_add(o, "processes", s->processes ? processes_json(s->processes) : NULL);
	return o;
}

static struct json_object *history(const char *state_dir, int64_t limit)
{
	struct json_object *o = json_object_new_object(), *all = NULL;
	struct err err = ERR_INIT;

	if (history_json(state_dir, limit, &all, &err) < 0) {
		log_warning("read the history: %s, ignoring", err.msg);
		all = json_object_new_array();
	}
	add_int(o, "schema", REPORT_SCHEMA);
	json_object_object_add(o, "reports", all);
	return o;
}

struct json_object *snapshot_document(const struct snapshot *s, const struct snapshot_agent *a, const char *state_dir,
				      enum status_doc doc, int64_t limit)
{
	static const char *const pending[] = { "distribution", "pending", "kept_back",
					       "failed",       "blocked", "repositories" };
	static const char *const processes[] = { "processes", "unmanaged", "restarts", "left_behind" };

	switch (doc) {
	case STATUS_STATUS:
		return status_json(s, a);
	case STATUS_REPORT:
		return s->last ? report_json(s->last) : NULL;
	case STATUS_PENDING:
		return s->updates ? parts(s->updates, pending, ARRAY_SIZE(pending)) : NULL;
	case STATUS_PROCESSES:
		return s->processes ? parts(s->processes, processes, ARRAY_SIZE(processes)) : NULL;
	case STATUS_HISTORY:
		return history(state_dir, limit);
	case STATUS_CONTAINERS:
	case STATUS_SCHEMA:
	case STATUS_DOCS:
		break;
	}
	return NULL;
}

void snapshot_metrics(const struct snapshot *s, struct metrics_snapshot *m)
{
	const struct report *p = s->processes;

	m->last = s->attempt ? s->attempt : s->last;
	m->planned = s->updates;
	m->unsupported_packages =
		s->updates && s->updates->support_known ? (int64_t)support_count(&s->updates->support, "ended") : -1;
	m->scanned_processes = p ? p->processes : -1;
	m->stale_processes = p ? (int64_t)p->stale.n : -1;
	m->unreadable_processes = p ? (int64_t)p->unreadable.n : -1;
	m->unmanaged_files = p ? (int64_t)p->unmanaged.n : -1;
}
