/* hostproc.c - see hostproc.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include "hostproc.h"
#include "syscalls.h"

#define PROC_ROOT_INO 1
#define STAT_MAX 4096

int hostproc_open(struct err *err)
{
	struct statfs fs;
	struct stat st;
	char self[32], own[32];

	cleanup_fd int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (proc < 0 || fstatfs(proc, &fs) < 0 || fstat(proc, &st) < 0)
		return err_set(err, CODE_IO, errno, "open /proc");
	if (fs.f_type != PROC_SUPER_MAGIC || st.st_ino != PROC_ROOT_INO)
		return err_set(
			err, CODE_IO, 0,
			"/proc is not a proc file system: what it says of containers cannot be believed; mount it");
	ssize_t n = readlinkat(proc, "self", self, sizeof(self) - 1);
	(void)snprintf(own, sizeof(own), "%d", (int)getpid());
	self[n > 0 ? n : 0] = '\0';
	if (!streq(self, own))
		return err_set(err, CODE_IO, 0,
			       "/proc is of another pid namespace: start stopgap where /proc is its own");
	return steal_fd(&proc);
}

int hostproc_at(int proc, const char *path, int flags)
{
	/* openat2() takes no flag that O_PATH makes meaningless */
	flags |= O_CLOEXEC | (flags & O_PATH ? 0 : O_NONBLOCK | O_NOCTTY);
	const struct open_how how = { .flags = (uint64_t)flags,
				      .resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS };
	struct stat root, st;

	int fd = sys_openat2(proc, path, &how);
	if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
		return fd;
	/* before Linux 5.6: what is mounted over has another device */
	cleanup_fd int plain = openat(proc, path, flags | O_NOFOLLOW);
	if (plain < 0 || fstat(proc, &root) < 0 || fstat(plain, &st) < 0)
		return -1;
	if (st.st_dev != root.st_dev) {
		errno = EXDEV;
		return -1;
	}
	return steal_fd(&plain);
}

int hostproc_read(int proc, const char *path, size_t max, struct buf *ret, struct err *err)
{
	cleanup_fd int fd = hostproc_at(proc, path, O_RDONLY);
	char chunk[4096];
	size_t total = 0;

	if (fd < 0 && (errno == ENOENT || errno == ESRCH))
		return err_set(err, CODE_CONTAINER_GONE, errno, "read /proc/%s", path);
	if (fd < 0)
		return err_set(err, CODE_IO, errno, "read /proc/%s", path);
	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, errno == ESRCH ? CODE_CONTAINER_GONE : CODE_IO, errno, "read /proc/%s",
				       path);
		if (n == 0)
			return 0;
		total += (size_t)n;
		if (total > max)
			return err_set(err, CODE_IO, 0, "read /proc/%s: larger than %zu bytes", path, max);
		buf_append(ret, chunk, (size_t)n);
	}
}

uint64_t hostproc_namespace(int proc, pid_t pid, const char *name)
{
	char path[64], text[64], digits[24];
	uint64_t inode;

	(void)snprintf(path, sizeof(path), "%d/ns", (int)pid);
	cleanup_fd int dir = hostproc_at(proc, path, O_PATH | O_DIRECTORY);
	ssize_t n = dir < 0 ? -1 : readlinkat(dir, name, text, sizeof(text) - 1);
	if (n < 0)
		return 0;
	text[n] = '\0';
	char *open = strchr(text, '['), *close = strchr(text, ']');
	if (!open || !close || close < open || (size_t)(close - open) > sizeof(digits))
		return 0;
	(void)snprintf(digits, sizeof(digits), "%.*s", (int)(close - open - 1), open + 1);
	return parse_u64(digits, UINT64_MAX, &inode) < 0 ? 0 : inode;
}

const char *hostproc_field(const char *status, const char *name)
{
	size_t n = strlen(name);

	for (const char *line = status; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, n) == 0 && line[n] == ':')
			return line + n + 1 + strspn(line + n + 1, "\t ");
	}
	return NULL;
}

uint64_t hostproc_start(int proc, pid_t pid)
{
	cleanup_buf struct buf text = { 0 };
	struct err ignored = ERR_INIT;
	char path[64], *next;

	(void)snprintf(path, sizeof(path), "%d/stat", (int)pid);
	if (hostproc_read(proc, path, STAT_MAX, &text, &ignored) < 0)
		return 0;
	/* the name in parentheses is the process's own, and may have any byte */
	char *p = strrchr(buf_str(&text), ')');
	for (int i = 0; p && i < 20; i++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p + 1, &next, 10) : 0;
}
