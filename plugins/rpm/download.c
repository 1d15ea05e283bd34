/* download.c - fetching the packages of a plan, and verifying each (session.h). */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include "fd.h"
#include "serve.h"
#include "session.h"

#define SPARE (16LL * 1024 * 1024) /* bytes that stay free in the state folder */

static void add_failure(struct msg_fetch *ret, const struct package *p, const struct transfer *t, const struct err *err)
{
	struct msg_failure *f = wire_list_add(&msg_failure, &ret->failed);

	f->package = xstrdup(p->name);
	f->arch = xstrdup(p->arch);
	f->version = xstrdup(p->evr);
	f->code = err->code;
	f->uri = xstrdup(t->url);
	f->detail = xstrdup(err->msg);
}

static int check_space(const char *dir, int64_t need, struct err *err)
{
	struct statvfs v;

	if (statvfs(dir, &v) < 0 || v.f_blocks == 0)
		return 0;
	int64_t room = (int64_t)(v.f_bavail * v.f_frsize);
	if (room >= need + SPARE)
		return 0;
	return err_set(err, CODE_NO_SPACE, 0, "%lld MiB are free in '%s', %lld MiB are needed; free some space",
		       (long long)(room >> 20), dir, (long long)((need + SPARE) >> 20));
}

/* Believed on its hash alone it would be as good as the metadata: the signature
 * decides. What is refused goes, so that the next run fetches it anew. */
static int verify(const struct session *s, struct package *p, struct err *err)
{
	const struct source *src = &s->sources[p->source];

	if ((s->settings->require_signed && trust_verify_rpm(src, p->file, err) < 0) || package_check(s, p, err) < 0) {
		(void)unlink(p->file);
		return -1;
	}
	p->verified = true;
	return 0;
}

/* By its checksum, since two repositories may have packages of one name. */
static char *file_name(const struct package *p)
{
	cleanup_free char *sum = xstrndup(strna(p->checksum), 16);

	return xasprintf("%s-%s.%s.rpm", p->name, sum, p->arch);
}

/* No password, no certificate of this container's, and not a file of it. */
static bool is_public(const struct source *src, const struct package *p)
{
	const struct repo_conf *c = src->conf;

	if (c->username || c->password || c->sslclientcert || c->proxy_username || (p->base && strchr(p->base, '@')))
		return false;
	for (size_t i = 0; i < src->mirrors.n; i++)
		if (strchr(src->mirrors.v[i], '@') ||
		    (!starts_with(src->mirrors.v[i], "http://") && !starts_with(src->mirrors.v[i], "https://")))
			return false;
	return src->mirrors.n > 0;
}

void session_archive_event(const struct session *s, const struct package *p)
{
	cleanup_free char *name = file_name(p), *file = xasprintf("rpm/packages/%s", name);
	struct msg_archive a = { .file = file, .sha256 = p->checksum, .size = p->size };

	if (p->checksum && p->size && streq(strna(p->checksum_type), "sha256") && is_public(&s->sources[p->source], p))
		plugin_event("archive", &msg_archive, &a);
}

static void prepare(struct session *s, const char *dir, struct package *p, struct transfer *t, struct strv *base)
{
	const struct source *src = &s->sources[p->source];
	cleanup_free char *name = file_name(p);

	free(p->file);
	p->file = xasprintf("%s/%s", dir, name);
	p->verified = false;
	if (p->base)
		strv_take(base, xasprintf("%s%s", p->base, ends_with(p->base, "/") ? "" : "/"));
	*t = (struct transfer){ .repo = src->conf,
				.mirrors = p->base ? base : &src->mirrors,
				.path = p->path,
				.file = p->file,
				.size = p->size,
				.max = s->settings->max_bytes,
				.checksum_type = p->checksum_type,
				.checksum = p->checksum,
				.item = p->name,
				.err = ERR_INIT };
}

int session_fetch(struct session *s, const struct msg_digest *in, struct msg_fetch *ret, struct err *err)
{
	cleanup_free char *dir = xasprintf("%s/rpm/packages", s->settings->state_dir);
	cleanup_free struct transfer *t = xcalloc(s->n_plan + 1, sizeof(*t));
	cleanup_free struct strv *bases = xcalloc(s->n_plan + 1, sizeof(*bases));
	struct fetcher f;
	size_t failed = 0;
	enum code code = CODE_OK;

	if (!s->digest || !streq(s->digest, in->digest))
		return err_set(err, CODE_DIGEST_MISMATCH, 0, "fetch of another plan than the last one");
	if (make_dirs(dir, 0700, err) < 0)
		return -1;
	fetch_begin(&f, s->settings, "fetch");
	for (size_t i = 0; i < s->n_plan; i++) {
		prepare(s, dir, &s->plan[i], &t[i], &bases[i]);
		f.expected += s->plan[i].size;
	}
	int r = check_space(dir, f.expected, err);
	if (r == 0)
		fetch_all(&f, t, s->n_plan);
	for (size_t i = 0; i < s->n_plan; i++) {
		struct err why = t[i].err;

		if (r == 0 && (!t[i].done || verify(s, &s->plan[i], &why) < 0)) {
			add_failure(ret, &s->plan[i], &t[i], &why);
			failed++;
			code = why.code;
		}
		transfer_clear(&t[i]);
		strv_clear(&bases[i]);
	}
	ret->bytes = f.bytes;
	fetch_end(&f);
	if (r < 0)
		return -1;
	if (failed && failed == s->n_plan && (code == CODE_STOPPED || code == CODE_NO_SPACE))
		return err_set(err, code, 0, "nothing could be fetched");
	if (failed && failed == s->n_plan && !f.heard) {
		(void)err_set(err, CODE_NO_EGRESS, 0, "no mirror of the planned packages can be reached");
		err->retryable = true;
		return -1;
	}
	return 0;
}
