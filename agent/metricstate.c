/* metricstate.c - the counters of metrics.h: counted, kept, read again. */
#include "fd.h"
#include "log.h"
#include "metrics.h"

#define STATE_FILE_MAX 65536

const char *const metrics_results[METRICS_RESULTS] = {
	"ok",	   "failed", "usage",	    "blocked", "partial", "no_security_metadata", "out_of_support",
	"pending", "stale",  "interrupted",
};

static const struct {
	const char *name;
	size_t offset;
} fields[] = {
	{ "updates_applied", offsetof(struct metrics_state, applied) },
	{ "updates_failed", offsetof(struct metrics_state, failed) },
	{ "restarts", offsetof(struct metrics_state, restarts) },
	{ "restarts_failed", offsetof(struct metrics_state, restarts_failed) },
	{ "fetched_bytes", offsetof(struct metrics_state, bytes) },
	{ "last_run", offsetof(struct metrics_state, last_run) },
	{ "last_success", offsetof(struct metrics_state, last_success) },
};

static int64_t *field(const struct metrics_state *s, size_t i)
{
	return (int64_t *)(void *)((char *)(uintptr_t)s + fields[i].offset);
}

static void add(int64_t *to, int64_t n)
{
	if (n > 0 && __builtin_add_overflow(*to, n, to))
		*to = INT64_MAX;
}

void metrics_account(struct metrics_state *s, const struct report *r)
{
	int64_t end = r->time + (int64_t)(r->end_ms - r->start_ms) / 1000;

	for (size_t i = 0; i < METRICS_RESULTS; i++)
		if (streq(metrics_results[i], report_result(r)))
			add(&s->runs[i], 1);
	add(&s->applied, (int64_t)r->applied.n);
	add(&s->failed, (int64_t)r->failed.n);
	add(&s->bytes, r->bytes);
	for (size_t i = 0; i < r->restarts.n; i++) {
		enum code code = ((const struct find_restart *)wire_list_at(&find_restart, &r->restarts, i))->code;

		/* one that policy or the budget forbade is none */
		if (code == CODE_OK)
			add(&s->restarts, 1);
		else if (code_class(code) == CLASS_ALARM && code != CODE_RESTART_BUDGET)
			add(&s->restarts_failed, 1);
	}
	s->last_run = end;
	/* it did what it should: what it found is another matter */
	if (r->exit_code == EXIT_DONE || r->exit_code == EXIT_PENDING || r->exit_code == EXIT_STALE ||
	    r->exit_code == EXIT_OUT_OF_SUPPORT)
		s->last_success = end;
}

/* Adds to nothing: a number that is none, or negative, is not there. */
static void take(struct json_object *o, const char *key, int64_t *ret)
{
	struct json_object *v = NULL;

	if (json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_int))
		add(ret, json_object_get_int64(v));
}

int metrics_load(struct metrics_state *ret, const char *state_dir, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/metrics.json", state_dir);
	cleanup_buf struct buf text = { 0 };
	struct json_object *o = NULL, *runs = NULL;

	*ret = (struct metrics_state){ 0 };
	if (access(path, F_OK) < 0)
		return 0;
	if (read_file(path, STATE_FILE_MAX, &text, err) < 0)
		return -1;
	if (wire_parse(buf_str(&text), text.n ? text.n - 1 : 0, &o, err) < 0) {
		err->code = CODE_IO;
		return err_wrap(err, "'%s'", path);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		take(o, fields[i].name, field(ret, i));
	if (json_object_object_get_ex(o, "runs", &runs) && json_object_is_type(runs, json_type_object))
		for (size_t i = 0; i < METRICS_RESULTS; i++)
			take(runs, metrics_results[i], &ret->runs[i]);
	json_object_put(o);
	return 0;
}

int metrics_save(const struct metrics_state *s, const char *state_dir, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/metrics.json", state_dir);
	struct json_object *o = json_object_new_object(), *runs = json_object_new_object();
	cleanup_buf struct buf text = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		json_object_object_add(o, fields[i].name, json_object_new_int64(*field(s, i)));
	for (size_t i = 0; i < METRICS_RESULTS; i++)
		json_object_object_add(runs, metrics_results[i], json_object_new_int64(s->runs[i]));
	json_object_object_add(o, "runs", runs);
	wire_put(&text, o);
	json_object_put(o);
	return replace_file(path, 0600, text.s, text.n, err);
}

int metrics_record(const struct report *r, const char *state_dir, struct err *err)
{
	struct metrics_state s;
	struct err damaged = ERR_INIT;

	if (metrics_load(&s, state_dir, &damaged) < 0)
		log_warning("%s: counters begin at 0", damaged.msg);
	metrics_account(&s, r);
	return metrics_save(&s, state_dir, err);
}
