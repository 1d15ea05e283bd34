/* load.c - metadata into the pool, and its caches (session.h).
 *
 * A cache is libsolv's own format with what it was made from: the parts of a cold
 * load that cost are decompression and XML. It lies in our state folder, which
 * only root can write. There are two of each repository: the whole, and what is
 * in reach of the installed packages (reach.h). Plans are made with the second.
 */
#include <errno.h>
#include <sha2.h>
#include <solv/pool.h>
#include <solv/repo.h>
#include <solv/repo_rpmmd.h>
#include <solv/repo_solv.h>
#include <solv/repo_updateinfoxml.h>
#include <solv/repo_write.h>
#include <solv/solv_xfopen.h>
#include <solv/solvversion.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include "fd.h"
#include "reach.h"
#include "serve.h"
#include "session.h"

#define CACHE_FORMAT "stopgap 2" /* changes when what is written changes */
#define REACH_FORMAT "stopgap reach 1" /* and when reach.c finds other packages */
#define READ_BUFFER (256 * 1024)

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

static FILE *open_keyed(const char *file, const char *key)
{
	FILE *fp = fopen(file, "re");
	unsigned char *data = NULL;
	int n = 0;
	bool same;

	if (!fp)
		return NULL;
	(void)setvbuf(fp, NULL, _IOFBF, READ_BUFFER);
	same = solv_read_userdata(fp, &data, &n) == 0 && (size_t)n == strlen(key) && memcmp(data, key, (size_t)n) == 0;
	free(data);
	if (!same) {
		(void)fclose(fp);
		return NULL;
	}
	rewind(fp);
	return fp;
}

