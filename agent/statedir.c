/* statedir.c - see statedir.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include "fd.h"
#include "statedir.h"

static enum code code_of(int errnum)
{
	switch (errnum) {
	case EROFS:
		return CODE_READ_ONLY_ROOT;
	case ENOSPC:
	case EDQUOT:
		return CODE_NO_SPACE;
	case EACCES:
	case EPERM:
		return geteuid() ? CODE_NOT_ROOT : CODE_MISSING_CAPABILITY;
	default:
		return CODE_IO;
	}
}

static const char *remedy(enum code code)
{
	switch (code) {
	case CODE_READ_ONLY_ROOT:
		return "; start the container without a read-only root, or rebuild its image";
	case CODE_NO_SPACE:
		return "; free some space on that file system";
	case CODE_NOT_ROOT:
		return "; run stopgap as the container's root (docker exec -u 0, or docker run -u 0 with 'stopgap run --user')";
	case CODE_MISSING_CAPABILITY:
		return "; start the container with --cap-add=DAC_OVERRIDE";
	default:
		return "";
	}
}

static int cannot_open(const char *path, int errnum, struct err *err)
{
	enum code code = code_of(errnum);

	return err_set(err, code, 0, "open '%s': %s%s", path, strerror(errnum), remedy(code));
}

static int not_ours(const char *dir, const char *why, struct err *err)
{
	return err_set(err, CODE_IO, 0, "'%s' %s: choose a folder of its own with report.state_dir", dir, why);
}

/* What is written here is believed by the next run, and run as root by dpkg. */
static int check_dir(int fd, const char *dir, struct err *err)
{
	struct stat st, root;

	if (fstat(fd, &st) < 0 || stat("/", &root) < 0)
		return cannot_open(dir, errno, err);
	if (st.st_dev == root.st_dev && st.st_ino == root.st_ino)
		return not_ours(dir, "is the root folder", err);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return not_ours(dir, "belongs to another user", err);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return not_ours(dir, "is writable for others", err);
	/* /etc, /var/lib, /var/cache: the apt below them is the container's */
	if (faccessat(fd, "apt", F_OK, 0) == 0 && faccessat(fd, "lock", F_OK, 0) < 0)
		return not_ours(dir, "holds an 'apt' that stopgap has not made", err);
	return 0;
}

int state_dir_lock(const char *dir, int *ret, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/lock", dir);
	struct err why = ERR_INIT;
	struct stat st;

	mode_t mask = umask(022);
	int r = make_dirs(dir, 0711, &why);
	umask(mask);
	if (r < 0)
		return err_set(err, code_of(why.errnum), 0, "%s%s", why.msg, remedy(code_of(why.errnum)));
	cleanup_fd int dfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dfd < 0)
		return cannot_open(dir, errno, err);
	if (check_dir(dfd, dir, err) < 0)
		return -1;
	cleanup_fd int fd = openat(dfd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return cannot_open(path, errno, err);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, CODE_IO, 0, "'%s' is not a regular file: remove it", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, CODE_BUSY, 0, "another stopgap run holds '%s': wait for it to end", path);
	*ret = steal_fd(&fd);
	return 0;
}
