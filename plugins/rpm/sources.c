/* sources.c - the repositories in use (session.h). */
#include <rpm/rpmbase64.h>
#include <sha2.h>
#include <stdio.h>
#include <sys/utsname.h>
#include "clock.h"
#include "origins.h"
#include "session.h"

void source_clear(struct source *s)
{
	free(s->dir);
	free(s->suite);
	free(s->label);
	strv_clear(&s->mirrors);
	mirrors_clear(&s->list);
	keys_clear(&s->keys);
	if (s->keyring)
		(void)rpmKeyringFree(s->keyring);
	free(s->signed_by);
	free(s->uri);
	repomd_clear(&s->repomd);
	*s = (struct source){ 0 };
}

void package_clear(struct package *p)
{
	char *const strings[] = { p->name, p->arch,	     p->evr,	  p->installed, p->base,
				  p->path, p->checksum_type, p->checksum, p->file };

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(strings[i]);
	*p = (struct package){ 0 };
}

void session_forget_plan(struct session *s)
{
	for (size_t i = 0; i < s->n_plan; i++)
		package_clear(&s->plan[i]);
	free(s->plan);
	free(s->digest);
	s->plan = NULL;
	s->digest = NULL;
	s->n_plan = 0;
}

#define LABEL_MAX 48 /* bytes; escaped and joined they must fit into a name of a message */

/* --- variables ---------------------------------------------------------------- */

static const char *base_arch(const char *machine)
{
	static const struct {
		const char *from, *to;
	} names[] = { { "i686", "i386" }, { "i586", "i386" }, { "armv7l", "armhfp" }, { "armv8l", "armhfp" } };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(machine, names[i].from))
			return names[i].to;
	return machine;
}

/* As dnf finds it: the version of what provides system-release(releasever) or
 * the like, in this order. */
static const char *const release_provides[] = {
	"system-release(releasever)", "system-release", "distribution-release(releasever)",
	"distribution-release",	      "redhat-release", "suse-release"
};

struct release_search {
	char *found[ARRAY_SIZE(release_provides)];
	struct session *s;
};

static void look_for_release(struct release_search *r, Header h)
{
	struct rpmtd_s names, versions;

	if (!headerGet(h, RPMTAG_PROVIDENAME, &names, HEADERGET_MINMEM))
		return;
	if (headerGet(h, RPMTAG_PROVIDEVERSION, &versions, HEADERGET_MINMEM)) {
		while (rpmtdNext(&names) >= 0) {
			const char *name = rpmtdGetString(&names);

			for (size_t i = 0; i < ARRAY_SIZE(release_provides); i++) {
				if (r->found[i] || !streq(name, release_provides[i]))
					continue;
				/* of a package the version, of a provide of that form its own */
				(void)rpmtdSetIndex(&versions, rpmtdGetIndex(&names));
				r->found[i] = xstrdup(strchr(name, '(') ? rpmtdGetString(&versions) :
									  headerGetString(h, RPMTAG_VERSION));
			}
		}
		rpmtdFreeData(&versions);
	}
	rpmtdFreeData(&names);
}

static void take_db_key(struct session *s, Header h)
{
	struct rpmtd_s keys;
	struct err ignored = ERR_INIT;

	if (!headerGet(h, RPMTAG_PUBKEYS, &keys, HEADERGET_MINMEM))
		return;
	while (rpmtdNext(&keys) >= 0) {
		void *bin = NULL;
		size_t n;

		if (rpmBase64Decode(rpmtdGetString(&keys), &bin, &n) == 0)
			(void)keys_parse(bin, n, clock_wall(), &s->db_keys, &ignored);
		free(bin);
	}
	rpmtdFreeData(&keys);
}

static bool look_at_header(Header h, unsigned offset _unused_, void *ctx)
{
	struct release_search *r = ctx;

	if (streq(strna(headerGetString(h, RPMTAG_NAME)), "gpg-pubkey"))
		take_db_key(r->s, h);
	else
		look_for_release(r, h);
	return true;
}

/* The database is opened for it once a session: it is the same until the session changes it. */
static void read_facts(struct session *s)
{
	struct release_search r = { .s = s };
	struct err ignored = ERR_INIT;
	const char *releasever = NULL;

	if (s->facts)
		return;
	keys_clear(&s->db_keys);
	(void)rpmdb_each(&s->db, false, look_at_header, &r, &ignored);
	for (size_t i = 0; i < ARRAY_SIZE(r.found) && !releasever; i++)
		releasever = r.found[i];
	free(s->releasever);
	s->releasever = xstrdup(releasever ? releasever : s->distribution.version);
	for (size_t i = 0; i < ARRAY_SIZE(r.found); i++)
		free(r.found[i]);
	s->facts = true;
}

static void set_variables(struct session *s)
{
	struct utsname u;

	if (uname(&u) == 0) {
		repo_var_set(&s->vars, "arch", u.machine);
		repo_var_set(&s->vars, "basearch", base_arch(u.machine));
	}
	read_facts(s);
	/* what a file of dnf's variables says came before, and counts */
	if (s->releasever) {
		cleanup_free char *major = xstrndup(s->releasever, strcspn(s->releasever, "."));
		const char *dot = strchr(s->releasever, '.');

		repo_var_set(&s->vars, "releasever_major", major);
		repo_var_set(&s->vars, "releasever_minor", dot ? dot + 1 : "");
		repo_var_set(&s->vars, "releasever", s->releasever);
	}
}

/* --- sources ------------------------------------------------------------------ */

