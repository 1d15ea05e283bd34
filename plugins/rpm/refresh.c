/* refresh.c - metadata of all enabled repositories, fetched and verified (session.h).
 *
 * A repository without security advisories is needed as well: for what updates
 * depend on. Scope "all" adds the lists of files, which few dependencies need.
 */
#include <errno.h>
#include <fcntl.h>
#include <solv/evr.h>
#include <stdio.h>
#include "clock.h"
#include "fd.h"
#include "locked.h"
#include "serve.h"
#include "session.h"

#define ROUNDS 4 /* mirrors that are asked for a repomd.xml that is believed */
#define FUTURE (24 * 3600) /* a clock may be that wrong */

struct refresh {
	struct session *s;
	struct fetcher f;
	struct wire_list *alarms;
};

static void fail_source(struct source *src, const struct err *why)
{
	if (src->err.code != CODE_OK)
		return;
	src->err = *why;
	(void)err_wrap(&src->err, "repository '%s'", src->conf->id);
}

/* --- what an earlier run has seen ------------------------------------------------- */

struct seen {
	int64_t date;
	bool advisories;
};

static struct seen read_seen(const struct source *src)
{
	cleanup_free char *file = xasprintf("%s/seen", src->dir);
	cleanup_buf struct buf b = { 0 };
	struct err ignored = ERR_INIT;
	struct seen seen = { .advisories = true };
	char word[16];
	long long date;

	if (read_file(file, 100, &b, &ignored) == 0 && sscanf(buf_str(&b), "%lld %15s", &date, word) == 2)
		seen = (struct seen){ date, streq(word, "advisories") };
	return seen;
}

static void write_seen(const struct source *src)
{
	cleanup_free char *file = xasprintf("%s/seen", src->dir);
	cleanup_free char *text =
		xasprintf("%lld %s\n", (long long)src->repomd.date, src->advisories ? "advisories" : "none");
	struct err err = ERR_INIT;

	if (replace_file(file, 0600, text, strlen(text), &err) < 0)
		plugin_log(LOG_WARNING, "%s, ignoring", err.msg);
}

/* --- mirror lists ------------------------------------------------------------------- */

static void take_list(struct refresh *r, struct source *src, const struct transfer *t)
{
	cleanup_buf struct buf text = { 0 };
	struct err err = t->err;

	if (!t->done || read_file(t->file, METALINK_MAX, &text, &err) < 0 ||
	    locked_mirrors(&text, &src->list, &err) < 0) {
		/* a baseurl beside the list is enough */
		if (!src->mirrors.n)
			fail_source(src, &err);
		return;
	}
	src->list_tls = !strncasecmp(t->url, "https:", 6);
	for (size_t i = 0; i < src->list.urls.n; i++)
		strv_take(&src->mirrors, repo_expand(&r->s->vars, src->list.urls.v[i]));
}

static const char *list_url(const struct source *src)
{
	return src->conf->metalink ? src->conf->metalink : src->conf->mirrorlist;
}

static void fetch_lists(struct refresh *r)
{
	struct session *s = r->s;
	cleanup_free struct transfer *t = xcalloc(s->n_sources + 1, sizeof(*t));
	cleanup_free size_t *of = xcalloc(s->n_sources + 1, sizeof(*of));
	size_t n = 0;

	for (size_t i = 0; i < s->n_sources; i++) {
		const struct source *src = &s->sources[i];

		if (src->err.code != CODE_OK || !list_url(src))
			continue;
		of[n] = i;
		t[n++] = (struct transfer){ .repo = src->conf,
					    .path = list_url(src),
					    .max = METALINK_MAX,
					    .err = ERR_INIT,
					    .file = xasprintf("%s/mirrors", src->dir),
					    .item = src->conf->id };
	}
	fetch_all(&r->f, t, n);
	for (size_t i = 0; i < n; i++) {
		take_list(r, &s->sources[of[i]], &t[i]);
		free((char *)(uintptr_t)t[i].file);
		transfer_clear(&t[i]);
	}
	for (size_t i = 0; i < s->n_sources; i++) {
		struct source *src = &s->sources[i];

		if (src->err.code == CODE_OK && !src->mirrors.n)
			(void)err_set(&src->err, CODE_SOURCES_BROKEN, 0,
				      "repository '%s' has neither baseurl nor mirrorlist nor metalink (%s)",
				      src->conf->id, src->conf->where);
	}
}

