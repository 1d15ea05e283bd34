/* dpkgrepair.c - what an interrupted run left is finished. */
#include "dpkg.h"
#include "dpkgjournal.h"
#include "dpkgset.h"
#include "serve.h"

/* The set that was cut off, as far as it is not in place. Half of a set may be
 * unpacked and need the other half, so configuring alone is not enough. */
static int finish_set(struct apply *a, const struct dpkgdb *db, struct msg_repair *ret, struct err *err)
{
	cleanup_buf struct buf names = { 0 };

	for (size_t i = 0; i < a->sets->n_debs; i++) {
		const struct deb *d = &a->sets->debs[i];
		const struct dpkgdb_package *p = dpkgdb_find(db, d->package, d->arch);

		if (!p || !dpkgdb_at_version(p, d->version))
			buf_printf(&names, " %s", d->package);
	}
	if (!names.n)
		return 0;
	strv_take(&ret->actions, xasprintf("dpkg --install of the interrupted set:%s", names.s));
	a->any_failed = true; /* ask the database what is missing */
	return apply_set(a, a->sets->sets, err);
}

static void say_what_is_left(const struct apply *a, const struct dpkgdb *db, struct msg_repair *ret)
{
	for (size_t i = 0; i < db->n && ret->actions.n < 1000; i++) {
		const struct dpkgdb_package *p = &db->packages[i];
		const char *remedy = "";

		if (!p->reinstall && (p->status <= DPKGDB_CONFIG_FILES || p->status == DPKGDB_INSTALLED))
			continue;
		if (p->reinstall || p->status == DPKGDB_HALF_INSTALLED)
			remedy = "; run apt-get install --reinstall with it";
		strv_take(&ret->actions,
			  xasprintf("not repaired: %s is still %s%s", p->name, dpkgdb_status_name(p->status), remedy));
	}
	for (size_t i = 0; i < a->others.n && ret->actions.n < 1000; i++) {
		const struct msg_failure *f = wire_list_at(&msg_failure, &a->others, i);

		strv_take(&ret->actions, xasprintf("%s: %.900s", f->package, f->detail));
	}
}

int dpkg_repair(struct msg_repair *ret, struct err *err)
{
	cleanup_dpkgdb struct dpkgdb db = { 0 }, after = { 0 };
	struct dpkg_sets sets = { 0 };
	struct msg_apply ignored = { 0 };
	struct apply a = { .sets = &sets, .ret = &ignored, .silence = plugin_settings()->script_timeout };
	struct strv args = { 0 };
	int r = -1;

	a.log = dpkg_log_open("repair.log", err);
	if (!a.log || dpkgdb_read("", &db, err) < 0)
		goto out;
	dpkg_journal_read(&sets);
	a.debs = xcalloc(sets.n_debs + 1, sizeof(*a.debs));
	ret->log = xstrdup(a.log);
	if (sets.n_sets && finish_set(&a, &db, ret, err) < 0)
		goto out;
	strv_push(&ret->actions, "dpkg --configure -a");
	strv_push(&args, "--abort-after=100000");
	strv_push(&args, "--configure");
	strv_push(&args, "--pending");
	if (apply_call(&a, &args, err) < 0 || dpkgdb_read("", &after, err) < 0)
		goto out;
	ret->repaired = !dpkgdb_interrupted(&after, NULL);
	if (ret->repaired)
		dpkg_journal_remove();
	else
		say_what_is_left(&a, &after, ret);
	r = 0;
out:
	apply_clear(&a);
	dpkg_sets_clear(&sets);
	wire_clear(&msg_apply, &ignored);
	return r;
}
