/* fd.c - see fd.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "fd.h"

int write_all(int fd, const void *p, size_t n)
{
	const char *s = p;

	while (n > 0) {
		ssize_t k = write(fd, s, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -1;
		s += k;
		n -= (size_t)k;
	}
	return 0;
}

/* ENOSPC and EDQUOT are for the operator to mend, all else is a failed call. */
static enum code write_code(int errnum)
{
	return errnum == ENOSPC || errnum == EDQUOT ? CODE_NO_SPACE : CODE_IO;
}

int read_file_at(int dirfd, const char *path, size_t max, struct buf *ret, struct err *err)
{
	struct stat st;
	char chunk[16384];
	size_t total = 0;

	/* O_NONBLOCK: a FIFO in place of the file must not hold us */
	cleanup_fd int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_set(err, CODE_IO, errno, "open '%s'", path);
	if (fstat(fd, &st) < 0)
		return err_set(err, CODE_IO, errno, "stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, CODE_IO, 0, "read '%s': not a regular file", path);
	if (st.st_size > 0 && (size_t)st.st_size > max)
		return err_set(err, CODE_IO, 0, "read '%s': larger than %zu bytes", path, max);
	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, CODE_IO, errno, "read '%s'", path);
		if (n == 0)
			return 0;
		total += (size_t)n;
		if (total > max)
			return err_set(err, CODE_IO, 0, "read '%s': larger than %zu bytes", path, max);
		buf_append(ret, chunk, (size_t)n);
	}
}

int read_file(const char *path, size_t max, struct buf *ret, struct err *err)
{
	return read_file_at(AT_FDCWD, path, max, ret, err);
}

int replace_file(const char *path, mode_t mode, const void *p, size_t n, struct err *err)
{
	cleanup_free char *tmp = xasprintf("%s.new", path);
	cleanup_free char *dir = xstrdup(path);
	char *slash = strrchr(dir, '/');

	(void)unlink(tmp);
	cleanup_fd int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return err_set(err, write_code(errno), errno, "create '%s'", tmp);
	if (write_all(fd, p, n) < 0 || fsync(fd) < 0) {
		(void)err_set(err, write_code(errno), errno, "write '%s'", tmp);
		(void)unlink(tmp);
		return -1;
	}
	if (rename(tmp, path) < 0) {
		(void)err_set(err, CODE_IO, errno, "rename '%s' to '%s'", tmp, path);
		(void)unlink(tmp);
		return -1;
	}
	if (slash)
		slash[slash == dir] = '\0';
	cleanup_fd int dfd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dfd < 0 || fsync(dfd) < 0)
		return err_set(err, CODE_IO, errno, "sync the folder of '%s'", path);
	return 0;
}

static int make_dir(const char *path, mode_t mode, struct err *err)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno == EEXIST && stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		errno = ENOTDIR;
	}
	return err_set(err, write_code(errno), errno, "create folder '%s'", path);
}

int make_dirs(const char *path, mode_t mode, struct err *err)
{
	cleanup_free char *p = xstrdup(path);

	for (char *s = strchr(*p ? p + 1 : p, '/'); s; s = strchr(s + 1, '/')) {
		*s = '\0';
		if (make_dir(p, 0755, err) < 0)
			return -1;
		*s = '/';
	}
	return make_dir(p, mode, err);
}

int set_nonblock(int fd)
{
	int fl = fcntl(fd, F_GETFL);

	return fl < 0 ? -1 : fcntl(fd, F_SETFL, fl | O_NONBLOCK);
}

void close_from(int from)
{
	if (syscall(SYS_close_range, (unsigned)from, ~0U, 0) == 0)
		return;
	/* kernels before 5.9, and old seccomp profiles that answer EPERM */
	long max = sysconf(_SC_OPEN_MAX);
	for (int fd = from; fd < (max > 0 && max < 65536 ? max : 65536); fd++)
		(void)close(fd);
}
