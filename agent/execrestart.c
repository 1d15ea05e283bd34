/* execrestart.c - see execrestart.h. */
#include <stdio.h>
#include "clock.h"
#include "engine.h"
#include "execrestart.h"
#include "fd.h"
#include "report.h"
#include "restart.h"

#define HISTORY_BYTES 65536
#define KEY "container"

bool execrestart_wanted(const struct config *c, struct json_object *o)
{
	struct err err = ERR_INIT;
	struct report r;

	if (c->restart.mode != RESTART_CONTAINER || report_read(o, &r, &err) < 0)
		return false;
	bool wanted = r.mode == MODE_ONCE && r.exit_code == EXIT_STALE && r.restarts.n > 0;
	for (size_t i = 0; i < r.restarts.n; i++) {
		const struct find_restart *f = wire_list_at(&find_restart, &r.restarts, i);

		wanted &= f->code == CODE_NO_RESTART_COMMAND;
	}
	report_clear(&r);
	return wanted;
}

/* Not in a loop: as often as the budget allows. */
static bool within_budget(const struct config *c, const char *path, struct restart_history *h)
{
	cleanup_buf struct buf text = { 0 };
	struct err ignored = ERR_INIT;
	int64_t now = clock_wall(), n = 0;

	if (read_file(path, HISTORY_BYTES, &text, &ignored) == 0)
		restart_history_read(h, buf_str(&text), text.n);
	for (size_t i = 0; i < h->n; i++)
		n += streq(h->v[i].key, KEY) && h->v[i].when > now - c->restart.budget.period;
	return n < c->restart.budget.count;
}

static int restart(const struct config *config, const struct strv *engines, const struct host_container *c,
		   const char *dir, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/restarts", dir);
	cleanup_buf struct buf text = { 0 };
	struct restart_history h = { 0 };
	int rc = -1;

	if (c->nested) {
		/* whoever made its cgroup chose the id, which may be another container's */
		(void)err_set(err, CODE_RESTART_FAILED, 0,
			      "container '%.80s' is inside of another one, whose engine is not asked: restart it there",
			      c->id);
	} else if (!within_budget(config, path, &h)) {
		(void)err_set(err, CODE_RESTART_BUDGET, 0,
			      "the container was restarted %lld times within restart.budget",
			      (long long)config->restart.budget.count);
	} else {
		/* before it happens, so that no end of ours makes it free */
		restart_history_add(&h, KEY, clock_wall());
		restart_history_write(&h, &text);
		rc = replace_file(path, 0600, buf_str(&text), text.n, err);
		if (rc == 0)
			rc = engine_restart(engines, c->id, config->restart.stop_timeout, err);
		if (rc < 0)
			err->code = CODE_RESTART_FAILED;
	}
	restart_history_clear(&h);
	return rc;
}

bool execrestart_do(const struct config *config, const struct strv *engines, const struct host_container *c,
		    const char *dir, struct json_object *o)
{
	struct json_object *list = json_object_new_array();
	struct find_restart f = { .service = xstrdup(c->name ? c->name : c->id), .kind = xstrdup("container") };
	struct err err = ERR_INIT;
	uint64_t began = clock_ms();
	int rc = restart(config, engines, c, dir, &err);

	f.code = err.code;
	f.detail = rc < 0 ? xstrdup(err.msg) : NULL;
	f.gap = rc < 0 ? 0 : (int64_t)(clock_ms() - began);
	json_object_array_add(list, wire_encode(&find_restart, &f));
	json_object_object_add(o, "restarts", list);
	wire_clear(&find_restart, &f);
	return rc == 0;
}

void execrestart_judge(struct json_object *o, struct json_object *scan)
{
	struct json_object *processes = NULL;
	struct err err = ERR_INIT;
	struct report r, after;

	if (report_read(scan, &after, &err) < 0)
		return;
	if (after.scanned && json_object_object_get_ex(scan, "processes", &processes) &&
	    report_read(o, &r, &err) == 0) {
		struct wire_list stale = r.stale, unreadable = r.unreadable;

		r.stale = after.stale;
		r.unreadable = after.unreadable;
		after.stale = stale;
		after.unreadable = unreadable;
		report_finish(&r);
		json_object_object_add(o, "processes", json_object_get(processes));
		json_object_object_add(o, "exit_code", json_object_new_int((int)r.exit_code));
		json_object_object_add(o, "result", json_object_new_string(report_result(&r)));
		report_clear(&r);
	}
	report_clear(&after);
}
