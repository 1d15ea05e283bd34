/* target.c - see target.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include "hostproc.h"
#include "inroot.h"
#include "procread.h"
#include "target.h"

#define TEXT_MAX 65536
#define UP_MAX 1000 /* parents that are followed */
#define FORKNOEXEC 0x00000040 /* PF_FORKNOEXEC of the kernel */

static const struct {
	const char *name;
	unsigned flag;
} kinds[] = { { "user", CLONE_NEWUSER },     { "mnt", CLONE_NEWNS },   { "pid", CLONE_NEWPID },
	      { "net", CLONE_NEWNET },	     { "ipc", CLONE_NEWIPC },  { "uts", CLONE_NEWUTS },
	      { "cgroup", CLONE_NEWCGROUP }, { "time", CLONE_NEWTIME } };

static int read_text(const struct target *t, const char *name, struct buf *ret, struct err *err)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%d/%s", (int)t->pid, name);
	return hostproc_read(t->proc, path, TEXT_MAX, ret, err);
}

static int read_number(const char *status, const char *field, int base, uint64_t *ret, struct err *err)
{
	const char *v = hostproc_field(status, field);
	char *end = NULL;

	if (v)
		*ret = strtoull(v, &end, base);
	if (!v || end == v || (*end != '\n' && *end != '\t'))
		return err_set(err, CODE_ENTER_FAILED, 0,
			       "its status has no number '%s': the kernel is too old for host mode", field);
	return 0;
}

static int read_namespaces(struct target *t, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		uint64_t its = hostproc_namespace(t->proc, t->pid, kinds[i].name);
		uint64_t ours = hostproc_namespace(t->proc, getpid(), kinds[i].name);

		/* a kernel without this kind has it for nobody */
		if (its != ours)
			t->namespaces |= kinds[i].flag;
		if (kinds[i].flag == CLONE_NEWNS)
			t->mntns = its;
		if (kinds[i].flag == CLONE_NEWPID)
			t->pidns = its;
	}
	t->userns = t->namespaces & CLONE_NEWUSER;
	if (!t->mntns || !t->pidns)
		return err_set(err, CODE_ENTER_FAILED, 0,
			       "its namespaces cannot be read; run stopgap as root of the host");
	if (!(t->namespaces & CLONE_NEWNS))
		return err_set(err, CODE_NO_TARGET, 0,
			       "process %d is in no container: it has the same mount namespace as stopgap; "
			       "use 'stopgap once' for this system itself",
			       (int)t->pid);
	return 0;
}

/* Which of our ids is its 0, by MAP ("inside outside count" in lines). */
static int64_t outside_root(const char *map)
{
	unsigned inside, outside, count;
	int n;

	for (const char *p = map; sscanf(p, " %10u %10u %10u%n", &inside, &outside, &count, &n) == 3; p += n)
		if (inside == 0 && count > 0)
			return outside;
	return -1;
}

static int read_ids(struct target *t, struct err *err)
{
	cleanup_buf struct buf uids = { 0 }, gids = { 0 };

	if (!t->userns)
		return 0;
	if (read_text(t, "uid_map", &uids, err) < 0 || read_text(t, "gid_map", &gids, err) < 0)
		return -1;
	int64_t uid = outside_root(buf_str(&uids)), gid = outside_root(buf_str(&gids));
	if (uid < 0 || gid < 0)
		return err_set(err, CODE_NOT_ROOT, 0,
			       "its user namespace has no root: updates need one; map the ids 0 when it is started");
	t->root_uid = (uid_t)uid;
	t->root_gid = (gid_t)gid;
	return 0;
}

static int read_status(struct target *t, struct err *err)
{
	cleanup_buf struct buf status = { 0 };
	uint64_t nnp, seccomp;

	if (read_text(t, "status", &status, err) < 0 ||
	    read_number(buf_str(&status), "CapBnd", 16, &t->bounding, err) < 0 ||
	    read_number(buf_str(&status), "NoNewPrivs", 10, &nnp, err) < 0 ||
	    read_number(buf_str(&status), "Seccomp", 10, &seccomp, err) < 0)
		return -1;
	t->no_new_privs = nnp != 0;
	t->seccomp = (int)seccomp;
	return 0;
}

static void read_label(struct target *t)
{
	cleanup_buf struct buf its = { 0 }, ours = { 0 };
	struct err ignored = ERR_INIT;
	char path[64];

	(void)snprintf(path, sizeof(path), "%d/attr/current", (int)getpid());
	/* EINVAL: no security module keeps one */
	if (read_text(t, "attr/current", &its, &ignored) < 0 ||
	    hostproc_read(t->proc, path, TEXT_MAX, &ours, &ignored) < 0)
		return;
	size_t n = strcspn(buf_str(&its), "\n");
	if (n == 0 || streq(buf_str(&its), buf_str(&ours)))
		return;
	t->selinux = access("/sys/fs/selinux/enforce", F_OK) == 0;
	t->label = xstrndup(buf_str(&its), n);
	/* AppArmor: "profile (enforce)" */
	char *mode = strstr(t->label, " (");
	if (mode)
		*mode = '\0';
}

static const char *read_limit(const char *p, rlim_t *ret)
{
	char *end;

	p += strspn(p, " ");
	if (starts_with(p, "unlimited")) {
		*ret = RLIM_INFINITY;
		return p + strlen("unlimited");
	}
	*ret = strtoull(p, &end, 10);
	return end == p ? NULL : end;
}

