/* confine.c - user, capabilities and Landlock (confine.h). */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "confine.h"

/* ------------------------------------------------------------ user and capabilities */

/* The bounding set would matter to a program with file capabilities alone, which
 * no_new_privs rules out; it is dropped where that is allowed. */
static bool drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 }, now[2];

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	(void)syscall(SYS_capset, &head, none);
	return syscall(SYS_capget, &head, now) == 0 && memcmp(now, none, sizeof(none)) == 0;
}

static bool become(uid_t uid, gid_t gid)
{
	if (uid == 0)
		return false;
	if (getuid() == uid && geteuid() == uid)
		return true;
	return setgroups(1, &gid) == 0 && setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0;
}

/* ------------------------------------------------------------ Landlock */

/* Of linux/landlock.h, which older headers have in part. */
#define FS_EXECUTE     (1U << 0)
#define FS_WRITE_FILE  (1U << 1)
#define FS_READ_FILE   (1U << 2)
#define FS_READ_DIR    (1U << 3)
#define FS_REMOVE_FILE (1U << 5)
#define FS_MAKE_REG    (1U << 8)
#define FS_TRUNCATE    (1U << 14)
#define FS_OF_FILES    (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE)
#define NET_BIND_TCP   (1U << 0)
#define NET_CONNECT_TCP (1U << 1)
#define SCOPE_ABSTRACT_UNIX (1U << 0)
#define SCOPE_SIGNAL   (1U << 1)
#define ABI_QUERY      1U
#define RULE_PATH_BENEATH 1

struct ruleset_attr {
	uint64_t fs, net, scoped;
};

struct path_attr {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

/* All rights over files that a kernel of this ABI knows. */
static uint64_t known_rights(long abi)
{
	static const unsigned char bits[] = { 0, 13, 14, 15, 15, 16 };

	return (1ULL << bits[abi < 5 ? abi : 5]) - 1;
}

static int new_ruleset(enum confine_profile profile, long abi)
{
	struct ruleset_attr attr = { .fs = known_rights(abi) };
	size_t size = sizeof(attr.fs);

	if (abi >= 4) {
		attr.net = profile == CONFINE_FETCH ? NET_BIND_TCP : NET_BIND_TCP | NET_CONNECT_TCP;
		size += sizeof(attr.net);
	}
	if (abi >= 6) {
		attr.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
		size += sizeof(attr.scoped);
	}
	return (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
}

static uint64_t rights(enum confine_profile profile, enum confine_access access)
{
	const uint64_t reading = FS_READ_FILE | FS_READ_DIR;
	const uint64_t writing = reading | FS_WRITE_FILE | FS_TRUNCATE | FS_MAKE_REG | FS_REMOVE_FILE;

	switch (access) {
	case CONFINE_READ:
		return reading;
	case CONFINE_READ_FETCH:
		return profile == CONFINE_FETCH ? reading : 0;
	case CONFINE_WRITE:
		return writing;
	case CONFINE_WRITE_VERIFY:
		return profile == CONFINE_VERIFY ? writing : 0;
	case CONFINE_RUN:
		return profile == CONFINE_VERIFY ? reading | FS_EXECUTE : reading;
	}
	return 0;
}

static bool allow_fd(int ruleset, int fd, uint64_t allowed, long abi)
{
	struct path_attr attr = { .allowed = allowed & known_rights(abi), .fd = fd };
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	if (!S_ISDIR(st.st_mode))
		attr.allowed &= FS_OF_FILES;
	return !attr.allowed || syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &attr, 0) == 0;
}

/* What is not there cannot be opened either; the rule of a link is for its target. */
static bool allow_path(int ruleset, const char *path, uint64_t allowed, long abi)
{
	int fd = allowed ? open(path, O_PATH | O_CLOEXEC) : -1;
	bool ok = fd < 0 || allow_fd(ruleset, fd, allowed, abi);

	if (fd >= 0)
		(void)close(fd);
	return ok;
}

/* Made while this still is root, so that a folder it cannot reach afterwards is none the less allowed. */
static int make_ruleset(const struct confine *c)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, ABI_QUERY);
	int ruleset = abi >= 1 ? new_ruleset(c->profile, abi) : -1;
	bool ok;

	if (ruleset < 0)
		return -1;
	ok = allow_path(ruleset, "/dev/null", FS_READ_FILE | FS_WRITE_FILE, abi);
	if (c->profile == CONFINE_LOCAL || c->profile == CONFINE_VERIFY)
		ok = ok && allow_path(ruleset, "/", FS_READ_FILE | FS_READ_DIR, abi);
	for (size_t i = 0; i < c->n_paths && ok; i++) {
		const struct confine_path *p = &c->paths[i];
		uint64_t allowed = rights(c->profile, p->access);

		ok = p->path ? allow_path(ruleset, p->path, allowed, abi) : allow_fd(ruleset, p->fd, allowed, abi);
	}
	if (ok)
		return ruleset;
	(void)close(ruleset);
	return -1;
}

/* ------------------------------------------------------------ all of it */

unsigned confine_enter(const struct confine *c)
{
	int ruleset = make_ruleset(c);
	unsigned missing = 0;

	if (!become(c->uid, c->gid))
		missing |= CONFINE_NO_USER;
	if (!drop_capabilities())
		missing |= CONFINE_CAPABLE;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		missing |= CONFINE_PRIVILEGES;
	if (ruleset < 0 || syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		missing |= CONFINE_NO_LANDLOCK;
	if (ruleset >= 0)
		(void)close(ruleset);
	return missing | confine_filter(c->profile);
}

void confine_describe(unsigned missing, char *buf, size_t n)
{
	static const struct {
		unsigned bit;
		const char *text;
	} names[] = {
		{ CONFINE_NO_USER, "an unprivileged user (give the container CAP_SETUID and CAP_SETGID)" },
		{ CONFINE_CAPABLE, "the loss of all capabilities" },
		{ CONFINE_PRIVILEGES, "no_new_privs" },
		{ CONFINE_NO_LANDLOCK, "Landlock (Linux 5.13, and a seccomp profile that knows it)" },
		{ CONFINE_NO_FILTER, "a filter of system calls (seccomp)" },
	};
	size_t used = 0;

	if (n)
		*buf = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && used < n; i++)
		if (missing & names[i].bit)
			used += (size_t)snprintf(buf + used, n - used, "%s%s", used ? ", " : "", names[i].text);
}
