/* loop.c - see loop.h. */
#include "loop.h"

struct event_base *loop_new(void)
{
	struct event_config *ec = event_config_new();
	struct event_base *base;

	if (!ec)
		out_of_memory();
	(void)event_config_set_flag(ec, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
	base = event_base_new_with_config(ec);
	event_config_free(ec);
	if (!base)
		out_of_memory();
	return base;
}

static struct event *added(struct event *ev)
{
	if (!ev || event_add(ev, NULL) < 0)
		out_of_memory();
	return ev;
}

struct event *loop_signal(struct event_base *base, int sig, event_callback_fn fn, void *arg)
{
	return added(evsignal_new(base, sig, fn, arg));
}

struct event *loop_read(struct event_base *base, int fd, event_callback_fn fn, void *arg)
{
	return added(event_new(base, fd, EV_READ | EV_PERSIST, fn, arg));
}

struct event *loop_timer(struct event_base *base, event_callback_fn fn, void *arg)
{
	struct event *ev = evtimer_new(base, fn, arg);

	if (!ev)
		out_of_memory();
	return ev;
}

void loop_arm(struct event *timer, uint64_t ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	if (event_add(timer, &tv) < 0)
		out_of_memory();
}
