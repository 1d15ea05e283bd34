/* inroot.c - see inroot.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include "inroot.h"
#include "syscalls.h"
#include "util.h"

#define LINKS_MAX 40 /* as the kernel's */

struct walk {
	int root, fd; /* fd: where we are */
	char done[PATH_MAX]; /* how we came there: plain names only, "" is the root */
	char todo[2 * PATH_MAX];
	int links;
};

static int open_plain(int dir, const char *name)
{
	return openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

static int fail(int errnum)
{
	errno = errnum;
	return -1;
}

/* Take the first of several names off S. NULL: none is left. */
static char *take_name(char **s)
{
	char *name = *s + strspn(*s, "/");

	if (!*name)
		return NULL;
	*s = name + strcspn(name, "/");
	if (**s)
		*(*s)++ = '\0';
	return name;
}

static int to_root(struct walk *w)
{
	closep(&w->fd);
	w->done[0] = '\0';
	w->fd = openat(w->root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return w->fd < 0 ? -1 : 0;
}

/* "..": from the root again, since the folder's own ".." may lead out by now. */
static int to_parent(struct walk *w)
{
	char path[PATH_MAX], *p = path, *name, *slash = strrchr(w->done, '/');

	if (slash)
		*slash = '\0';
	memcpy(path, w->done, strlen(w->done) + 1);
	if (to_root(w) < 0)
		return -1;
	memcpy(w->done, path, strlen(path) + 1);
	while ((name = take_name(&p))) {
		int next = open_plain(w->fd, name);

		closep(&w->fd);
		w->fd = next;
		if (next < 0)
			return -1;
	}
	return 0;
}

/* Put the link's text in front of what is left of the path. */
static int follow(struct walk *w, int link, const char *rest)
{
	char text[2 * PATH_MAX];
	ssize_t n = readlinkat(link, "", text, PATH_MAX);
	size_t left = strlen(rest);

	if (n < 0)
		return -1;
	if (++w->links > LINKS_MAX)
		return fail(ELOOP);
	if ((size_t)n + 1 + left >= sizeof(text))
		return fail(ENAMETOOLONG);
	text[n] = '/';
	memcpy(text + n + 1, rest, left + 1);
	memcpy(w->todo, text, (size_t)n + left + 2);
	return text[0] == '/' ? to_root(w) : 0;
}

static int step(struct walk *w, const char *name, const char *rest)
{
	struct stat st;

	if (streq(name, "."))
		return 0;
	if (streq(name, ".."))
		return to_parent(w);
	cleanup_fd int fd = open_plain(w->fd, name);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (S_ISLNK(st.st_mode))
		return follow(w, fd, rest) < 0 ? -1 : 1;
	if (strlen(w->done) + 1 + strlen(name) >= sizeof(w->done))
		return fail(ENAMETOOLONG);
	size_t n = strlen(w->done);
	w->done[n] = '/';
	memcpy(w->done + n + 1, name, strlen(name) + 1);
	closep(&w->fd);
	w->fd = steal_fd(&fd);
	return 0;
}

/* All of PATH; W's descriptor is the caller's then. */
static int go(struct walk *w, const char *path)
{
	size_t n = strlen(path);
	char *p = w->todo, *name;

	if (n >= PATH_MAX)
		return fail(ENAMETOOLONG);
	memcpy(w->todo, path, n + 1);
	if (to_root(w) < 0)
		return -1;
	while ((name = take_name(&p))) {
		int rc = step(w, name, p);

		if (rc < 0) {
			int errnum = errno;

			closep(&w->fd);
			return fail(errnum);
		}
		if (rc > 0)
			p = w->todo;
	}
	return 0;
}

int inroot_walk(int root, const char *path)
{
	struct walk w = { .root = root, .fd = -1 };

	return go(&w, path) < 0 ? -1 : w.fd;
}

int inroot_resolve(int root, const char *path, char *ret)
{
	struct walk w = { .root = root, .fd = -1 };

	if (go(&w, path) < 0)
		return -1;
	closep(&w.fd);
	size_t n = strlen(w.done), slash = w.done[0] == '/';
	memcpy(ret, w.done + slash, n - slash + 1);
	return 0;
}

int inroot_open(int root, const char *path)
{
	static const struct open_how how = { .flags = O_PATH | O_CLOEXEC,
					     .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int fd;

	/* EAGAIN: a rename happened while ".." was looked at */
	for (int tries = 0; tries < 8; tries++) {
		fd = sys_openat2(root, path, &how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return inroot_walk(root, path);
	return fd;
}
