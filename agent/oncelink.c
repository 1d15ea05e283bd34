/* oncelink.c - see oncelink.h. */
#include <errno.h>
#include <sys/socket.h>
#include "fd.h"
#include "log.h"
#include "loop.h"
#include "oncelink.h"

bool oncelink_wanted(void)
{
	return streq(strna(getenv("STOPGAP_LINK")), "stdio");
}

void oncelink_say(const struct hostline *say)
{
	struct json_object *o = wire_encode(&hostline, say);
	cleanup_buf struct buf text = { 0 };

	wire_put(&text, o);
	json_object_put(o);
	if (write_all(STDOUT_FILENO, text.s, text.n) < 0)
		log_debug("write to the host: %m, ignoring");
}

static void gone(struct oncelink *l)
{
	(void)event_del(l->ev);
	/* whoever waits goes on without an answer */
	run_host_answered(l->run);
}

static void on_input(evutil_socket_t fd, short what _unused_, void *arg)
{
	struct oncelink *l = arg;
	struct json_object *o = NULL;
	struct err err = ERR_INIT;
	char chunk[4096];
	int r;
	/* not O_NONBLOCK: standard output is the same socket */
	ssize_t n = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		gone(l);
		return;
	}
	buf_append(&l->in, chunk, (size_t)n);
	while ((r = wire_next(&l->in, &o, &err)) > 0) {
		struct hostline h = { 0 };
		bool go = wire_decode(&hostline, o, &h, &err) == 0 && h.go;

		json_object_put(steal_ptr(&o));
		wire_clear(&hostline, &h);
		if (go)
			run_host_answered(l->run);
	}
	if (r < 0)
		gone(l);
}

void oncelink_start(struct event_base *base, struct run *run, struct oncelink *ret)
{
	*ret = (struct oncelink){ .run = run };
	if (oncelink_wanted())
		ret->ev = loop_read(base, STDIN_FILENO, on_input, ret);
}

void oncelink_stop(struct oncelink *l)
{
	if (l->ev)
		event_free(l->ev);
	buf_clear(&l->in);
}
