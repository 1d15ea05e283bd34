/* hoststate.c - see hoststate.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include "clock.h"
#include "fd.h"
#include "hostdates.h"
#include "hoststate.h"
#include "hosttree.h"
#include "metrics.h"
#include "statedir.h"
#include "statefile.h"

#define ID_MAX 200
#define DEPTH  8

char *hoststate_dir(const char *state_dir, const char *id)
{
	size_t n = 0;

	while (id[n] > ' ' && id[n] <= '~' && id[n] != '/')
		n++;
	if (!n || n > ID_MAX || id[n] || id[0] == '.')
		return NULL;
	return xasprintf("%s/containers/%s", state_dir, id);
}

char *hoststate_of(const char *state_dir, const struct host_container *c)
{
	cleanup_free char *nested = xasprintf("nested-%llu", (unsigned long long)c->mntns);

	return hoststate_dir(state_dir, c->nested ? nested : c->id);
}

static int open_dir(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_set(err, CODE_IO, errno, "open '%s'", path) : fd;
}

static int open_entry(int dir, const char *name)
{
	return openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int hoststate_fill(const char *dir, int state_fd, uid_t uid, gid_t gid, struct err *err)
{
	struct hosttree t = { .entries = HOSTSTATE_ENTRIES,
			      .bytes = HOSTSTATE_BYTES,
			      .depth = DEPTH,
			      .uid = uid,
			      .gid = gid,
			      .file_mode = 0644,
			      .dir_mode = 0755 };

	if (fchown(state_fd, uid, gid) < 0)
		return err_set(err, CODE_IO, errno, "give the state folder to user %u", (unsigned)uid);
	/* a folder with apt's lists and without it is taken for another's (statedir.c) */
	cleanup_fd int lock = openat(state_fd, "lock", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (lock < 0 || fchown(lock, uid, gid) < 0)
		return err_set(err, CODE_IO, errno, "create 'lock' in the state folder");
	cleanup_fd int host = open_dir(dir, err);
	if (host < 0)
		return -1;
	cleanup_fd int entry = open_entry(host, "entry");
	if (entry < 0)
		return errno == ENOENT ? 0 : err_set(err, CODE_IO, errno, "open '%s/entry'", dir);
	return hosttree_copy(&t, entry, state_fd, err);
}

/* --- whose it is --------------------------------------------------------------------- */

static char *instance_of(const char *id, uint64_t start)
{
	cleanup_buf struct buf boot = { 0 };
	struct err ignored = ERR_INIT;

	if (strlen(id) == 64 && strspn(id, "0123456789abcdef") == 64)
		return xasprintf("%s\n", id);
	(void)read_file("/proc/sys/kernel/random/boot_id", 100, &boot, &ignored);
	return xasprintf("%llu %s", (unsigned long long)start, buf_str(&boot));
}

/* Only how fresh the metadata was that it has seen. */
static int keep_dates(int host, struct err *err)
{
	if (hosttree_remove(host, "entry.new", err) < 0)
		return -1;
	cleanup_fd int old = open_entry(host, "entry");
	if (old < 0)	/* none, or nothing that we have made */
		return hosttree_remove(host, "entry", err);
	if (mkdirat(host, "entry.new", 0700) < 0)
		return err_set(err, CODE_IO, errno, "create folder 'entry.new'");
	cleanup_fd int to = open_entry(host, "entry.new");
	if (to < 0)
		return err_set(err, CODE_IO, errno, "open 'entry.new'");
	if (hostdates_merge(old, to, err) < 0)
		return -1;
	if (renameat2(host, "entry.new", host, "entry", RENAME_EXCHANGE) < 0)
		return err_set(err, CODE_IO, errno, "put 'entry' in place");
	return hosttree_remove(host, "entry.new", err);
}

int hoststate_claim(const char *dir, const char *id, uint64_t start, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/instance", dir), *now = instance_of(id, start);
	cleanup_buf struct buf before = { 0 };
	struct err ignored = ERR_INIT;

	if (read_file(path, 1024, &before, &ignored) == 0 && streq(buf_str(&before), now))
		return 0;
	cleanup_fd int host = open_dir(dir, err);
	if (host < 0 || keep_dates(host, err) < 0)
		return -1;
	return replace_file(path, 0600, now, strlen(now), err);
}

/* --- taking it back ------------------------------------------------------------------ */

/* What is not an entry's to keep: the host's own files, locks, what is half done,
 * and packages. Those a transaction that was cut short still needs. */
