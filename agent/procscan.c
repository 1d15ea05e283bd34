/* procscan.c - see procscan.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>
#include "clock.h"
#include "fd.h"
#include "procchild.h"
#include "procjudge.h"

#define TRIES	  4 /* a process that executes another program while it is read */
#define GROUPS_MAX 64 /* users for whom a child is started */
#define CHILD_MS  10000
#define KTHREAD	  0x00200000 /* PF_KTHREAD of the kernel */
#define BTIME_MAX (1024 * 1024) /* bytes of /proc/stat: it grows with processors and interrupts */

static const char no_access[] =
	"reading it is not permitted: it has other capabilities or is not dumpable; scan from the host, or add CAP_SYS_PTRACE";
static const char no_end[] = "it executed another program, or was ending, each time it was read";

struct scan {
	const struct procscan_options *o;
	struct procscan *ret;
	int proc;
	struct judge judge;
	struct procread_buffers buf;
	/* of a child's answers */
	const size_t *group; /* places in ret->v of its targets */
	int dir; /* of the target that is told, or -1 */
};

const char *scan_evidence_name(enum scan_evidence e)
{
	static const char *const names[] = { "executable", "library", "file", "script" };

	return names[e];
}

int64_t procscan_started_ms(const struct procscan *s, const struct scan_process *p)
{
	int64_t ms;

	return __builtin_mul_overflow(p->start, 1000 / sysconf(_SC_CLK_TCK), &ms) ||
			       __builtin_add_overflow(ms, s->boot_ms, &ms) ?
		       INT64_MAX :
		       ms;
}

int64_t procscan_started(const struct procscan *s, const struct scan_process *p)
{
	return procscan_started_ms(s, p) / 1000;
}

void procscan_clear(struct procscan *s)
{
	for (size_t i = 0; i < s->n; i++)
		scan_process_reset(&s->v[i]);
	free(s->v);
	strv_clear(&s->running);
	*s = (struct procscan){ 0 };
}

/* ------------------------------------------------------------------ one process */

