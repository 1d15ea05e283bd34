/* procread.c - see procread.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "interp.h"
#include "procread.h"

#define STAT_MAX 2048 /* bytes of /proc/PID/stat: 52 numbers and a name */
#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000U /* never used again; Linux 6.8 */
#endif
#define FDS_MAX	 65536 /* open files that are looked at, of one process */

/* The number in field I (from 3) of the text after the name; 0 when it is none. */
static int64_t field(const char *s, const char *end, int i)
{
	int64_t n = 0;
	bool minus;

	for (; i > 3 && s < end; i--) {
		const char *blank = memchr(s, ' ', (size_t)(end - s));

		s = blank ? blank + 1 : end;
	}
	minus = s < end && *s == '-';
	for (s += minus; s < end && *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *s - '0', &n))
			return INT64_MAX;
	return minus ? -n : n;
}

int proc_identity_parse(const char *text, size_t n, struct proc_identity *ret)
{
	const char *open = memchr(text, '(', n), *close = memrchr(text, ')', n), *end = text + n, *s;

	*ret = (struct proc_identity){ 0 };
	if (!open || !close || close < open || end - close < 4)
		return -1;
	size_t len = (size_t)(close - open - 1);
	memcpy(ret->comm, open + 1, len < sizeof(ret->comm) - 1 ? len : sizeof(ret->comm) - 1);
	s = close + 2;
	ret->state = *s;
	ret->ppid = (pid_t)field(s, end, 4);
	ret->sid = (pid_t)field(s, end, 6);
	ret->flags = (unsigned)field(s, end, 9);
	ret->threads = (unsigned)field(s, end, 20);
	ret->start = field(s, end, 22);
	ret->code = (uint64_t)field(s, end, 26);
	ret->stack = (uint64_t)field(s, end, 28);
	ret->data = (uint64_t)field(s, end, 45);
	return ret->start > 0 ? 0 : -1;
}

int proc_identity_read(int dirfd, struct proc_identity *ret)
{
	char text[STAT_MAX];
	cleanup_fd int fd = openat(dirfd, "stat", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (n < 0)
		return -1;
	errno = EBADMSG;
	return proc_identity_parse(text, (size_t)n, ret);
}

bool proc_identity_same(const struct proc_identity *a, const struct proc_identity *b)
{
	/* no code: in the middle of execve() */
	return a->code && a->start == b->start && a->code == b->code && a->stack == b->stack && a->data == b->data;
}

bool procread_deleted(const char *name, size_t len)
{
	size_t n = strlen(PROCREAD_DELETED);

	return len > n && memcmp(name + len - n, PROCREAD_DELETED, n) == 0;
}

void procread_base_name(const char *path, char *ret)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	size_t len = strlen(base);

	if (procread_deleted(base, len))
		len -= strlen(PROCREAD_DELETED);
	if (len > NAME_MAX)
		len = NAME_MAX;
	memcpy(ret, base, len);
	ret[len] = '\0';
}

