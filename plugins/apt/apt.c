/* apt.c - the apt plugin: which part does what (aptpkg.h, dpkg.h, distro.h). */
#include <sys/stat.h>
#include "aptpkg.h"
#include "clock.h"
#include "distro.h"
#include "dpkg.h"
#include "dpkgdb.h"
#include "fd.h"
#include "feed.h"
#include "serve.h"
#include "secsupport.h"

static struct msg_distribution distribution;

/* libapt reads its configuration once a process, whatever comes of it. What the
 * container said there to lower trust goes to ALARMS, the first time. */
static int ready(struct wire_list *alarms, struct err *err)
{
	static struct err failure;
	static struct wire_list unheard;
	static bool done;

	if (!done &&
	    aptpkg_init(plugin_settings(), &distribution, plugin_bundle(), alarms ? alarms : &unheard, &failure) < 0)
		failure.code = failure.code == CODE_OK ? CODE_INTERNAL : failure.code;
	done = true;
	if (failure.code == CODE_OK)
		return 0;
	*err = failure;
	return -1;
}

static int apt_probe(const struct msg_settings *in, struct msg_probe *ret, struct err *err)
{
	wire_clear(&msg_distribution, &distribution);
	if (distro_read("/", plugin_bundle(), &distribution, err) < 0) {
		/* an image without os-release is still patched: its sources say enough */
		plugin_log(LOG_NOTICE, "%s, ignoring", err->msg);
		err_clear(err);
	}
	wire_copy(&msg_distribution, &ret->distribution, &distribution);
	ret->manager = dpkg_version();
	if (!ret->manager) {
		ret->reason = xstrdup("the container has no dpkg");
		return 0;
	}
	ret->applicable = true;
	if (dpkg_database(&ret->database, err) < 0)
		return -1;
	if (streq(strna(ret->database.state), "broken"))
		reason_add(&ret->blocked, CODE_DATABASE_BROKEN, "%s", strna(ret->database.detail));
	dpkg_preflight(in, &ret->blocked);
	/* a configuration that cannot be read is refresh's to report */
	struct err later = ERR_INIT;
	(void)ready(&ret->alarms, &later);
	return 0;
}

static int apt_refresh(const struct msg_refresh_params *in, struct msg_refresh *ret, struct err *err)
{
	return ready(NULL, err) < 0 ? -1 : aptpkg_refresh(in, ret, err);
}

static int apt_plan(const struct msg_plan_params *in, struct msg_plan *ret, struct err *err)
{
	return ready(NULL, err) < 0 ? -1 : aptpkg_plan(in, ret, err);
}

static int apt_fetch(const struct msg_digest *in, struct msg_fetch *ret, struct err *err)
{
	return ready(NULL, err) < 0 ? -1 : aptpkg_fetch(in, ret, err);
}

/* Somebody else may have worked while we waited for the lock: what was planned
 * on other versions is not done. */
static int still_as_planned(const struct dpkg_sets *sets, struct err *err)
{
	cleanup_dpkgdb struct dpkgdb db = { 0 };

	if (dpkgdb_read("", &db, err) < 0)
		return -1;
	for (size_t i = 0; i < sets->n_debs; i++) {
		const struct deb *d = &sets->debs[i];
		const struct dpkgdb_package *p = dpkgdb_find(&db, d->package, d->arch);
		const char *now = p && p->status >= DPKGDB_HALF_INSTALLED ? p->version : NULL;

		if (!streq(strna(now), strna(d->installed))) {
			(void)err_set(
				err, CODE_DIGEST_MISMATCH, 0,
				"package '%s' was changed by somebody else since the plan was made (%s, now %s): run stopgap once again",
				d->package, d->installed ? d->installed : "not installed", now ? now : "not installed");
			err->retryable = true;
			return -1;
		}
	}
	return 0;
}

static int apt_apply(const struct msg_digest *in, struct msg_apply *ret, struct err *err)
{
	struct dpkg_sets sets = { 0 };
	struct err late = ERR_INIT;
	int r;

	if (ready(NULL, err) < 0)
		return -1;
	r = aptpkg_sets(in, &sets, err);
	if (r == 0)
		r = dpkg_lock(plugin_settings()->lock_timeout, err);
	if (r == 0) {
		r = still_as_planned(&sets, err);
		if (r == 0) {
			aptpkg_evidence_start(&sets);
			r = dpkg_apply(&sets, ret, err);
		}
		dpkg_unlock();
		if (r == 0)
			aptpkg_evidence_send();
	}
	if (r == 0 && aptpkg_settle(&sets, ret, &late) < 0)
		plugin_log(LOG_WARNING, "%s, ignoring", late.msg);
	if (r == 0)
		plugin_leave_apply(ret);
	dpkg_sets_clear(&sets);
	return r;
}

static int apt_repair(struct msg_repair *ret, struct err *err)
{
	int r = dpkg_lock(plugin_settings()->lock_timeout, err);

	if (r < 0)
		return r;
	r = dpkg_repair(ret, err);
	dpkg_unlock();
	return r;
}

static int apt_support(struct msg_support *ret, struct err *err)
{
	cleanup_free char *folder = xasprintf("%s/share/debian-security-support", strna(plugin_bundle()));
	cleanup_dpkgdb struct dpkgdb db = { 0 };
	char today[TIME_TEXT_MAX];

	if (!streq(strna(distribution.id), "debian"))
		return 0;
	if (dpkgdb_read("", &db, err) < 0)
		return -1;
	time_format(clock_wall(), today);
	today[strlen("YYYY-MM-DD")] = '\0';
	return support_find(&db, folder, strna(distribution.version), today, ret, err);
}

static int apt_feed(const struct msg_feed_params *in, struct msg_feed *ret, struct err *err)
{
	/* a file needs nothing of libapt, so a broken apt.conf is no reason */
	if (!*strna(in->file) && ready(NULL, err) < 0)
		return -1;
	return feed_run(in, plugin_settings(), &distribution, ret, err);
}

static const struct plugin_ops apt_ops = {
	.name = "apt",
	.probe = apt_probe,
	.refresh = apt_refresh,
	.plan = apt_plan,
	.fetch = apt_fetch,
	.apply = apt_apply,
	.owner = dpkg_owner,
	.repair = apt_repair,
	.verify = dpkg_verify,
	.support = apt_support,
	.feed = apt_feed,
};

int main(void)
{
	umask(022);
	return plugin_main(&apt_ops);
}
