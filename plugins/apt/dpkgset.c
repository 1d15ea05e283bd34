/* dpkgset.c - see dpkgset.h. */
#include <stdio.h>
#include <sys/stat.h>
#include "depends.h"
#include "dpkg.h"
#include "dpkgset.h"
#include "serve.h"

#define ARGS_MAX (100 * 1024) /* bytes of packages in one call; ARG_MAX is never below 128 KiB */
#define NOT_OURS SIZE_MAX

struct indices {
	size_t *v, n;
};

static void indices_clear(struct indices *l)
{
	free(l->v);
}
#define cleanup_indices _cleanup_(indices_clear)

static void indices_add(struct indices *l, size_t i)
{
	l->v = xrealloc(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = i;
}

/* The deb that an event names: by path, "name" or "name:arch". */
static size_t find_deb(const struct apply *a, const char *package)
{
	size_t n = strcspn(package, ":");

	for (size_t i = 0; i < a->sets->n_debs; i++) {
		const struct deb *d = &a->sets->debs[i];

		if (*package == '/' ? streq(d->path, package) :
				      strncmp(d->package, package, n) == 0 && d->package[n] == '\0' &&
					      (!package[n] || streq(d->arch, package + n + 1) || streq(d->arch, "all")))
			return i;
	}
	return NOT_OURS;
}

void apply_fail(struct apply *a, size_t i, enum code code, char *detail)
{
	cleanup_free char *owned = detail;

	a->any_failed = true;
	if (a->debs[i].code != CODE_OK)
		return;
	a->debs[i].code = code;
	a->debs[i].detail = steal_ptr(&owned);
}

static enum code classify(const char *package, const char *message, const char *quote)
{
	/* a script that stopgap ended was noted before dpkg says so */
	if (strstr(quote, "killed by signal (Killed)"))
		return CODE_LOW_MEMORY;
	if (strstr(message, "No space left on device") || strstr(quote, "No space left on device"))
		return CODE_NO_SPACE;
	if (strstr(quote, "Cannot fork") || strstr(quote, "cannot fork") || strstr(quote, "fork failed"))
		return CODE_PIDS_LIMIT;
	if (strstr(message, "Device or resource busy"))
		return CODE_BIND_MOUNTED_FILE;
	if (strstr(message, "dependency problems"))
		return CODE_DEPENDS_ON_FAILED;
	if (strstr(message, "script"))
		return CODE_SCRIPT_FAILED;
	return *package == '/' ? CODE_UNPACK_FAILED : CODE_NOT_APPLIED;
}

static void on_error(struct apply *a, const char *package, bool timeout, const char *message)
{
	size_t i = find_deb(a, package);
	/* while it is being unpacked the log names the file */
	bool unpacking = i != NOT_OURS && timeout && !a->debs[i].unpacked;
	cleanup_free char *quote = dpkg_log_quote(a->log, a->call_start, unpacking ? a->sets->debs[i].path : package);
	char *detail = xasprintf("%s; the output: %s", message, quote);
	enum code code = timeout ? CODE_SCRIPT_TIMEOUT : classify(package, message, quote);

	a->errors++;
	a->disk_full |= code == CODE_NO_SPACE;
	if (i != NOT_OURS) {
		apply_fail(a, i, code, detail);
		return;
	}
	/* a trigger of an installed package, or one that an old run left */
	struct msg_failure *f = wire_list_add(&msg_failure, &a->others);
	f->package = xstrdup(package);
	f->code = code;
	f->detail = detail;
}

static void progress(struct apply *a, const char *item)
{
	struct msg_progress p = { .phase = (char *)(uintptr_t) "apply",
				  .done = a->done,
				  .total = a->total,
				  .item = (char *)(uintptr_t)item };

	plugin_event("progress", &msg_progress, &p);
}

/* A package goes through half-installed and unpacked, then through
 * half-configured to installed or waiting for triggers. */
static void on_status(struct apply *a, const char *package, const char *status)
{
	size_t i = find_deb(a, package);
	struct deb_progress *d = i == NOT_OURS ? NULL : &a->debs[i];

	if (!d)
		return;
	if (streq(status, "half-installed")) {
		d->replacing = true;
	} else if (streq(status, "unpacked") && d->replacing && !d->unpacked) {
		d->unpacked = true;
		a->done++;
	} else if ((streq(status, "installed") || starts_with(status, "triggers-")) && d->unpacked && !d->configured) {
		d->configured = true;
		a->done++;
	} else {
		return;
	}
	progress(a, a->sets->debs[i].package);
}

static void on_event(const struct dpkg_event *e, void *ctx)
{
	struct apply *a = ctx;
	struct msg_conffile *c;

	switch (e->type) {
	case DPKG_PROCESSING:
		progress(a, e->package);
		break;
	case DPKG_STATUS:
		on_status(a, e->package, e->text);
		break;
	case DPKG_ERROR:
		on_error(a, e->package, false, e->text);
		break;
	case DPKG_CONFFILE:
		c = wire_list_add(&msg_conffile, &a->ret->conffiles);
		c->package = xstrdup(e->package);
		c->path = xstrdup(e->text);
		break;
	case DPKG_TIMEOUT:
		on_error(a, e->package, true, e->text);
		break;
	}
}

int apply_call(struct apply *a, struct strv *args, struct err *err)
{
	struct dpkg_run run = { .args = *args, .log = a->log, .silence = a->silence, .event = on_event, .ctx = a };
	struct stat st;
	int r;

	*args = (struct strv){ 0 };
	a->errors = 0;
	a->call_start = stat(a->log, &st) == 0 ? st.st_size : 0;
	r = dpkg_run(&run, err);
	strv_clear(&run.args);
	return r;
}

void apply_clear(struct apply *a)
{
	for (size_t i = 0; a->debs && i < a->sets->n_debs; i++)
		free(a->debs[i].detail);
	free(a->debs);
	free(a->log);
	wire_list_clear(&msg_failure, &a->others);
}

enum call { CALL_UNPACK, CALL_CONFIGURE, CALL_INSTALL };

/* Unpacking stops at the first failure: what needs the failed package must not
 * be replaced. Configuring goes on: dpkg refuses what needs it by itself. */
static int call_list(struct apply *a, enum call call, const struct indices *l, struct err *err)
{
	static const char *const verbs[] = { "--unpack", "--configure", "--install" };
	size_t i = 0;
	int r = 0;

	while (i < l->n && r == 0) {
		struct strv args = { 0 };
		size_t bytes = 0;

		strv_push(&args, "--no-triggers");
		strv_push(&args, call == CALL_CONFIGURE ? "--abort-after=100000" : "--abort-after=1");
		if (call != CALL_CONFIGURE)
			strv_push(&args, "--auto-deconfigure");
		strv_push(&args, verbs[call]);
		for (; i < l->n && bytes < ARGS_MAX; i++) {
			const struct deb *d = &a->sets->debs[l->v[i]];

			strv_take(&args,
				  call == CALL_CONFIGURE ? xasprintf("%s:%s", d->package, d->arch) : xstrdup(d->path));
			bytes += strlen(args.v[args.n - 1]) + 1 + sizeof(char *);
		}
		r = apply_call(a, &args, err);
	}
	return r;
}

static bool has_step(const struct dpkg_step *steps, size_t n, size_t deb)
{
	for (size_t i = 0; i < n; i++)
		if (steps[i].deb == deb)
			return true;
	return false;
}

/* Unpacks, then configures of the same packages: one call does both, in an
 * order that dpkg finds itself. */
static bool is_install(const struct dpkg_set *set)
{
	size_t half = set->n / 2;

	for (size_t i = 0; i < set->n; i++)
		if (set->steps[i].verb != (i < half ? DPKG_UNPACK : DPKG_CONFIGURE) ||
		    (i >= half && !has_step(set->steps, half, set->steps[i].deb)))
			return false;
	return set->n % 2 == 0;
}

static int run_steps(struct apply *a, const struct dpkg_set *set, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < set->n && r == 0;) {
		cleanup_indices struct indices l = { 0 };
		enum dpkg_verb verb = set->steps[i].verb;

		for (; i < set->n && set->steps[i].verb == verb; i++)
			indices_add(&l, set->steps[i].deb);
		r = call_list(a, verb == DPKG_UNPACK ? CALL_UNPACK : CALL_CONFIGURE, &l, err);
	}
	return r;
}

