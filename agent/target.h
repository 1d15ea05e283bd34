/* target.h - the container that is to be entered: who it is, and what restricts it.
 *
 * All of it is read on the host, from the host's /proc, about the container's
 * init. The pidfd names that process for ever: what was read through /proc/PID
 * counts only as long as target_alive() says that it still is there.
 */
#pragma once
#include <linux/filter.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include "buf.h"
#include "err.h"

#define TARGET_CGROUPS_MAX 32
#define TARGET_FILTERS_MAX 32

/* One seccomp filter, as its init has it. */
struct target_filter {
	struct sock_filter *code;
	unsigned short len;
};

struct target {
	pid_t pid; /* its init, in our pid namespace */
	uint64_t start;
	int proc; /* hostproc_open() */
	int pidfd;
	unsigned namespaces; /* CLONE_NEW… of those that are not ours */
	uint64_t mntns, pidns;
	bool userns; /* it has a user namespace of its own */
	uid_t root_uid; /* our ids of its root */
	gid_t root_gid;
	uint64_t bounding; /* capabilities */
	bool no_new_privs;
	int seccomp; /* 0: none, 2: filters */
	struct target_filter filters[TARGET_FILTERS_MAX]; /* the newest first */
	size_t n_filters;
	bool builtin_filter; /* its filters could not be copied: use ours */
	char *no_copy; /* why not */
	char *label; /* of its security module, NULL: none, or the same as ours */
	bool selinux; /* which takes the label as it is */
	struct rlimit limits[RLIM_NLIMITS];
	int cgroups[TARGET_CGROUPS_MAX]; /* its folders in the hierarchies where it is not where we are */
	size_t n_cgroups;
	const char *plugin; /* "apt", "rpm"; NULL: it has no package database */
};

/* Read all about the container whose init is PID, started at START. RET is complete on success,
 * empty on failure. Codes: NO_TARGET, CONTAINER_GONE, NOT_STARTED, PAUSED, NOT_ROOT, ENTER_FAILED, IO. */
int target_open(pid_t pid, uint64_t start, struct target *ret, struct err *err);
/* Is it still the process that was read about? */
bool target_alive(const struct target *t);
void target_clear(struct target *t);

/* The parts, each into T: targetcgroup.c, targetseccomp.c. */
int target_read_cgroups(struct target *t, struct err *err);
/* Is one of its cgroups frozen? */
bool target_frozen(const struct target *t);
void target_copy_seccomp(struct target *t);
