/* restart.c - see restart.h. */
#include <stdio.h>
#include "buf.h"
#include "clock.h"
#include "never.h"
#include "restart.h"

#define KEY_MAX 512

/* --- history -------------------------------------------------------------- */

void restart_history_add(struct restart_history *h, const char *key, int64_t when)
{
	if (h->n == RESTART_HISTORY_MAX) {
		free(h->v[0].key);
		memmove(h->v, h->v + 1, --h->n * sizeof(*h->v));
	}
	h->v = xrealloc(h->v, h->n + 1, sizeof(*h->v));
	h->v[h->n++] = (struct restart_past){ .key = xstrdup(key), .when = when };
}

void restart_history_write(const struct restart_history *h, struct buf *ret)
{
	char when[TIME_TEXT_MAX];

	for (size_t i = 0; i < h->n; i++) {
		time_format(h->v[i].when, when);
		buf_printf(ret, "%s %s\n", when, h->v[i].key);
	}
}

void restart_history_read(struct restart_history *h, const char *text, size_t n)
{
	cleanup_free char *copy = xstrndup(text, n);
	char *next = copy;

	for (char *line; (line = strsep(&next, "\n"));) {
		char *key = line, *when = strsep(&key, " ");
		int64_t t;

		if (key && *key && strlen(key) <= KEY_MAX && text_printable(key, strlen(key)) &&
		    time_parse(when, &t) == 0)
			restart_history_add(h, key, t);
	}
}

void restart_history_clear(struct restart_history *h)
{
	for (size_t i = 0; i < h->n; i++)
		free(h->v[i].key);
	free(h->v);
	*h = (struct restart_history){ 0 };
}

char *restart_key(const struct service *s)
{
	if (!s)
		return xstrdup("container");
	if (s->kind == SERVICE_CHILD)
		return xstrdup("child");
	return xasprintf("%s:%s", service_kind_name(s->kind), s->name);
}

/* --- one service ------------------------------------------------------------ */

_printf_(4, 5) static void decide(struct restart_decision *d, enum restart_action action, enum code code,
				  const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	*d = (struct restart_decision){ .action = action, .code = code, .detail = escape_text(text, sizeof(text)) };
}

/* The names that a pattern may mean. */
static void names_of(const struct restart_input *in, size_t i, struct strv *ret)
{
	const struct service *s = &in->services->v[i];
	const char *colon = strchr(s->name, ':');

	strv_push(ret, s->name);
	if (ends_with(s->name, ".service"))
		strv_take(ret, xstrndup(s->name, strlen(s->name) - strlen(".service")));
	if (s->kind == SERVICE_SUPERVISORD && colon)
		strv_push(ret, colon + 1);
	strv_push(ret, s->process);
	if (in->packages)
		strv_copy(ret, &in->packages[i]);
}

/* May S be restarted at all? */
static bool is_never(const struct restart_input *in, size_t i, struct restart_decision *ret)
{
	cleanup_strv struct strv names = { 0 };
	const struct service *s = &in->services->v[i];
	const char *why;

	names_of(in, i, &names);
	why = never_reason(&names, in->never);
	if (!why)
		return false;
	decide(ret, RESTART_KEEP, CODE_RESTART_NEVER,
	       *why ? "'%s' is never restarted: %s" : "'%s' is in restart.never%s", s->name, why);
	return true;
}

/* A clock that was ahead: not for ever. */
static bool from_a_wrong_clock(const struct restart_input *in, const struct restart_past *p)
{
	return p->when > in->now + in->budget.period;
}

static bool over_budget(const struct restart_input *in, const char *key, struct restart_decision *ret)
{
	int64_t count = 0, oldest = in->now;
	char period[32], when[TIME_TEXT_MAX];

	for (size_t i = 0; i < in->history->n; i++) {
		const struct restart_past *p = &in->history->v[i];

		if (!streq(p->key, key) || p->when <= in->now - in->budget.period || from_a_wrong_clock(in, p))
			continue;
		count++;
		oldest = p->when < oldest ? p->when : oldest;
	}
	if (count < in->budget.count)
		return false;
	duration_format(in->budget.period, period);
	time_format(oldest + in->budget.period, when);
	if (!in->budget.count)
		decide(ret, RESTART_KEEP, CODE_RESTART_BUDGET, "restart.budget allows no restart");
	else
		decide(ret, RESTART_KEEP, CODE_RESTART_BUDGET,
		       "restarted %lld times within %s; the next restart may be at %s", (long long)count, period, when);
	return true;
}

/* When KEY was restarted last, NULL: any. 0: never. */
static int64_t last_restart(const struct restart_input *in, const char *key)
{
	int64_t last = 0;

	for (size_t i = 0; i < in->history->n; i++) {
		const struct restart_past *p = &in->history->v[i];

		if ((!key || streq(p->key, key)) && p->when > last && !from_a_wrong_clock(in, p))
			last = p->when;
	}
	return last;
}

