/* loop.h - the event loop that every mode with one uses. */
#pragma once
#include <event2/event.h>
#include "util.h"

/* No precise clock, no locks, no file or variable of the container asked. Never NULL. */
struct event_base *loop_new(void);
/* Never NULL; the caller frees it. */
struct event *loop_signal(struct event_base *base, int sig, event_callback_fn fn, void *arg);
struct event *loop_timer(struct event_base *base, event_callback_fn fn, void *arg);
struct event *loop_read(struct event_base *base, int fd, event_callback_fn fn, void *arg);
/* Arm TIMER in MS milliseconds. */
void loop_arm(struct event *timer, uint64_t ms);
