/* runhost.c - what a run says to the host that entered this container, and waits for (runstate.h). */
#include "log.h"
#include "loop.h"
#include "runstate.h"

#define SPARE 30 /* s on top of what another container's transfers may take */

static enum state wait_for_host(struct run *r, const struct hostline *say, enum state state)
{
	r->cb->host(r->arg, say);
	loop_arm(r->ev_timer, (uint64_t)(r->config->network.timeout + SPARE) * 1000);
	return state;
}

/* As many of them as a line holds; the rest are fetched. */
static struct wire_list first_of(const struct run *r)
{
	struct wire_list l = r->plan.archives;

	if (l.n > HOSTLINE_WANT_MAX)
		l.n = HOSTLINE_WANT_MAX;
	return l;
}

enum state host_want(struct run *r)
{
	struct hostline say = { .want = first_of(r) };

	return r->cb->host && say.want.n ? wait_for_host(r, &say, S_WANT) : update_fetch(r);
}

enum state host_share(struct run *r)
{
	struct hostline say = { .fetched = true };

	return r->cb->host && r->plan.archives.n ? wait_for_host(r, &say, S_SHARE) : scan_before_apply(r);
}

enum state host_answered(struct run *r)
{
	(void)event_del(r->ev_timer);
	if (r->stop)
		return run_wind_up(r);
	return r->state == S_WANT ? update_fetch(r) : scan_before_apply(r);
}

int host_lists(struct run *r, struct json_object *line, struct err *err)
{
	struct msg_lists m = { 0 };
	struct hostline say = { 0 };

	if (wire_decode(&msg_lists, line, &m, err) < 0)
		return -1;
	say.lists = m.files;
	if (r->cb->host && m.files.n)
		r->cb->host(r->arg, &say);
	wire_clear(&msg_lists, &m);
	return 0;
}
