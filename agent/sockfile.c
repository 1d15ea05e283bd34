/* sockfile.c - see sockfile.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "fd.h"
#include "sockfile.h"

#define BACKLOG 4096	/* a client that does not wait is refused when it is full; the kernel cuts it to its own limit */

static int cannot(const struct sockfile *s, const char *what, struct err *err)
{
	int errnum = errno;
	const char *remedy = errnum == EROFS ?
				     "; mount a tmpfs on its folder, or name another path with report.socket" :
			     errnum == EACCES || errnum == EPERM ?
				     "; name a path in a folder of your own with report.socket" :
				     "";

	return err_set(err, CODE_IO, 0, "%s '%s': %s%s", what, s->path, strerror(errnum), remedy);
}

/* Whoever may rename in the folder could put a socket of his own in our place. */
static int check_dir(const struct sockfile *s, struct err *err)
{
	struct stat st;
	const char *why = NULL;

	if (fstat(s->dir, &st) < 0)
		return cannot(s, "look at the folder of", err);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		why = "belongs to another user";
	else if ((st.st_mode & (S_IWGRP | S_IWOTH)) && !(st.st_mode & S_ISVTX))
		why = "is writable for others";
	if (why)
		return err_set(err, CODE_IO, 0, "the folder of '%s' %s: choose a folder of its own with report.socket",
			       s->path, why);
	return 0;
}

static int open_dir(struct sockfile *s, struct err *err)
{
	cleanup_free char *dir = xstrdup(s->path);
	struct err why = ERR_INIT;
	char *slash = strrchr(dir, '/');

	s->name = xstrdup(slash + 1);
	slash[slash == dir] = '\0';
	if (!*s->name || streq(s->name, ".") || streq(s->name, ".."))
		return err_set(err, CODE_CONFIG, 0, "report.socket '%s': not the path of a file", s->path);
	if (strlen(s->name) + sizeof(".new") > sizeof(((struct sockaddr_un *)0)->sun_path))
		return err_set(err, CODE_CONFIG, 0, "report.socket '%s': the file's name is too long", s->path);
	if (access(dir, F_OK) < 0 && make_dirs(dir, 0700, &why) < 0) {
		errno = why.errnum;
		return cannot(s, "make the folder of", err);
	}
	s->dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0)
		return cannot(s, "open the folder of", err);
	return check_dir(s, err);
}

static int take_lock(struct sockfile *s, struct err *err)
{
	cleanup_free char *name = xasprintf("%s.lock", s->name);
	struct stat st;

	for (int tries = 0; tries < 100; tries++) {
		cleanup_fd int fd = openat(s->dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

		if (fd < 0)
			return cannot(s, "create the lock of", err);
		if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_uid != geteuid() && st.st_uid != 0))
			return err_set(err, CODE_IO, 0, "'%s.lock' is not a file of ours: remove it", s->path);
		if (flock(fd, LOCK_EX | LOCK_NB) < 0)
			return err_set(err, CODE_BUSY, 0,
				       "another stopgap serves '%s': name another path with report.socket", s->path);
		/* its last owner may have removed it between the two calls */
		if (fstat(fd, &st) == 0 && st.st_nlink > 0) {
			s->lock = steal_fd(&fd);
			return 0;
		}
	}
	return err_set(err, CODE_BUSY, 0, "the lock of '%s' keeps vanishing: name another path with report.socket",
		       s->path);
}

/* bind(2) and connect(2) know no folder descriptor, and a path of theirs ends
 * at 107 bytes. This process has one thread, so its working folder may change. */
static int in_dir(const struct sockfile *s, int (*call)(int, const struct sockaddr *, socklen_t), int fd,
		  const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	cleanup_fd int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	memcpy(sa.sun_path, name, strlen(name));
	if (back < 0 || fchdir(s->dir) < 0)
		return -1;
	int r = call(fd, (const struct sockaddr *)&sa, sizeof(sa));
	int errnum = errno;
	/* where a check put it we cannot stay: every path of ours is absolute */
	if (fchdir(back) < 0)
		(void)!chdir("/");
	errno = errnum;
	return r;
}

/* Nobody but a listener may be found where we want to be. */
static int check_place(const struct sockfile *s, struct err *err)
{
	struct stat st;

	if (fstatat(s->dir, s->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : cannot(s, "look at", err);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, CODE_IO, 0,
			       "'%s' is there and is not a socket: remove it, or name another path with report.socket",
			       s->path);
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return cannot(s, "make a socket for", err);
	if (in_dir(s, connect, fd, s->name) < 0 && errno != EAGAIN)
		return errno == ECONNREFUSED || errno == ENOENT ? 0 : cannot(s, "try", err);
	return err_set(err, CODE_BUSY, 0,
		       "another program serves '%s': end it, or name another path with report.socket", s->path);
}

static int make_socket(struct sockfile *s, mode_t mode, gid_t group, struct err *err)
{
	cleanup_free char *tmp = xasprintf("%s.new", s->name);
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return cannot(s, "make a socket for", err);
	(void)unlinkat(s->dir, tmp, 0);
	mode_t mask = umask(0177);
	int r = in_dir(s, bind, fd, tmp);
	umask(mask);
	if (r < 0)
		return cannot(s, "create", err);
	/* the group before the mode: what the mode opens, it opens to the right ones */
	if ((group != (gid_t)-1 && fchownat(s->dir, tmp, (uid_t)-1, group, AT_SYMLINK_NOFOLLOW) < 0) ||
	    fchmodat(s->dir, tmp, mode, 0) < 0 || fstatat(s->dir, tmp, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    listen(fd, BACKLOG) < 0 || renameat(s->dir, tmp, s->dir, s->name) < 0) {
		(void)cannot(s, "create", err);
		(void)unlinkat(s->dir, tmp, 0);
		return -1;
	}
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->fd = steal_fd(&fd);
	return 0;
}

int sockfile_listen(const char *path, mode_t mode, gid_t group, struct sockfile *ret, struct err *err)
{
	struct sockfile s = SOCKFILE_INIT;

	if (path[0] != '/')
		return err_set(err, CODE_CONFIG, 0, "report.socket '%s': not an absolute path", path);
	s.path = xstrdup(path);
	if (open_dir(&s, err) < 0 || take_lock(&s, err) < 0 || check_place(&s, err) < 0 ||
	    make_socket(&s, mode, group, err) < 0) {
		sockfile_close(&s);
		return -1;
	}
	*ret = s;
	return 0;
}

void sockfile_close(struct sockfile *s)
{
	struct stat st;

	if (s->fd >= 0 && fstatat(s->dir, s->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == s->dev &&
	    st.st_ino == s->ino)
		(void)unlinkat(s->dir, s->name, 0);
	if (s->lock >= 0) {
		cleanup_free char *name = xasprintf("%s.lock", s->name);

		(void)unlinkat(s->dir, name, 0);
	}
	closep(&s->fd);
	closep(&s->lock);
	closep(&s->dir);
	free(s->path);
	free(s->name);
	*s = SOCKFILE_INIT;
}