/* What speaks against restarting KEY now, though it may be restarted. */
static bool is_held(const struct restart_input *in, const char *key, struct restart_decision *ret)
{
	int64_t last = last_restart(in, key);
	char when[TIME_TEXT_MAX];

	if (last && in->updated && last >= in->updated) {
		time_format(last, when);
		decide(ret, RESTART_KEEP, CODE_STILL_STALE,
		       "restarted at %s, after the last update, and still runs old code; not again before the next update",
		       when);
		return true;
	}
	if (in->health == HEALTH_UNHEALTHY && in->updated && last_restart(in, NULL) >= in->updated) {
		decide(ret, RESTART_KEEP, CODE_UNHEALTHY,
		       "[health] command fails since the last restart; no other service is restarted before it succeeds");
		return true;
	}
	return over_budget(in, key, ret);
}

static void decide_service(const struct restart_input *in, size_t i, struct restart_decision *ret)
{
	const struct service *s = &in->services->v[i];
	cleanup_free char *key = restart_key(s);

	if (in->stopping)
		decide(&ret[i], RESTART_KEEP, CODE_STOPPED, "the container is being stopped");
	else if (s->covered_by >= 0 && ret[s->covered_by].action == RESTART_DO)
		decide(&ret[i], RESTART_WITH, CODE_RESTART_COVERED, "restarted with '%s'",
		       in->services->v[s->covered_by].name);
	else if (in->mode == RESTART_REPORT)
		decide(&ret[i], RESTART_KEEP, CODE_REPORT_ONLY, "restart.mode=service would restart it");
	else if (is_never(in, i, &ret[i]))
		return;
	else if (s->kind != SERVICE_CHILD && !s->restart.n)
		decide(&ret[i], RESTART_KEEP, CODE_NO_RESTART_COMMAND, "%s", strna(s->why_not));
	else if (!is_held(in, key, &ret[i]))
		decide(&ret[i], RESTART_DO, CODE_OK, "restart '%s' (%s)", s->name, service_kind_name(s->kind));
}

/* Is K below I, over any number of levels? */
static bool is_covered(const struct services *l, size_t k, size_t i)
{
	int above = l->v[k].covered_by;

	for (size_t depth = 0; above >= 0 && depth < l->n; depth++, above = l->v[above].covered_by)
		if (above == (int)i)
			return true;
	return false;
}

/* A restart takes everything below with it, also what may never be restarted. */
static bool takes_a_never(const struct restart_input *in, size_t i, struct restart_decision *ret)
{
	for (size_t k = 0; k < in->services->n; k++) {
		struct restart_decision below = { 0 };

		if (!is_covered(in->services, k, i) || !is_never(in, k, &below))
			continue;
		free(ret->detail);
		decide(ret, RESTART_KEEP, CODE_RESTART_NEVER, "it would take another one with it: %s", below.detail);
		free(below.detail);
		return true;
	}
	return false;
}

/* The covering ones first; the list has at most as many levels as services. */
static void decide_from(const struct restart_input *in, size_t i, struct restart_decision *ret, size_t depth)
{
	int above = in->services->v[i].covered_by;

	if (ret[i].detail)
		return;
	if (above >= 0 && depth < in->services->n)
		decide_from(in, (size_t)above, ret, depth + 1);
	if (ret[i].detail)
		return;
	decide_service(in, i, ret);
	if (ret[i].action == RESTART_DO)
		(void)takes_a_never(in, i, &ret[i]);
}

/* --- the whole container ------------------------------------------------------ */

static void decide_container(const struct restart_input *in, struct restart_decision *ret)
{
	struct restart_decision all = { 0 };

	for (size_t i = 0; i < in->services->n && !all.detail; i++)
		if (is_never(in, i, &all))
			break;
	if (in->stopping) {
		free(all.detail);
		decide(&all, RESTART_KEEP, CODE_STOPPED, "the container is being stopped");
	} else if (!all.detail && !in->engine) {
		decide(&all, RESTART_KEEP, CODE_NO_RESTART_COMMAND,
		       "restart.mode=container needs the engine: run stopgap on the host, or set restart.mode=service");
	} else if (!all.detail && !is_held(in, "container", &all)) {
		decide(&all, RESTART_WHOLE, CODE_OK, "restart the container");
	}
	for (size_t i = 0; i < in->services->n; i++) {
		ret[i] = all;
		ret[i].detail = xstrdup(all.detail);
	}
	free(all.detail);
}

void restart_decide(const struct restart_input *in, struct restart_decision *ret)
{
	memset(ret, 0, in->services->n * sizeof(*ret));
	if (in->mode == RESTART_CONTAINER) {
		decide_container(in, ret);
		return;
	}
	for (size_t i = 0; i < in->services->n; i++)
		decide_from(in, i, ret, 0);
}

void restart_decisions_clear(struct restart_decision *d, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(d[i].detail);
		d[i] = (struct restart_decision){ 0 };
	}
}