static int run_install(struct apply *a, const struct dpkg_set *set, struct err *err)
{
	cleanup_indices struct indices l = { 0 };

	for (size_t i = 0; i < set->n / 2; i++)
		indices_add(&l, set->steps[i].deb);
	return call_list(a, CALL_INSTALL, &l, err);
}

struct dependency_ctx {
	const struct apply *a;
	const struct indices *coming;
};

static const char *coming(const char *name, void *ctx)
{
	const struct dependency_ctx *c = ctx;

	for (size_t i = 0; i < c->coming->n; i++)
		if (streq(c->a->sets->debs[c->coming->v[i]].package, name))
			return c->a->sets->debs[c->coming->v[i]].version;
	return NULL;
}

static bool has_failed(const char *name, void *ctx)
{
	const struct dependency_ctx *c = ctx;

	for (size_t i = 0; i < c->a->sets->n_debs; i++)
		if (c->a->debs[i].code != CODE_OK && streq(c->a->sets->debs[i].package, name))
			return true;
	for (size_t i = 0; i < c->a->others.n; i++) {
		const struct msg_failure *f = wire_list_at(&msg_failure, &c->a->others, i);

		if (streq(f->package, name))
			return true;
	}
	return false;
}

/* Take out of L what needs a failed package, until nothing more falls. */
static void drop_dependents(struct apply *a, const struct dpkgdb *db, struct indices *l)
{
	struct dependency_ctx ctx = { .a = a, .coming = l };
	struct depends_view view = { .db = db, .coming = coming, .failed = has_failed, .ctx = &ctx };
	bool fell;

	do {
		size_t n = 0;

		fell = false;
		for (size_t i = 0; i < l->n; i++) {
			cleanup_free char *field = depends_of_deb(a->sets->debs[l->v[i]].path);
			cleanup_free char *group = depends_unmet(field, &view);

			if (group) {
				apply_fail(a, l->v[i], CODE_DEPENDS_ON_FAILED,
					   xasprintf("left at its version: it needs %s, which failed", group));
				fell = true;
			} else {
				l->v[n++] = l->v[i];
			}
		}
		l->n = n;
	} while (fell);
}

