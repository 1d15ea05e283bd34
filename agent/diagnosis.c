/* diagnosis.c - see diagnosis.h. */
#include "clock.h"
#include "diagnosis.h"
#include "out.h"
#include "remedies.h"

#define DOCTOR_SCHEMA 1

/* What a finding that keeps updates back makes of the whole. */
static enum exit_code exit_of(enum finding_state state, enum code code)
{
	if (state != FINDING_BAD)
		return EXIT_DONE;
	if (code == CODE_OUT_OF_SUPPORT)
		return EXIT_OUT_OF_SUPPORT;
	return code_class(code) == CLASS_BLOCKED ? EXIT_BLOCKED :
	       code_class(code) == CLASS_ALARM	 ? EXIT_NO_METADATA :
						   EXIT_FAILED;
}

static struct finding *add(struct diagnosis *d, const char *about, enum finding_state state, enum code code,
			   char *detail)
{
	d->v = xrealloc(d->v, d->n + 1, sizeof(*d->v));
	d->v[d->n] = (struct finding){ about, state, code, detail, exit_of(state, code) };
	return &d->v[d->n++];
}

/* Take it out of where it was. */
static void move(struct diagnosis *d, struct finding *f)
{
	add(d, f->about, f->state, f->code, steal_ptr(&f->detail))->means = f->means;
}

void diagnosis_add(struct diagnosis *d, const char *about, enum finding_state state, enum code code, const char *fmt,
		   ...)
{
	struct err e = ERR_INIT;
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(&e, code, 0, fmt, ap);
	va_end(ap);
	(void)add(d, about, state, code, xstrdup(e.msg));
}

void diagnosis_clear(struct diagnosis *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->v[i].detail);
	free(d->v);
	*d = (struct diagnosis){ 0 };
}

bool diagnosis_has(const struct diagnosis *d, enum code code)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i].state != FINDING_OK && d->v[i].code == code)
			return true;
	return false;
}

/* --- what a run knows ------------------------------------------------------------ */

/* How far the run must have come for the absence of a complaint to mean something. */
enum stage { NOTHING, STARTED, PROBED, PREFLIGHTED, REFRESHED };

enum aspect_id {
	PLUGIN,
	PACKAGE_SYSTEM,
	USER,
	ROOT,
	CAPABILITIES,
	SPACE,
	MEMORY,
	PROCESSES,
	DATABASE,
	SUPPORT,
	REPOSITORIES,
	TRUST,
	METADATA
};

#define CODES_OF 8
static const struct aspect {
	const char *about;
	enum stage stage;
	enum code codes[CODES_OF];	/* ok: the end */
} aspects[] = {
	[PLUGIN] = { "plugin",
		     STARTED,
		     { CODE_PLUGIN_MISSING, CODE_PLUGIN_DIED, CODE_PLUGIN_TIMEOUT, CODE_PLUGIN_PROTOCOL,
		       CODE_UNSUPPORTED, CODE_INTERNAL } },
	[PACKAGE_SYSTEM] = { "package_system", PROBED, { CODE_NO_PACKAGE_MANAGER } },
	[USER] = { "user", PROBED, { CODE_NOT_ROOT } },
	[ROOT] = { "root_file_system", PREFLIGHTED, { CODE_READ_ONLY_ROOT } },
	[CAPABILITIES] = { "capabilities", PREFLIGHTED, { CODE_MISSING_CAPABILITY, CODE_SANDBOX_DEGRADED } },
	[SPACE] = { "space", PREFLIGHTED, { CODE_NO_SPACE } },
	[MEMORY] = { "memory", PREFLIGHTED, { CODE_LOW_MEMORY } },
	[PROCESSES] = { "processes", PREFLIGHTED, { CODE_PIDS_LIMIT } },
	[DATABASE] = { "database", PROBED, { CODE_DATABASE_BROKEN, CODE_UNSUPPORTED_DATABASE, CODE_INTERRUPTED } },
	[SUPPORT] = { "support", PROBED, { CODE_OUT_OF_SUPPORT, CODE_PACKAGE_UNSUPPORTED, CODE_PACKAGE_LIMITED } },
	[REPOSITORIES] = { "repositories",
			   REFRESHED,
			   { CODE_NO_EGRESS, CODE_REFRESH_FAILED, CODE_SOURCES_BROKEN, CODE_SOURCE_IGNORED,
			     CODE_NO_SECURITY_SOURCE } },
	[TRUST] = { "trust",
		    REFRESHED,
		    { CODE_UNTRUSTED, CODE_MISSING_KEYRING, CODE_HASH_MISMATCH, CODE_TRUST_LOWERED,
		      CODE_ROLLED_BACK } },
	[METADATA] = { "metadata",
		       REFRESHED,
		       { CODE_EXPIRED, CODE_STALE_METADATA, CODE_ACCEPTED_EXPIRED, CODE_NO_SECURITY_METADATA } },
};