/* --- repomd.xml ---------------------------------------------------------------------- */

/* The mirrors of one source from the FIRST on, the tried ones last. */
static void rotate(struct strv *mirrors)
{
	char *first = mirrors->v[0];

	memmove(mirrors->v, mirrors->v + 1, (mirrors->n - 1) * sizeof(*mirrors->v));
	mirrors->v[mirrors->n - 1] = first;
}

/* Whatever served it is asked first from now on: mirrors differ in age. */
static void prefer(struct source *src, const char *path)
{
	size_t n = strlen(src->uri) - strlen(path);

	for (size_t i = 0; i < src->mirrors.n; i++) {
		char *m = src->mirrors.v[i];

		if (strlen(m) != n || memcmp(m, src->uri, n) != 0)
			continue;
		memmove(src->mirrors.v + 1, src->mirrors.v, i * sizeof(*src->mirrors.v));
		src->mirrors.v[0] = m;
		break;
	}
}

static int check_date(struct source *src, struct err *err)
{
	struct seen seen = read_seen(src);
	char now[TIME_TEXT_MAX], before[TIME_TEXT_MAX];

	time_format(src->repomd.date, now);
	if (src->repomd.date > clock_wall() + FUTURE)
		return err_set(err, CODE_ROLLED_BACK, 0, "its metadata is of %s, which is in the future", now);
	if (src->repomd.date >= seen.date)
		return 0;
	time_format(seen.date, before);
	return err_set(err, CODE_ROLLED_BACK, 0, "its metadata is of %s, and that of %s was seen before", now, before);
}

static int believe(struct refresh *r, struct source *src, const struct transfer *xml, const struct transfer *asc,
		   struct err *err)
{
	cleanup_buf struct buf text = { 0 }, sig = { 0 }, old = { 0 };
	cleanup_free char *file = xasprintf("%s/repomd.xml", src->dir);
	struct err ignored = ERR_INIT;

	if (!xml->done) {
		*err = xml->err;
		return -1;
	}
	if (!asc->done && !asc->missing) {
		*err = asc->err;
		return -1;
	}
	if (read_file(xml->file, REPOMD_MAX, &text, err) < 0 ||
	    (asc->done && read_file(asc->file, REPOMD_MAX, &sig, err) < 0))
		return -1;
	repomd_clear(&src->repomd);
	if (trust_judge(r->s, src, &text, asc->done ? &sig : NULL, err) < 0 ||
	    locked_repomd(&text, &src->repomd, err) < 0 || check_date(src, err) < 0)
		return -1;
	src->changed = read_file(file, REPOMD_MAX, &old, &ignored) < 0 || old.n != text.n ||
		       memcmp(buf_str(&old), buf_str(&text), text.n) != 0;
	return rename(xml->file, file) < 0 ? err_set(err, CODE_IO, errno, "rename '%s'", xml->file) : 0;
}

