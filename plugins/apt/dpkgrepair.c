/* dpkgrepair.c - what an interrupted run left is finished. */
#include "dpkg.h"
#include "dpkgjournal.h"
#include "dpkgset.h"
#include "serve.h"

#define SENTENCE 600 /* bytes of names in one action */
#define ACTIONS_MAX 1000

/* The set that was cut off, as far as it is not in place. Half of a set may be
 * unpacked and need the other half, so configuring alone is not enough. */
static int finish_set(struct apply *a, const struct dpkgdb *db, struct err *err)
{
	bool missing = false;

	for (size_t i = 0; i < a->sets->n_debs; i++) {
		const struct deb *d = &a->sets->debs[i];
		const struct dpkgdb_package *p = dpkgdb_find(db, d->package, d->arch);

		missing |= !p || !dpkgdb_at_version(p, d->version);
	}
	if (!missing)
		return 0;
	a->any_failed = true; /* ask the database what is missing */
	return apply_set(a, a->sets->sets, err);
}

static bool is_clean(const struct dpkgdb_package *p)
{
	return !p->reinstall && (p->status <= DPKGDB_CONFIG_FILES || p->status == DPKGDB_INSTALLED);
}

static void say_names(struct strv *actions, const char *what, struct buf *names)
{
	if (names->n)
		strv_take(actions, xasprintf("%s %s", what, names->s));
	buf_clear(names);
}

/* What became configured, by the call of dpkg that did it, in sentences that a report can hold. */
static void say_what_was_done(const struct dpkgdb *before, const struct dpkgdb *after, struct strv *actions)
{
	static const char *const what[] = { "dpkg --configure -a finished",
					    "dpkg --install finished the interrupted set:" };
	struct buf names[ARRAY_SIZE(what)] = { { 0 }, { 0 } };

	for (size_t i = 0; i < after->n && actions->n < ACTIONS_MAX; i++) {
		const struct dpkgdb_package *p = &after->packages[i], *old = dpkgdb_find(before, p->name, p->arch);
		bool installed = !old || !streq(old->version, p->version) || old->status < DPKGDB_UNPACKED;

		if (p->status != DPKGDB_INSTALLED || p->reinstall || (old && is_clean(old) && !installed))
			continue;
		buf_printf(&names[installed], "%s%s %s", names[installed].n ? ", " : "", p->name, p->version);
		if (names[installed].n > SENTENCE)
			say_names(actions, what[installed], &names[installed]);
	}
	for (size_t i = ARRAY_SIZE(what); i-- > 0;)
		say_names(actions, what[i], &names[i]);
}

/* What dpkg said about it, as a member of the set or as another package; false: nothing. */
static bool what_dpkg_said(const struct apply *a, const struct dpkgdb_package *p, enum code *code, const char **detail)
{
	size_t n = strlen(p->name);

	for (size_t i = 0; i < a->sets->n_debs; i++) {
		const struct deb *d = &a->sets->debs[i];

		*code = a->debs[i].code;
		*detail = strna(a->debs[i].detail);
		if (*code != CODE_OK && streq(d->package, p->name) &&
		    (streq(d->arch, p->arch) || streq(d->arch, "all")))
			return true;
	}
	for (size_t i = a->others.n; i-- > 0;) {
		const struct msg_failure *f = wire_list_at(&msg_failure, &a->others, i);

		*code = f->code;
		*detail = strna(f->detail);
		if (starts_with(f->package, p->name) &&
		    (!f->package[n] || (f->package[n] == ':' && streq(f->package + n + 1, p->arch))))
			return true;
	}
	return false;
}

static void say_what_is_left(const struct apply *a, const struct dpkgdb *db, struct wire_list *failed)
{
	for (size_t i = 0; i < db->n && failed->n < ACTIONS_MAX; i++) {
		const struct dpkgdb_package *p = &db->packages[i];
		cleanup_free char *now = dpkgdb_describe(p);
		struct msg_failure *f;
		const char *said;
		enum code code;

		if (is_clean(p))
			continue;
		f = wire_list_add(&msg_failure, failed);
		f->package = xstrdup(p->name);
		f->arch = xstrdup(p->arch);
		f->version = xstrdup(p->version);
		if (p->reinstall || p->status == DPKGDB_HALF_INSTALLED) {
			f->code = CODE_UNPACK_FAILED;
			f->detail = xasprintf("%s; run apt-get install --reinstall %s", now, p->name);
		} else if (what_dpkg_said(a, p, &code, &said)) {
			f->code = code;
			f->detail = xasprintf("%s; %s", now, said);
		} else {
			f->code = CODE_NOT_APPLIED;
			f->detail = xasprintf("%s; dpkg --configure -a left it so, see %s", now, a->log);
		}
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
	if (sets.n_sets && finish_set(&a, &db, err) < 0)
		goto out;
	strv_push(&args, "--abort-after=100000");
	strv_push(&args, "--configure");
	strv_push(&args, "--pending");
	if (apply_call(&a, &args, err) < 0 || dpkgdb_read("", &after, err) < 0)
		goto out;
	ret->repaired = !dpkgdb_interrupted(&after, NULL);
	say_what_was_done(&db, &after, &ret->actions);
	say_what_is_left(&a, &after, &ret->failed);
	if (ret->repaired)
		dpkg_journal_remove();
	if (ret->repaired && !ret->actions.n)
		strv_push(&ret->actions, "dpkg --configure -a"); /* its journal alone, or triggers */
	r = 0;
out:
	apply_clear(&a);
	dpkg_sets_clear(&sets);
	wire_clear(&msg_apply, &ignored);
	return r;
}
