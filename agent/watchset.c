/* watchset.c - see watchset.h. */
#include <stdio.h>
#include "clock.h"
#include "hostlists.h"
#include "hoststate.h"
#include "log.h"
#include "schedulefile.h"
#include "statefile.h"
#include "watchset.h"

#define REASON 256

extern char **environ;

static void clear(struct watched *w)
{
	free(w->id);
	free(w->name);
	free(w->image);
	free(w->group);
	free(w->dir);
	watch_labels_clear(&w->labels);
	if (w->own)
		config_clear(w->own);
	free(w->own);
	free(w->reason);
	snapshot_clear(&w->snapshot);
	free(w);
}

void watchset_clear(struct watchset *s)
{
	for (size_t i = 0; i < s->n; i++)
		clear(s->v[i]);
	free(s->v);
	*s = (struct watchset){ 0 };
}

const struct config *watchset_config(const struct watchset *s, const struct watched *w)
{
	return w->own ? w->own : s->config;
}

/* --- one container ------------------------------------------------------------------ */

static const char *left_alone(const struct watchset *s, const struct watched *w)
{
	if (!w->known)
		return "its engine is not known";
	if (w->nested)
		return "it is inside of another container";
	if (w->labels.enable == 0)
		return "label stopgap.enable=false";
	if (s->config->watch.select == WATCH_LABELLED && w->labels.enable != 1)
		return "watch.select=labelled, and it lacks the label stopgap.enable=true";
	return NULL;
}

/* The host's configuration with what the labels set; they were checked against the defaults. */
static void configure(const struct watchset *s, struct watched *w)
{
	struct config *own;
	struct err err = ERR_INIT;

	if (w->own)
		config_clear(w->own);
	free(w->own);
	w->own = NULL;
	if (!w->labels.sets.n)
		return;
	own = xcalloc(1, sizeof(*own));
	if (config_load(s->opt->config, environ, &s->opt->sets, own, &err) == 0 &&
	    config_apply(own, &w->labels.sets, &err) == 0) {
		w->own = own;
		return;
	}
	log_warning("container %s: %s, ignoring its labels", w->id, err.msg);
	config_clear(own);
	free(own);
}

/* Does its engine have an API that tells labels? */
static bool has_labels(const char *engine)
{
	return streq(engine, "docker") || streq(engine, "podman");
}

/* A label may say that it is to be left alone: its engine gets some time to tell. */
static void wait_for_labels(struct watched *w, int64_t now)
{
	int64_t until = w->found + WATCHSET_UNTOLD;

	if (w->told || !has_labels(w->engine) || now < w->found || now >= until || w->next >= until)
		return;
	w->next = until;
	(void)snprintf(w->reason, REASON, "its engine has not told its labels yet");
}

void watchset_plan(const struct watchset *s, struct watched *w, int64_t now)
{
	if (!w->reason)
		w->reason = xcalloc(1, REASON);
	if (w->why_not) {
		w->next = SCHEDULE_NEVER;
		return;
	}
	w->next = schedule_next(watchset_config(s, w), &w->schedule, now, w->reason, REASON);
	wait_for_labels(w, now);
}

void watched_load(struct watched *w)
{
	struct err err = ERR_INIT;

	snapshot_clear(&w->snapshot);
	(void)snapshot_load(&w->snapshot, w->dir, NULL, &err);
	err_clear(&err);
	if (metrics_load(&w->metrics, w->dir, &err) < 0)
		log_warning("%s: counters begin at 0", err.msg);
}

static struct json_object *member(struct json_object *o, const char *name)
{
	struct json_object *v = NULL;

	(void)json_object_object_get_ex(o, name, &v);
	return v;
}

/* Of the first target: its error, or what blocks it. */
static bool take_reason(struct json_object *o, struct err *ret)
{
	struct json_object *targets = member(o, "targets"), *first, *why, *blocked;

	if (!json_object_is_type(targets, json_type_array))
		return false;
	first = json_object_array_get_idx(targets, 0);
	blocked = member(first, "blocked");
	why = member(first, "error");
	if (!why && json_object_is_type(blocked, json_type_array))
		why = json_object_array_get_idx(blocked, 0);
	int code = code_from_name(strna(json_object_get_string(member(why, "code"))));
	const char *text = json_object_get_string(member(why, member(why, "message") ? "message" : "detail"));
	if (code <= CODE_OK)
		return false;
	cleanup_free char *shown = escape_text(strna(text), sizeof(ret->msg) / 2);
	(void)err_set(ret, (enum code)code, 0, "%s", shown);
	return true;
}

void watched_failed(struct watched *w, const struct command_result *r)
{
	const char *begin = strstr(strna(r->output), "{");
	cleanup_buf struct buf why = { 0 };
	struct json_object *o = NULL;
	struct err ignored = ERR_INIT;
	size_t n = begin ? strlen(begin) : 0;

	while (n && begin[n - 1] == '\n')
		n--;
	bool told = n && state_parse(begin, n, &o, &ignored) == 0 && take_reason(o, &w->failure);
	json_object_put(o);
	if (!told) {
		command_describe(r, &why);
		(void)err_set(&w->failure, CODE_IO, 0, "no report: %s", buf_str(&why));
	}
	w->failure.retryable = true;
}