static const char *about_code(enum code code)
{
	for (size_t i = 0; i < ARRAY_SIZE(aspects); i++)
		for (size_t k = 0; k < CODES_OF && aspects[i].codes[k] != CODE_OK; k++)
			if (aspects[i].codes[k] == code)
				return aspects[i].about;
	return "run";
}

static enum finding_state state_of(enum code code)
{
	switch (code_class(code)) {
	case CLASS_FAILED:
	case CLASS_USAGE:
	case CLASS_BLOCKED:
		return FINDING_BAD;
	case CLASS_ALARM:
		/* alarms of a run that make its answer worthless */
		return code == CODE_NO_SECURITY_SOURCE || code == CODE_NO_SECURITY_METADATA ||
				       code == CODE_OUT_OF_SUPPORT ?
			       FINDING_BAD :
			       FINDING_NOTE;
	case CLASS_NONE:
	case CLASS_KEPT:
		break;
	}
	return FINDING_NOTE;
}

/* Each once: what is wrong with one of the N repositories, the first findings, is often why the run failed. */
static void complain(struct diagnosis *d, size_t n, enum code code, const char *detail)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i].code == code && (i < n || streq(d->v[i].detail, detail)))
			return;
	diagnosis_add(d, about_code(code), state_of(code), code, "%s", *detail ? detail : code_text(code));
}

static void take_reasons(struct diagnosis *d, size_t n, const struct wire_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct msg_reason *r = wire_list_at(&msg_reason, l, i);

		complain(d, n, r->code, strna(r->detail));
	}
}

static void take_repositories(struct diagnosis *d, const struct report *r)
{
	for (size_t i = 0; i < r->repositories.n; i++) {
		const struct msg_repository *m = wire_list_at(&msg_repository, &r->repositories, i);
		char age[32];

		if (!m->security)
			continue;
		if (m->error.code != CODE_OK) {
			diagnosis_add(d, about_code(m->error.code), FINDING_BAD, m->error.code, "%s %s: %s",
				      strna(m->uri), strna(m->suite), strna(m->error.detail));
			/* one of several: the others can be used */
			if (r->error.code == CODE_OK && !r->blocked.n)
				d->v[d->n - 1].means = EXIT_NO_METADATA;
			continue;
		}
		duration_format(m->age, age);
		diagnosis_add(d, "repositories", FINDING_OK, CODE_OK, "%s %s: %s%s%s%s%s%s", strna(m->uri),
			      strna(m->suite), strna(m->trust), *strna(m->signed_by) ? " by " : "", strna(m->signed_by),
			      *strna(m->date) ? ", " : "", *strna(m->date) ? age : "", *strna(m->date) ? " old" : "");
	}
}

static enum stage stage_of(const struct report *r)
{
	if (r->refreshed && r->error.code == CODE_OK)
		return REFRESHED;
	for (size_t i = 0; i < r->blocked.n; i++)
		if (((const struct msg_reason *)wire_list_at(&msg_reason, &r->blocked, i))->code == CODE_NOT_ROOT)
			return PROBED;	/* another user is told nothing more */
	if (*strna(r->probe.manager))
		return PREFLIGHTED;
	return r->plugin_version ? STARTED : NOTHING;
}

