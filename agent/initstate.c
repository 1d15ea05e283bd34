/* initstate.c - see initstate.h. */
#include <signal.h>
#include <string.h>
#include "initstate.h"
#include "util.h"

static unsigned report(struct initstate *s, uint32_t id, uint32_t reason, enum initlink_outcome outcome)
{
	s->report = (struct initlink_message){ .type = INITLINK_RESTARTED,
					       .id = id,
					       .restarted = { .reason = reason, .outcome = outcome } };
	return INIT_DO_REPORT;
}

static unsigned start(struct initstate *s, uint64_t now)
{
	s->phase = INIT_RUN;
	s->timer = 0;
	s->started_at = now;
	s->alive = true;
	return INIT_DO_START;
}

/* The grace counts from the moment the updater was told: the engine's patience
 * began no later. */
static unsigned tell_stop(struct initstate *s, uint64_t now)
{
	if (s->stop_at)
		return 0;
	s->stop_at = now ? now : 1;
	return INIT_DO_TELL_STOP;
}

static unsigned end(struct initstate *s, uint64_t now)
{
	unsigned actions = tell_stop(s, now);

	s->phase = s->has_updater ? INIT_END : INIT_DONE;
	s->timer = s->stop_at + s->settings.shutdown_grace;
	return actions;
}

static unsigned ignore(struct initstate *s _unused_, const struct init_input *in _unused_, uint64_t now _unused_)
{
	return 0;
}

static unsigned busy(struct initstate *s, const struct init_input *in, uint64_t now _unused_)
{
	return report(s, in->id, in->reason, INITLINK_BUSY);
}

/* ---- before the start */

static unsigned wait_ready(struct initstate *s, const struct init_input *in _unused_, uint64_t now)
{
	return start(s, now);
}

static unsigned wait_settings(struct initstate *s, const struct init_input *in _unused_, uint64_t now)
{
	if (s->before_start_fixed || s->deadline_told)
		return 0;
	s->timer = s->began + s->settings.before_start;
	return s->settings.before_start ? 0 : start(s, now);
}

static unsigned wait_failed(struct initstate *s, const struct init_input *in, uint64_t now _unused_)
{
	if (!s->trusted)
		return 0;
	s->status = in->n;
	s->failed = true;
	s->phase = INIT_DONE;
	return 0;
}

static unsigned wait_timeout(struct initstate *s, const struct init_input *in _unused_, uint64_t now)
{
	if (s->deadline_told)
		return start(s, now);
	s->deadline_told = true;
	s->timer = now + s->settings.shutdown_grace;
	return INIT_DO_TELL_DEADLINE;
}

static unsigned wait_quit(struct initstate *s, const struct init_input *in, uint64_t now)
{
	s->status = 128 + in->n;
	return end(s, now);
}

/* ---- the service runs */

static bool within_budget(struct initstate *s, uint64_t now)
{
	uint64_t period = (uint64_t)s->settings.budget_period * 1000;
	unsigned used = 0;

	for (size_t i = 0; i < ARRAY_SIZE(s->budget); i++)
		used += s->budget[i] && now - s->budget[i] < period;
	if (used >= s->settings.budget_count)
		return false;
	s->budget[s->budget_next] = now ? now : 1;
	s->budget_next = (s->budget_next + 1) % ARRAY_SIZE(s->budget);
	return true;
}

static unsigned run_restart(struct initstate *s, const struct init_input *in, uint64_t now)
{
	if (s->stop_at)
		return busy(s, in, now);
	if (!within_budget(s, now))
		return report(s, in->id, in->reason, INITLINK_REFUSED_BUDGET);
	s->phase = INIT_STOP;
	s->timer = now + s->settings.stop_timeout;
	s->id = in->id;
	s->reason = in->reason;
	s->restarted = false;
	s->tries = 0;
	s->again_at = 0;
	s->left = 0;
	return INIT_DO_SIGNAL;
}

static unsigned run_exit(struct initstate *s, const struct init_input *in, uint64_t now)
{
	unsigned actions;

	s->alive = false;
	s->status = in->n;
	s->exited_at = now;
	if (!s->restarted || s->stop_at || now - s->started_at >= INIT_YOUNG_MS)
		return end(s, now);
	actions = report(s, s->id, s->reason, INITLINK_DIED_AGAIN);
	s->report.restarted.status = in->n;
	if (s->tries >= INIT_TRIES) {
		s->report.restarted.last = 1;
		return actions | end(s, now);
	}
	s->again_at = now + (1000u << s->tries++);
	s->phase = INIT_KILL;
	s->timer = now + INIT_KILL_MS;
	return actions | INIT_DO_KILL;
}

static unsigned run_quit(struct initstate *s, const struct init_input *in _unused_, uint64_t now)
{
	return tell_stop(s, now);
}

/* ---- a restart */

static unsigned stop_exit(struct initstate *s, const struct init_input *in, uint64_t now)
{
	s->alive = false;
	s->status = in->n;
	s->exited_at = now;
	return INIT_DO_TERM_REST;
}

static unsigned stop_timeout(struct initstate *s, const struct init_input *in _unused_, uint64_t now)
{
	s->phase = INIT_KILL;
	s->timer = now + INIT_KILL_MS;
	return INIT_DO_KILL;
}

