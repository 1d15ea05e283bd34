/* runscan.c - the look at the processes, and whose their files are (runstate.h). */
#include "clock.h"
#include "log.h"
#include "runstate.h"

#define OWNERS_AT_ONCE 4000	/* paths in one question: a line of the protocol holds that many */
#define OWNERS_BYTES   (512 * 1024)

static struct plugin_limits quick(const struct run *r)
{
	return (struct plugin_limits){ .deadline = r->config->updates.plugin_timeout };
}

static int look(struct run *r, struct err *err)
{
	/* ours: this process and what it started, and PID 1 when it is the wrapper */
	const struct scan_skip skip[] = { { .pid = getpid(), .tree = true }, { .pid = r->cb->child ? getppid() : 0 } };
	const struct procscan_options o = { .proc = "/proc", .skip = skip, .n_skip = ARRAY_SIZE(skip) };

	procscan_clear(&r->scan);
	return procscan_read(&o, &r->scan, err);
}

/* Ask for the owners of the next paths. */
static void ask(struct run *r)
{
	struct msg_owner_params in = { 0 };
	size_t bytes = 0;

	while (r->asked < r->paths.n && in.paths.n < OWNERS_AT_ONCE && bytes < OWNERS_BYTES) {
		const char *path = r->paths.v[r->asked++];

		bytes += 4 * strlen(path) + 4;	/* as it may be escaped */
		strv_push(&in.paths, path);
	}
	plugin_request(r->plugin, "owner", wire_encode(&msg_owner_params, &in), quick(r));
	strv_clear(&in.paths);
}

static bool take_owners(struct run *r, struct owners *to)
{
	struct msg_owners m = { 0 };
	struct err err = ERR_INIT;
	bool good = wire_decode(&msg_owners, r->result, &m, &err) == 0;

	if (good)
		owners_add(to, &m.owners);
	else
		log_warning("owners of running files: %s, ignoring", err.msg);
	wire_clear(&msg_owners, &m);
	return good;
}

static void collect_paths(struct run *r)
{
	strv_clear(&r->paths);
	stale_paths(&r->scan, &r->paths);
	r->asked = 0;
}

/* --- before an update: a library whose name changes has no owner afterwards --- */

enum state scan_before_apply(struct run *r)
{
	struct err err = ERR_INIT;

	if (r->before.v.n || look(r, &err) < 0)	/* a later pass of the same run */
		return update_apply(r);
	collect_paths(r);
	if (!r->paths.n)
		return update_apply(r);
	ask(r);
	return S_RUNNING;
}

enum state scan_before_result(struct run *r)
{
	if (!take_owners(r, &r->before) || r->asked >= r->paths.n || r->stop)
		return r->stop ? run_wind_up(r) : update_apply(r);
	ask(r);
	return S_RUNNING;
}

/* Without owners the update is as good; only its reasons will lack a name. */
enum state scan_before_error(struct run *r)
{
	return r->stop ? run_wind_up(r) : update_apply(r);
}

/* --- after it -------------------------------------------------------------------- */

static void judge(struct run *r, bool named)
{
	const struct stale_input in = { .scan = &r->scan,
					.now = &r->owners,
					.before = &r->before,
					.named = named,
					.etc = "/etc",
					.bundle = r->bundle };

	stale_judge(&in, r->report);
	restarts_name(r);
}

enum state scan_begin(struct run *r)
{
	struct err err = ERR_INIT;

	r->looked = true;
	if (look(r, &err) < 0) {
		if (r->report->error.code == CODE_OK)
			r->report->error = err;
		return run_close_plugin(r);
	}
	collect_paths(r);
	if (r->plugin && r->paths.n && r->report->probe.applicable) {
		ask(r);
		return S_OWNER;
	}
	judge(r, false);
	return run_close_plugin(r);
}

enum state scan_owner_result(struct run *r)
{
	bool good = take_owners(r, &r->owners);

	if (good && r->asked < r->paths.n) {
		ask(r);
		return S_OWNER;
	}
	judge(r, good);
	return run_close_plugin(r);
}

enum state scan_owner_error(struct run *r)
{
	log_warning("owners of running files: %s, ignoring", r->failure->msg);
	judge(r, false);
	return run_close_plugin(r);
}

/* After restarts: what is stale now is what could not be helped. */
void scan_again(struct run *r)
{
	struct err err = ERR_INIT;
	struct wire_list unmanaged = r->report->unmanaged;

	if (look(r, &err) < 0) {
		log_warning("look at the processes again: %s, ignoring", err.msg);
		return;
	}
	/* a new process may map what nobody was asked about: the first look has the list */
	r->report->unmanaged = (struct wire_list){ 0 };
	judge(r, false);
	r->report->unmanaged = unmanaged;
}
