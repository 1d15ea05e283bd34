/* children.c - see children.h. */
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "children.h"
#include "clock.h"
#include "fd.h"

#define LEFT_MAX 1000 /* as many as a report takes */
#define CMDLINE_MAX 1000
#define SETTLE_MS 1000

int proc_stat_read(pid_t pid, struct proc_stat *ret)
{
	cleanup_buf struct buf b = { 0 };
	struct err ignored = ERR_INIT;
	char path[64];
	long long start;
	int ppid;
	const char *p;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (read_file(path, 8192, &b, &ignored) < 0)
		return -1;
	p = strrchr(buf_str(&b), ')'); /* the name may hold anything, even ")" */
	if (!p || sscanf(p, ") %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %lld",
			 &ret->state, &ppid, &start) != 3)
		return -1;
	ret->pid = pid;
	ret->ppid = ppid;
	ret->start = start;
	return 0;
}

int proc_each(bool (*fn)(const struct proc_stat *p, void *ctx), void *ctx)
{
	DIR *d = opendir("/proc");
	struct proc_stat s;
	uint64_t pid;

	if (!d)
		return -1;
	for (struct dirent *e; (e = readdir(d));) {
		if (parse_u64(e->d_name, INT32_MAX, &pid) < 0 || proc_stat_read((pid_t)pid, &s) < 0)
			continue;
		if (!fn(&s, ctx))
			break;
	}
	(void)closedir(d);
	return 0;
}

static bool collect(const struct proc_stat *p, void *ctx)
{
	struct children *c = ctx;

	if (p->ppid == getpid()) {
		c->v = xrealloc(c->v, c->n + 1, sizeof(*c->v));
		c->v[c->n++] = *p;
	}
	return true;
}

void children_begin(struct children *ret)
{
	*ret = (struct children){ 0 };
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	(void)proc_each(collect, ret);
}

static bool known(const struct children *c, const struct proc_stat *p)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].pid == p->pid && c->v[i].start == p->start)
			return true;
	return false;
}

static char *command_line(pid_t pid)
{
	cleanup_buf struct buf b = { 0 };
	struct err ignored = ERR_INIT;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	if (read_file(path, 1 << 22, &b, &ignored) < 0 || b.n == 0) {
		buf_reset(&b);
		(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
		if (read_file(path, 64, &b, &ignored) < 0 || b.n == 0)
			return xstrdup("?");
		b.s[--b.n] = '\0';
	}
	while (b.n && b.s[b.n - 1] == '\0')
		b.n--;
	for (size_t i = 0; i < b.n; i++)
		if (b.s[i] == '\0')
			b.s[i] = ' ';
	return xstrndup(b.s, b.n < CMDLINE_MAX ? b.n : CMDLINE_MAX);
}

void children_left(const struct children *before, struct wire_list *left)
{
	struct children now = { 0 };
	uint64_t end = clock_ms() + SETTLE_MS;
	size_t alive;

	for (;;) {
		alive = 0;
		children_clear(&now);
		(void)proc_each(collect, &now);
		for (size_t i = 0; i < now.n; i++) {
			if (known(before, &now.v[i]))
				continue;
			/* by pid: other children's ends are not ours to take */
			if (now.v[i].state == 'Z')
				(void)waitpid(now.v[i].pid, NULL, WNOHANG);
			else
				now.v[alive++] = now.v[i];
		}
		if (!alive || clock_ms() >= end)
			break;
		(void)poll(NULL, 0, 50);
	}
	for (size_t i = 0; i < alive && left->n < LEFT_MAX; i++) {
		struct msg_process *p = wire_list_add(&msg_process, left);

		p->pid = now.v[i].pid;
		p->start = now.v[i].start;
		p->cmdline = command_line(now.v[i].pid);
	}
	children_clear(&now);
}

void children_clear(struct children *c)
{
	free(c->v);
	*c = (struct children){ 0 };
}
