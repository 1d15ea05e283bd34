/* bundle.c - see bundle.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include "bundle.h"
#include "syscalls.h"
#include "util.h"

#define PROC_ROOT_INO 1

int bundle_of_program(const char *path, char *buf, size_t n)
{
	if (*path != '/')
		return -1;
	const char *end = strrchr(path, '/'), *dir = end;

	while (dir > path && dir[-1] != '/')
		dir--;
	size_t dirlen = (size_t)(end - dir);
	/* a program that the bundle's loader runs: its own file, or the loader's as /proc says */
	if ((dirlen == 7 && memcmp(dir, "libexec", 7) == 0) ||
	    (dirlen == 3 && memcmp(dir, "lib", 3) == 0 && streq(end + 1, BUNDLE_LOADER)))
		end = dir - 1;
	if (end == path || (size_t)(end - path) >= n)
		return -1;
	memmove(buf, path, (size_t)(end - path));
	buf[end - path] = '\0';
	return 0;
}

/* What a container mounts on /proc, or over parts of it, must not name our
 * libraries: only the root of a procfs will do, and nothing mounted inside. */
static int read_proc_exe(char *buf, size_t n)
{
	struct statfs fs;
	struct stat st;
	struct open_how how = { .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_NO_XDEV };

	cleanup_fd int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0 || fstatfs(proc, &fs) < 0 || fstat(proc, &st) < 0 || fs.f_type != PROC_SUPER_MAGIC ||
	    st.st_ino != PROC_ROOT_INO)
		return -1;
	cleanup_fd int exe = sys_openat2(proc, "self/exe", &how);
	if (exe < 0 && (errno == ENOSYS || errno == EPERM)) /* before Linux 5.6, or an old seccomp profile */
		exe = openat(proc, "self/exe", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (exe < 0)
		return -1;
	ssize_t len = readlinkat(exe, "", buf, n - 1);
	if (len < 0 || (size_t)len >= n - 1)
		return -1;
	buf[len] = '\0';
	return 0;
}

int bundle_find(char *buf, size_t n, struct err *err)
{
	char path[PATH_MAX];
	/* the path that execve() was given; the loader puts its program's there */
	const char *execfn = (const char *)getauxval(AT_EXECFN);

	if (read_proc_exe(path, sizeof(path)) == 0 && bundle_of_program(path, buf, n) == 0 && access(buf, X_OK) == 0)
		return 0;
	if (!execfn)
		return err_set(err, CODE_IO, 0,
			       "find the bundle: no usable /proc, and the kernel did not pass "
			       "this program's path; mount /proc");
	if (!realpath(execfn, path))
		return err_set(err, CODE_IO, errno,
			       "find the bundle: no usable /proc, and '%s' cannot be resolved; "
			       "mount /proc, or start stopgap by its absolute path",
			       execfn);
	if (bundle_of_program(path, buf, n) < 0)
		return err_set(err, CODE_IO, 0,
			       "find the bundle: '%s' has no folder around it, or too long a path; "
			       "put the bundle into a folder of its own",
			       path);
	return 0;
}
