/* descend.c - see descend.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "descend.h"
#include "syscalls.h"
#include "util.h"

#define DEPTH_MAX 1024		/* parents of a process; a longer chain is a race */
#define PID_DIGITS 10

/* What getdents64() writes; the C library has no name for it. */
struct entry {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

static char entries[4096] __attribute__((aligned(8)));

/* "PROC/PID/stat" by hand: PID 1 keeps stdio's pages out of its memory. */
static void stat_path(const char *proc, pid_t pid, char *ret, size_t size)
{
	char digits[PID_DIGITS + 1];
	size_t n = strnlen(proc, size - PID_DIGITS - sizeof("//stat")), k = sizeof(digits);

	memcpy(ret, proc, n);
	ret[n++] = '/';
	do {
		digits[--k] = (char)('0' + pid % 10);
		pid /= 10;
	} while (pid > 0 && k > 0);
	memcpy(ret + n, digits + k, sizeof(digits) - k);
	memcpy(ret + n + sizeof(digits) - k, "/stat", sizeof("/stat"));
}

/* The next number of S, which a blank precedes. */
static bool next_number(const char **s, int64_t *ret)
{
	const char *p = *s;
	bool minus = false;
	int64_t n = 0;

	if (*p++ != ' ')
		return false;
	if (*p == '-') {
		minus = true;
		p++;
	}
	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++)	/* some fields are unsigned, none of ours is that large */
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *p - '0', &n))
			n = INT64_MAX;
	*ret = minus ? -n : n;
	*s = p;
	return true;
}

/* TEXT is NUL-terminated. The name in it is the process's own choice, blanks and
 * brackets included: what counts is behind the last bracket. */
static int stat_parse(const char *text, struct descend_stat *ret)
{
	const char *p = strrchr(text, ')');
	struct descend_stat s = { 0 };
	int64_t v;

	if (!p || p[1] != ' ' || !p[2])
		return -1;
	s.state = p[2];
	p += 3;
	for (int field = 4; field <= 41; field++) {
		if (!next_number(&p, &v))
			return -1;
		switch (field) {
		case 4:
			s.ppid = (pid_t)v;
			break;
		case 6:
			s.session = (pid_t)v;
			break;
		case 20:
			s.threads = (int)v;
			break;
		case 22:
			s.start = (uint64_t)v;
			break;
		case 41:
			s.policy = (int)v;
			break;
		}
	}
	*ret = s;
	return 0;
}

int descend_stat(const char *proc, pid_t pid, struct descend_stat *ret)
{
	char path[256], text[1024];
	size_t n = 0;
	ssize_t k;

	stat_path(proc, pid, path, sizeof(path));
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	while (n < sizeof(text) - 1 && (k = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)k;
	text[n] = '\0';
	if (stat_parse(text, ret) == 0)
		return 0;
	errno = ESRCH;
	return -1;
}

/* A leader that ended its own thread looks like a zombie while the others run. */
static bool runs(const struct descend_stat *s)
{
	return (s->state != 'Z' && s->state != 'X') || s->threads > 1;
}

static bool is_service(const struct descend *d, const struct descend_stat *self, pid_t pid,
		       const struct descend_stat *of)
{
	struct descend_stat s = *of, parent;

	for (int depth = 0; depth < DEPTH_MAX; depth++) {
		if (pid == d->child)
			return true;
		if (pid == d->updater || pid == d->self || s.ppid <= 0)
			return false;
		if (s.ppid == d->self) {
			bool updaters = s.policy == UPDATER_POLICY && self->policy != UPDATER_POLICY;
			bool outsiders = s.session == 0 && self->session != 0;

			return !updaters && !outsiders;
		}
		/* a parent that began later is another process under a number used again */
		if (descend_stat(d->proc, s.ppid, &parent) < 0 || parent.start > s.start)
			return false;
		pid = s.ppid;
		s = parent;
	}
	return false;
}

static pid_t entry_pid(const char *name)
{
	pid_t pid = 0;

	for (size_t i = 0; name[i]; i++) {
		if (name[i] < '0' || name[i] > '9' || i + 1 >= PID_DIGITS)
			return 0;
		pid = pid * 10 + (name[i] - '0');
	}
	return pid;
}

int descend_each(const struct descend *d, void (*fn)(pid_t pid, uint64_t start, void *arg), void *arg)
{
	struct descend_stat self, s;
	int count = 0;
	long n;

	if (descend_stat(d->proc, d->self, &self) < 0)
		return -1;
	cleanup_fd int dir = open(d->proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -1;
	while ((n = sys_getdents64(dir, entries, sizeof(entries))) > 0)
		for (long at = 0; at < n;) {
			const struct entry *e = (const void *)(entries + at);
			pid_t pid = entry_pid(e->name);

			at += e->reclen;
			if (pid == 0 || pid == d->self || descend_stat(d->proc, pid, &s) < 0 || !runs(&s) ||
			    !is_service(d, &self, pid, &s))
				continue;
			count++;
			if (fn)
				fn(pid, s.start, arg);
		}
	return n < 0 ? -1 : count;
}

struct shot {
	const char *proc;
	int sig;
};

/* Pinned first, looked at again, then signalled: never a number used again. */
static void signal_one(pid_t pid, uint64_t start, void *arg)
{
	const struct shot *shot = arg;
	struct descend_stat s;

	cleanup_fd int fd = sys_pidfd_open(pid, 0);
	if (fd < 0 && errno == ESRCH)
		return;
	if (descend_stat(shot->proc, pid, &s) < 0 || s.start != start)
		return;
	if (fd < 0 || (sys_pidfd_send_signal(fd, shot->sig) < 0 && errno != ESRCH))
		(void)kill(pid, shot->sig);
}

int descend_signal(const struct descend *d, int sig)
{
	struct shot shot = { d->proc, sig };

	return descend_each(d, signal_one, &shot);
}
