/* dpkg.c - installing sets, and telling what became of each package. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "children.h"
#include "dpkg.h"
#include "dpkgjournal.h"
#include "dpkgset.h"
#include "fd.h"
#include "serve.h"
#include "childwatch.h"

void dpkg_sets_clear(struct dpkg_sets *s)
{
	for (size_t i = 0; i < s->n_debs; i++) {
		struct deb *d = &s->debs[i];

		free(d->package);
		free(d->arch);
		free(d->version);
		free(d->installed);
		free(d->source);
		free(d->path);
		free(d->uri);
	}
	for (size_t i = 0; i < s->n_sets; i++)
		free(s->sets[i].steps);
	free(s->debs);
	free(s->sets);
	*s = (struct dpkg_sets){ 0 };
}

char *dpkg_log_open(const char *name, struct err *err)
{
	return watch_log_path(plugin_settings()->state_dir, name, err);
}

static void add_failure(struct msg_apply *ret, const struct deb *d, bool begun, enum code code, char *detail)
{
	struct msg_failure *f = wire_list_add(&msg_failure, &ret->failed);

	f->package = xstrdup(d->package);
	f->arch = xstrdup(d->arch);
	f->version = xstrdup(d->version);
	f->code = code;
	/* what was not begun has nothing to do with its file */
	f->uri = begun ? xstrdup(d->uri) : NULL;
	f->detail = detail;
}

/* Asked to stop, it just stays pending. */
static void not_begun(struct apply *a, size_t i)
{
	const struct deb_progress *g = &a->debs[i];
	const struct err *why = &a->aborted;

	if (g->code != CODE_OK)
		add_failure(a->ret, &a->sets->debs[i], false, g->code, xasprintf("not begun: %s", strna(g->detail)));
	else if (why->code != CODE_OK)
		add_failure(a->ret, &a->sets->debs[i], false, why->code, xasprintf("not begun: %s", why->msg));
}

/* What the database says now, whatever dpkg said before. */
static void judge(struct apply *a, const struct dpkgdb *db, size_t i)
{
	const struct deb *d = &a->sets->debs[i];
	const struct dpkgdb_package *p = dpkgdb_find(db, d->package, d->arch);
	struct deb_progress *g = &a->debs[i];
	struct msg_package *done;

	if (p && dpkgdb_at_version(p, d->version)) {
		done = wire_list_add(&msg_package, &a->ret->applied);
		done->package = xstrdup(d->package);
		done->arch = xstrdup(d->arch);
		done->version = xstrdup(p->version);
	} else if (!g->begun) {
		not_begun(a, i);
	} else {
		cleanup_free char *now = dpkgdb_describe(p);
		cleanup_free char *quote = g->code == CODE_OK ? dpkg_log_quote(a->log, a->call_start, d->path) : NULL;

		if (g->code == CODE_OK)
			add_failure(a->ret, d, true, CODE_NOT_APPLIED, xasprintf("%s; the output: %s", now, quote));
		else
			add_failure(a->ret, d, true, g->code, xasprintf("%s; %s", now, strna(g->detail)));
	}
}

static void judge_all(struct apply *a)
{
	cleanup_dpkgdb struct dpkgdb db = { 0 };
	struct err err = ERR_INIT;

	if (dpkgdb_read("", &db, &err) < 0) {
		for (size_t i = 0; i < a->sets->n_debs; i++)
			add_failure(a->ret, &a->sets->debs[i], true, err.code, xstrdup(err.msg));
		return;
	}
	for (size_t i = 0; i < a->sets->n_debs; i++)
		judge(a, &db, i);
	/* others matter when they are still not configured */
	for (size_t i = 0; i < a->others.n; i++) {
		struct msg_failure *o = wire_list_at(&msg_failure, &a->others, i), *f;
		cleanup_free char *name = xstrndup(o->package, strcspn(o->package, ":"));
		const struct dpkgdb_package *p = dpkgdb_find(&db, name, NULL);

		if (!p || p->status == DPKGDB_INSTALLED)
			continue;
		f = wire_list_add(&msg_failure, &a->ret->failed);
		f->package = steal_ptr(&name);
		f->arch = xstrdup(p->arch);
		f->version = xstrdup(p->version);
		f->code = o->code;
		f->detail = steal_ptr(&o->detail);
	}
}

/* Triggers were put off until here. `--configure --pending` would run a failed
 * script once more, so after a failure only triggers are run. */
static int run_triggers(struct apply *a, struct err *err)
{
	struct strv args = { 0 };

	strv_push(&args, "--abort-after=100000");
	strv_push(&args, a->any_failed ? "--triggers-only" : "--configure");
	strv_push(&args, "--pending");
	return apply_call(a, &args, err);
}

static int run_sets(struct apply *a, struct err *err)
{
	for (size_t i = 0; i < a->sets->n_sets; i++) {
		if (plugin_stop_requested()) {
			a->ret->stopped = true;
			break;
		}
		if (a->disk_full)
			return err_set(err, CODE_NO_SPACE, 0, "the disk is full; free some space, then run again");
		if (a->half_installed)
			return err_set(err, CODE_NOT_APPLIED, 0, "a package is half-installed; run stopgap once again");
		if (dpkg_journal_write(a->sets, i, err) < 0 || apply_set(a, &a->sets->sets[i], err) < 0)
			return -1;
	}
	return 0;
}

int dpkg_apply(const struct dpkg_sets *sets, struct msg_apply *ret, struct err *err)
{
	struct apply a = { .sets = sets, .ret = ret, .silence = plugin_settings()->script_timeout };
	struct children before;
	int r;

	a.log = dpkg_log_open("apply.log", err);
	if (!a.log)
		return -1;
	a.debs = xcalloc(sets->n_debs + 1, sizeof(*a.debs));
	for (size_t i = 0; i < sets->n_sets; i++)
		a.total += (int64_t)sets->sets[i].n;
	children_begin(&before);
	r = run_sets(&a, &a.aborted);
	if (a.begun) {
		struct err e = ERR_INIT;

		if (run_triggers(&a, &e) < 0)
			plugin_log(LOG_WARNING, "triggers were not run: %s", e.msg);
		if (!a.half_installed)
			dpkg_journal_remove(); /* else repair needs its .debs */
		children_left(&before, &ret->left_behind);
		ret->log = xstrdup(a.log);
	}
	if (r == 0 || a.begun) {
		judge_all(&a);
		ret->again = sets->again && r == 0 && !ret->stopped;
		r = 0;
	} else {
		*err = a.aborted;
	}
	children_clear(&before);
	apply_clear(&a);
	return r;
}
