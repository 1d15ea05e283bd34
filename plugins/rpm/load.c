/* load.c - metadata into the pool, and its caches (session.h).
 *
 * A cache is libsolv's own format with the checksums that it was made from: the
 * parts of a cold load that cost are decompression and XML. It lies in our state
 * folder, which only root can write.
 */
#include <errno.h>
#include <solv/pool.h>
#include <solv/repo.h>
#include <solv/repo_rpmmd.h>
#include <solv/repo_solv.h>
#include <solv/repo_updateinfoxml.h>
#include <solv/repo_write.h>
#include <solv/solv_xfopen.h>
#include <stdio.h>
#include <sys/stat.h>
#include "session.h"

#define CACHE_FORMAT "stopgap 2" /* changes when what is written changes */

int read_packed(const char *file, size_t max, struct buf *ret, struct err *err)
{
	FILE *fp = solv_xfopen(file, "r");
	char chunk[65536];
	size_t n;

	if (!fp)
		return err_set(err, CODE_REFRESH_FAILED, errno, "open '%s'", file);
	while ((n = fread(chunk, 1, sizeof(chunk), fp)) > 0 && ret->n + n <= max)
		buf_append(ret, chunk, n);
	bool bad = n > 0 || ferror(fp);
	(void)fclose(fp);
	return bad ? err_set(err, CODE_REFRESH_FAILED, 0, "'%s' is damaged or larger than %zu bytes", file, max) : 0;
}

static char *cache_file(const struct source *src, bool filelists)
{
	return xasprintf("%s/%s.solv", src->dir, filelists ? "full" : "main");
}

/* What the cache must have been made from. */
static char *cache_key(const struct source *src, bool filelists)
{
	const struct repomd_file *f = src->repomd.files;

	return xasprintf(CACHE_FORMAT "\n%s\n%s\n%s\n", f[REPOMD_PRIMARY].checksum,
			 strna(f[REPOMD_UPDATEINFO].checksum), filelists ? strna(f[REPOMD_FILELISTS].checksum) : "");
}

static FILE *open_cache(const struct source *src, bool filelists)
{
	cleanup_free char *file = cache_file(src, filelists), *key = cache_key(src, filelists);
	FILE *fp = fopen(file, "re");
	unsigned char *data = NULL;
	int n = 0;
	bool same;

	if (!fp)
		return NULL;
	same = solv_read_userdata(fp, &data, &n) == 0 && (size_t)n == strlen(key) && memcmp(data, key, (size_t)n) == 0;
	free(data);
	if (!same) {
		(void)fclose(fp);
		return NULL;
	}
	rewind(fp);
	return fp;
}

bool source_cached(const struct source *src, bool filelists)
{
	FILE *fp = open_cache(src, filelists);

	if (fp)
		(void)fclose(fp);
	return fp != NULL;
}

char *source_file(const struct source *src, enum repomd_type type)
{
	const char *base = strrchr(strna(src->repomd.files[type].path), '/');
	static const char *const names[] = { "primary", "filelists", "updateinfo", "modules" };
	/* libsolv goes by the name's end to uncompress */
	const char *dot = base ? strrchr(base, '.') : NULL;

	return xasprintf("%s/%s.xml%s", src->dir, names[type],
			 dot && strlen(dot) <= 5 && !streq(dot, ".xml") ? dot : "");
}

/* What nobody here looks at is not written: a cache without it is read in half the time. */
static int keep_key(Repo *repo, Repokey *key, void *ctx)
{
	static const Id dropped[] = { SOLVABLE_SUMMARY,
				      SOLVABLE_DESCRIPTION,
				      SOLVABLE_LICENSE,
				      SOLVABLE_GROUP,
				      SOLVABLE_URL,
				      SOLVABLE_PACKAGER,
				      SOLVABLE_BUILDHOST,
				      SOLVABLE_HEADEREND,
				      SOLVABLE_RECOMMENDS,
				      SOLVABLE_SUGGESTS,
				      SOLVABLE_SUPPLEMENTS,
				      SOLVABLE_ENHANCES,
				      UPDATE_COLLECTIONLIST,
				      UPDATE_COLLECTION_FILENAME,
				      UPDATE_COLLECTION_FLAGS,
				      UPDATE_REFERENCE_HREF,
				      UPDATE_REFERENCE_TITLE,
				      UPDATE_MESSAGE,
				      UPDATE_REBOOT,
				      UPDATE_RESTART,
				      UPDATE_RELOGIN };

	for (size_t i = 0; i < ARRAY_SIZE(dropped); i++)
		if (key->name == dropped[i])
			return KEY_STORAGE_DROPPED;
	return repo_write_stdkeyfilter(repo, key, ctx);
}