/* The first start after a RESTART is its result; later ones follow a DIED_AGAIN. */
static unsigned restart(struct initstate *s, uint64_t now)
{
	unsigned actions = start(s, now);

	s->restarts++;
	if (s->restarted)
		return actions;
	s->restarted = true;
	actions |= report(s, s->id, s->reason, INITLINK_OK);
	s->report.restarted.gap = (uint32_t)(now - s->exited_at);
	s->report.restarted.left = s->left;
	return actions;
}

static unsigned gone(struct initstate *s, const struct init_input *in _unused_, uint64_t now)
{
	if (s->again_at <= now)
		return restart(s, now);
	s->phase = INIT_AGAIN;
	s->timer = s->again_at;
	return 0;
}

static unsigned kill_exit(struct initstate *s, const struct init_input *in, uint64_t now)
{
	s->alive = false;
	s->status = in->n;
	s->exited_at = now;
	return 0;
}

/* SIGKILL has no effect on a process that waits in the kernel. */
static unsigned kill_timeout(struct initstate *s, const struct init_input *in, uint64_t now)
{
	s->left = (uint32_t)in->n;
	if (s->alive)
		s->exited_at = now;
	s->alive = false;
	return gone(s, in, now);
}

static unsigned again_timeout(struct initstate *s, const struct init_input *in _unused_, uint64_t now)
{
	return restart(s, now);
}

/* A stop from outside wins: the service is ending already, or has ended. */
static unsigned restart_quit(struct initstate *s, const struct init_input *in _unused_, uint64_t now)
{
	unsigned actions = s->restarted ? 0 : report(s, s->id, s->reason, INITLINK_STOPPED);

	if (!s->alive)
		return actions | end(s, now);
	s->phase = INIT_RUN;
	s->timer = 0;
	return actions | tell_stop(s, now);
}

/* ---- the end */

static unsigned done(struct initstate *s, const struct init_input *in _unused_, uint64_t now _unused_)
{
	s->phase = INIT_DONE;
	return 0;
}

/* clang-format off */
static unsigned (*const table[INIT_PHASE_MAX][INIT_EVENT_MAX])(struct initstate *, const struct init_input *, uint64_t) = {
	/*               READY       SETTINGS       FAILED       RESTART      EXIT       GONE    QUIT          ALONE       TIMEOUT */
	[INIT_WAIT]  = { wait_ready, wait_settings, wait_failed, busy,        ignore,    ignore, wait_quit,    wait_ready, wait_timeout },
	[INIT_RUN]   = { ignore,     ignore,        ignore,      run_restart, run_exit,  ignore, run_quit,     ignore,     ignore },
	[INIT_STOP]  = { ignore,     ignore,        ignore,      busy,        stop_exit, gone,   restart_quit, ignore,     stop_timeout },
	[INIT_KILL]  = { ignore,     ignore,        ignore,      busy,        kill_exit, gone,   restart_quit, ignore,     kill_timeout },
	[INIT_AGAIN] = { ignore,     ignore,        ignore,      busy,        ignore,    ignore, restart_quit, ignore,     again_timeout },
	[INIT_END]   = { ignore,     ignore,        ignore,      busy,        ignore,    ignore, ignore,       done,       done },
	[INIT_DONE]  = { ignore,     ignore,        ignore,      ignore,      ignore,    ignore, ignore,       ignore,     ignore },
};
/* clang-format on */

/* Told to stop, and the service lives on: it was no stop. */
static void forget_stop(struct initstate *s, uint64_t now)
{
	if (s->phase == INIT_RUN && s->stop_at && now - s->stop_at >= INIT_SURVIVED_MS)
		s->stop_at = 0;
}

unsigned initstate_begin(struct initstate *s, int64_t before_start, uint64_t now)
{
	*s = (struct initstate){ .phase = INIT_WAIT,
				 .began = now,
				 .before_start_fixed = before_start >= 0,
				 .settings = { .stop_signal = SIGTERM,
					       .stop_timeout = 10000,
					       .shutdown_grace = 8000,
					       .before_start = 60000,
					       .budget_count = 3,
					       .budget_period = 3600 } };
	if (before_start == 0)
		return start(s, now);
	s->timer = now + (before_start > 0 ? (uint64_t)before_start : s->settings.before_start);
	return 0;
}

unsigned initstate_step(struct initstate *s, const struct init_input *in, uint64_t now)
{
	forget_stop(s, now);
	return table[s->phase][in->event](s, in, now);
}

bool initstate_wants_updater(struct initstate *s, uint64_t now)
{
	forget_stop(s, now);
	return !s->stop_at && s->phase != INIT_END && s->phase != INIT_DONE;
}

const char *init_phase_name(enum init_phase phase)
{
	static const char names[INIT_PHASE_MAX][8] = {
#define X(name) #name,
		INIT_PHASES(X)
#undef X
	};

	return names[phase];
}

enum initlink_state initstate_public(const struct initstate *s)
{
	switch (s->phase) {
	case INIT_WAIT:
		return INITLINK_WAITING;
	case INIT_RUN:
		return INITLINK_RUNNING;
	case INIT_STOP:
	case INIT_KILL:
	case INIT_AGAIN:
		return INITLINK_RESTARTING;
	default:
		return INITLINK_GONE;
	}
}
