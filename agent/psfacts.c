/* psfacts.c - see psfacts.h. */
#include <stdio.h>
#include "clock.h"
#include "hoststate.h"
#include "httplink.h"
#include "psagent.h"
#include "psfacts.h"
#include "report.h"
#include "snapshot.h"
#include "statefile.h"

#define AGENTS_S 5 /* for all of them together */
#define ANSWER_MAX 65536 /* bytes of a status document, which has counts and no lists but of reasons */
#define COUNT_MAX 1000000

static const struct link_peer agent = {
	.name = "agent", .title = "stopgap agent", .absent = CODE_NO_AGENT, .seconds = AGENTS_S, .minor = 1
};

static struct json_object *at(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *v = NULL;

	return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &v) &&
			       json_object_is_type(v, type) ?
		       v :
		       NULL;
}

static int64_t count(struct json_object *o, const char *key)
{
	struct json_object *v = at(o, key, json_type_int);
	int64_t n = v ? json_object_get_int64(v) : -1;

	return n < 0 ? -1 : n > COUNT_MAX ? COUNT_MAX : n;
}

static const char *text(struct json_object *o, const char *key)
{
	struct json_object *v = at(o, key, json_type_string);

	return v ? json_object_get_string(v) : "";
}

/* The code of the first in a list of reasons; "" without one. */
static const char *first_code(struct json_object *list)
{
	return json_object_array_length(list) ? text(json_object_array_get_idx(list, 0), "code") : "";
}

static bool has_code(struct json_object *list, enum code code)
{
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (streq(text(json_object_array_get_idx(list, i), "code"), code_name(code)))
			return true;
	return false;
}

/* --- an agent's status document ------------------------------------------------- */

static void take_status(struct json_object *o, struct ps_facts *f)
{
	struct json_object *last = at(o, "last", json_type_object), *updates = at(o, "updates", json_type_object);
	struct json_object *blocked = at(last, "blocked", json_type_array),
			   *alarms = at(last, "alarms", json_type_array);
	const char *code = blocked ? first_code(blocked) : "";

	if (!last) /* it lives, and has not run yet */
		return;
	f->source = "agent";
	if (time_parse(text(last, "time"), &f->checked) < 0)
		f->checked = 0;
	f->exit_code = count(last, "exit_code");
	f->open = count(updates, "open");
	f->stale = count(at(o, "processes", json_type_object), "stale");
	if (!*code)
		code = text(at(last, "error", json_type_object), "code");
	f->code = *code ? xstrndup(code, 64) : NULL;
	f->out_of_support = f->exit_code == EXIT_OUT_OF_SUPPORT || (alarms && has_code(alarms, CODE_OUT_OF_SUPPORT));
	f->vulnerable = f->open > 0 || count(updates, "applied") > 0;
}

static void hear(struct link *l, uint64_t deadline, struct ps_facts *f)
{
	struct http_response res;
	struct json_object *o = NULL;
	struct err ignored = ERR_INIT;

	if (link_answer(l, deadline, &res, &ignored) < 0 || res.status != 200 || res.length > ANSWER_MAX ||
	    link_body(l, &res, deadline, &ignored) < 0 ||
	    link_json(l, json_type_object, buf_str(&l->in), l->in.n, &o, &ignored) < 0)
		return;
	take_status(o, f);
	json_object_put(o);
}

/* --- the host's state folder ------------------------------------------------------- */

static void take_report(const struct report *r, struct ps_facts *f)
{
	const struct msg_reason *blocked = r->blocked.n ? wire_list_at(&msg_reason, &r->blocked, 0) : NULL;
	enum code code = r->error.code;

	f->source = "host";
	f->checked = r->time;
	f->exit_code = r->exit_code;
	if (r->planned)
		f->open = (int64_t)report_open(r);
	if (r->scanned)
		f->stale = (int64_t)r->stale.n;
	if (blocked)
		f->code = xstrdup(code_name(blocked->code));
	else if (code != CODE_OK)
		f->code = xstrdup(code_name(code));
	f->out_of_support = r->exit_code == EXIT_OUT_OF_SUPPORT;
	for (size_t i = 0; i < r->alarms.n; i++)
		if (((const struct msg_reason *)wire_list_at(&msg_reason, &r->alarms, i))->code == CODE_OUT_OF_SUPPORT)
			f->out_of_support = true;
	f->vulnerable = f->open > 0;
}

/* What a scan says nothing of, an older run does. */
static void take_older(const char *folder, struct ps_facts *f)
{
	struct snapshot s = { 0 };
	struct err ignored = ERR_INIT;

	if (snapshot_load(&s, folder, NULL, &ignored) == 0 && s.updates) {
		f->open = (int64_t)report_open(s.updates);
		f->vulnerable |= f->open > 0;
	}
	snapshot_clear(&s);
}

static void read_folder(const struct config *config, const struct host_container *c, struct ps_facts *f)
{
	cleanup_free char *folder = hoststate_of(config->report.state_dir, c);
	struct json_object *o = NULL, *e;
	struct report r = { 0 };
	struct err ignored = ERR_INIT;

	if (!c->known || !folder || state_read(folder, "last.json", &o, &ignored) < 0)
		return;
	if (report_read(o, &r, &ignored) == 0) {
		take_report(&r, f);
		if (r.mode == MODE_SCAN)
			take_older(folder, f);
		e = at(o, "ephemeral", json_type_object);
		f->vulnerable |= json_object_get_boolean(at(e, "image_still_vulnerable", json_type_boolean));
		report_clear(&r);
	}
	json_object_put(o);
}

/* --- all of them ---------------------------------------------------------------------- */

struct ps_facts *ps_facts_read(const struct host_containers *c, const struct config *config)
{
	struct ps_facts *all = xcalloc(c->n + 1, sizeof(*all));
	struct link *links = xcalloc(c->n + 1, sizeof(*links));
	int *fds = xcalloc(c->n + 1, sizeof(*fds));
	uint64_t deadline = link_deadline(&agent);

	/* all are asked before the first is heard: who is slow delays nobody */
	ps_agents_ask(c, deadline, fds);
	for (size_t i = 0; i < c->n; i++) {
		all[i].open = all[i].stale = -1;
		links[i] = LINK_TO(&agent);
		links[i].fd = fds[i];
	}
	for (size_t i = 0; i < c->n; i++) {
		if (links[i].fd >= 0)
			hear(&links[i], deadline, &all[i]);
		link_close(&links[i]);
		if (!all[i].source)
			read_folder(config, &c->list[i], &all[i]);
	}
	free(fds);
	free(links);
	return all;
}

enum patch_state ps_facts_state(const struct ps_facts *f)
{
	if (!f->source)
		return PATCH_UNKNOWN;
	if (f->exit_code == EXIT_BLOCKED)
		return PATCH_BLOCKED;
	if (f->exit_code == EXIT_FAILED || f->exit_code == EXIT_USAGE)
		return PATCH_FAILED;
	if (f->open > 0)
		return PATCH_PENDING;
	if (f->stale > 0)
		return PATCH_STALE;
	if (f->out_of_support)
		return PATCH_UNSUPPORTED;
	/* without a plan, or without a security repository, nobody can say that nothing is missing */
	return f->open == 0 && f->exit_code != EXIT_NO_METADATA ? PATCH_PATCHED : PATCH_UNKNOWN;
}

const char *patch_state_name(enum patch_state s)
{
	static const char *const names[] = { "unknown", "patched", "pending",	    "stale",
					     "blocked", "failed",  "out_of_support" };

	return names[s];
}

void ps_facts_clear(struct ps_facts *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(f[i].code);
	free(f);
}
