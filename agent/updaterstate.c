/* updaterstate.c - see updaterstate.h. */
#include "clock.h"
#include "log.h"
#include "statefile.h"
#include "updaterstate.h"

#define SCHEDULE_FILE "schedule.json"
#define NAME	      256

struct schedule_file {
	char *host, *id;
	int64_t last_start, last_end, failures, starts;
	enum code last_code;
	bool retryable;
};

#define TEXT(f, fl) \
	{ .name = #f, .type = WIRE_STRING, .flags = fl, .offset = offsetof(struct schedule_file, f), .max = NAME }
#define COUNT(f) \
	{ .name = #f, .type = WIRE_INT, .flags = WIRE_REQUIRED, .offset = offsetof(struct schedule_file, f), .max = 1LL << 40 }
static const struct wire_field schedule_fields[] = {
	TEXT(host, WIRE_REQUIRED),
	TEXT(id, WIRE_OMIT),
	COUNT(last_start),
	COUNT(last_end),
	COUNT(failures),
	COUNT(starts),
	{ .name = "last_code", .type = WIRE_CODE, .flags = WIRE_REQUIRED, .offset = offsetof(struct schedule_file, last_code) },
	{ .name = "retryable", .type = WIRE_BOOL, .flags = WIRE_REQUIRED, .offset = offsetof(struct schedule_file, retryable) },
	{ .name = NULL },
};
static const struct wire_message schedule_file = { "schedule", sizeof(struct schedule_file), schedule_fields };

static bool is_ours(const struct updater *u, const char *host, const char *id)
{
	return streq(strna(host), strna(u->container.host)) && (!id || !u->container.id || streq(id, u->container.id));
}

static void load_schedule(struct updater *u)
{
	struct schedule_file f = { 0 };
	struct json_object *o = NULL;
	struct err ignored = ERR_INIT;

	u->schedule = (struct schedule_state){ .id = u->container.id ? u->container.id : strna(u->container.host) };
	if (state_read(u->config.report.state_dir, SCHEDULE_FILE, &o, &ignored) == 0 &&
	    wire_decode(&schedule_file, o, &f, &ignored) == 0) {
		u->schedule.moved = !is_ours(u, f.host, f.id);
		u->schedule.last_start = f.last_start;
		u->schedule.last_end = f.last_end;
		u->schedule.failures = f.failures;
		u->schedule.starts = f.starts;
		u->schedule.last_code = f.last_code;
		u->schedule.retryable = f.retryable;
	}
	wire_clear(&schedule_file, &f);
	json_object_put(o);
}

static void save_schedule(const struct updater *u)
{
	const struct schedule_state *s = &u->schedule;
	struct schedule_file f = { .host = u->container.host, .id = u->container.id, .last_start = s->last_start,
				   .last_end = s->last_end, .failures = s->failures, .starts = s->starts,
				   .last_code = s->last_code, .retryable = s->retryable };
	struct json_object *o = wire_encode(&schedule_file, &f);
	struct err err = ERR_INIT;

	/* a run says why when the folder cannot be written; here it is no news */
	if (state_write(u->config.report.state_dir, SCHEDULE_FILE, o, &err) < 0)
		log_debug("save the schedule: %s, ignoring", err.msg);
	json_object_put(o);
}

static void load_report(struct updater *u)
{
	struct err ignored = ERR_INIT;

	if (snapshot_load(&u->snapshot, u->config.report.state_dir, &u->container, &ignored) < 0)
		return;
	u->run_id = u->snapshot.last->id;
	if (u->run_id > u->last_id)
		u->last_id = u->run_id;
}

void updater_load(struct updater *u)
{
	struct err err = ERR_INIT;

	container_read("/proc", "", &u->container);
	load_schedule(u);
	if (metrics_load(&u->metrics, u->config.report.state_dir, &err) < 0)
		log_warning("%s: counters begin at 0", err.msg);
	load_report(u);
}

void updater_begun(struct updater *u, enum mode mode)
{
	if (mode != MODE_ONCE)
		return;
	schedule_begin(&u->schedule, clock_wall());
	save_schedule(u);
}

/* Why a run did not do what there was to do, and whether waiting may help. */
static enum code outcome(const struct report *r, bool *retryable)
{
	*retryable = r->error.retryable;
	if (r->error.code != CODE_OK)
		return r->error.code;
	for (size_t i = 0; i < r->blocked.n; i++) {
		enum code c = ((const struct msg_reason *)wire_list_at(&msg_reason, &r->blocked, i))->code;

		*retryable = code_passes(c);
		if (!*retryable)
			return c;
	}
	return r->blocked.n ? ((const struct msg_reason *)wire_list_at(&msg_reason, &r->blocked, 0))->code : CODE_OK;
}

void updater_ended(struct updater *u, const struct report *r)
{
	struct err err = ERR_INIT;
	bool retryable;
	enum code code = outcome(r, &retryable);

	if (r->mode == MODE_ONCE) {
		schedule_end(&u->schedule, clock_wall(), code, retryable);
		save_schedule(u);
	}
	/* a run that had the state folder has counted itself there: these are the same numbers and those of the others */
	metrics_account(&u->metrics, r);
	if (metrics_save(&u->metrics, u->config.report.state_dir, &err) < 0)
		log_debug("save the counters: %s, ignoring", err.msg);
}

void updater_clear(struct updater *u)
{
	snapshot_clear(&u->snapshot);
	container_clear(&u->container);
	config_clear(&u->config);
}