int procread_thread(int dir, pid_t pid, struct proc_identity *id)
{
	if (id->state != 'Z')
		return -1;
	cleanup_fd int fd = openat(dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *tasks = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	uint64_t tid;
	int ret = -1;

	if (!tasks)
		return -1;
	while (ret < 0 && (e = readdir(tasks)))
		if (parse_u64(e->d_name, INT32_MAX, &tid) == 0 && (pid_t)tid != pid)
			ret = openat(fd, e->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	(void)steal_fd(&fd);
	(void)closedir(tasks);
	if (ret >= 0 && proc_identity_read(ret, id) < 0) {
		(void)close(ret);
		return -1;
	}
	return ret;
}

/* -1 with errno; a text that does not fit is none. */
static int read_link(int dirfd, const char *name, char *ret)
{
	ssize_t n = readlinkat(dirfd, name, ret, PATH_MAX);

	if (n == PATH_MAX) {
		n = -1;
		errno = ENAMETOOLONG;
	}
	ret[n < 0 ? 0 : n] = '\0';
	return n < 0 ? -1 : 0;
}

uint64_t procread_namespace(int dirfd)
{
	char text[PATH_MAX];
	uint64_t ns;

	if (read_link(dirfd, "ns/mnt", text) < 0 || !starts_with(text, "mnt:[") || !ends_with(text, "]"))
		return 0;
	text[strlen(text) - 1] = '\0';
	return parse_u64(text + 5, UINT64_MAX, &ns) < 0 ? 0 : ns;
}

static void read_root(int dirfd, struct proc_links *l)
{
	uint64_t mount = 0, ino = 0;
	struct statx st;

	if (statx(dirfd, "root", AT_STATX_DONT_SYNC, STATX_INO | STATX_MNT_ID | STATX_MNT_ID_UNIQUE, &st) == 0 &&
	    (st.stx_mask & (STATX_MNT_ID | STATX_MNT_ID_UNIQUE))) {
		mount = st.stx_mnt_id;
		ino = st.stx_ino;
	}
	if (mount && mount == l->root_mount && ino == l->root_ino)
		return;
	l->root_mount = mount;
	l->root_ino = ino;
	l->ns = procread_namespace(dirfd);
	/* a recorded tree has a folder in place of the link */
	if (read_link(dirfd, "root", l->root) < 0)
		memcpy(l->root, "/", 2);
}

/* -1: they may not be read, even where the maps may (CAP_PERFMON, Linux 6.14). */
static int read_links(int dirfd, struct proc_links *l)
{
	char base[NAME_MAX + 1];

	if (read_link(dirfd, "exe", l->exe) < 0 && (errno == EACCES || errno == EPERM))
		return -1;
	read_root(dirfd, l);
	l->cwd[0] = '\0';
	l->exe_known = false;
	procread_base_name(l->exe, base);
	enum interp kind = interp_of(base);
	l->java = kind == INTERP_JAVA;
	l->data = interp_maps_data(base);
	if (kind != INTERP_NONE)
		(void)read_link(dirfd, "cwd", l->cwd);
	return 0;
}

int procread_exe_stat(int dirfd, struct proc_links *l)
{
	struct stat st;

	if (fstatat(dirfd, "exe", &st, 0) < 0)
		return -1;
	l->exe_dev = st.st_dev;
	l->exe_ino = st.st_ino;
	l->exe_known = true;
	return 0;
}

static bool is_archive(const char *name, size_t len)
{
	if (procread_deleted(name, len))
		len -= strlen(PROCREAD_DELETED);
	return len > 4 && (memcmp(name + len - 4, ".jar", 4) == 0 || memcmp(name + len - 4, ".war", 4) == 0);
}

/* A class loader keeps its archives open; their files are looked at, never opened. */
static void read_archives(int dirfd, const struct procread_sink *sink)
{
	int fd = openat(dirfd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	size_t n = 0;

	if (!dir && fd >= 0)
		(void)close(fd);
	while (dir && (e = readdir(dir)) && n++ < FDS_MAX) {
		char name[PATH_MAX];
		struct stat st;

		if (e->d_name[0] == '.' || read_link(fd, e->d_name, name) < 0 || !is_archive(name, strlen(name)) ||
		    fstatat(fd, e->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode))
			continue;
		sink->archive(sink->ctx,
			      &(struct mapping){
				      .dev = st.st_dev, .ino = st.st_ino, .name = name, .len = strlen(name) });
	}
	if (dir)
		(void)closedir(dir);
}

static enum procread failed(int errnum)
{
	switch (errnum) {
	case EACCES:
	case EPERM:
		return PROCREAD_DENIED;
	case ENOENT:
		return PROCREAD_GONE;
	case ESRCH:
		return PROCREAD_RACED;
	case E2BIG:
		return PROCREAD_TOO_MANY;
	default:
		return PROCREAD_BROKEN;
	}
}

enum procread procread_gather(int dirfd, struct procread_buffers *b, const struct procread_sink *sink)
{
	struct mapping m;
	int rc;

	/* first of all: what is read until its end is of this image */
	if (procmaps_open(&b->maps, dirfd) < 0)
		return errno == ESRCH ? PROCREAD_GONE : failed(errno);
	if (read_links(dirfd, &b->links) < 0) {
		procmaps_close(&b->maps);
		return PROCREAD_DENIED;
	}
	if (b->links.data)
		procmaps_want_data(&b->maps);
	sink->links(sink->ctx, &b->links);
	if (b->links.java)
		read_archives(dirfd, sink);
	while ((rc = procmaps_next(&b->maps, &m)) > 0)
		sink->mapping(sink->ctx, &m);
	int errnum = errno;
	procmaps_close(&b->maps);
	return rc == 0 ? PROCREAD_OK : failed(errnum);
}
