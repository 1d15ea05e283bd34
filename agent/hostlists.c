/* hostlists.c - see hostlists.h. */
#include <errno.h>
#include <fcntl.h>
#include <sha256.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include "clock.h"
#include "fd.h"
#include "hostlists.h"
#include "hosttree.h"

#define FOLDER	    "apt/lists/"
#define BYTES_MAX   (512LL * 1024 * 1024)
#define ENTRIES_MAX 4096
#define DEPTH	    4
#define HEAD	    16384		/* bytes of an InRelease that have its Date */
#define MOUNTS_MAX  (1024 * 1024)

bool hostlists_path(const char *path)
{
	const char *name = path + sizeof(FOLDER) - 1;

	return starts_with(path, FOLDER) && *name && *name != '.' && !strchr(name, '/');
}

/* --- who shares ------------------------------------------------------------------------ */

/* The lowerdir option of the overlay at "/"; a later mount covers an earlier one. */
static char *lower_folders(const char *mounts)
{
	char *ret = NULL;

	for (const char *line = mounts; *line;) {
		size_t n = strcspn(line, "\n");
		cleanup_free char *text = xstrndup(line, n);
		char *rest = text, *at = NULL, *options;

		line += n + (line[n] == '\n');
		/* id, parent, device, root, mount point */
		for (int i = 0; i < 5 && rest; i++)
			at = strsep(&rest, " ");
		if (!rest || !at || !streq(at, "/"))
			continue;
		free(steal_ptr(&ret));
		if (strstr(rest, " - overlay ") && (options = strstr(rest, "lowerdir=")))
			ret = xstrndup(options, strcspn(options, ","));
	}
	return ret;
}

char *hostlists_group(const char *proc, pid_t pid, const char *image_id)
{
	cleanup_free char *path = xasprintf("%s/%d/mountinfo", proc, (int)pid);
	cleanup_free char *lower = NULL;
	cleanup_buf struct buf mounts = { 0 };
	char hex[SHA256_DIGEST_STRING_LENGTH];
	struct err ignored = ERR_INIT;

	if (!image_id && read_file(path, MOUNTS_MAX, &mounts, &ignored) == 0)
		image_id = lower = lower_folders(buf_str(&mounts));
	if (!image_id || !*image_id)
		return NULL;
	(void)SHA256Data((const uint8_t *)image_id, strlen(image_id), hex);
	return xstrdup(hex);
}

/* --- the age of a Release ---------------------------------------------------------------- */

static int month_of(const char *name)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++)
		if (memcmp(months + (ptrdiff_t)(3 * i), name, 3) == 0)
			return i;
	return -1;
}

/* "Thu, 26 Nov 2026 01:24:53 UTC" */
static int64_t parse_date(const char *text)
{
	struct tm tm = { 0 };
	char month[4], zone[6];

	if (sscanf(text, "%*3s, %2d %3s %4d %2d:%2d:%2d %5s", &tm.tm_mday, month, &tm.tm_year, &tm.tm_hour, &tm.tm_min,
		   &tm.tm_sec, zone) != 7 ||
	    strlen(month) != 3 || (!streq(zone, "UTC") && !streq(zone, "GMT") && !streq(zone, "+0000")))
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon = month_of(month);
	return tm.tm_mon < 0 ? -1 : timegm(&tm);
}

int64_t hostlists_date(const char *text, size_t n)
{
	static const char begin[] = "-----BEGIN PGP SIGNED MESSAGE-----\n";
	cleanup_free char *copy = xstrndup(text, n);
	int64_t date = -1;
	bool inside = false;

	/* anything before it is not signed */
	if (!starts_with(copy, begin))
		return -1;
	for (char *next = copy + sizeof(begin) - 1, *line; (line = strsep(&next, "\n"));) {
		if (!*line && inside)
			break;
		inside |= !*line;
		if (!inside || strncasecmp(line, "Date:", 5) != 0)
			continue;
		if (date >= 0)
			return -1;
		date = parse_date(line + 5 + strspn(line + 5, " "));
		if (date < 0)
			return -1;
	}
	return date;
}