static bool skip(void *arg, const char *path)
{
	static const char *const never[] = { "lock", "last.json", "history.jsonl", "metrics.json", "schedule.json" };
	static const char *const packages[] = { "apt/archives", "rpm/packages" };
	const bool *interrupted = arg;
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		if (streq(path, never[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(packages) && !*interrupted; i++)
		if (streq(path, packages[i]))
			return true;
	return streq(name, "partial") || streq(name, "lock") || ends_with(name, ".new");
}

static bool exists(int dir, const char *path)
{
	struct stat st;

	return fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int take(int host, int state_fd, struct err *err)
{
	bool interrupted = exists(state_fd, "apt/applying") || exists(state_fd, "rpm/applying");
	struct hosttree t = { .entries = HOSTSTATE_ENTRIES,
			      .bytes = HOSTSTATE_BYTES,
			      .depth = DEPTH,
			      .uid = (uid_t)-1,
			      .gid = (gid_t)-1,
			      .file_mode = 0600,
			      .dir_mode = 0700,
			      .skip = skip,
			      .arg = &interrupted };

	if (mkdirat(host, "entry.new", 0700) < 0)
		return err_set(err, CODE_IO, errno, "create folder 'entry.new'");
	cleanup_fd int to = open_entry(host, "entry.new");
	if (to < 0)
		return err_set(err, CODE_IO, errno, "open 'entry.new'");
	if (hosttree_copy(&t, state_fd, to, err) < 0)
		return -1;
	cleanup_fd int old = open_entry(host, "entry");
	return hostdates_merge(old, to, err);
}

int hoststate_take(const char *dir, int state_fd, struct err *err)
{
	struct err ignored = ERR_INIT;

	cleanup_fd int host = open_dir(dir, err);
	if (host < 0 || hosttree_remove(host, "entry.new", err) < 0)
		return -1;
	if (take(host, state_fd, err) < 0) {
		(void)hosttree_remove(host, "entry.new", &ignored);
		return err_wrap(err, "state of the entry");
	}
	int r = exists(host, "entry") ? renameat2(host, "entry.new", host, "entry", RENAME_EXCHANGE) :
					renameat(host, "entry.new", host, "entry");
	if (r < 0 || fsync(host) < 0)
		return err_set(err, CODE_IO, errno, "put '%s/entry' in place", dir);
	return hosttree_remove(host, "entry.new", err);
}

/* --- reports -------------------------------------------------------------------------- */

/* What was applied, as the entry counts it, under the name that the host has for it. */
static int record_ledger(const char *dir, struct report *r, struct err *err)
{
	cleanup_free char *entry = xasprintf("%s/entry", dir);
	struct json_object *o = NULL;
	struct ledger l = { 0 };
	struct err ignored = ERR_INIT;

	if (state_read(entry, "ledger.json", &o, &ignored) < 0 || wire_decode(&ledger, o, &l, &ignored) < 0) {
		json_object_put(o);
		ledger_read(dir, &r->container, &r->ledger);
		return 0;
	}
	json_object_put(o);
	free(l.host);
	free(l.id);
	l.host = xstrdup(strna(r->container.host));
	l.id = xstrdup(r->container.id);
	/* a report that was read has none, and would be saved as if nothing were lost with the container */
	r->ledger = l;
	return ledger_save(&r->ledger, dir, err);
}

int hoststate_record(const char *dir, struct report *r, int64_t history, struct err *err)
{
	if (record_ledger(dir, r, err) < 0 || report_save(r, dir, history, err) < 0)
		return -1;
	return metrics_record(r, dir, err);
}

/* --- forgetting ------------------------------------------------------------------------- */

int hoststate_forget(const char *state_dir, const char *id, struct err *err)
{
	cleanup_free char *dir = hoststate_dir(state_dir, id), *all = xasprintf("%s/containers", state_dir);
	cleanup_fd int lock = -1;

	if (!dir)
		return err_set(err, CODE_IO, 0, "'%s' is no container's id", id);
	if (access(dir, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (state_dir_lock(dir, &lock, err) < 0)
		return -1;
	cleanup_fd int fd = open_dir(all, err);
	return fd < 0 ? -1 : hosttree_remove(fd, id, err);
}

static int64_t last_written(int all, const char *id)
{
	cleanup_free char *last = xasprintf("%s/last.json", id);
	struct stat st;

	if (fstatat(all, last, &st, AT_SYMLINK_NOFOLLOW) < 0 && fstatat(all, id, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return INT64_MAX;
	return st.st_mtime;
}

int hoststate_sweep(const char *state_dir, const struct strv *alive, int64_t age)
{
	cleanup_free char *all = xasprintf("%s/containers", state_dir);
	cleanup_strv struct strv gone = { 0 };
	struct err ignored = ERR_INIT;
	int forgotten = 0, fd = open(all, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		closep(&fd);
		return 0;
	}
	for (struct dirent *e; (e = readdir(d));)
		if (e->d_name[0] != '.' && !strv_contains(alive, e->d_name) &&
		    last_written(fd, e->d_name) <= clock_wall() - age)
			strv_push(&gone, e->d_name);
	(void)closedir(d);
	for (size_t i = 0; i < gone.n; i++)
		forgotten += hoststate_forget(state_dir, gone.v[i], &ignored) == 0;
	return forgotten;
}
