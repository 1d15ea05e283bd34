/* plan.c - see plan.h. */
#include <regex.h>
#include <stdio.h>
#include "clock.h"
#include "plan.h"

#define PLAN_MAX 20000	/* updates; more than any container has packages */

/* of names, architectures and versions of deb and rpm together */
#define LEGAL "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+_-:~^"

void plan_clear(struct plan *p)
{
	wire_list_clear(&msg_update, &p->updates);
	wire_list_clear(&msg_update, &p->kept_back);
	wire_list_clear(&msg_archive, &p->archives);
	wire_clear(&msg_plan, &p->summary);
}

static int by_package(const void *a, const void *b)
{
	const struct msg_update *x = *(const struct msg_update *const *)a, *y = *(const struct msg_update *const *)b;
	int c = strcmp(x->package, y->package);

	return c ? c : strcmp(x->arch, y->arch);
}

/* Sorted, so that a plan of thousands takes no noticeable time. */
static int check_each_once(const struct wire_list *l, struct err *err)
{
	cleanup_free const struct msg_update **v = xcalloc(l->n, sizeof(*v));

	for (size_t i = 0; i < l->n; i++)
		v[i] = wire_list_at(&msg_update, l, i);
	qsort(v, l->n, sizeof(*v), by_package);
	for (size_t i = 1; i < l->n; i++)
		if (by_package(&v[i - 1], &v[i]) == 0)
			return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "'%s' appears twice in the plan", v[i]->package);
	return 0;
}

const char *plan_illegal_word(const struct msg_update *u)
{
	const char *const words[] = { u->package, u->arch, u->installed, u->candidate };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i] && words[i][strspn(words[i], LEGAL)])
			return words[i];
	return NULL;
}

int plan_event(struct plan *p, const char *name, struct json_object *line, struct err *err)
{
	bool kept = streq(name, "kept_back");

	if (streq(name, "archive") && p->archives.n >= PLAN_MAX)
		return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "a plan of more than %d files", PLAN_MAX);
	if (streq(name, "archive"))
		return wire_decode(&msg_archive, line, wire_list_add(&msg_archive, &p->archives), err);
	if (!kept && !streq(name, "update"))
		return 0;
	struct wire_list *l = kept ? &p->kept_back : &p->updates;
	if (l->n >= PLAN_MAX)
		return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "a plan of more than %d updates", PLAN_MAX);
	struct msg_update *u = wire_list_add(&msg_update, l);
	if (wire_decode(&msg_update, line, u, err) < 0)
		return -1;
	const char *word = plan_illegal_word(u);
	if (word)
		return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "'%s' is no name or version of a package", word);
	free(steal_ptr(&u->interrupted_run));
	if (kept && u->kept_back.code == CODE_OK)
		return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "'%s' is kept back without a reason", u->package);
	if (!kept && (u->kept_back.code != CODE_OK || !*strna(u->candidate)))
		return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "'%s' is planned but %s", u->package,
			       *strna(u->candidate) ? "kept back" : "has no candidate");
	return 0;
}

int plan_result(struct plan *p, struct json_object *result, struct err *err)
{
	char digest[DIGEST_TEXT_MAX];

	if (wire_decode(&msg_plan, result, &p->summary, err) < 0)
		return -1;
	if (p->summary.count != (int64_t)p->updates.n || p->summary.kept_back != (int64_t)p->kept_back.n)
		return err_set(err, CODE_PLUGIN_PROTOCOL, 0,
			       "the plan counts %lld and %lld, but %zu and %zu updates came",
			       (long long)p->summary.count, (long long)p->summary.kept_back, p->updates.n,
			       p->kept_back.n);
	if (check_each_once(&p->updates, err) < 0 || check_each_once(&p->kept_back, err) < 0)
		return -1;
	plan_digest(&p->updates, digest);
	if (!streq(digest, p->summary.digest))
		return err_set(err, CODE_DIGEST_MISMATCH, 0, "the plan's digest %.64s is not that of its updates",
			       p->summary.digest);
	return 0;
}