static FILE *open_cache(const struct source *src, bool filelists)
{
	cleanup_free char *file = cache_file(src, filelists), *key = cache_key(src, filelists);

	return open_keyed(file, key);
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

/* Pages that are read when somebody asks for them would be missing then: what was cut off is to be seen at once. */
static int keep_key_at_hand(Repo *repo, Repokey *key, void *ctx)
{
	int storage = keep_key(repo, key, ctx);

	return storage == KEY_STORAGE_VERTICAL_OFFSET ? KEY_STORAGE_INCORE : storage;
}

typedef int key_filter_fn(Repo *repo, Repokey *key, void *ctx);

static int write_keyed(Repo *repo, const char *key, key_filter_fn *filter, FILE *fp)
{
	Repowriter *w = repowriter_create(repo);
	int bad;

	repowriter_set_userdata(w, key, (int)strlen(key));
	repowriter_set_keyfilter(w, filter, NULL);
	bad = repowriter_write(w, fp);
	(void)repowriter_free(w);
	return bad | (fflush(fp) != 0);
}

/* A cache that cannot be written costs time, not more. */
static void write_cache(const struct source *src, bool filelists)
{
	cleanup_free char *file = cache_file(src, filelists), *key = cache_key(src, filelists);
	cleanup_free char *new = xasprintf("%s.new", file);
	FILE *fp = fopen(new, "we");
	int bad;

	if (!fp)
		return;
	bad = write_keyed(src->repo, key, keep_key, fp);
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

static void make_repo(struct session *s, struct source *src)
{
	src->repo = repo_create(s->pool, src->conf->id);
	/* in libsolv the higher one wins, in dnf the lower */
	src->repo->priority = -src->conf->priority;
	src->repo->subpriority = -src->conf->cost;
	src->repo->appdata = src;
	src->advisories = src->repomd.files[REPOMD_UPDATEINFO].path != NULL;
}

/* FP is closed. */
static int load_solv(struct source *src, FILE *fp)
{
	int r = repo_add_solv(src->repo, fp, 0);

	(void)fclose(fp);
	if (r == 0)
		return 0;
	(void)err_set(&src->err, CODE_REFRESH_FAILED, 0,
		      "the cache of repository '%s' is damaged: %s; run stopgap again", src->conf->id,
		      pool_errstr(src->repo->pool));
	repo_free(src->repo, 0);
	src->repo = NULL;
	return -1;
}

static void load_whole(struct session *s, struct source *src, bool filelists)
{
	const struct repomd_file *f = src->repomd.files;
	FILE *cache = open_cache(src, filelists);

	make_repo(s, src);
	if (cache) {
		cleanup_free char *file = cache_file(src, filelists);

		if (load_solv(src, cache) < 0)
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

/* --- what is in reach ---------------------------------------------------------------- */

static char *reach_file(const struct source *src, bool filelists)
{
	return xasprintf("%s/%s.solv", src->dir, filelists ? "reach-full" : "reach");
}

static void put_dependencies(struct buf *b, Pool *pool, const Solvable *s)
{
	const Id *deps = s->requires ? s->repo->idarraydata + s->requires : NULL;
	Id dep;

	while (deps && (dep = *deps++))
		buf_printf(b, "\t%s\n", pool_dep2str(pool, dep));
}

/* All that reach_reduce() and what is written depend on, as a hash: the usable
 * repositories in their order, the installed packages, the machine, the code. */
static char *reach_key(const struct session *s, bool filelists)
{
	char sum[SHA256_DIGEST_STRING_LENGTH];
	cleanup_buf struct buf b = { 0 };
	const Solvable *x;
	struct utsname u;
	Id p;

	buf_printf(&b, REACH_FORMAT "\n%s\n%s\n", solv_version, uname(&u) == 0 ? u.machine : "");
	for (size_t i = 0; i < s->n_sources; i++) {
		const struct source *src = &s->sources[i];

		if (src->err.code != CODE_OK)
			continue;
		cleanup_free char *key = cache_key(src, filelists);
		buf_printf(&b, "%s\n%s", src->dir, key);
	}
	FOR_REPO_SOLVABLES(s->installed, p, x)
	{
		buf_printf(&b, "%s\n", pool_solvable2str(s->pool, (Solvable *)(uintptr_t)x));
		put_dependencies(&b, s->pool, x);
	}
	(void)SHA256Data((const u_int8_t *)b.s, b.n, sum);
	return xstrdup(sum);
}

/* All or nothing: they were made together. */
static bool open_reached(const struct session *s, bool filelists, FILE **files)
{
	cleanup_free char *key = reach_key(s, filelists);
	bool all = true;

	for (size_t i = 0; i < s->n_sources && all; i++) {
		const struct source *src = &s->sources[i];

		if (src->err.code != CODE_OK)
			continue;
		cleanup_free char *file = reach_file(src, filelists);
		files[i] = source_cached(src, filelists) ? open_keyed(file, key) : NULL;
		all = files[i] != NULL;
	}
	return all;
}

static void discard_reached(struct source *src, bool filelists)
{
	cleanup_free char *file = reach_file(src, filelists);

	plugin_log(LOG_WARNING, "the cache '%s' is damaged, making it again", file);
	(void)unlink(file);
	src->err = ERR_INIT;
}

/* 1: loaded; 0: they are not there, or damaged, and the pool is as it was. */
static int load_reached(struct session *s, bool filelists, struct err *err)
{
	cleanup_free FILE **files = xcalloc(s->n_sources + 1, sizeof(FILE *));
	bool good = open_reached(s, filelists, files), damaged = false;

	for (size_t i = 0; i < s->n_sources; i++) {
		struct source *src = &s->sources[i];

		if (files[i] && (!good || damaged)) {
			(void)fclose(files[i]);
		} else if (files[i]) {
			make_repo(s, src);
			damaged = load_solv(src, files[i]) < 0;
			if (damaged)
				discard_reached(src, filelists);
		}
	}
	if (!damaged)
		return good;
	session_forget_pool(s);
	return installed_load(s, err);
}

struct packed {
	char *text;
	size_t n;
};

static int pack(const struct source *src, const char *key, struct packed *ret)
{
	FILE *fp = open_memstream(&ret->text, &ret->n);
	int bad;

	if (!fp)
		return -1;
	bad = write_keyed(src->repo, key, keep_key_at_hand, fp);
	return fclose(fp) != 0 || bad ? -1 : 0;
}

static void unpack(struct session *s, struct source *src, bool filelists, const struct packed *p)
{
	cleanup_free char *file = reach_file(src, filelists);
	FILE *fp = fmemopen(p->text, p->n, "r");
	struct err err = ERR_INIT;

	if (!fp) {
		(void)err_set(&src->err, CODE_REFRESH_FAILED, errno, "reduce repository '%s'", src->conf->id);
		return;
	}
	make_repo(s, src);
	/* one that cannot be written costs time, not more */
	if (load_solv(src, fp) == 0 && replace_file(file, 0600, p->text, p->n, &err) < 0)
		plugin_log(LOG_WARNING, "%s, ignoring", err.msg);
}

/* The whole repositories give way to what is in reach, in a new pool: numbers
 * and order are then what the caches will give the next time (reach.h). */
static int reduce(struct session *s, bool filelists, struct err *err)
{
	cleanup_free struct packed *packed = xcalloc(s->n_sources + 1, sizeof(*packed));
	cleanup_free Repo **repos = xcalloc(s->n_sources + 1, sizeof(Repo *));
	cleanup_free char *key = reach_key(s, filelists);
	size_t n = 0;
	int r;

	for (size_t i = 0; i < s->n_sources; i++)
		if (s->sources[i].repo)
			repos[n++] = s->sources[i].repo;
	reach_reduce(s->pool, repos, n);
	for (size_t i = 0; i < s->n_sources; i++) {
		struct source *src = &s->sources[i];

		if (src->repo && pack(src, key, &packed[i]) < 0)
			(void)err_set(&src->err, CODE_REFRESH_FAILED, 0, "reduce repository '%s': %s", src->conf->id,
				      pool_errstr(s->pool));
	}
	session_forget_pool(s);
	r = installed_load(s, err);
	for (size_t i = 0; i < s->n_sources; i++) {
		if (r == 0 && packed[i].text && s->sources[i].err.code == CODE_OK)
			unpack(s, &s->sources[i], filelists, &packed[i]);
		free(packed[i].text);
	}
	return r;
}

int sources_load(struct session *s, bool filelists, struct err *err)
{
	int loaded = load_reached(s, filelists, err);

	if (loaded)
		return loaded < 0 ? -1 : 0;
	for (size_t i = 0; i < s->n_sources; i++)
		if (s->sources[i].err.code == CODE_OK)
			load_whole(s, &s->sources[i], filelists);
	return reduce(s, filelists, err);
}
