/* hostdates.c - see hostdates.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "clock.h"
#include "fd.h"
#include "hostdates.h"
#include "hosttree.h"

#define FILE_MAX   (1024 * 1024)
#define AHEAD	   (24 * 3600)	/* s that a clock may be wrong */
#define SEEN_MAX   100

/* One line, apart: "DATE rest of it". KEY points behind the fingerprint. */
struct seen {
	int64_t date;
	char *rest;		/* from the mtime on */
	const char *key;
};

struct table {
	struct seen *v;
	size_t n;
};

static const char *word_end(const char *s)
{
	return s + strcspn(s, " ");
}

/* "date mtime size fingerprint key": written by aptsources.cc. */
static bool parse(const char *line, size_t n, struct seen *ret)
{
	cleanup_free char *text = xstrndup(line, n);
	const char *p = word_end(text);
	cleanup_free char *number = xstrndup(text, (size_t)(p - text));
	uint64_t date;

	if (strlen(text) != n || *p != ' ' || !text_printable(text, n) || parse_u64(number, INT64_MAX, &date) < 0)
		return false;
	char *rest = xstrdup(p + 1);
	const char *key = rest;
	for (int i = 0; i < 3 && key; i++) {
		key = word_end(key);
		key = *key ? key + 1 : NULL;
	}
	if (!key || !*key) {
		free(rest);
		return false;
	}
	*ret = (struct seen){ (int64_t)date, rest, key };
	return true;
}

static struct seen *find(const struct table *t, const char *key)
{
	for (size_t i = 0; i < t->n; i++)
		if (streq(t->v[i].key, key))
			return &t->v[i];
	return NULL;
}

static void add(struct table *t, struct seen *s, int64_t latest)
{
	struct seen *have = find(t, s->key);

	if (s->date > latest) {
		free(s->rest);
	} else if (!have && t->n < HOSTDATES_MAX) {
		t->v = xrealloc(t->v, t->n + 1, sizeof(*t->v));
		t->v[t->n++] = *s;
	} else if (have && s->date >= have->date) {
		free(have->rest);
		*have = *s;
	} else {
		free(s->rest);
	}
}

static void read_text(struct table *t, const char *text, int64_t latest)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		struct seen s;

		if (parse(text, n, &s))
			add(t, &s, latest);
		text += n + (text[n] == '\n');
	}
}

void hostdates_join(const char *old, const char *new, int64_t now, struct buf *ret)
{
	struct table t = { 0 };

	read_text(&t, old, INT64_MAX);
	read_text(&t, new, now + AHEAD);
	for (size_t i = 0; i < t.n; i++) {
		buf_printf(ret, "%lld %s\n", (long long)t.v[i].date, t.v[i].rest);
		free(t.v[i].rest);
	}
	free(t.v);
}

/* A file below DIR, "" when there is none that can be read. */
static void read_at(int dir, const char *path, size_t max, struct buf *ret)
{
	struct err ignored = ERR_INIT;

	if (dir < 0 || read_file_at(dir, path, max, ret, &ignored) < 0)
		buf_reset(ret);
}

static int write_at(int dir, const char *name, const char *s, size_t n, struct err *err)
{
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return err_set(err, CODE_IO, errno, "remove '%s'", name);
	cleanup_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || write_all(fd, s, n) < 0 || fsync(fd) < 0)
		return err_set(err, CODE_IO, errno, "write '%s'", name);
	return 0;
}

/* The folder PATH below DIR, made when it is missing. */
static int dir_at(int dir, const char *path, struct err *err)
{
	if (mkdirat(dir, path, 0700) < 0 && errno != EEXIST)
		return err_set(err, CODE_IO, errno, "create folder '%s'", path);
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, CODE_IO, errno, "open '%s'", path);
	return fd;
}

static int merge_apt(int old, int new, struct err *err)
{
	cleanup_buf struct buf before = { 0 }, after = { 0 }, all = { 0 };

	read_at(old, "apt/dates", FILE_MAX, &before);
	read_at(new, "apt/dates", FILE_MAX, &after);
	hostdates_join(buf_str(&before), buf_str(&after), clock_wall(), &all);
	if (!all.n)
		return faccessat(new, "apt/dates", F_OK, 0) < 0 ? 0 : unlinkat(new, "apt/dates", 0);
	cleanup_fd int apt = dir_at(new, "apt", err);
	return apt < 0 ? -1 : write_at(apt, "dates", all.s, all.n, err);
}

/* "DATE word" of a repository's seen file; -1: none. */
static int64_t seen_date(const struct buf *b)
{
	cleanup_free char *number = xstrndup(buf_str(b), strcspn(buf_str(b), " \n"));
	uint64_t date;

	return parse_u64(number, INT64_MAX, &date) < 0 ? -1 : (int64_t)date;
}

static int merge_seen(int old, int repos, const char *name, struct err *err)
{
	cleanup_buf struct buf before = { 0 }, after = { 0 };
	cleanup_free char *was = xasprintf("rpm/repos/%s/seen", name), *is = xasprintf("%s/seen", name);

	read_at(old, was, SEEN_MAX, &before);
	read_at(repos, is, SEEN_MAX, &after);
	int64_t date = seen_date(&after);
	if (date >= seen_date(&before) && date <= clock_wall() + AHEAD)
		return 0;
	cleanup_fd int dir = dir_at(repos, name, err);
	if (dir < 0)
		return -1;
	if (!before.n)
		return unlinkat(dir, "seen", 0);
	return write_at(dir, "seen", before.s, before.n, err);
}

/* The repositories of FROM, at most HOSTDATES_MAX. */
static void names_in(int from, struct strv *ret)
{
	int fd = from < 0 ? -1 : openat(from, "rpm/repos", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		closep(&fd);
		return;
	}
	for (struct dirent *e; ret->n < HOSTDATES_MAX && (e = readdir(d));)
		if (e->d_name[0] != '.' && !strv_contains(ret, e->d_name))
			strv_push(ret, e->d_name);
	(void)closedir(d);
}

static int merge_rpm(int old, int new, struct err *err)
{
	cleanup_strv struct strv names = { 0 };

	names_in(old, &names);
	names_in(new, &names);
	if (!names.n)
		return 0;
	cleanup_fd int rpm = dir_at(new, "rpm", err);
	cleanup_fd int repos = rpm < 0 ? -1 : dir_at(rpm, "repos", err);
	if (repos < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++)
		if (merge_seen(old, repos, names.v[i], err) < 0)
			return -1;
	return 0;
}

int hostdates_merge(int old, int new, struct err *err)
{
	return merge_apt(old, new, err) < 0 || merge_rpm(old, new, err) < 0 ? -1 : 0;
}
