/* doctorlook.c - what doctor looks at by itself (doctor.h). */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "doctor.h"
#include "fd.h"
#include "procscan.h"
#include "service.h"
#include "statedir.h"

#define SERVICES_SHOWN 50

bool look_at_state(struct diagnosis *d, const char *state_dir)
{
	cleanup_fd int lock = -1;
	struct err err = ERR_INIT;

	if (state_dir_lock(state_dir, &lock, &err) == 0) {
		diagnosis_add(d, "state_folder", FINDING_OK, CODE_OK, "%s, and no other run holds it", state_dir);
		return true;
	}
	diagnosis_add(d, "state_folder", FINDING_BAD, err.code, "%s", err.msg);
	return false;
}

/* Who holds a record lock on PATH; 0: nobody. A lock is asked for, never taken. */
static pid_t holder(const char *path)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	return fd >= 0 && fcntl(fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK ? l.l_pid : 0;
}

void look_at_locks(struct diagnosis *d, const char *root)
{
	static const char *const paths[] = { "/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock",
					     "/var/lib/rpm/.rpm.lock", "/usr/lib/sysimage/rpm/.rpm.lock" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		cleanup_free char *path = xasprintf("%s%s", root, paths[i]);
		cleanup_buf struct buf comm = { 0 };
		struct err ignored = ERR_INIT;
		pid_t pid = holder(path);

		if (!pid)
			continue;
		cleanup_free char *file = xasprintf("/proc/%d/comm", (int)pid);
		(void)read_file(file, 64, &comm, &ignored);
		diagnosis_add(d, "locks", FINDING_BAD, CODE_LOCKED, "'%s' is held by process %d (%.*s)", path, (int)pid,
			      (int)strcspn(buf_str(&comm), "\n"), buf_str(&comm));
		return;
	}
	diagnosis_add(d, "locks", FINDING_OK, CODE_OK, "no other package manager is at work");
}

void look_at_socket(struct diagnosis *d, const char *path)
{
	cleanup_free char *dir = xstrdup(path);
	struct stat st;

	/* the nearest folder that is there: what is missing below it is made */
	for (char *slash; (slash = strrchr(dir, '/')) && slash != dir;) {
		*slash = '\0';
		if (stat(dir, &st) == 0 || errno != ENOENT)
			break;
	}
	if (faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) == 0)
		diagnosis_add(d, "socket", FINDING_OK, CODE_OK, "'run' and 'daemon' can make %s", path);
	else
		diagnosis_add(d, "socket", FINDING_NOTE, CODE_SOCKET_FAILED,
			      "'run' and 'daemon' cannot make '%s': %s: %s", path, dir, strerror(errno));
}

static void add_service(struct diagnosis *d, const struct service *s)
{
	if (s->kind == SERVICE_CHILD)
		diagnosis_add(d, "services", FINDING_OK, CODE_OK, "%s: the wrapped command, restarted in place",
			      s->name);
	else if (s->restart.n || s->query.n)
		diagnosis_add(d, "services", FINDING_OK, CODE_OK, "%s: restarted by %s", s->name,
			      service_kind_name(s->kind));
	else
		diagnosis_add(d, "services", FINDING_NOTE, CODE_NO_RESTART_COMMAND, "%s (%s, pid %d)%s%s", s->name,
			      s->process, (int)s->pid, s->why_not ? ": " : "", strna(s->why_not));
}

void look_at_services(struct diagnosis *d, const struct config *config, pid_t child)
{
	static const char *const modes[] = { "report", "service", "container" };
	/* this process, what it started, and the shell that asks */
	const struct scan_skip skip[] = { { .pid = getpid(), .tree = true } };
	const struct procscan_options o = { .proc = "/proc", .skip = skip, .n_skip = ARRAY_SIZE(skip) };
	struct procscan scan = { 0 };
	struct services all = { 0 };
	struct err err = ERR_INIT;

	diagnosis_add(d, "restart_mode", config->restart.mode == RESTART_REPORT ? FINDING_NOTE : FINDING_OK,
		      config->restart.mode == RESTART_REPORT ? CODE_REPORT_ONLY : CODE_OK, "restart.mode is %s",
		      modes[config->restart.mode]);
	if (procscan_read(&o, &scan, &err) < 0) {
		diagnosis_add(d, "services", FINDING_UNKNOWN, CODE_OK, "%s", err.msg);
		return;
	}
	struct proc_node *tree = services_tree(&scan);
	pid_t *pids = xcalloc(scan.n + 1, sizeof(*pids));
	for (size_t i = 0; i < scan.n; i++)
		pids[i] = scan.v[i].pid;
	if (services_find(tree, scan.n, pids, scan.n, child, "/proc", "", &all, &err) < 0)
		diagnosis_add(d, "services", FINDING_UNKNOWN, CODE_OK, "%s", err.msg);
	for (size_t i = 0; i < all.n && i < SERVICES_SHOWN; i++)
		add_service(d, &all.v[i]);
	if (scan.unreadable)
		diagnosis_add(d, "services", FINDING_NOTE, CODE_OK,
			      "%zu of %zu processes cannot be looked into: add CAP_SYS_PTRACE", scan.unreadable,
			      scan.n);
	free(pids);
	free(tree);
	services_clear(&all);
	procscan_clear(&scan);
}