static bool matches(const struct strv *regexes, const char *package, const char **which)
{
	for (size_t i = 0; i < regexes->n; i++) {
		cleanup_free char *anchored = xasprintf("^(%s)$", regexes->v[i]);
		regex_t r;

		/* checked when the configuration was read */
		if (regcomp(&r, anchored, REG_EXTENDED | REG_NOSUB) != 0)
			continue;
		int hit = regexec(&r, package, 0, NULL, 0);
		regfree(&r);
		if (hit == 0) {
			*which = regexes->v[i];
			return true;
		}
	}
	return false;
}

static bool fixes_one(const struct strv *fixes, const struct msg_update *u)
{
	const char *re;

	for (size_t i = 0; i < u->advisories.n; i++)
		if (matches(fixes, u->advisories.v[i], &re))
			return true;
	for (size_t i = 0; i < u->cves.n; i++)
		if (matches(fixes, u->cves.v[i], &re))
			return true;
	return false;
}

/* An advisory has a date of its own; without one an update is as old as its repository. */
static int64_t age_of(const struct msg_update *u, const struct msg_repository *home)
{
	int64_t issued, now = clock_wall();

	if (!u->issued || time_parse(u->issued, &issued) < 0)
		return home->age;
	return now > issued ? now - issued : 0;
}

enum code plan_refuses(const struct config *c, const struct msg_update *u, const struct msg_repository *home,
		       char **detail)
{
	const char *re = NULL;
	int sev = u->severity ? severity_from_name(u->severity) : -1;

	if (matches(&c->updates.deny, u->package, &re)) {
		*detail = xasprintf("updates.deny = %s", re);
		return CODE_DENY_LIST;
	}
	if (!u->installed) {
		if (c->updates.allow_new)
			return CODE_OK;
		*detail = xstrdup("updates.allow_new = no");
		return CODE_NEW_PACKAGE;
	}
	/* what an update needs is neither security nor on the allow list itself */
	if (!u->security)
		return CODE_OK;
	if (c->updates.allow.n && !matches(&c->updates.allow, u->package, &re)) {
		*detail = xstrdup("no entry of updates.allow matches");
		return CODE_NOT_ALLOWED;
	}
	if (c->updates.fixes.n && !fixes_one(&c->updates.fixes, u)) {
		*detail = xstrdup(u->advisories.n ? "no entry of updates.fixes matches what it fixes" :
						    "updates.fixes is set, and this repository names no advisories");
		return CODE_NOT_ALLOWED;
	}
	if (home && age_of(u, home) < c->updates.min_age) {
		char age[32];

		duration_format(age_of(u, home), age);
		*detail = xasprintf("%s is %s old, updates.min_age = %llds", u->issued ? "its advisory" : home->suite,
				    age, (long long)c->updates.min_age);
		return CODE_TOO_NEW;
	}
	if (sev > 0 && sev < c->updates.min_severity) {
		*detail = xasprintf("severity %s is below updates.min_severity = %s", u->severity,
				    severity_name((enum severity)c->updates.min_severity));
		return CODE_BELOW_SEVERITY;
	}
	return CODE_OK;
}

void plan_deny(struct wire_list *denials, const char *package, const char *arch, enum code code, const char *detail)
{
	struct msg_denial *d = wire_list_add(&msg_denial, denials);

	d->package = xstrdup(package);
	d->arch = xstrdup(arch);
	d->reason.code = code;
	d->reason.detail = xstrdup(detail);
}

static bool denied(const struct wire_list *denials, const struct msg_update *u)
{
	for (size_t i = 0; i < denials->n; i++) {
		const struct msg_denial *d = wire_list_at(&msg_denial, denials, i);

		if (streq(d->package, u->package) && (!*strna(d->arch) || streq(d->arch, u->arch)))
			return true;
	}
	return false;
}

