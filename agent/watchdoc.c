/* watchdoc.c - what the host daemon tells of its containers (watchstate.h). */
#include "clock.h"
#include "watchstate.h"

#define CONTAINERS_MAX 1000 /* of the metrics: what a scrape may grow to */

/* --- JSON --------------------------------------------------------------------------------- */

static void add_time(struct json_object *o, const char *name, int64_t t)
{
	char text[TIME_TEXT_MAX];

	if (t <= 0 || t == SCHEDULE_NEVER)
		return;
	time_format(t, text);
	json_object_object_add(o, name, json_object_new_string(text));
}

static void add_int(struct json_object *o, const char *name, int64_t n)
{
	json_object_object_add(o, name, json_object_new_int64(n));
}

static const char *state_of(const struct watched *c)
{
	return c->command ? "running" : c->why_not ? "left_alone" : c->paused ? "paused" : "idle";
}

static struct json_object *last_json(const struct report *r)
{
	struct json_object *o = json_object_new_object();

	add_time(o, "time", r->time);
	wire_add_string(o, "mode", mode_name(r->mode));
	wire_add_string(o, "result", report_result(r));
	add_int(o, "exit_code", r->exit_code);
	if (r->planned)
		add_int(o, "open", (int64_t)report_open(r));
	add_int(o, "applied", (int64_t)r->applied.n);
	if (r->scanned)
		add_int(o, "stale", (int64_t)r->stale.n);
	return o;
}

static struct json_object *container_json(const struct watched *c)
{
	struct json_object *o = json_object_new_object();

	wire_add_string(o, "id", c->id);
	wire_add_string(o, "name", c->name);
	wire_add_string(o, "image", c->image);
	wire_add_string(o, "engine", c->engine);
	add_int(o, "pid", c->pid);
	wire_add_string(o, "state", state_of(c));
	if (c->why_not)
		wire_add_string(o, "reason", c->why_not);
	else
		add_time(o, "next_run", c->next);
	if (!c->why_not && c->reason)
		wire_add_string(o, "next_reason", c->reason);
	if (c->labels.refused)
		wire_add_string(o, "labels_refused", c->labels.refused);
	if (c->snapshot.last)
		json_object_object_add(o, "last", last_json(c->snapshot.last));
	if (c->failure.code != CODE_OK) {
		struct json_object *e = json_object_new_object();

		wire_add_string(e, "code", code_name(c->failure.code));
		wire_add_string(e, "message", c->failure.msg);
		json_object_object_add(o, "error", e);
	}
	return o;
}

static struct json_object *containers_json(const struct watch *w)
{
	struct json_object *o = json_object_new_object(), *all = json_object_new_array();

	add_int(o, "schema", REPORT_SCHEMA);
	add_time(o, "time", clock_wall());
	for (size_t i = 0; i < w->set.n; i++)
		json_object_array_add(all, container_json(w->set.v[i]));
	json_object_object_add(o, "containers", all);
	return o;
}

static struct json_object *counts_json(const struct watch *w)
{
	struct json_object *o = json_object_new_object();
	int64_t watched = 0, pending = 0, stale = 0, failed = 0;

	for (size_t i = 0; i < w->set.n; i++) {
		const struct watched *c = w->set.v[i];

		watched += !c->why_not;
		pending += c->snapshot.updates && report_open(c->snapshot.updates) > 0;
		stale += c->snapshot.processes && report_stale(c->snapshot.processes);
		failed += c->failure.code != CODE_OK ||
			  (c->snapshot.attempt && c->snapshot.attempt->error.code != CODE_OK);
	}
	add_int(o, "found", (int64_t)w->set.n);
	add_int(o, "watched", watched);
	add_int(o, "running", (int64_t)watchset_running(&w->set));
	add_int(o, "pending", pending);
	add_int(o, "stale", stale);
	add_int(o, "failed", failed);
	return o;
}

/* The one that is due first speaks for all. */
static struct json_object *status_json(const struct watch *w)
{
	const struct watched *first = NULL;
	const struct snapshot nothing = { 0 };
	bool runs = watchset_running(&w->set) > 0;
	struct snapshot_agent a = { .present = true,
				    .mode = "watch",
				    .started = w->started,
				    .state = runs ? "running" : "idle",
				    .run = w->run_id };

	for (size_t i = 0; i < w->set.n; i++) {
		const struct watched *c = w->set.v[i];

		if (!c->why_not && c->next != SCHEDULE_NEVER && (!first || c->next < first->next))
			first = c;
		if (c->metrics.last_success > a.last_success)
			a.last_success = c->metrics.last_success;
	}
	a.next = first ? first->next : 0;
	a.next_reason = first ? first->reason : NULL;
	struct json_object *o = snapshot_document(&nothing, &a, w->config.report.state_dir, STATUS_STATUS, 0);
	json_object_object_add(o, "containers", counts_json(w));
	return o;
}

struct json_object *watch_document(void *arg, enum status_doc doc, int64_t limit _unused_)
{
	const struct watch *w = arg;

	return doc == STATUS_STATUS ? status_json(w) : doc == STATUS_CONTAINERS ? containers_json(w) : NULL;
}

/* --- metrics ------------------------------------------------------------------------------ */

/* Two engines may have the same name for one each. */
static bool name_is_taken(const struct watch *w, const struct watched *c)
{
	for (size_t i = 0; i < w->set.n; i++)
		if (w->set.v[i] != c && w->set.v[i]->name && streq(w->set.v[i]->name, c->name))
			return true;
	return false;
}

static char *label_of(const struct watch *w, const struct watched *c)
{
	if (!c->name)
		return xstrdup(c->id);
	return name_is_taken(w, c) ? xasprintf("%s (%.12s)", c->name, c->id) : xstrdup(c->name);
}

void watch_metrics(void *arg, bool openmetrics, struct buf *ret)
{
	const struct watch *w = arg;
	struct metrics_snapshot *v = xcalloc(w->set.n + 1, sizeof(*v));
	char **labels = xcalloc(w->set.n + 1, sizeof(*labels));
	size_t n = 0;

	for (size_t i = 0; i < w->set.n && n < CONTAINERS_MAX; i++) {
		const struct watched *c = w->set.v[i];

		if (c->why_not)
			continue;
		labels[n] = label_of(w, c);
		v[n] = (struct metrics_snapshot){ .container = labels[n],
						  .name = c->name,
						  .image = c->image,
						  .state = &c->metrics,
						  .now = clock_wall(),
						  .started = w->started,
						  .next_run = c->next == SCHEDULE_NEVER ? 0 : c->next,
						  .running = c->command,
						  .unfixed_cves = -1 };
		snapshot_metrics(&c->snapshot, &v[n]);
		n++;
	}
	metrics_write(v, n, openmetrics, ret);
	for (size_t i = 0; i < n; i++)
		free(labels[i]);
	free(labels);
	free(v);
}