/* The time of the file NAME in LISTS, bounded by what it says. -1: it is not to be shared. */
static int bound_time(int lists, const char *name)
{
	char head[HEAD];
	struct stat st;

	cleanup_fd int fd = openat(lists, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	ssize_t n = read(fd, head, sizeof(head));
	int64_t date = n > 0 ? hostlists_date(head, (size_t)n) : -1;
	if (date < 0)
		return -1;
	if (st.st_mtime <= date + HOSTLISTS_SLACK)
		return 0;
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = date + HOSTLISTS_SLACK } };
	return futimens(fd, times);
}

static void bound_times(int group, const struct strv *names)
{
	cleanup_fd int lists = openat(group, "apt/lists", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	for (size_t i = 0; lists >= 0 && i < names->n; i++) {
		const char *name = names->v[i] + sizeof(FOLDER) - 1;

		if (hostlists_path(names->v[i]) && ends_with(name, "Release") && bound_time(lists, name) < 0)
			(void)unlinkat(lists, name, 0);
	}
}

/* --- keep and seed --------------------------------------------------------------------------- */

/* All but the named files and the folders on the way to them. */
static bool skip(void *arg, const char *path)
{
	const struct strv *names = arg;
	size_t n = strlen(path);

	for (size_t i = 0; i < names->n; i++)
		if (hostlists_path(names->v[i]) && strncmp(names->v[i], path, n) == 0 &&
		    (names->v[i][n] == '/' || !names->v[i][n]))
			return false;
	return true;
}

static int open_group(int lists, const char *name)
{
	return openat(lists, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int fill_group(int lists, const char *name, int state_fd, const struct strv *names, struct err *err)
{
	struct hosttree t = { .entries = ENTRIES_MAX,
			      .bytes = BYTES_MAX,
			      .depth = DEPTH,
			      .uid = (uid_t)-1,
			      .gid = (gid_t)-1,
			      .file_mode = 0600,
			      .dir_mode = 0700,
			      .skip = skip,
			      .arg = (void *)(uintptr_t)names };

	if (mkdirat(lists, name, 0700) < 0)
		return err_set(err, CODE_IO, errno, "create a folder for repository lists");
	cleanup_fd int to = open_group(lists, name);
	if (to < 0)
		return err_set(err, CODE_IO, errno, "open a folder for repository lists");
	if (hosttree_copy(&t, state_fd, to, err) < 0)
		return -1;
	bound_times(to, names);
	return 0;
}

int hostlists_keep(const struct hostcache *c, const char *group, int state_fd, const struct strv *names,
		   struct err *err)
{
	cleanup_free char *tmp = xasprintf("%s.%d", group, (int)getpid());
	struct err ignored = ERR_INIT;
	struct stat st;

	if (c->dir < 0 || !hostcache_is_hash(group) || !names->n || names->n > HOSTLISTS_MAX)
		return 0;
	cleanup_fd int lists = open_group(c->dir, "lists");
	if (lists < 0)
		return err_set(err, CODE_IO, errno, "open the cache of repository lists");
	if (hosttree_remove(lists, tmp, err) < 0)
		return -1;
	int r = fill_group(lists, tmp, state_fd, names, err);
	if (r == 0 && (fstatat(lists, group, &st, AT_SYMLINK_NOFOLLOW) < 0 ?
			       renameat(lists, tmp, lists, group) :
			       renameat2(lists, tmp, lists, group, RENAME_EXCHANGE)) < 0)
		r = err_set(err, CODE_IO, errno, "put repository lists in place");
	(void)hosttree_remove(lists, tmp, &ignored);
	return r;
}

static bool exists(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int64_t hostlists_seed(const struct hostcache *c, const char *group, int state_fd, uid_t uid, gid_t gid,
		       struct err *err)
{
	struct hosttree t = { .entries = ENTRIES_MAX,
			      .bytes = BYTES_MAX,
			      .depth = DEPTH,
			      .uid = uid,
			      .gid = gid,
			      .file_mode = 0644,
			      .dir_mode = 0755 };

	if (c->dir < 0 || !group || !hostcache_is_hash(group) || exists(state_fd, "apt") || exists(state_fd, "rpm"))
		return 0;
	cleanup_fd int lists = open_group(c->dir, "lists");
	cleanup_fd int from = lists < 0 ? -1 : open_group(lists, group);
	if (from < 0)
		return 0;
	(void)futimens(from, NULL);
	return hosttree_copy(&t, from, state_fd, err) < 0 ? -1 : BYTES_MAX - t.bytes;
}