/* Nothing is wrong with it: caller frees. */
static char *praise(enum aspect_id id, const struct report *r)
{
	const struct msg_distribution *dist = &r->probe.distribution;

	switch (id) {
	case PLUGIN:
		return xasprintf("%s %s", strna(r->plugin), strna(r->plugin_version));
	case PACKAGE_SYSTEM:
		return xasprintf("%s, %s", strna(r->probe.manager), strna(dist->name));
	case USER:
		return xstrdup("root");
	case ROOT:
		return xstrdup("it can be written");
	case CAPABILITIES:
		return xstrdup("all that the package manager needs");
	case SPACE:
	case MEMORY:
	case PROCESSES:
		return xstrdup("enough");
	case DATABASE:
		return xasprintf("%s, %lld packages", strna(r->probe.database.state),
				 (long long)r->probe.database.packages);
	case SUPPORT:
		return xasprintf("%s%s%s", *strna(dist->support) ? dist->support : "unknown",
				 *strna(dist->end_of_life) ? ", ends on " : "", strna(dist->end_of_life));
	case REPOSITORIES:
		return xstrdup("no security repository");
	case TRUST:
		return xstrdup("every repository that is used is trusted, and nothing tries to lower that");
	case METADATA:
		return xstrdup("current");
	}
	return NULL;
}

void diagnosis_report(struct diagnosis *d, const struct report *r)
{
	struct diagnosis found = { 0 };
	enum stage stage = stage_of(r);

	d->host = r->container.host;
	d->distribution = r->probe.distribution.name;
	take_repositories(&found, r);
	size_t n = found.n;
	if (r->error.code != CODE_OK)
		complain(&found, n, r->error.code, r->error.msg);
	take_reasons(&found, n, &r->blocked);
	take_reasons(&found, n, &r->alarms);
	if (r->refreshed && r->error.code == CODE_OK && !r->security_source &&
	    !diagnosis_has(&found, CODE_NO_SECURITY_SOURCE))
		complain(&found, n, CODE_NO_SECURITY_SOURCE, "");
	for (size_t i = 0; i < ARRAY_SIZE(aspects); i++) {
		bool any = false;

		for (size_t k = 0; k < found.n; k++)
			if (streq(found.v[k].about, aspects[i].about)) {
				move(d, &found.v[k]);
				any = true;
			}
		if (!any && stage >= aspects[i].stage)
			(void)add(d, aspects[i].about, FINDING_OK, CODE_OK, praise((enum aspect_id)i, r));
		else if (!any && !(d->offline && aspects[i].stage == REFRESHED))
			diagnosis_add(d, aspects[i].about, FINDING_UNKNOWN, CODE_OK,
				      "not looked at, because of what else is wrong");
	}
	for (size_t k = 0; k < found.n; k++)
		if (found.v[k].detail)
			move(d, &found.v[k]);
	if (r->planned)
		diagnosis_add(d, "updates", report_open(r) ? FINDING_NOTE : FINDING_OK, CODE_OK,
			      "%zu security updates are pending, %zu are kept back", report_open(r), r->kept_back.n);
	diagnosis_clear(&found);
}

/* --- the answer --------------------------------------------------------------------- */

enum exit_code diagnosis_exit(const struct diagnosis *d)
{
	static const enum exit_code order[] = { EXIT_FAILED, EXIT_BLOCKED, EXIT_OUT_OF_SUPPORT, EXIT_NO_METADATA };

	for (size_t k = 0; k < ARRAY_SIZE(order); k++)
		for (size_t i = 0; i < d->n; i++)
			if (d->v[i].means == order[k])
				return order[k];
	return EXIT_DONE;
}

static const char *verdict(enum exit_code code)
{
	switch (code) {
	case EXIT_DONE:
		return "ready";
	case EXIT_BLOCKED:
		return "blocked";
	case EXIT_OUT_OF_SUPPORT:
		return "out_of_support";
	case EXIT_NO_METADATA:
		return "no_security_metadata";
	case EXIT_FAILED:
	case EXIT_USAGE:
	case EXIT_PARTIAL:
	case EXIT_PENDING:
	case EXIT_STALE:
		break;
	}
	return "failed";
}