/* From the text: prlimit() takes CAP_SYS_RESOURCE for a process of another user. */
static int read_limits(struct target *t, struct err *err)
{
	static const char *const names[RLIM_NLIMITS] = {
		[RLIMIT_CPU] = "Max cpu time",
		[RLIMIT_FSIZE] = "Max file size",
		[RLIMIT_DATA] = "Max data size",
		[RLIMIT_STACK] = "Max stack size",
		[RLIMIT_CORE] = "Max core file size",
		[RLIMIT_RSS] = "Max resident set",
		[RLIMIT_NPROC] = "Max processes",
		[RLIMIT_NOFILE] = "Max open files",
		[RLIMIT_MEMLOCK] = "Max locked memory",
		[RLIMIT_AS] = "Max address space",
		[RLIMIT_LOCKS] = "Max file locks",
		[RLIMIT_SIGPENDING] = "Max pending signals",
		[RLIMIT_MSGQUEUE] = "Max msgqueue size",
		[RLIMIT_NICE] = "Max nice priority",
		[RLIMIT_RTPRIO] = "Max realtime priority",
		[RLIMIT_RTTIME] = "Max realtime timeout",
	};
	cleanup_buf struct buf text = { 0 };

	if (read_text(t, "limits", &text, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *p = strstr(buf_str(&text), names[i]);

		p = p ? read_limit(p + strlen(names[i]), &t->limits[i].rlim_cur) : NULL;
		if (!p || !read_limit(p, &t->limits[i].rlim_max))
			return err_set(err, CODE_ENTER_FAILED, 0, "its limit '%s' cannot be read", names[i]);
	}
	return 0;
}

/* Which plugin can do something here. Only looked up below its root, never read: a wrong answer costs a run. */
static void find_plugin(struct target *t)
{
	static const struct {
		const char *path, *plugin;
	} databases[] = { { "/var/lib/dpkg/status", "apt" },
			  { "/usr/lib/sysimage/rpm", "rpm" },
			  { "/var/lib/rpm", "rpm" } };
	char path[64];

	(void)snprintf(path, sizeof(path), "%d", (int)t->pid);
	cleanup_fd int dir = hostproc_at(t->proc, path, O_PATH | O_DIRECTORY);
	cleanup_fd int root = dir < 0 ? -1 : openat(dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return;
	for (size_t i = 0; !t->plugin && i < ARRAY_SIZE(databases); i++) {
		cleanup_fd int fd = inroot_open(root, databases[i].path);

		if (fd >= 0)
			t->plugin = databases[i].plugin;
	}
}

/* An engine puts on the restrictions one by one before it executes the container's program; until then its root may be
 * the host's, and its capabilities are all. What is read after the execution is read of the container. */
static int check_started(const struct target *t, struct err *err)
{
	struct proc_identity id;
	char path[64];

	(void)snprintf(path, sizeof(path), "%d", (int)t->pid);
	cleanup_fd int dir = hostproc_at(t->proc, path, O_RDONLY | O_DIRECTORY);
	if (dir < 0 || proc_identity_read(dir, &id) < 0)
		return err_set(err, CODE_CONTAINER_GONE, 0, "the container has ended");
	if (!(id.flags & FORKNOEXEC))
		return 0;
	(void)err_set(err, CODE_NOT_STARTED, 0,
		      "process %d has not executed the container's program yet: its engine still sets it up; "
		      "try again when it runs",
		      (int)t->pid);
	err->retryable = true;
	return -1;
}

static int read_all(struct target *t, struct err *err)
{
	if (check_started(t, err) < 0 || read_namespaces(t, err) < 0 || target_read_cgroups(t, err) < 0)
		return -1;
	if (target_frozen(t))
		return err_set(err, CODE_PAUSED, 0, "the container is frozen: resume it first");
	if (read_ids(t, err) < 0 || read_status(t, err) < 0 || read_limits(t, err) < 0)
		return -1;
	read_label(t);
	find_plugin(t);
	if (t->seccomp)
		target_copy_seccomp(t);
	return 0;
}

int target_open(pid_t pid, uint64_t start, struct target *ret, struct err *err)
{
	struct target t = { .proc = -1, .pidfd = -1 };

	if (geteuid() != 0)
		return err_set(err, CODE_NOT_ROOT, 0, "containers are entered by root of the host; use sudo");
	t.proc = hostproc_open(err);
	if (t.proc < 0)
		return -1;
	t.pid = pid;
	t.start = start;
	t.pidfd = pidfd_open(t.pid, 0);
	/* the number may mean another process by now: the descriptor is looked at first, then what it is of */
	if (t.pidfd < 0 || !target_alive(&t)) {
		(void)err_set(err, CODE_CONTAINER_GONE, 0, "the container has ended");
	} else if (read_all(&t, err) == 0) {
		if (target_alive(&t)) {
			*ret = t;
			return 0;
		}
		(void)err_set(err, CODE_CONTAINER_GONE, 0, "the container has ended");
	}
	target_clear(&t);
	return -1;
}

bool target_alive(const struct target *t)
{
	struct pollfd p = { .fd = t->pidfd, .events = POLLIN };

	return poll(&p, 1, 0) == 0 && hostproc_start(t->proc, t->pid) == t->start;
}

void target_clear(struct target *t)
{
	closep(&t->proc);
	closep(&t->pidfd);
	for (size_t i = 0; i < t->n_cgroups; i++)
		closep(&t->cgroups[i]);
	for (size_t i = 0; i < t->n_filters; i++)
		free(t->filters[i].code);
	free(t->no_copy);
	free(t->label);
	*t = (struct target){ .proc = -1, .pidfd = -1 };
}