/* A cache that cannot be written costs time, not more. */
static void write_cache(const struct source *src, bool filelists)
{
	cleanup_free char *file = cache_file(src, filelists), *key = cache_key(src, filelists);
	cleanup_free char *new = xasprintf("%s.new", file);
	FILE *fp = fopen(new, "we");
	Repowriter *w;
	int bad;

	if (!fp)
		return;
	w = repowriter_create(src->repo);
	repowriter_set_userdata(w, key, (int)strlen(key));
	repowriter_set_keyfilter(w, keep_key, NULL);
	bad = repowriter_write(w, fp);
	(void)repowriter_free(w);
	bad |= fflush(fp) != 0;
	bad |= fclose(fp) != 0;
	if (bad || rename(new, file) < 0)
		(void)unlink(new);
}

/* libsolv's parsers keep a text in memory until its element ends. A few kB can
 * unpack to more than there is: it ends before that. */
#define XML_MAX (2LL * 1024 * 1024 * 1024) /* Fedora's file lists have 0.8 */
#define XML_TEXT_MAX (16 * 1024 * 1024) /* between two tags, or in one */

struct bounded {
	FILE *in;
	int64_t left;
	size_t text;
	bool exceeded;
};

static ssize_t bounded_read(void *ctx, char *ret, size_t size)
{
	struct bounded *b = ctx;
	size_t n = fread(ret, 1, size, b->in);
	const char *first = memchr(ret, '<', n), *last = memrchr(ret, '<', n);

	b->left -= (int64_t)n;
	b->exceeded |= b->left < 0 || b->text + (first ? (size_t)(first - ret) : n) > XML_TEXT_MAX;
	b->text = last ? n - (size_t)(last - ret) : b->text + n;
	if (b->exceeded || (!n && ferror(b->in))) {
		errno = b->exceeded ? EFBIG : EIO;
		return -1;
	}
	return (ssize_t)n;
}

static int bounded_close(void *ctx)
{
	struct bounded *b = ctx;

	return fclose(b->in);
}

static FILE *open_bounded(const char *file, struct bounded *b)
{
	const cookie_io_functions_t io = { .read = bounded_read, .close = bounded_close };
	FILE *fp;

	*b = (struct bounded){ .in = solv_xfopen(file, "r"), .left = XML_MAX };
	if (!b->in)
		return NULL;
	fp = fopencookie(b, "r", io);
	if (!fp)
		(void)fclose(b->in);
	return fp;
}

static int add_xml(struct source *src, enum repomd_type type)
{
	cleanup_free char *file = source_file(src, type);
	struct bounded bounded;
	FILE *fp = open_bounded(file, &bounded);
	Pool *pool = src->repo->pool;
	int r;

	if (!fp)
		return err_set(&src->err, CODE_REFRESH_FAILED, errno, "open '%s'", file);
	if (type == REPOMD_PRIMARY)
		r = repo_add_rpmmd(src->repo, fp, NULL, 0);
	else if (type == REPOMD_UPDATEINFO)
		r = repo_add_updateinfoxml(src->repo, fp, 0);
	else
		r = repo_add_rpmmd(src->repo, fp, NULL, REPO_EXTEND_SOLVABLES);
	(void)fclose(fp);
	if (bounded.exceeded)
		return err_set(&src->err, CODE_REFRESH_FAILED, 0,
			       "read '%s': it unpacks to more than metadata can have", file);
	if (r)
		return err_set(&src->err, CODE_REFRESH_FAILED, 0, "read '%s': %s", file, pool_errstr(pool));
	return 0;
}

void source_load(struct session *s, struct source *src, bool filelists)
{
	const struct repomd_file *f = src->repomd.files;
	FILE *cache = open_cache(src, filelists);

	src->repo = repo_create(s->pool, src->conf->id);
	/* in libsolv the higher one wins, in dnf the lower */
	src->repo->priority = -src->conf->priority;
	src->repo->subpriority = -src->conf->cost;
	src->repo->appdata = src;
	src->advisories = f[REPOMD_UPDATEINFO].path != NULL;
	if (cache) {
		int r = repo_add_solv(src->repo, cache, 0);

		(void)fclose(cache);
		if (r == 0)
			return;
		(void)err_set(&src->err, CODE_REFRESH_FAILED, 0,
			      "the cache of repository '%s' is damaged: %s; run stopgap again", src->conf->id,
			      pool_errstr(s->pool));
		repo_free(src->repo, 0);
		src->repo = NULL;
		cleanup_free char *file = cache_file(src, filelists);
		(void)unlink(file);
		return;
	}
	if (add_xml(src, REPOMD_PRIMARY) < 0 || (src->advisories && add_xml(src, REPOMD_UPDATEINFO) < 0) ||
	    (filelists && f[REPOMD_FILELISTS].path && add_xml(src, REPOMD_FILELISTS) < 0)) {
		repo_free(src->repo, 0);
		src->repo = NULL;
		return;
	}
	repo_internalize(src->repo);
	write_cache(src, filelists);
	for (size_t i = 0; i < REPOMD_TYPES; i++) {
		cleanup_free char *file = source_file(src, (enum repomd_type)i);

		if (i != REPOMD_MODULES && f[i].path)
			(void)unlink(file);
	}
}
