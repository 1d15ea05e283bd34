/* health.c - see health.h. */
#include "clock.h"
#include "health.h"

struct health {
	struct event_base *base;
	struct strv argv;		/* V ends with NULL, which N counts not */
	char *const *envp;
	health_done *done;
	void *arg;
	struct event *ev_next;		/* the next try, or the end */
	struct command *command;	/* NULL: none is running */
	uint64_t started, deadline;	/* clock_ms() */
	bool cancelled;
	enum health_state state;
	unsigned tries;
	struct buf detail;
};

const char *health_name(enum health_state s)
{
	static const char *const names[] = { "unknown", "healthy", "unhealthy" };

	return names[s];
}

static void finish(struct health *h)
{
	const struct health_result r = { .state = h->cancelled ? HEALTH_UNKNOWN : h->state,
					 .tries = h->tries,
					 .ms = clock_ms() - h->started,
					 .detail = buf_str(&h->detail) };

	event_free(h->ev_next);
	h->done(h->arg, &r);
	strv_clear(&h->argv);
	buf_clear(&h->detail);
	free(h);
}

static void next_in(struct health *h, uint64_t ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	(void)event_add(h->ev_next, &tv);
}

static void on_done(void *arg, const struct command_result *r)
{
	struct health *h = arg;
	bool known = h->cancelled || command_ok(r) || r->end == COMMAND_NOT_RUN || clock_ms() + 1000 >= h->deadline;

	h->command = NULL;
	buf_reset(&h->detail);
	command_describe(r, &h->detail);
	h->state = command_ok(r) ? HEALTH_HEALTHY : r->end == COMMAND_NOT_RUN ? HEALTH_UNKNOWN : HEALTH_UNHEALTHY;
	if (known)
		finish(h);
	else
		next_in(h, 1000);
}

static void on_next(evutil_socket_t fd _unused_, short what _unused_, void *arg)
{
	struct health *h = arg;
	struct err err = ERR_INIT;
	uint64_t now = clock_ms();
	int64_t left = h->deadline > now ? (int64_t)(h->deadline - now + 999) / 1000 : 1;
	const struct command_spec spec = { .argv = h->argv.v,
					   .envp = h->envp,
					   .timeout = left < HEALTH_TRY ? left : HEALTH_TRY };

	if (!h->argv.n || h->cancelled) {
		finish(h);
		return;
	}
	h->tries++;
	if (command_start(h->base, &spec, on_done, h, &h->command, &err) < 0) {
		buf_reset(&h->detail);
		buf_puts(&h->detail, err.msg);
		finish(h);
	}
}

struct health *health_start(struct event_base *base, const struct strv *argv, char *const *envp, int64_t timeout,
			    health_done *done, void *arg)
{
	struct health *h = xcalloc(1, sizeof(*h));

	*h = (struct health){ .base = base, .envp = envp, .done = done, .arg = arg, .started = clock_ms() };
	h->deadline = h->started + (uint64_t)(timeout > 0 ? timeout : 1) * 1000;
	strv_copy(&h->argv, argv);
	strv_take(&h->argv, NULL);
	h->argv.n--;
	h->ev_next = evtimer_new(base, on_next, h);
	if (!h->ev_next)
		out_of_memory();
	next_in(h, 0);
	return h;
}

void health_cancel(struct health *h)
{
	h->cancelled = true;
	if (h->command)
		command_cancel(h->command);
	else
		next_in(h, 0);
}
