/* copyto.c - see copyto.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include "bundle.h"
#include "copyto.h"
#include "fd.h"
#include "print.h"

#define DEPTH_MAX   8
#define ENTRIES_MAX 10000	/* a bundle has 150 */
#define FRESH	    ".stopgap.new"
#define OLD	    ".old"

const char *const copyto_parts[] = { "share", "lib", "libexec", "methods", "guard", "plugins", "stopgap", NULL };

static int failed(const char *verb, const char *name, struct err *err)
{
	return err_set(err, errno == ENOSPC || errno == EDQUOT ? CODE_NO_SPACE : CODE_IO, errno, "%s '%s'", verb, name);
}

static int open_folder(int at, const char *name, struct err *err)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? failed("open the folder", name, err) : fd;
}

/* The folder FD as a stream of its own; FD stays the caller's. */
static DIR *list(int fd, const char *name, struct err *err)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = own < 0 ? NULL : fdopendir(own);

	if (!d) {
		(void)failed("list", name, err);
		if (own >= 0)
			(void)close(own);
	}
	return d;
}

static void closedirp(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

/* The next name but for . and ..; NULL at the end, and after too many. */
static const char *next_name(DIR *d, int *left)
{
	struct dirent *e;

	while ((*left)-- > 0 && (e = readdir(d)))
		if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
			return e->d_name;
	return NULL;
}

static int remove_tree(int at, const char *name, int depth, struct err *err)
{
	if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
		return 0;
	if ((errno != EISDIR && errno != EPERM) || depth > DEPTH_MAX)
		return failed("remove", name, err);
	cleanup_fd int fd = open_folder(at, name, err);
	_cleanup_(closedirp) DIR *d = fd < 0 ? NULL : list(fd, name, err);
	int left = ENTRIES_MAX;

	if (!d)
		return -1;
	for (const char *e; (e = next_name(d, &left));)
		if (remove_tree(fd, e, depth + 1, err) < 0)
			return -1;
	return unlinkat(at, name, AT_REMOVEDIR) < 0 ? failed("remove", name, err) : 0;
}

static int keep_time(int fd, const struct stat *st)
{
	return futimens(fd, (const struct timespec[]){ { .tv_nsec = UTIME_OMIT }, st->st_mtim });
}

static int copy_file(int from, int to, const char *name, const struct stat *st, struct err *err)
{
	cleanup_fd int in = openat(from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	cleanup_fd int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	ssize_t n = 1;

	if (in < 0 || out < 0)
		return failed("copy", name, err);
	while (n > 0 || (n < 0 && errno == EINTR))
		n = sendfile(out, in, NULL, 1 << 30);
	if (n < 0 || fchmod(out, st->st_mode & 0111 ? 0755 : 0644) < 0 || keep_time(out, st) < 0)
		return failed("copy", name, err);
	return 0;
}

static int copy_link(int from, int to, const char *name, const struct stat *st, struct err *err)
{
	const struct timespec times[] = { { .tv_nsec = UTIME_OMIT }, st->st_mtim };
	char text[PATH_MAX];
	ssize_t n = readlinkat(from, name, text, sizeof(text) - 1);

	if (n < 0)
		return failed("read the link", name, err);
	text[n] = '\0';
	if (symlinkat(text, to, name) < 0 || utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return failed("copy the link", name, err);
	return 0;
}

static int copy_tree(int from, int to, const char *name, int depth, struct err *err)
{
	struct stat st;
	int left = ENTRIES_MAX;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return failed("look up", name, err);
	if (S_ISREG(st.st_mode))
		return copy_file(from, to, name, &st, err);
	if (S_ISLNK(st.st_mode))
		return copy_link(from, to, name, &st, err);
	if (!S_ISDIR(st.st_mode) || depth > DEPTH_MAX)
		return err_set(err, CODE_IO, 0, "copy '%s': no part of a bundle; install the bundle again", name);
	if (mkdirat(to, name, 0700) < 0)
		return failed("make the folder", name, err);
	cleanup_fd int in = open_folder(from, name, err);
	cleanup_fd int out = in < 0 ? -1 : open_folder(to, name, err);
	_cleanup_(closedirp) DIR *d = out < 0 ? NULL : list(in, name, err);

	if (!d)
		return -1;
	for (const char *e; (e = next_name(d, &left));)
		if (copy_tree(in, out, e, depth + 1, err) < 0)
			return -1;
	return fchmod(out, 0755) < 0 || keep_time(out, &st) < 0 ? failed("copy", name, err) : 0;
}

static bool is_part(const char *name)
{
	for (const char *const *p = copyto_parts; *p; p++)
		if (streq(name, *p))
			return true;
	return false;
}

/* Only a folder that is ours alone may be replaced: /usr has a lib and a share, too. */
static int check_target(int to, const char *dir, struct err *err)
{
	_cleanup_(closedirp) DIR *d = list(to, dir, err);
	bool parts = false;
	int left = ENTRIES_MAX;

	if (!d)
		return -1;
	for (const char *name; (name = next_name(d, &left));) {
		if (streq(name, FRESH) || streq(name, "lost+found"))
			continue;
		if (!is_part(name))
			return err_set(err, CODE_USAGE, 0,
				       "'%s' holds '%s', which is no part of a bundle; name an empty folder", dir,
				       name);
		parts = true;
	}
	if (parts &&
	    (faccessat(to, "share/manifest", F_OK, AT_SYMLINK_NOFOLLOW) < 0 || faccessat(to, "stopgap", X_OK, 0) < 0))
		return err_set(err, CODE_USAGE, 0, "'%s' holds something that is no bundle; name an empty folder", dir);
	return 0;
}

/* Neither the bundle itself nor a folder in it: the copy would have no end. */
static int check_apart(int from, int to, const char *dir, struct err *err)
{
	cleanup_fd int at = openat(to, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat bundle, here, above;

	if (at < 0 || fstat(from, &bundle) < 0 || fstat(at, &here) < 0)
		return failed("look up", dir, err);
	for (int i = 0; i < PATH_MAX / 2; i++) {
		if (here.st_dev == bundle.st_dev && here.st_ino == bundle.st_ino)
			return err_set(err, CODE_USAGE, 0,
				       "'%s' is in the bundle that is to be copied; name another folder", dir);
		int up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (up < 0 || fstat(up, &above) < 0) {
			(void)failed("look above", dir, err);
			closep(&up);
			return -1;
		}
		closep(&at);
		at = up;
		if (above.st_dev == here.st_dev && above.st_ino == here.st_ino)
			return 0;
		here = above;
	}
	return 0;
}

static int move_into_place(int fresh, int to, struct err *err)
{
	for (const char *const *p = copyto_parts; *p; p++) {
		cleanup_free char *old = xasprintf("%s" OLD, *p);

		if ((renameat(to, *p, fresh, old) < 0 && errno != ENOENT) || renameat(fresh, *p, to, *p) < 0)
			return failed("replace", *p, err);
	}
	return 0;
}

int copyto(const char *bundle, const char *dir, struct err *err)
{
	cleanup_fd int from = open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (from < 0)
		return failed("open the bundle", bundle, err);
	if (make_dirs(dir, 0755, err) < 0)
		return -1;
	cleanup_fd int to = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (to < 0)
		return failed("open the folder", dir, err);
	if (check_apart(from, to, dir, err) < 0 || check_target(to, dir, err) < 0 || remove_tree(to, FRESH, 0, err) < 0)
		return -1;
	if (mkdirat(to, FRESH, 0700) < 0)
		return failed("make the folder", FRESH, err);
	cleanup_fd int fresh = open_folder(to, FRESH, err);

	if (fresh < 0)
		return -1;
	for (const char *const *p = copyto_parts; *p; p++)
		if (copy_tree(from, fresh, *p, 0, err) < 0) {
			struct err ignored = ERR_INIT;

			(void)remove_tree(to, FRESH, 0, &ignored);
			return -1;
		}
	(void)syncfs(fresh);
	if (move_into_place(fresh, to, err) < 0)
		return -1;
	return remove_tree(to, FRESH, 0, err);
}

int copyto_main(const struct options *opt)
{
	cleanup_buf struct buf b = { 0 };
	struct err err = ERR_INIT;
	char bundle[PATH_MAX];

	if (bundle_find(bundle, sizeof(bundle), &err) < 0 || copyto(bundle, opt->words.v[0], &err) < 0) {
		log_err(LOG_ERROR, &err);
		return err.code == CODE_USAGE ? EXIT_USAGE : EXIT_FAILED;
	}
	buf_puts(&b, "the bundle is in ");
	buf_put_escaped(&b, opt->words.v[0], strlen(opt->words.v[0]), PATH_MAX);
	buf_puts(&b, "\n");
	print_text(&b);
	return EXIT_DONE;
}
