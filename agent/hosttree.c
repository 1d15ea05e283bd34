/* hosttree.c - see hosttree.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include "buf.h"
#include "clock.h"
#include "hosttree.h"
#include "syscalls.h"

#define REMOVE_DEPTH 64
#define CHUNK	     (1024 * 1024)

static int open_beneath(int dir, const char *name, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
					   RESOLVE_NO_XDEV };

	return sys_openat2(dir, name, &how);
}

static int refuse(struct err *err, const char *path, const char *why)
{
	return err_set(err, CODE_STATE_REFUSED, 0, "'%s' %s", path, why);
}

static int cannot(struct err *err, const char *what, const char *path)
{
	return err_set(err, errno == ENOSPC || errno == EDQUOT ? CODE_NO_SPACE : CODE_IO, errno, "%s '%s'", what, path);
}

int hosttree_open(int dir, const char *name, int64_t *size, struct err *err)
{
	struct stat st;

	cleanup_fd int fd = open_beneath(dir, name, O_RDONLY);
	if (fd < 0 && (errno == ELOOP || errno == EXDEV || errno == ENXIO || errno == EACCES))
		return refuse(err, name, "is a link, a mount or a device");
	if (fd < 0)
		return cannot(err, "open", name);
	if (fstat(fd, &st) < 0)
		return cannot(err, "stat", name);
	if (!S_ISREG(st.st_mode))
		return refuse(err, name, "is no regular file");
	*size = st.st_size;
	return steal_fd(&fd);
}

static int finish_times(int from, int to)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT } };
	struct stat st;

	if (fstat(from, &st) < 0)
		return -1;
	if (st.st_mtime <= clock_wall())
		times[1] = (struct timespec){ .tv_sec = st.st_mtime > 0 ? st.st_mtime : 0 };
	return futimens(to, times);
}

/* The file may grow, shrink or be written to meanwhile: what is read counts. */
static int copy_bytes(struct hosttree *t, int from, int to, const char *path, struct err *err)
{
	for (;;) {
		/* one more than may come, so that its being there is seen */
		size_t want = t->bytes < CHUNK ? (size_t)t->bytes + 1 : CHUNK;
		ssize_t n = sendfile(to, from, NULL, want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cannot(err, "copy", path);
		if (n == 0)
			return 0;
		t->bytes -= n;
		if (t->bytes < 0)
			return refuse(err, path, "is too large, or those before it are");
	}
}

static int copy_file(struct hosttree *t, int from, int to, const char *name, const char *path, struct err *err)
{
	int64_t size;

	cleanup_fd int in = hosttree_open(from, name, &size, err);
	if (in < 0)
		return -1;
	if (size > t->bytes)
		return refuse(err, path, "is too large, or those before it are");
	cleanup_fd int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return cannot(err, "create", path);
	if (copy_bytes(t, in, out, path, err) < 0)
		return -1;
	if (fchown(out, t->uid, t->gid) < 0 || fchmod(out, t->file_mode) < 0 || finish_times(in, out) < 0)
		return cannot(err, "set owner, mode and time of", path);
	return 0;
}

static bool plain_name(const char *s)
{
	size_t n = 0;

	for (; s[n]; n++)
		if (s[n] <= ' ' || s[n] > '~')
			return false;
	return n > 0;
}

static int copy_dir(struct hosttree *t, int from, int to, const char *path, int depth, struct err *err);

static int copy_below(struct hosttree *t, int from, int to, const char *name, const char *path, int depth,
		      struct err *err)
{
	if (depth >= t->depth)
		return refuse(err, path, "is too deep");
	cleanup_fd int in = open_beneath(from, name, O_RDONLY | O_DIRECTORY);
	if (in < 0)
		return refuse(err, path, "is no folder any more");
	if (mkdirat(to, name, 0700) < 0)
		return cannot(err, "create folder", path);
	cleanup_fd int out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out < 0)
		return cannot(err, "open", path);
	if (copy_dir(t, in, out, path, depth + 1, err) < 0)
		return -1;
	if (fchown(out, t->uid, t->gid) < 0 || fchmod(out, t->dir_mode) < 0)
		return cannot(err, "set owner and mode of", path);
	return 0;
}

static int copy_entry(struct hosttree *t, int from, int to, const struct dirent64 *e, const char *at, int depth,
		      struct err *err)
{
	struct stat st;

	if (streq(e->d_name, ".") || streq(e->d_name, ".."))
		return 0;
	cleanup_free char *path = xasprintf("%s%s%s", at, *at ? "/" : "", e->d_name);
	if (t->entries == 0)
		return refuse(err, path, "is one file too many");
	t->entries--;
	if (!plain_name(e->d_name))
		return refuse(err, path, "has a name of other characters than printable ASCII");
	if (t->skip && t->skip(t->arg, path))
		return 0;
	if (fstatat(from, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return cannot(err, "stat", path);
	if (S_ISDIR(st.st_mode))
		return copy_below(t, from, to, e->d_name, path, depth, err);
	if (!S_ISREG(st.st_mode))
		return refuse(err, path, "is neither a regular file nor a folder");
	return copy_file(t, from, to, e->d_name, path, err);
}

static int copy_dir(struct hosttree *t, int from, int to, const char *path, int depth, struct err *err)
{
	_Alignas(struct dirent64) char room[8192];
	long n;

	while ((n = sys_getdents64(from, room, sizeof(room))) > 0)
		for (long i = 0; i < n;) {
			const struct dirent64 *e = (const void *)(room + i);

			if (copy_entry(t, from, to, e, path, depth, err) < 0)
				return -1;
			i += e->d_reclen;
		}
	return n < 0 ? cannot(err, "read folder", *path ? path : ".") : 0;
}

int hosttree_copy(struct hosttree *t, int from, int to, struct err *err)
{
	cleanup_fd int again = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* from the beginning */

	if (again < 0)
		return cannot(err, "open", ".");
	return copy_dir(t, again, to, "", 0, err);
}

static int remove_at(int dir, const char *name, int depth)
{
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	if (depth >= REMOVE_DEPTH) {
		errno = ELOOP;
		return -1;
	}
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	DIR *d = fdopendir(fd);
	if (!d) {
		(void)close(fd);
		return -1;
	}
	int r = 0;
	for (struct dirent *e; r == 0 && (e = readdir(d));)
		if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
			r = remove_at(fd, e->d_name, depth + 1);
	(void)closedir(d);
	return r < 0 ? -1 : unlinkat(dir, name, AT_REMOVEDIR);
}

int hosttree_remove(int dir, const char *name, struct err *err)
{
	return remove_at(dir, name, 0) < 0 ? cannot(err, "remove", name) : 0;
}
