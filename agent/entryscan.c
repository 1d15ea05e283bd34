/* entryscan.c - the processes of an entry, by its mount namespace (enter.h). */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include "enter.h"
#include "hostproc.h"
#include "messages.h"
#include "syscalls.h"

#define STATUS_MAX 65536
#define LIST_MAX 1000

typedef void each(void *arg, const struct target *t, pid_t pid);

static bool inside(const struct target *t, pid_t pid, uint64_t mntns)
{
	return hostproc_namespace(t->proc, pid, "mnt") == mntns && hostproc_namespace(t->proc, pid, "pid") == t->pidns;
}

static void for_each(const struct target *t, uint64_t mntns, each *fn, void *arg)
{
	int fd = hostproc_at(t->proc, ".", O_RDONLY | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	uint64_t pid;

	if (!dir) {
		closep(&fd);
		return;
	}
	for (struct dirent *d; (d = readdir(dir));)
		if (parse_u64(d->d_name, INT32_MAX, &pid) == 0 && mntns && inside(t, (pid_t)pid, mntns))
			fn(arg, t, (pid_t)pid);
	(void)closedir(dir);
}

struct killing {
	uint64_t mntns;
	size_t n;
};

static void kill_one(void *arg, const struct target *t, pid_t pid)
{
	struct killing *k = arg;
	cleanup_fd int fd = pidfd_open(pid, 0);

	/* the number may mean another process by now, the descriptor cannot */
	if (fd < 0 || !inside(t, pid, k->mntns))
		return;
	k->n++;
	(void)sys_pidfd_send_signal(fd, SIGKILL);
}

size_t entry_kill(const struct target *t, uint64_t mntns)
{
	struct killing k = { .mntns = mntns };

	for_each(t, mntns, kill_one, &k);
	return k.n;
}

/* The last number of NSpid is what the process itself calls its pid. */
static int64_t inner_pid(const char *status, pid_t pid)
{
	const char *v = hostproc_field(status, "NSpid");
	int64_t n = pid;
	char *end;

	while (v && *v && *v != '\n') {
		n = strtoll(v, &end, 10);
		if (end == v)
			break;
		v = end + strspn(end, "\t ");
	}
	return n;
}

static void list_one(void *arg, const struct target *t, pid_t pid)
{
	cleanup_buf struct buf status = { 0 }, cmdline = { 0 };
	struct wire_list *l = arg;
	struct err ignored = ERR_INIT;
	char path[64];

	uint64_t start = hostproc_start(t->proc, pid);
	(void)snprintf(path, sizeof(path), "%d/status", (int)pid);
	if (!start || l->n >= LIST_MAX || hostproc_read(t->proc, path, STATUS_MAX, &status, &ignored) < 0 ||
	    *strna(hostproc_field(buf_str(&status), "State")) == 'Z')
		return;
	(void)snprintf(path, sizeof(path), "%d/cmdline", (int)pid);
	(void)hostproc_read(t->proc, path, STATUS_MAX, &cmdline, &ignored);
	for (size_t i = 0; i + 1 < cmdline.n; i++)
		if (!cmdline.s[i])
			cmdline.s[i] = ' ';
	struct msg_process *p = wire_list_add(&msg_process, l);
	p->pid = inner_pid(buf_str(&status), pid);
	p->start = (int64_t)start;
	p->cmdline = escape_text(buf_str(&cmdline), 500);
}

void entry_list(const struct target *t, uint64_t mntns, struct wire_list *ret)
{
	for_each(t, mntns, list_one, ret);
}
