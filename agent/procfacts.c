/* procfacts.c - see procfacts.h. */
#include <stdio.h>
#include "err.h"
#include "fd.h"
#include "procfacts.h"

#define CMDLINE_MAX 65536
#define SMALL_FILE  8192

int procfacts_file(const char *proc, pid_t pid, const char *file, size_t max, struct buf *ret)
{
	cleanup_free char *path = xasprintf("%s/%d/%s", proc, (int)pid, file);
	struct err ignored = ERR_INIT;

	return read_file(path, max, ret, &ignored);
}

bool procfacts_same(const char *proc, pid_t pid, int64_t start)
{
	cleanup_buf struct buf b = { 0 };
	long long ticks;
	const char *at;

	if (procfacts_file(proc, pid, "stat", SMALL_FILE, &b) < 0)
		return false;
	at = strrchr(buf_str(&b), ')'); /* the name may hold anything, even ")" */
	return at &&
	       sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %lld",
		      &ticks) == 1 &&
	       ticks == start;
}

bool procfacts_by_root(const char *proc, pid_t pid)
{
	cleanup_buf struct buf b = { 0 };
	const char *line;
	unsigned ids[4];

	if (procfacts_file(proc, pid, "status", SMALL_FILE, &b) < 0)
		return false;
	line = strstr(buf_str(&b), "\nUid:"); /* a newline in its name is shown escaped */
	return line && sscanf(line + 5, "%u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) == 4 && ids[0] == 0 &&
	       ids[1] == 0 && ids[2] == 0 && ids[3] == 0;
}

char *procfacts_link(const char *proc, pid_t pid, const char *name)
{
	cleanup_free char *path = xasprintf("%s/%d/%s", proc, (int)pid, name);
	static const char deleted[] = " (deleted)";
	char to[4096];
	ssize_t n = readlink(path, to, sizeof(to) - 1);

	if (n <= 0 || n == sizeof(to) - 1)
		return NULL;
	to[n] = '\0';
	if (ends_with(to, deleted))
		to[(size_t)n - strlen(deleted)] = '\0';
	return xstrdup(to);
}

void procfacts_args(const char *proc, pid_t pid, struct strv *ret)
{
	cleanup_buf struct buf b = { 0 };

	(void)procfacts_file(proc, pid, "cmdline", CMDLINE_MAX, &b);
	for (size_t i = 0; i < b.n && ret->n < PROCFACTS_ARGS_MAX; i += strlen(b.s + i) + 1)
		strv_push(ret, b.s + i);
}