static bool is_there(const struct deb *d, const struct dpkgdb_package *p)
{
	return p && p->status >= DPKGDB_UNPACKED && !p->reinstall && dpkg_compare(p->version, d->version) >= 0;
}

static bool step_due(const struct apply *a, const struct dpkgdb *db, const struct dpkg_step *s)
{
	const struct deb *d = &a->sets->debs[s->deb];
	const struct dpkgdb_package *p = dpkgdb_find(db, d->package, d->arch);

	if (a->debs[s->deb].code != CODE_OK)
		return false;
	if (s->verb == DPKG_UNPACK)
		return !a->disk_full && !is_there(d, p);
	return is_there(d, p) && p->status <= DPKGDB_HALF_CONFIGURED;
}

/* The next steps of one verb that the database does not show as done. */
static enum dpkg_verb next_steps(const struct apply *a, const struct dpkg_set *set, const struct dpkgdb *db,
				 struct indices *ret)
{
	enum dpkg_verb verb = DPKG_UNPACK;

	for (size_t i = 0; i < set->n; i++) {
		const struct dpkg_step *s = &set->steps[i];

		if (!step_due(a, db, s))
			continue;
		if (!ret->n)
			verb = s->verb;
		else if (s->verb != verb)
			break;
		indices_add(ret, s->deb);
	}
	return verb;
}

/* dpkg failed as a whole, and named no package. */
static void blame_all(struct apply *a, const struct dpkg_set *set, int status)
{
	cleanup_free char *quote = dpkg_log_quote(a->log, a->call_start, "");
	enum code code = classify("", "", quote);

	for (size_t i = 0; i < set->n; i++) {
		struct deb_progress *g = &a->debs[set->steps[i].deb];

		g->begun = g->replacing || g->unpacked;
		apply_fail(a, set->steps[i].deb, code,
			   xasprintf("dpkg ended with status %d; %sthe output: %s", status,
				     g->begun ? "" : "run stopgap once again; ", quote));
	}
}

/* Bring what is left of a set as far as it goes, one failure at a time. Each
 * round ends a run of steps or takes a package out. */
static int converge(struct apply *a, const struct dpkg_set *set, struct err *err)
{
	for (size_t round = 0; round <= 2 * set->n; round++) {
		cleanup_dpkgdb struct dpkgdb db = { 0 };
		cleanup_indices struct indices l = { 0 };
		enum dpkg_verb verb;
		int r;

		if (dpkgdb_read("", &db, err) < 0)
			return -1;
		verb = next_steps(a, set, &db, &l);
		if (!l.n)
			return 0;
		if (verb == DPKG_UNPACK)
			drop_dependents(a, &db, &l);
		if (!l.n)
			continue;
		r = call_list(a, verb == DPKG_UNPACK ? CALL_UNPACK : CALL_CONFIGURE, &l, err);
		if (r < 0)
			return -1;
		if (r > 0 && !a->errors) {
			blame_all(a, set, r);
			return 0;
		}
	}
	return 0;
}

/* dpkg could not undo an unpacking that failed: a full or failing disk. */
static void find_half_installed(struct apply *a, const struct dpkg_set *set)
{
	cleanup_dpkgdb struct dpkgdb db = { 0 };
	struct err err = ERR_INIT;

	if (dpkgdb_read("", &db, &err) < 0)
		return;
	for (size_t i = 0; i < set->n; i++) {
		const struct deb *d = &a->sets->debs[set->steps[i].deb];
		const struct dpkgdb_package *p = dpkgdb_find(&db, d->package, d->arch);

		a->half_installed |= p && (p->reinstall || p->status == DPKGDB_HALF_INSTALLED);
	}
}

int apply_set(struct apply *a, const struct dpkg_set *set, struct err *err)
{
	int r;

	a->begun = true;
	for (size_t i = 0; i < set->n; i++)
		a->debs[set->steps[i].deb].begun = true;
	if (a->any_failed) {
		r = converge(a, set, err);
	} else {
		r = is_install(set) ? run_install(a, set, err) : run_steps(a, set, err);
		if (r > 0)
			r = converge(a, set, err);
	}
	if (a->any_failed)
		find_half_installed(a, set);
	return r;
}