/* Two repositories of one name but other addresses do not share a folder. */
static char *folder_of(const struct session *s, const struct repo_conf *c)
{
	char sum[SHA256_DIGEST_STRING_LENGTH];
	cleanup_buf struct buf b = { 0 };
	cleanup_free char *name = xstrndup(c->id, 100);

	for (size_t i = 0; i < c->baseurl.n; i++)
		buf_printf(&b, "%s\n", c->baseurl.v[i]);
	buf_printf(&b, "%s\n%s\n%s\n", c->id, strna(c->mirrorlist), strna(c->metalink));
	(void)SHA256Data((const u_int8_t *)b.s, b.n, sum);
	for (char *p = name; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *p))
			*p = '_';
	return xasprintf("%s/rpm/repos/%s-%.16s", s->settings->state_dir, name, sum);
}

static void complain_of_trust(const struct session *s, const struct repo_conf *c, struct wire_list *alarms)
{
	const char *const honoured = s->settings->require_signed ? "is not honoured" : "is honoured";

	if (c->no_gpgcheck)
		reason_add(alarms, CODE_TRUST_LOWERED, "%s: gpgcheck=0 of repository '%s' %s", c->where, c->id,
			   honoured);
	if (c->no_sslverify)
		reason_add(alarms, CODE_TRUST_LOWERED, "%s: sslverify=0 of repository '%s' %s", c->where, c->id,
			   honoured);
}

static void add_source(struct session *s, const struct repo_conf *c)
{
	struct source *src;

	s->sources = xrealloc(s->sources, s->n_sources + 1, sizeof(*s->sources));
	src = &s->sources[s->n_sources++];
	*src = (struct source){ .conf = c, .dir = folder_of(s, c), .err = ERR_INIT };
	src->suite = escape_text(c->id, LABEL_MAX);
	src->label = escape_text(strna(c->name), LABEL_MAX);
	for (size_t i = 0; i < c->baseurl.n; i++)
		strv_take(&src->mirrors,
			  xasprintf("%s%s", c->baseurl.v[i], ends_with(c->baseurl.v[i], "/") ? "" : "/"));
}

void sources_configure(struct session *s, struct wire_list *alarms)
{
	for (size_t i = 0; i < s->n_sources; i++)
		source_clear(&s->sources[i]);
	free(s->sources);
	s->sources = NULL;
	s->n_sources = 0;
	repos_clear(&s->repos);
	repo_vars_clear(&s->vars);
	repos_read_variables("", &s->vars);
	set_variables(s);
	repos_read("", &s->vars, &s->repos, alarms);
	for (size_t i = 0; i < s->repos.n; i++) {
		const struct repo_conf *c = &s->repos.v[i];

		if (c->disabled)
			continue;
		complain_of_trust(s, c, alarms);
		add_source(s, c);
	}
}

/* --- what is said about them ---------------------------------------------------- */

char *source_origin(const struct session *s, const struct source *src)
{
	return xasprintf("%s:%s", strna(s->distribution.id), src->label);
}

static char *host_of(const char *uri)
{
	const char *host = strstr(uri, "://"), *at;
	size_t n;

	if (!host)
		return NULL;
	host += 3;
	n = strcspn(host, "/");
	at = memchr(host, '@', n);
	n -= at ? (size_t)(at + 1 - host) : 0;
	host = at ? at + 1 : host;
	return xstrndup(host, strcspn(host, ":") < n ? strcspn(host, ":") : n);
}

bool source_origin_taken(const struct session *s, const struct source *src, const struct strv *patterns)
{
	struct origin_vars vars = { s->distribution.id, s->distribution.codename };
	cleanup_free char *host = src->uri ? host_of(src->uri) : src->mirrors.n ? host_of(src->mirrors.v[0]) : NULL;
	struct origin_facts facts = { .origin = s->distribution.id,
				      .label = src->conf->name,
				      .archive = src->conf->id,
				      .codename = s->distribution.codename,
				      .site = host };

	return !patterns->n || origins_match(patterns, &vars, &facts) == ORIGIN_YES;
}

static const char *trust_name(const struct source *src)
{
	static const char *const names[] = { "untrusted", "signed", "metalink", "tls", "local", "unsigned" };

	return names[src->trust];
}

/* An address without the password that may be in it. */
static char *public_uri(const char *uri)
{
	const char *host = strstr(uri, "://"), *at = host ? strchr(host + 3, '@') : NULL;

	if (!at || memchr(host + 3, '/', (size_t)(at - host - 3)))
		return xstrdup(uri);
	return xasprintf("%.*s%s", (int)(host + 3 - uri), uri, at + 1);
}

void source_report(const struct session *s, const struct source *src, struct msg_repository *ret)
{
	const char *uri = src->uri	      ? src->uri :
			  src->mirrors.n      ? src->mirrors.v[0] :
			  src->conf->metalink ? src->conf->metalink :
						strna(src->conf->mirrorlist);
	char date[TIME_TEXT_MAX];

	ret->uri = public_uri(uri);
	ret->suite = xstrdup(src->suite);
	ret->codename = xstrdup(s->distribution.codename);
	ret->origin = xstrdup(s->distribution.id);
	ret->label = xstrdup(src->label);
	ret->security = src->security;
	ret->signed_by = xstrdup(src->signed_by);
	ret->trust = xstrdup(trust_name(src));
	if (src->repomd.date) {
		time_format(src->repomd.date, date);
		ret->date = xstrdup(date);
		ret->age = clock_wall() - src->repomd.date;
		ret->age = ret->age < 0 ? 0 : ret->age;
	}
	ret->transport = xstrndup(uri, strcspn(uri, ":"));
	ret->state = xstrdup(src->err.code != CODE_OK ? "failed" : src->changed ? "new" : "unchanged");
	ret->error.code = src->err.code;
	ret->error.detail = src->err.code != CODE_OK ? xstrdup(src->err.msg) : NULL;
}