/* The refreshed security repository that U says it comes from, or NULL. */
static const struct msg_repository *home_of(const struct wire_list *repositories, const struct msg_update *u)
{
	for (size_t i = 0; i < repositories->n; i++) {
		const struct msg_repository *m = wire_list_at(&msg_repository, repositories, i);
		cleanup_free char *origin = xasprintf("%s:%s", strna(m->origin), strna(m->label));

		/* a list that was verified before serves while the network is away */
		bool usable = m->error.code == CODE_OK || m->error.code == CODE_NO_EGRESS ||
			      m->error.code == CODE_REFRESH_FAILED;

		if (m->security && usable && streq(strna(m->suite), strna(u->suite)) && streq(origin, strna(u->origin)))
			return m;
	}
	return NULL;
}

int plan_check(const struct config *c, const struct plan *p, const struct wire_list *repositories,
	       struct wire_list *denials, struct err *err)
{
	int added = 0;
	bool any_security = false;

	for (size_t i = 0; i < p->updates.n; i++) {
		const struct msg_update *u = wire_list_at(&msg_update, &p->updates, i);
		const struct msg_repository *home = u->security ? home_of(repositories, u) : NULL;
		cleanup_free char *detail = NULL;

		any_security |= u->security;
		if (denied(denials, u))
			return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "'%s' was denied and is planned again",
				       u->package);
		if (u->security && !home)
			return err_set(
				err, CODE_PLUGIN_PROTOCOL, 0,
				"'%s' is called a security update from '%s' (%s), which is no security repository here",
				u->package, strna(u->suite), strna(u->origin));
		enum code code = plan_refuses(c, u, home, &detail);
		if (code != CODE_OK) {
			plan_deny(denials, u->package, u->arch, code, detail);
			added++;
		}
	}
	if (c->updates.policy == POLICY_SECURITY && p->updates.n && !any_security)
		return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "the plan has %zu updates, none of them a security update",
			       p->updates.n);
	return added;
}

bool plan_kept_by_policy(enum code code)
{
	switch (code) {
	case CODE_HOLD:
	case CODE_DENY_LIST:
	case CODE_NOT_ALLOWED:
	case CODE_TOO_NEW:
	case CODE_BELOW_SEVERITY:
	case CODE_NEW_PACKAGE:
	case CODE_PINNED:
		return true;
	default:
		return false;
	}
}

struct json_object *plan_params(const struct config *c, const struct wire_list *denials, bool plugin_minimal)
{
	struct msg_plan_params in = {
		.policy = (char *)(uintptr_t)(c->updates.policy == POLICY_ALL ? "all" : "security"),
		.origins = c->updates.origins,
		.allow = c->updates.allow,
		.deny = c->updates.deny,
		.fixes = c->updates.fixes,
		.min_age = c->updates.min_age,
		.min_severity = (char *)(uintptr_t)(c->updates.min_severity == SEVERITY_ANY ?
							    "" :
							    severity_name((enum severity)c->updates.min_severity)),
		.minimal = c->updates.minimal == MINIMAL_AUTO ? plugin_minimal : c->updates.minimal == MINIMAL_YES,
		.allow_new = c->updates.allow_new,
		.denials = *denials,
	};

	return wire_encode(&msg_plan_params, &in);
}

struct json_object *probe_params(const struct config *c)
{
	struct msg_settings in = {
		.state_dir = c->report.state_dir,
		.require_signed = c->trust.require_signed,
		.accept_expired = c->trust.accept_expired,
		.max_metadata_age = c->trust.max_metadata_age,
		.proxy = c->network.proxy,
		.timeout = c->network.timeout ? c->network.timeout : 1,
		.stall = c->network.stall ? c->network.stall : 1,
		.max_bytes = c->network.max_bytes ? c->network.max_bytes : 1,
		.lock_timeout = c->updates.lock_timeout,
		.script_timeout = c->updates.script_timeout ? c->updates.script_timeout : 1,
	};

	return wire_encode(&msg_settings, &in);
}