static int open_process(const struct scan *s, pid_t pid)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "%d", pid);
	return openat(s->proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static bool is_dead(const struct proc_identity *id)
{
	return (id->flags & KTHREAD) || ((id->state == 'Z' || id->state == 'X') && id->threads <= 1);
}

/* The way of a process that cannot be read. */
static void set_unreadable(struct scan *s, struct scan_process *p, int dir, const char *why)
{
	judge_begin(&s->judge, p, dir);
	p->unreadable = why;
	judge_cmdline(&s->judge);
}

static const char *why_unreadable(enum procread how)
{
	switch (how) {
	case PROCREAD_TOO_MANY:
		return "it has more mappings than are looked at";
	case PROCREAD_BROKEN:
		return "the kernel's answer about its mappings is not understood";
	case PROCREAD_RACED:
		return no_end;
	default:
		return no_access;
	}
}

static bool reported(const struct scan_process *p)
{
	return p->n_reasons || p->scripts.n || p->unreadable;
}

/* Read it once. What is reported must be of one program image: looked at again at the end. */
static enum procread read_once(struct scan *s, struct scan_process *p, int dir, const struct proc_identity *id)
{
	struct procread_sink sink = { judge_links, judge_mapping, judge_archive, &s->judge };
	struct proc_identity before = *id, after;
	enum procread how;

	cleanup_fd int thread = procread_thread(dir, p->pid, &before);
	if (thread >= 0)
		dir = thread;
	judge_begin(&s->judge, p, dir);
	how = procread_gather(dir, &s->buf, &sink);
	if (how != PROCREAD_OK)
		return how;
	judge_end(&s->judge);
	if (reported(p) && (proc_identity_read(dir, &after) < 0 || !proc_identity_same(&before, &after)))
		return PROCREAD_RACED;
	return PROCREAD_OK;
}

static void set_identity(struct scan_process *p, const struct proc_identity *id, const struct stat *st)
{
	p->ppid = id->ppid;
	p->sid = id->sid;
	p->start = id->start;
	memcpy(p->comm, id->comm, sizeof(p->comm));
	/* /proc/PID itself has the effective ids always, its files only those of a dumpable process */
	p->uid = st->st_uid;
	p->gid = st->st_gid;
}

/* PROCREAD_GONE: it does not belong into the list. */
static enum procread read_process(struct scan *s, struct scan_process *p, int dir)
{
	enum procread how = PROCREAD_RACED;
	struct proc_identity id;
	struct stat st;

	for (int tries = 0; tries < TRIES && how == PROCREAD_RACED; tries++) {
		if (fstat(dir, &st) < 0 || proc_identity_read(dir, &id) < 0 || is_dead(&id))
			return PROCREAD_GONE;
		set_identity(p, &id, &st);
		how = read_once(s, p, dir, &id);
	}
	return how;
}

/* ------------------------------------------------------------------- all of them */

static bool is_skipped(const struct scan *s, pid_t pid)
{
	for (size_t i = 0; i < s->o->n_skip; i++)
		if (s->o->skip[i].pid == pid)
			return true;
	return false;
}

static int compare_pids(const void *a, const void *b)
{
	pid_t x = ((const struct scan_process *)a)->pid, y = ((const struct scan_process *)b)->pid;

	return (x > y) - (x < y);
}

/* The numbers in /proc, so that the list has its size from the start. */
static int list_pids(struct scan *s, struct err *err)
{
	struct procscan *ret = s->ret;
	int fd = openat(s->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	size_t cap = 0;
	uint64_t pid;

	if (!dir) {
		(void)err_set(err, CODE_IO, errno, "read folder '%s'", s->o->proc);
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	while ((e = readdir(dir))) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9' || parse_u64(e->d_name, INT32_MAX, &pid) < 0)
			continue;
		ret->cut = ret->n == PROCSCAN_MAX;
		if (ret->cut)
			break;
		if (ret->n == cap) {
			cap = cap ? cap + cap / 2 : 256;
			ret->v = xrealloc(ret->v, cap, sizeof(*ret->v));
		}
		ret->v[ret->n++] = (struct scan_process){ .pid = (pid_t)pid };
	}
	(void)closedir(dir);
	qsort(ret->v, ret->n, sizeof(*ret->v), compare_pids);
	return 0;
}

/* Read all; those that are denied get their turn later. */
static void read_all(struct scan *s)
{
	struct procscan *ret = s->ret;
	size_t kept = 0;

	for (size_t i = 0; i < ret->n; i++) {
		struct scan_process *p = &ret->v[kept];
		enum procread how;

		*p = (struct scan_process){ .pid = ret->v[i].pid };
		cleanup_fd int dir = is_skipped(s, p->pid) ? -1 : open_process(s, p->pid);
		how = dir < 0 ? PROCREAD_GONE : read_process(s, p, dir);
		if (how == PROCREAD_GONE) {
			scan_process_reset(p);
			continue;
		}
		if (how != PROCREAD_OK)
			set_unreadable(s, p, dir, why_unreadable(how));
		kept++;
	}
	ret->n = kept;
}

/* ------------------------------------------------------------------- of other users */

static void end_target(struct scan *s)
{
	closep(&s->dir);
	s->dir = -1;
}

/* Its folder is s->dir, unless it ended meanwhile: then it has no `start` any more. */
static bool begin_target(void *ctx, size_t i)
{
	struct scan *s = ctx;
	struct scan_process *p = &s->ret->v[s->group[i]];
	struct proc_identity id;

	end_target(s);
	s->dir = open_process(s, p->pid);
	if (s->dir < 0 || proc_identity_read(s->dir, &id) < 0 || is_dead(&id) || id.start != p->start) {
		p->start = 0;
		return false;
	}
	judge_begin(&s->judge, p, s->dir);
	return true;
}

static void told(void *ctx, size_t i, enum procread how)
{
	struct scan *s = ctx;
	struct scan_process *p = &s->ret->v[s->group[i]];

	if (how == PROCREAD_OK)
		judge_end(&s->judge);
	else
		set_unreadable(s, p, s->dir, why_unreadable(how == PROCREAD_GONE ? PROCREAD_DENIED : how));
	end_target(s);
}

static bool same_user(const struct scan_process *a, const struct scan_process *b)
{
	return a->uid == b->uid && a->gid == b->gid;
}

/* One child for all processes of the user and group of V[FIRST]. */
static void read_group(struct scan *s, size_t first, size_t *group, struct procchild_target *targets, uint64_t deadline)
{
	struct procscan *ret = s->ret;
	const struct scan_process *p = &ret->v[first];
	struct procchild_sink sink = { .facts = { judge_links, judge_mapping, judge_archive, &s->judge },
				       .begin = begin_target,
				       .end = told,
				       .ctx = s };
	size_t n = 0;

	for (size_t i = first; i < ret->n; i++) {
		if (ret->v[i].unreadable != no_access || !same_user(&ret->v[i], p))
			continue;
		targets[n] = (struct procchild_target){ ret->v[i].pid, ret->v[i].start };
		group[n++] = i;
	}
	s->group = group;
	const char *why = procchild_read(s->proc, p->uid, p->gid, targets, n, deadline, &sink);
	/* who was told half, and who was not told at all */
	if (why && s->dir >= 0)
		set_unreadable(s, s->judge.p, s->dir, why);
	for (size_t i = 0; why && i < n; i++)
		if (ret->v[group[i]].unreadable == no_access)
			ret->v[group[i]].unreadable = why;
	end_target(s);
}

/* Each user and group once; root's own are denied for their capabilities, which no child has. */
static void read_denied(struct scan *s)
{
	struct procscan *ret = s->ret;
	uint64_t deadline = clock_ms() + (s->o->child_ms ? s->o->child_ms : CHILD_MS);
	struct scan_process seen[GROUPS_MAX];
	struct procchild_target *targets = NULL;
	cleanup_free size_t *group = NULL;
	size_t n = 0;

	for (size_t i = 0; i < ret->n; i++) {
		const struct scan_process *p = &ret->v[i];
		size_t k = 0;

		if (p->unreadable != no_access || (p->uid == 0 && p->gid == 0))
			continue;
		while (k < n && !same_user(&seen[k], p))
			k++;
		if (k < n || n == GROUPS_MAX)
			continue;
		seen[n++] = *p;
		if (!group) {
			group = xcalloc(ret->n, sizeof(*group));
			targets = xcalloc(ret->n, sizeof(*targets));
		}
		read_group(s, i, group, targets, deadline);
	}
	free(targets);
}

/* ------------------------------------------------------------------- afterwards */

static const struct scan_process *find_pid(const struct procscan *s, pid_t pid)
{
	const struct scan_process key = { .pid = pid };

	return s->n ? bsearch(&key, s->v, s->n, sizeof(*s->v), compare_pids) : NULL;
}

static bool below_skipped(const struct scan *s, const struct scan_process *p)
{
	/* a loop among reused pids ends, too */
	for (int depth = 0; p && depth < 64; depth++) {
		for (size_t i = 0; i < s->o->n_skip; i++)
			if (s->o->skip[i].tree && s->o->skip[i].pid == p->ppid)
				return true;
		p = find_pid(s->ret, p->ppid);
	}
	return false;
}

static void drop_skipped(struct scan *s)
{
	struct procscan *ret = s->ret;
	size_t kept = 0;
	cleanup_free bool *drop = xcalloc(ret->n, sizeof(*drop));

	for (size_t i = 0; s->o->n_skip && i < ret->n; i++)
		drop[i] = below_skipped(s, &ret->v[i]);
	for (size_t i = 0; i < ret->n; i++) {
		if (drop[i] || !ret->v[i].start) {
			scan_process_reset(&ret->v[i]);
			continue;
		}
		ret->unreadable += ret->v[i].unreadable != NULL;
		ret->v[kept++] = ret->v[i];
	}
	ret->n = kept;
}

/* The kernel's own "btime" is rounded; but a recorded tree has only that. */
static int read_boot(struct scan *s, struct err *err)
{
	struct timespec wall, up;

	if (!s->o->recorded) {
		(void)clock_gettime(CLOCK_REALTIME, &wall);
		(void)clock_gettime(CLOCK_BOOTTIME, &up);
		s->ret->boot_ms = (wall.tv_sec - up.tv_sec) * INT64_C(1000) + (wall.tv_nsec - up.tv_nsec) / 1000000;
		return 0;
	}
	struct buf b = { 0 };
	int rc = read_file_at(s->proc, "stat", BTIME_MAX, &b, err);
	const char *line = strstr(buf_str(&b), "btime ");

	if (rc == 0 && line)
		s->ret->boot_ms = strtoll(line + 6, NULL, 10) * 1000;
	else if (rc == 0)
		rc = err_set(err, CODE_IO, 0, "'%s/stat' does not say when the machine was started", s->o->proc);
	buf_clear(&b);
	return rc;
}

static uint64_t namespace_of(const struct scan *s, const char *pid)
{
	cleanup_fd int dir = openat(s->proc, pid, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? 0 : procread_namespace(dir);
}

static int open_proc(struct scan *s, struct err *err)
{
	struct statfs fs;

	s->proc = open(s->o->proc, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->proc < 0)
		return err_set(err, CODE_IO, errno, "open '%s'", s->o->proc);
	if (!s->o->recorded && (fstatfs(s->proc, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC))
		return err_set(err, CODE_IO, 0, "'%s' is not the kernel's: no proc file system is mounted there",
			       s->o->proc);
	return read_boot(s, err);
}

int procscan_read(const struct procscan_options *o, struct procscan *ret, struct err *err)
{
	/* large: buffers for text and links */
	struct scan *s = xcalloc(1, sizeof(*s));
	int rc;

	s->o = o;
	s->ret = ret;
	s->proc = s->dir = -1;
	s->judge.options = o;
	s->judge.running = &ret->running;
	rc = open_proc(s, err);
	if (rc == 0)
		rc = list_pids(s, err);
	if (rc == 0) {
		s->judge.own_ns[0] = namespace_of(s, "self");
		s->judge.own_ns[1] = namespace_of(s, "1");
		read_all(s);
		if (!o->recorded)
			read_denied(s);
		drop_skipped(s);
	}
	judge_clear(&s->judge);
	closep(&s->proc);
	free(s);
	return rc;
}