/* One mirror of each source in WANT. Returns how many want another one. */
static size_t repomd_round(struct refresh *r, size_t *want, size_t n)
{
	static const char xml_path[] = "repodata/repomd.xml";
	cleanup_free struct transfer *xml = xcalloc(n + 1, sizeof(*xml)), *asc = xcalloc(n + 1, sizeof(*asc));
	cleanup_free char **urls = xcalloc(n + 1, sizeof(*urls));
	size_t again = 0;

	for (size_t i = 0; i < n; i++) {
		struct source *src = &r->s->sources[want[i]];

		xml[i] = (struct transfer){ .repo = src->conf,
					    .mirrors = &src->mirrors,
					    .path = xml_path,
					    .file = xasprintf("%s/repomd.xml.new", src->dir),
					    .max = REPOMD_MAX,
					    .item = src->conf->id,
					    .err = ERR_INIT };
	}
	fetch_all(&r->f, xml, n);
	for (size_t i = 0; i < n; i++) {
		const struct source *src = &r->s->sources[want[i]];

		/* of the same mirror: another one may be older */
		urls[i] = xasprintf("%s.asc", strna(xml[i].url));
		asc[i] = (struct transfer){ .repo = src->conf,
					    .path = urls[i],
					    .max = REPOMD_MAX,
					    .err = ERR_INIT,
					    .file = xasprintf("%s/repomd.xml.asc", src->dir),
					    .missing = !xml[i].done };
	}
	fetch_all(&r->f, asc, n);
	for (size_t i = 0; i < n; i++) {
		struct source *src = &r->s->sources[want[i]];
		struct err err = ERR_INIT;

		free(src->uri);
		src->uri = xstrdup(strna(xml[i].url));
		if (believe(r, src, &xml[i], &asc[i], &err) == 0) {
			prefer(src, xml_path);
			src->uri[strlen(src->uri) - strlen(xml_path)] = '\0';
			src->err = ERR_INIT;
		} else {
			src->trust = TRUST_NONE;
			src->err = ERR_INIT;
			fail_source(src, &err);
			if (xml[i].done && src->mirrors.n > 1) {
				rotate(&src->mirrors);
				want[again++] = want[i];
			}
		}
		free((char *)(uintptr_t)xml[i].file);
		free((char *)(uintptr_t)asc[i].file);
		free(urls[i]);
		transfer_clear(&xml[i]);
		transfer_clear(&asc[i]);
	}
	return again;
}

static void fetch_repomds(struct refresh *r)
{
	cleanup_free size_t *want = xcalloc(r->s->n_sources + 1, sizeof(*want));
	size_t n = 0;

	for (size_t i = 0; i < r->s->n_sources; i++)
		if (r->s->sources[i].err.code == CODE_OK)
			want[n++] = i;
	for (int round = 0; n && round < ROUNDS; round++)
		n = repomd_round(r, want, n);
}

/* --- the metadata itself --------------------------------------------------------------- */

static void fetch_data(struct refresh *r, bool filelists)
{
	struct session *s = r->s;
	cleanup_free struct transfer *t = xcalloc(s->n_sources * REPOMD_TYPES + 1, sizeof(*t));
	cleanup_free struct source **of = xcalloc(s->n_sources * REPOMD_TYPES + 1, sizeof(*of));
	size_t n = 0;

	for (size_t i = 0; i < s->n_sources; i++) {
		struct source *src = &s->sources[i];

		if (src->err.code != CODE_OK)
			continue;
		bool cached = source_cached(src, filelists);
		for (size_t type = 0; type < REPOMD_TYPES; type++) {
			const struct repomd_file *f = &src->repomd.files[type];

			if (!f->path || (type == REPOMD_FILELISTS && !filelists) || (cached && type != REPOMD_MODULES))
				continue;
			of[n] = src;
			t[n++] = (struct transfer){ .repo = src->conf,
						    .mirrors = &src->mirrors,
						    .path = f->path,
						    .file = source_file(src, (enum repomd_type)type),
						    .size = f->size,
						    .max = s->settings->max_bytes,
						    .checksum_type = f->checksum_type,
						    .checksum = f->checksum,
						    .item = src->conf->id,
						    .err = ERR_INIT };
			r->f.expected += f->size;
		}
	}
	r->f.expected += r->f.bytes;
	fetch_all(&r->f, t, n);
	for (size_t i = 0; i < n; i++) {
		if (!t[i].done)
			fail_source(of[i], &t[i].err);
		free((char *)(uintptr_t)t[i].file);
		transfer_clear(&t[i]);
	}
}

/* How many installed packages does SRC have a newer version of? Without
 * advisories nobody knows which of those are security updates. */
static size_t newer_than_installed(const struct session *s, const struct source *src)
{
	cleanup_free Id *installed = xcalloc((size_t)s->pool->ss.nstrings + 1, sizeof(*installed));
	cleanup_free bool *counted = xcalloc((size_t)s->pool->ss.nstrings + 1, sizeof(*counted));
	const Solvable *x;
	size_t n = 0;
	Id p;

	FOR_REPO_SOLVABLES(s->installed, p, x)
	if (!ISRELDEP(x->name))
		installed[x->name] = p;
	FOR_REPO_SOLVABLES(src->repo, p, x)
	{
		if (ISRELDEP(x->name) || !installed[x->name] || counted[x->name])
			continue;
		counted[x->name] =
			pool_evrcmp(s->pool, x->evr, s->pool->solvables[installed[x->name]].evr, EVRCMP_COMPARE) > 0;
		n += counted[x->name];
	}
	return n;
}

