/* schedule.c - see schedule.h. */
#include <stdio.h>
#include "clock.h"
#include "schedule.h"
#include "value.h"
#include "window.h"

#define CLOCK_SLACK 300		/* s that the clock may go back without notice */

/* FNV-1a over ID and SALT, mixed, below N. */
static int64_t spread(const char *id, uint64_t salt, int64_t n)
{
	uint64_t h = 14695981039346656037ULL ^ salt;

	for (; *id; id++)
		h = (h ^ (unsigned char)*id) * 1099511628211ULL;
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	return n > 0 ? (int64_t)(h % (uint64_t)n) : 0;
}

/* FIRST doubled N - 1 times, at most MAX. */
static int64_t doubled(int64_t first, int64_t n, int64_t max)
{
	for (; n > 1 && first < max; n--)
		first *= 2;
	return first < max ? first : max;
}

void schedule_begin(struct schedule_state *s, int64_t now)
{
	s->starts = s->ran ? 0 : s->starts + 1;
	s->ran = true;
	s->moved = false;
	s->last_start = now;
	s->last_end = 0;
}

void schedule_end(struct schedule_state *s, int64_t now, enum code code, bool retryable)
{
	s->last_end = now;
	s->last_code = code;
	s->retryable = retryable;
	s->failures = retryable ? s->failures + 1 : 0;
}

/* A retry, after the interval, or never. */
static int64_t due_after_last(const struct config *c, const struct schedule_state *s, int64_t interval, char *reason,
			      size_t n)
{
	char a[32], b[32];

	if (s->last_end && s->retryable && s->failures > 0) {
		int64_t delay = doubled(SCHEDULE_RETRY, s->failures, interval);

		delay += spread(s->id, (uint64_t)s->failures, delay / 4);
		(void)snprintf(reason, n, "retry %lld after %s", (long long)s->failures, code_name(s->last_code));
		return s->last_end + delay;
	}
	int64_t jitter = spread(s->id, 0, c->schedule.jitter + 1);
	duration_format(interval, a);
	duration_format(jitter, b);
	(void)snprintf(reason, n, jitter ? "interval %s + jitter %s" : "interval %s", a, b);
	return s->last_start + interval + jitter;
}

/* What the start of an agent adds to that: 0 is at once. */
static int64_t due_at_start(const struct schedule_state *s, int64_t interval, char *reason, size_t n)
{
	bool unfinished = !s->last_end || s->moved;
	int64_t pause = doubled(SCHEDULE_START_PAUSE, s->starts, interval);
	char text[32];

	if (unfinished && s->starts <= SCHEDULE_START_FREE) {
		(void)snprintf(reason, n, s->moved ? "first run in this container" : "the last run was interrupted");
		return 0;
	}
	duration_format(pause, text);
	(void)snprintf(reason, n, "the agent started, at least %s after the run before", text);
	return s->last_start + pause;
}

/* Not before the window opens; in it, spread over its first part. */
static int64_t in_window(const struct config *c, const struct schedule_state *s, int64_t due, int64_t now, char *reason,
			 size_t n)
{
	int64_t t = due > now ? due : now, begin, end, at = due, jitter;
	struct windows w = { .n = 0 };
	struct err ignored = ERR_INIT;
	cleanup_free char *why = xstrdup(reason);

	(void)value_window(strna(c->schedule.window), &w, &ignored); /* it was checked when it was loaded */
	window_find(&w, t, &begin, &end);
	if (due < begin) {
		int64_t room = (end - begin) / 2;

		jitter = spread(s->id, 0, (c->schedule.jitter < room ? c->schedule.jitter : room) + 1);
		at = begin + jitter;
		if (at > now)
			(void)snprintf(reason, n, "%s the window %s (%s)",
				       t < begin ? "outside" : "spread over the beginning of", c->schedule.window, why);
	}
	return at > t ? at : t;
}

int64_t schedule_next(const struct config *c, const struct schedule_state *s, int64_t now, char *reason, size_t n)
{
	int64_t interval = c->schedule.interval > SCHEDULE_MIN ? c->schedule.interval : SCHEDULE_MIN, due, start;
	char at_start[200];

	if (!c->schedule.interval) {
		(void)snprintf(reason, n, "interval is 0: runs only when asked");
		return SCHEDULE_NEVER;
	}
	if (!s->last_start) {
		(void)snprintf(reason, n, "first run");
		return in_window(c, s, 0, now, reason, n);
	}
	if (s->last_start > now + CLOCK_SLACK) {
		(void)snprintf(reason, n, "the clock went back");
		return in_window(c, s, 0, now, reason, n);
	}
	due = due_after_last(c, s, interval, reason, n);
	if (!s->ran && (start = due_at_start(s, interval, at_start, sizeof(at_start))) < due) {
		(void)snprintf(reason, n, "%s", at_start);
		due = start;
	}
	return in_window(c, s, due, now, reason, n);
}
