/* dpkgquery.c - what the agent asks about the dpkg database. */
#include <unistd.h>
#include "dpkg.h"
#include "dpkgdb.h"
#include "preflight.h"

char *dpkg_version(void)
{
	cleanup_dpkgdb struct dpkgdb db = { 0 };
	struct err err = ERR_INIT;
	const struct dpkgdb_package *p = NULL;

	if (access(DPKG_PROGRAM, X_OK) < 0)
		return NULL;
	if (dpkgdb_read("", &db, &err) == 0)
		p = dpkgdb_find(&db, "dpkg", NULL);
	return p && *p->version ? xasprintf("dpkg %s", p->version) : xstrdup("dpkg");
}

static void describe(const struct dpkgdb *db, struct msg_database *ret)
{
	cleanup_buf struct buf detail = { 0 };

	ret->packages = (int64_t)db->installed;
	if (dpkgdb_interrupted(db, &detail)) {
		ret->state = xstrdup("interrupted");
		ret->detail = buf_steal(&detail);
	} else {
		ret->state = xstrdup("clean");
	}
}

int dpkg_database(struct msg_database *ret, struct err *err)
{
	cleanup_dpkgdb struct dpkgdb db = { 0 };
	struct err e = ERR_INIT;

	if (dpkgdb_read("", &db, &e) == 0) {
		describe(&db, ret);
		return 0;
	}
	if (e.code != CODE_DATABASE_BROKEN) {
		*err = e;
		return -1;
	}
	ret->state = xstrdup("broken");
	ret->detail = xstrdup(e.msg);
	return 0;
}

int dpkg_verify(const struct msg_verify_params *in, struct msg_verify *ret, struct err *err)
{
	cleanup_dpkgdb struct dpkgdb db = { 0 };

	if (dpkgdb_read("", &db, err) < 0)
		return -1;
	for (size_t i = 0; i < in->packages.n; i++) {
		const struct msg_package *w = wire_list_at(&msg_package, &in->packages, i);
		const struct dpkgdb_package *p = dpkgdb_find(&db, w->package, w->arch);
		struct msg_failure *f;

		if (p && dpkgdb_at_version(p, w->version))
			continue;
		f = wire_list_add(&msg_failure, &ret->missing);
		f->package = xstrdup(w->package);
		f->arch = xstrdup(w->arch);
		f->version = xstrdup(w->version);
		f->code = CODE_NOT_APPLIED;
		f->detail = dpkgdb_describe(p);
	}
	describe(&db, &ret->database);
	return 0;
}

void dpkg_preflight(const struct msg_settings *settings, struct wire_list *blocked)
{
	static const struct preflight p = { .manager = "dpkg", .database = DPKGDB_DIR };

	preflight(&p, settings, blocked);
}