static void check_source(struct refresh *r, const struct msg_refresh_params *in, struct source *src)
{
	struct session *s = r->s;
	char age[32], max[32];

	if (src->err.code != CODE_OK) {
		src->security = read_seen(src).advisories && source_origin_taken(s, src, &in->origins);
		reason_add(r->alarms, src->err.code == CODE_ROLLED_BACK ? CODE_ROLLED_BACK : CODE_SOURCE_IGNORED, "%s",
			   src->err.msg);
		return;
	}
	write_seen(src);
	if (!src->advisories) {
		size_t n = newer_than_installed(s, src);

		if (!n)
			return;
		src->security = true; /* that it should be: the agent then knows that it is blind here */
		(void)err_set(
			&src->err, CODE_NO_SECURITY_METADATA, 0,
			"repository '%s' has newer versions of %zu installed packages and does not say which are security updates; use updates.policy=all",
			src->conf->id, n);
		reason_add(r->alarms, CODE_NO_SECURITY_METADATA, "%s", src->err.msg);
		return;
	}
	src->security = source_origin_taken(s, src, &in->origins);
	int64_t old = src->repomd.date ? clock_wall() - src->repomd.date : 0;
	if (!src->security || old <= s->settings->max_metadata_age)
		return;
	duration_format(old, age);
	duration_format(s->settings->max_metadata_age, max);
	reason_add(r->alarms, CODE_STALE_METADATA,
		   "repository '%s' is %s old, more than trust.max_metadata_age (%s): its mirror may have stopped",
		   src->conf->id, age, max);
}

static void make_folders(struct session *s)
{
	for (size_t i = 0; i < s->n_sources; i++) {
		struct err err = ERR_INIT;

		if (make_dirs(s->sources[i].dir, 0700, &err) < 0)
			fail_source(&s->sources[i], &err);
	}
}

/* The whole failed when every repository of it did. */
static int verdict(struct refresh *r, struct msg_refresh *ret, struct err *err)
{
	struct session *s = r->s;
	const struct source *first = NULL;
	size_t used = 0;

	for (size_t i = 0; i < s->n_sources; i++) {
		struct source *src = &s->sources[i];

		if (src->err.code == CODE_DOWNLOAD_FAILED)
			src->err.code = r->f.heard ? CODE_REFRESH_FAILED : CODE_NO_EGRESS;
		ret->security_source |= src->security && src->err.code != CODE_NO_SECURITY_METADATA;
		used += src->repo != NULL;
		first = first || src->err.code == CODE_OK ? first : src;
		source_report(s, src, wire_list_add(&msg_repository, &ret->repositories));
	}
	if (used || !first)
		return 0;
	plugin_error_repositories(&ret->repositories);
	*err = first->err;
	return -1;
}

int session_refresh(struct session *s, const struct msg_refresh_params *in, struct msg_refresh *ret, struct err *err)
{
	struct refresh r = { .s = s, .alarms = &ret->alarms };
	struct wire_list told = { 0 }; /* by the probe */
	bool filelists = streq(strna(in->scope), "all");

	session_forget_plan(s);
	session_forget_pool(s);
	s->refreshed = false;
	if (installed_load(s, err) < 0)
		return -1;
	sources_configure(s, &told);
	wire_list_clear(&msg_reason, &told);
	make_folders(s);
	fetch_begin(&r.f, s->settings, "refresh");
	fetch_lists(&r);
	trust_read_keys(s, &r.f, &ret->alarms);
	fetch_repomds(&r);
	fetch_data(&r, filelists);
	fetch_end(&r.f);
	if (sources_load(s, filelists, err) < 0)
		return -1;
	for (size_t i = 0; i < s->n_sources; i++)
		check_source(&r, in, &s->sources[i]);
	ret->bytes = r.f.bytes;
	s->filelists = filelists;
	s->refreshed = true;
	return verdict(&r, ret, err);
}
