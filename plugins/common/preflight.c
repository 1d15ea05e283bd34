/* preflight.c - see preflight.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "cgroup.h"
#include "fd.h"
#include "preflight.h"

#define MIB (1024LL * 1024)
#define SPACE_MIN (32 * MIB) /* below that not even the smallest update is tried */
/* Unpacking needs the size of the largest file set up to xz's 64 MiB dictionary
 * and some 10 MiB, dpkg 15, a plan 20. Tried: perl-base fails with 24 MiB,
 * libperl with 48, postgresql-15 with 64; what does not fit fails alone and
 * leaves its package as it was. Below this a usual update does not fit. */
#define MEMORY_MIN (64 * MIB)
#define PIDS_MIN 20 /* tried: scripts cannot fork with 10, dpkg works with 14; downloads need some more */

/* An unprivileged probe is one thing to mend, so it is the only one reported. */
static bool root_user(const struct preflight *p, struct wire_list *blocked)
{
	if (geteuid() == 0)
		return true;
	reason_add(blocked, CODE_NOT_ROOT,
		   "running as uid %u, but %s changes the system as root only; run stopgap with --user 0 (docker exec "
		   "-u 0) or wrap with run --user",
		   (unsigned)geteuid(), p->manager);
	return false;
}

static void writable(const struct preflight *p, struct wire_list *blocked)
{
	const char *const dirs[] = { "/usr", "/etc", p->database, "/lib", "/bin", "/sbin" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		struct statvfs v;

		if (access(dirs[i], F_OK) < 0)
			continue;
		if ((statvfs(dirs[i], &v) == 0 && (v.f_flag & ST_RDONLY)) ||
		    (faccessat(AT_FDCWD, dirs[i], W_OK, AT_EACCESS) < 0 && errno == EROFS)) {
			reason_add(blocked, CODE_READ_ONLY_ROOT,
				   "'%s' is on a read-only filesystem; start the container without --read-only "
				   "(readOnlyRootFilesystem: false) or patch its image",
				   dirs[i]);
			return;
		}
	}
}

/* What fails without each, tried on real updates. Without SETUID and SETGID
 * both work; downloads then run as root, which refresh reports. */
static const struct {
	int bit;
	const char *name;
} needed[] = {
	{ 0, "CHOWN" }, /* "error setting ownership" of unpacked files */
	{ 1, "DAC_OVERRIDE" }, /* "unable to stat" in folders of other users */
	{ 3, "FOWNER" }, /* "error setting permissions" of other users' files */
	{ 4, "FSETID" }, /* dpkg says nothing, but setgid bits are lost */
};

static int effective_capabilities(uint64_t *ret)
{
	cleanup_buf struct buf b = { 0 };
	struct err ignored = ERR_INIT;
	const char *p;
	unsigned long long caps;

	if (read_file("/proc/self/status", 65536, &b, &ignored) < 0)
		return -1;
	p = strstr(buf_str(&b), "\nCapEff:");
	if (!p || sscanf(p, "\nCapEff: %llx", &caps) != 1)
		return -1;
	*ret = caps;
	return 0;
}

static void capabilities(const struct preflight *p, struct wire_list *blocked)
{
	cleanup_buf struct buf missing = { 0 }, flags = { 0 };
	uint64_t caps;

	if (effective_capabilities(&caps) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (caps & (1ULL << needed[i].bit))
			continue;
		buf_printf(&missing, "%s%s", missing.n ? ", " : "", needed[i].name);
		buf_printf(&flags, " --cap-add=%s", needed[i].name);
	}
	if (missing.n)
		reason_add(blocked, CODE_MISSING_CAPABILITY, "%s would lack %s; start the container with%s", p->manager,
			   buf_str(&missing), buf_str(&flags));
}

static void space(const struct preflight *p, const struct msg_settings *settings, struct wire_list *blocked)
{
	const char *const dirs[] = { "/usr", p->database, settings->state_dir };
	dev_t seen[ARRAY_SIZE(dirs)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		struct statvfs v;
		struct stat st;
		bool known = false;

		if (!dirs[i] || stat(dirs[i], &st) < 0 || statvfs(dirs[i], &v) < 0 || v.f_blocks == 0)
			continue;
		for (size_t k = 0; k < n; k++)
			known |= seen[k] == st.st_dev;
		seen[n++] = st.st_dev;
		int64_t left = (int64_t)(v.f_bavail * v.f_frsize);
		if (!known && left < SPACE_MIN)
			reason_add(
				blocked, CODE_NO_SPACE,
				"%lld MiB are free in '%s', at least %lld MiB are needed; free some space or enlarge "
				"the volume",
				(long long)(left / MIB), dirs[i], (long long)(SPACE_MIN / MIB));
		else if (!known && v.f_files && v.f_favail < 1000)
			reason_add(blocked, CODE_NO_SPACE,
				   "%llu inodes are free in '%s', at least 1000 are needed; remove some files",
				   (unsigned long long)v.f_favail, dirs[i]);
	}
}

static void limits(struct wire_list *blocked)
{
	struct cgroup_room room;

	cgroup_read("", &room);
	if (room.memory_left >= 0 && room.memory_left < MEMORY_MIN)
		reason_add(
			blocked, CODE_LOW_MEMORY,
			"%lld MiB of the memory limit of %lld MiB are left, an update needs %lld MiB; raise the limit "
			"(docker update --memory) or patch while the service is small",
			(long long)(room.memory_left / MIB), (long long)(room.memory_limit / MIB),
			(long long)(MEMORY_MIN / MIB));
	if (room.pids_left >= 0 && room.pids_left < PIDS_MIN)
		reason_add(
			blocked, CODE_PIDS_LIMIT,
			"%lld more processes fit into the limit of %lld, an update needs %d; raise it (docker update "
			"--pids-limit)",
			(long long)room.pids_left, (long long)room.pids_limit, PIDS_MIN);
}

void preflight(const struct preflight *p, const struct msg_settings *settings, struct wire_list *blocked)
{
	if (!root_user(p, blocked))
		return;
	writable(p, blocked);
	capabilities(p, blocked);
	space(p, settings, blocked);
	limits(blocked);
}
