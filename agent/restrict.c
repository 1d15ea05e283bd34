/* restrict.c - see restrict.h. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "fd.h"
#include "hostproc.h"
#include "profile.h"
#include "restrict.h"

#define CAPS_MAX 64
#define OOM_ADJ 1000 /* under memory pressure we go first, never the service */

static int write_at(int dir, const char *file, const char *text)
{
	cleanup_fd int fd = openat(dir, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	return fd < 0 ? -1 : write_all(fd, text, strlen(text));
}

/* Our own file of the host's /proc: its /proc is whatever the container says. */
static int write_own(const struct target *t, const char *file, const char *text)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%d/%s", (int)getpid(), file);
	cleanup_fd int fd = hostproc_at(t->proc, path, O_WRONLY);
	return fd < 0 ? -1 : write_all(fd, text, strlen(text));
}

static int join_cgroups(const struct target *t, struct err *err)
{
	for (size_t i = 0; i < t->n_cgroups; i++) {
		/* of version 1, and we are one thread: the other file makes every fork of the machine wait */
		if (write_at(t->cgroups[i], "tasks", "0") == 0)
			continue;
		if (errno != ENOENT || write_at(t->cgroups[i], "cgroup.procs", "0") < 0)
			return err_set(err, CODE_ENTER_FAILED, errno, "join its cgroup");
	}
	return 0;
}

static int set_limits(const struct target *t, struct err *err)
{
	for (int i = 0; i < (int)RLIM_NLIMITS; i++) {
		enum __rlimit_resource what = (enum __rlimit_resource)i;
		struct rlimit ours, its = t->limits[i];

		if (setrlimit(what, &its) == 0)
			continue;
		/* without CAP_SYS_RESOURCE ours can only be lowered, which is less than it has */
		if (errno != EPERM || getrlimit(what, &ours) < 0)
			return err_set(err, CODE_ENTER_FAILED, errno, "take on its limit %d", i);
		if (its.rlim_max > ours.rlim_max)
			its.rlim_max = ours.rlim_max;
		if (its.rlim_cur > its.rlim_max)
			its.rlim_cur = its.rlim_max;
		if (setrlimit(what, &its) < 0)
			return err_set(err, CODE_ENTER_FAILED, errno, "take on its limit %d", i);
	}
	return 0;
}

int restrict_before(const struct target *t, struct err *err)
{
	char adj[16];

	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_set(err, CODE_ENTER_FAILED, errno, "forbid to trace the entering process");
	if (setgroups(0, NULL) < 0)
		return err_set(err, CODE_ENTER_FAILED, errno, "drop the groups");
	/* EPERM, ENOSYS: where we are nobody has key rings */
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS && errno != EPERM)
		return err_set(err, CODE_ENTER_FAILED, errno, "leave the session key ring");
	(void)snprintf(adj, sizeof(adj), "%d", OOM_ADJ);
	if (write_own(t, "oom_score_adj", adj) < 0)
		return err_set(err, CODE_ENTER_FAILED, errno, "set oom_score_adj");
	if (join_cgroups(t, err) < 0 || set_limits(t, err) < 0)
		return -1;
	(void)umask(022);
	return 0;
}

/* AppArmor wants a verb in front, SELinux does not. */
int restrict_label(const struct target *t, struct err *err)
{
	if (!t->label)
		return 0;
	cleanup_free char *text = t->selinux ? xstrdup(t->label) : xasprintf("exec %s", t->label);
	if (write_own(t, "attr/exec", text) < 0)
		return err_set(err, CODE_ENTER_FAILED, errno, "take on its security label");
	return 0;
}

static int drop_bounding(const struct target *t, struct err *err)
{
	for (int cap = 0; cap < CAPS_MAX; cap++) {
		if (t->bounding & (UINT64_C(1) << cap))
			continue;
		/* EINVAL: the kernel has no more of them */
		if (prctl(PR_CAPBSET_DROP, cap) < 0 && errno != EINVAL)
			return err_set(err, CODE_ENTER_FAILED, errno, "drop capability %d", cap);
	}
	return 0;
}

static int become_root(struct err *err)
{
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_set(err, CODE_ENTER_FAILED, errno, "become its root user");
	return 0;
}

static int set_capabilities(const struct target *t, struct err *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct have[2], want[2] = { 0 };

	if (syscall(SYS_capget, &head, have) < 0)
		return err_set(err, CODE_ENTER_FAILED, errno, "read the capabilities");
	for (int i = 0; i < 2; i++)
		want[i].effective = want[i].permitted = have[i].permitted & (uint32_t)(t->bounding >> (32 * i));
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		return err_set(err, CODE_ENTER_FAILED, errno, "clear the ambient capabilities");
	if (syscall(SYS_capset, &head, want) < 0)
		return err_set(err, CODE_ENTER_FAILED, errno, "drop capabilities");
	return 0;
}

static int install_filter(const struct sock_filter *code, unsigned short len, struct err *err)
{
	struct sock_fprog prog = { .len = len, .filter = (struct sock_filter *)(uintptr_t)code };

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) < 0)
		return err_set(err, CODE_ENTER_FAILED, errno, "take on its seccomp filter");
	return 0;
}

static int set_seccomp(const struct target *t, struct err *err)
{
	if (t->builtin_filter) {
		struct sock_filter code[PROFILE_MAX];

		return install_filter(code, profile_builtin(code), err);
	}
	/* the oldest first, as the container got them */
	for (size_t i = t->n_filters; i > 0; i--)
		if (install_filter(t->filters[i - 1].code, t->filters[i - 1].len, err) < 0)
			return -1;
	return 0;
}

int restrict_after(const struct target *t, struct err *err)
{
	if (drop_bounding(t, err) < 0 || become_root(err) < 0)
		return -1;
	if (t->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, CODE_ENTER_FAILED, errno, "set no_new_privs");
	/* with no_new_privs anybody may, without it it takes CAP_SYS_ADMIN: before that is dropped */
	if (!t->no_new_privs && set_seccomp(t, err) < 0)
		return -1;
	if (set_capabilities(t, err) < 0)
		return -1;
	return t->no_new_privs ? set_seccomp(t, err) : 0;
}
