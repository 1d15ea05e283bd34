/* rpm.c - the rpm plugin: which part does what (session.h). */
#include <fcntl.h>
#include <rpm/rpmlib.h>
#include <sys/stat.h>
#include "distro.h"
#include "fd.h"
#include "locked.h"
#include "preflight.h"
#include "serve.h"
#include "session.h"
#include "trans.h"

static struct session session;

/* librpm reads its configuration once a process, whatever comes of it. */
static int ready(struct err *err)
{
	static struct err failure = ERR_INIT;

	if (!session.set_up && rpmdb_setup(&session.db, &failure) < 0 && failure.code == CODE_OK)
		failure.code = CODE_INTERNAL;
	session.set_up = true;
	if (failure.code == CODE_OK)
		return 0;
	*err = failure;
	return -1;
}

static void check_way(struct wire_list *blocked)
{
	const char *tool;

	if (trans_way(&session, &tool) == WAY_NONE)
		reason_add(
			blocked, CODE_UNSUPPORTED_DATABASE,
			"the rpm database is of kind %s, which stopgap can only read, and the container has no rpm, dnf, yum, zypper or tdnf; install rpm in it",
			rpmdb_kind_name(session.db.kind));
}

static int rpm_probe(const struct msg_settings *in, struct msg_probe *ret, struct err *err)
{
	struct err e = ERR_INIT;

	session.settings = in;
	wire_clear(&msg_distribution, &session.distribution);
	if (distro_read("/", plugin_bundle(), &session.distribution, &e) < 0)
		plugin_log(LOG_NOTICE, "%s, ignoring", e.msg);
	wire_copy(&msg_distribution, &ret->distribution, &session.distribution);
	e = ERR_INIT;
	if (rpmdb_find("", &session.db, &e) < 0) {
		if (e.code != CODE_UNSUPPORTED_DATABASE) {
			ret->reason = xstrdup(e.msg);
			return 0;
		}
		reason_add(&ret->blocked, e.code, "%s", e.msg);
	}
	if (ready(err) < 0)
		return -1;
	ret->applicable = true;
	if (session_database(&session, &ret->database, &ret->manager, err) < 0)
		return -1;
	if (streq(strna(ret->database.state), "broken"))
		reason_add(&ret->blocked, CODE_DATABASE_BROKEN, "%s", strna(ret->database.detail));
	struct preflight p = { .manager = "rpm", .database = session.db.dir };
	preflight(&p, in, &ret->blocked);
	check_way(&ret->blocked);
	/* here, since a refresh that fails has no alarms */
	locked_check(&ret->alarms);
	sources_configure(&session, &ret->alarms);
	return 0;
}

static int rpm_refresh(const struct msg_refresh_params *in, struct msg_refresh *ret, struct err *err)
{
	return session_refresh(&session, in, ret, err);
}

static int rpm_plan(const struct msg_plan_params *in, struct msg_plan *ret, struct err *err)
{
	return session_plan(&session, in, ret, err);
}

static int rpm_fetch(const struct msg_digest *in, struct msg_fetch *ret, struct err *err)
{
	return session_fetch(&session, in, ret, err);
}

static int rpm_apply(const struct msg_digest *in, struct msg_apply *ret, struct err *err)
{
	if (session_apply(&session, in, ret, err) < 0)
		return -1;
	plugin_leave_apply(ret);
	return 0;
}

static int rpm_owner(const struct msg_owner_params *in, struct msg_owners *ret, struct err *err)
{
	return session_owner(&session, in, ret, err);
}

static int rpm_repair(struct msg_repair *ret, struct err *err)
{
	return session_repair(&session, ret, err);
}

static int rpm_verify(const struct msg_verify_params *in, struct msg_verify *ret, struct err *err)
{
	return session_verify(&session, in, ret, err);
}

static const struct plugin_ops rpm_ops = {
	.name = "rpm",
	.probe = rpm_probe,
	.refresh = rpm_refresh,
	.plan = rpm_plan,
	.fetch = rpm_fetch,
	.apply = rpm_apply,
	.owner = rpm_owner,
	.repair = rpm_repair,
	.verify = rpm_verify,
};

int main(void)
{
	umask(022);
	return plugin_main(&rpm_ops);
}
