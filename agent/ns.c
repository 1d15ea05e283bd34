/* ns.c - see ns.h. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "ns.h"
#include "syscalls.h"
#include "util.h"

/* Folders that are there in practically every container, that no package owns, and that neither a package manager nor
 * a maintainer script looks into. */
static const char *const places[] = { "/dev/mqueue", "/sys/firmware", "/sys/fs/bpf", "/mnt",
				      "/media",	     "/srv",	      "/sys/power" };

/* Each step by itself, none of them a link: what changes meanwhile cannot lead elsewhere. */
static int walk_plain(int root, const char *path)
{
	cleanup_free char *copy = xstrdup(path);
	char *rest = copy;
	cleanup_fd int at = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (char *name; at >= 0 && (name = strsep(&rest, "/"));) {
		if (!*name)
			continue;
		if (streq(name, "..") || streq(name, ".")) {
			errno = EINVAL;
			return -1;
		}
		int next = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

		closep(&at);
		at = next;
	}
	return steal_fd(&at);
}

int ns_open_plain(int root, const char *path)
{
	const struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				      .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS };
	int fd;

	for (int tries = 0; tries < 8; tries++) {
		fd = sys_openat2(root, path, &how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return walk_plain(root, path);
	return fd;
}

/* Where we are is in the new root: no descriptor that we brought along leads out as a working directory. */
static int check_cwd(struct err *err)
{
	char cwd[PATH_MAX];

	if (chdir("/") < 0)
		return err_set(err, CODE_ENTER_FAILED, errno, "enter its root folder");
	if (!getcwd(cwd, sizeof(cwd)) || !streq(cwd, "/"))
		return err_set(err, CODE_ENTER_FAILED, 0, "its root folder is not where it should be");
	return 0;
}

int ns_join(const struct target *t, struct err *err)
{
	if (setns(t->pidfd, (int)t->namespaces) < 0)
		return err_set(err, CODE_ENTER_FAILED, errno,
			       "join its namespaces (host mode needs Linux 5.8 or newer)");
	/* after the user namespace, so that the copy belongs to it */
	if (unshare(CLONE_NEWNS) < 0)
		return err_set(err, CODE_ENTER_FAILED, errno, "copy its mount namespace");
	/* what is mounted here would appear there, as LXC's and nspawn's roots are shared */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set(err, CODE_ENTER_FAILED, errno, "make the copy of its mount namespace private");
	return check_cwd(err);
}

static bool usable(int dir)
{
	struct stat st;

	return fstat(dir, &st) == 0 && S_ISDIR(st.st_mode);
}

int ns_mount(const struct inject *in, char *at, struct err *err)
{
	cleanup_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int errnum = root < 0 ? errno : ENOENT;

	for (size_t i = 0; root >= 0 && i < ARRAY_SIZE(places); i++) {
		cleanup_fd int dir = ns_open_plain(root, places[i]);

		if (dir < 0 || !usable(dir))
			continue;
		if (move_mount(in->bundle, "", dir, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0) {
			errnum = errno;
			continue;
		}
		cleanup_fd int state = openat(in->bundle, INJECT_STATE, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (state < 0 ||
		    move_mount(in->state, "", state, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
			return err_set(err, CODE_ENTER_FAILED, errno, "mount the state folder");
		(void)snprintf(at, NS_AT_MAX, "%s", places[i]);
		return 0;
	}
	return err_set(err, CODE_ENTER_FAILED, errnum,
		       "mount the bundle: the container has no folder for it; make an empty /mnt in its image");
}