static struct watched *find(const struct watchset *s, const struct host_container *c)
{
	for (size_t i = 0; i < s->n; i++)
		if (streq(s->v[i]->id, c->id))
			return s->v[i];
	return NULL;
}

/* What is said of it, and what follows from that. */
static void describe(const struct watchset *s, struct watched *w, const struct host_container *c)
{
	cleanup_free char *dir = hoststate_of(s->config->report.state_dir, c);

	if (dir && (!w->dir || !streq(dir, w->dir))) {
		free(w->dir);
		w->dir = steal_ptr(&dir);
		schedule_load(w->dir, "", w->id, &w->schedule);
	}
	watch_labels_clear(&w->labels);
	watch_labels_read(&c->labels, &w->labels);
	if (w->labels.refused)
		log_warning("container %s: %s; its labels but for stopgap.enable are not used", w->id,
			    w->labels.refused);
	free(w->name);
	free(w->image);
	free(w->group);
	w->name = xstrdup(c->name);
	w->image = xstrdup(c->image);
	w->group = hostlists_group("/proc", c->pid, c->image_id);
	w->engine = c->engine;
	w->known = c->known;
	w->nested = c->nested;
	w->told = c->image;
	w->why_not = left_alone(s, w);
	configure(s, w);
	if (!w->why_not && !w->command)
		watched_load(w);
}

static void add(struct watchset *s, const struct host_container *c)
{
	cleanup_free char *dir = hoststate_of(s->config->report.state_dir, c);
	struct watched *w;

	if (!dir || s->n >= WATCHSET_MAX) {
		if (!s->full)
			log_warning("container %s: left alone: %s", c->id,
				    dir ? "there are too many" : "its id is no name for a folder");
		s->full = true;
		return;
	}
	w = xcalloc(1, sizeof(*w));
	*w = (struct watched){ .id = xstrdup(c->id), .pid = c->pid, .start = c->start, .found = clock_wall() };
	w->seen = true;
	describe(s, w, c);
	watchset_plan(s, w, clock_wall());
	if ((s->n & (s->n - 1)) == 0)
		s->v = xrealloc(s->v, s->n ? 2 * s->n : 1, sizeof(struct watched *));
	s->v[s->n++] = w;
}

/* --- all of them ---------------------------------------------------------------------- */

static void drop_gone(struct watchset *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct watched *w = s->v[i];

		if (w->seen || w->command) {
			s->v[kept++] = w;
			continue;
		}
		log_info("container %s is gone", w->id);
		clear(w);
	}
	s->n = kept;
}

/* Was all that is known of C now known of W, too? */
static bool is_described(const struct watched *w, const struct host_container *c)
{
	return w->known == c->known && w->nested == c->nested && (w->told || !has_labels(c->engine));
}

bool watchset_knows(const struct watchset *s, const struct host_containers *found)
{
	for (size_t i = 0; i < found->n; i++) {
		const struct watched *w = find(s, &found->list[i]);

		if (!w || !is_described(w, &found->list[i]))
			return false;
	}
	return true;
}

size_t watchset_update(struct watchset *s, const struct host_containers *found)
{
	size_t added = 0;

	for (size_t i = 0; i < s->n; i++)
		s->v[i]->seen = false;
	for (size_t i = 0; i < found->n; i++) {
		const struct host_container *c = &found->list[i];
		struct watched *w = find(s, c);

		if (w) {
			w->seen = true;
			w->paused = c->paused;
			w->pid = c->pid;
			w->start = c->start;
			if (!is_described(w, c) && (c->image || w->known != c->known || w->nested != c->nested)) {
				describe(s, w, c);
				watchset_plan(s, w, clock_wall());
			}
			continue;
		}
		add(s, c);
		added += !!find(s, c);
	}
	drop_gone(s);
	return added;
}

void watchset_configure(struct watchset *s, const struct config *config)
{
	s->config = config;
	for (size_t i = 0; i < s->n; i++) {
		struct watched *w = s->v[i];

		w->why_not = left_alone(s, w);
		configure(s, w);
		watchset_plan(s, w, clock_wall());
	}
}

size_t watchset_running(const struct watchset *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->v[i]->command != NULL;
	return n;
}

/* Does another one of its image run? */
static bool image_runs(const struct watchset *s, const struct watched *w)
{
	for (size_t i = 0; i < s->n && w->group; i++)
		if (s->v[i]->command && s->v[i]->group && streq(s->v[i]->group, w->group))
			return true;
	return false;
}

static int64_t due(const struct watched *w)
{
	return w->why_not || w->paused || w->command || !w->seen ? SCHEDULE_NEVER : w->asked ? 0 : w->next;
}

struct watched *watchset_next(const struct watchset *s, int64_t now)
{
	size_t parallel = s->config->watch.parallel > 0 ? (size_t)s->config->watch.parallel : 1;
	struct watched *best = NULL;

	if (watchset_running(s) >= parallel)
		return NULL;
	for (size_t i = 0; i < s->n; i++) {
		struct watched *w = s->v[i];

		if (due(w) <= now && (!best || due(w) < due(best)) && !image_runs(s, w))
			best = w;
	}
	return best;
}

int64_t watchset_wake(const struct watchset *s, int64_t now)
{
	int64_t at = SCHEDULE_NEVER;

	for (size_t i = 0; i < s->n; i++)
		if (due(s->v[i]) > now && due(s->v[i]) < at)
			at = due(s->v[i]);
	return at;
}