static const char *const state_names[] = { "ok", "note", "bad", "unknown" };

static void put_finding(const struct out *o, const struct finding *f)
{
	static const enum style styles[] = { GOOD, WARN, BAD, DIM };
	cleanup_free char *detail = escape_text(strna(f->detail), 1000), *about = xstrdup(f->about);
	const char *remedy = f->state == FINDING_OK || f->code == CODE_OK ? NULL : code_remedy(f->code);

	for (char *p = about; *p; p++)
		if (*p == '_')
			*p = ' ';
	put(o, styles[f->state], "  %-8s", state_names[f->state]);
	put(o, PLAIN, "%-17s ", about);
	if (f->code != CODE_OK)
		put(o, PLAIN, "[%s] ", code_name(f->code));
	put(o, PLAIN, "%s\n", detail);
	if (remedy)
		put(o, DIM, "%*sremedy: %s\n", 28, "", remedy);
}

void diagnosis_text(const struct diagnosis *d, bool colour, struct buf *ret)
{
	const struct out o = { .b = ret, .colour = colour };
	cleanup_free char *host = out_cell(d->host), *name = out_cell(d->distribution);
	enum exit_code code = diagnosis_exit(d);

	put(&o, BOLD, "stopgap doctor");
	put(&o, PLAIN, "%s%s%s%s\n", *host ? " · " : "", host, *name ? " · " : "", name);
	for (size_t i = 0; i < d->n; i++)
		put_finding(&o, &d->v[i]);
	switch (code) {
	case EXIT_DONE:
		put(&o, GOOD, "%s\n",
		    d->host_mode ? "ready: containers can be entered; 'stopgap exec --all -- check' looks into each" :
		    d->offline	 ? "ready, as far as can be seen without the network" :
				   "ready: security updates can be applied");
		break;
	case EXIT_BLOCKED:
		put(&o, BAD, "blocked: no security update can be applied before that is mended\n");
		break;
	case EXIT_OUT_OF_SUPPORT:
		put(&o, BAD, "out of support: what exists can be applied, nothing new will come\n");
		break;
	case EXIT_NO_METADATA:
		put(&o, BAD, "blind: nobody can say which security updates there are\n");
		break;
	case EXIT_FAILED:
	case EXIT_USAGE:
	case EXIT_PARTIAL:
	case EXIT_PENDING:
	case EXIT_STALE:
		put(&o, BAD, "failed: %s\n", d->host_mode ? "containers cannot be entered" : "a run would fail");
		break;
	}
}

struct json_object *diagnosis_json(const struct diagnosis *d)
{
	struct json_object *o = json_object_new_object(), *all = json_object_new_array();
	enum exit_code code = diagnosis_exit(d);

	json_object_object_add(o, "schema", json_object_new_int(DOCTOR_SCHEMA));
	json_object_object_add(o, "stopgap", json_object_new_string(PACKAGE_VERSION));
	wire_add_string(o, "host", d->host);
	wire_add_string(o, "distribution", d->distribution);
	json_object_object_add(o, "host_mode", json_object_new_boolean(d->host_mode));
	json_object_object_add(o, "offline", json_object_new_boolean(d->offline));
	json_object_object_add(o, "verdict", json_object_new_string(verdict(code)));
	json_object_object_add(o, "exit_code", json_object_new_int(code));
	for (size_t i = 0; i < d->n; i++) {
		const struct finding *f = &d->v[i];
		const char *remedy = f->state == FINDING_OK || f->code == CODE_OK ? NULL : code_remedy(f->code);
		struct json_object *c = json_object_new_object();

		wire_add_string(c, "about", f->about);
		wire_add_string(c, "state", state_names[f->state]);
		if (f->code != CODE_OK)
			wire_add_string(c, "code", code_name(f->code));
		wire_add_string(c, "detail", f->detail);
		if (remedy)
			wire_add_string(c, "remedy", remedy);
		json_object_array_add(all, c);
	}
	json_object_object_add(o, "checks", all);
	return o;
}
