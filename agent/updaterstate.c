/* updaterstate.c - see updaterstate.h. */
#include "clock.h"
#include "log.h"
#include "schedulefile.h"
#include "updaterstate.h"

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
	schedule_load(u->config.report.state_dir, strna(u->container.host), u->container.id, &u->schedule);
	if (metrics_load(&u->metrics, u->config.report.state_dir, &err) < 0)
		log_warning("%s: counters begin at 0", err.msg);
	load_report(u);
}

void updater_begun(struct updater *u, enum mode mode)
{
	if (mode != MODE_ONCE)
		return;
	schedule_begin(&u->schedule, clock_wall());
	schedule_save(u->config.report.state_dir, strna(u->container.host), u->container.id, &u->schedule);
}

void updater_ended(struct updater *u, const struct report *r)
{
	struct err err = ERR_INIT;
	bool retryable;
	enum code code = schedule_outcome(r, &retryable);

	if (r->mode == MODE_ONCE) {
		schedule_end(&u->schedule, clock_wall(), code, retryable);
		schedule_save(u->config.report.state_dir, strna(u->container.host), u->container.id, &u->schedule);
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
