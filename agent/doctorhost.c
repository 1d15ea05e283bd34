/* doctorhost.c - doctor on the host of containers: can they be entered (doctor.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "container.h"
#include "doctor.h"
#include "fd.h"
#include "ps.h"
#include "syscalls.h"

#define PID_NAMESPACE_OF_THE_HOST 0xEFFFFFFCu /* PROC_PID_INIT_INO of the kernel, the same since Linux 3.8 */
#define CONTAINERS_SHOWN	  200

bool doctor_on_host(void)
{
	struct container here;
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) < 0 || st.st_ino != PID_NAMESPACE_OF_THE_HOST)
		return false;
	container_read("/proc", "", &here);
	bool ret = !here.engine && !here.id;
	container_clear(&here);
	return ret;
}

/* What entering takes, as capabilities(7) numbers them. */
static const struct {
	int bit;
	const char *name;
} needed[] = {
	{ 1, "DAC_OVERRIDE" }, { 5, "KILL" },	     { 6, "SETGID" },	   { 7, "SETUID" },
	{ 8, "SETPCAP" },      { 18, "SYS_CHROOT" }, { 19, "SYS_PTRACE" }, { 21, "SYS_ADMIN" },
};

static void look_at_rights(struct diagnosis *d)
{
	cleanup_buf struct buf text = { 0 }, missing = { 0 };
	struct err ignored = ERR_INIT;
	unsigned long long caps = 0;

	if (geteuid()) {
		diagnosis_add(d, "user", FINDING_BAD, CODE_ENTER_FAILED, "running as uid %u", (unsigned)geteuid());
		return;
	}
	diagnosis_add(d, "user", FINDING_OK, CODE_OK, "root");
	const char *line = read_file("/proc/self/status", 65536, &text, &ignored) == 0 ?
				   strstr(buf_str(&text), "\nCapEff:") :
				   NULL;
	if (!line || sscanf(line, "\nCapEff: %llx", &caps) != 1) {
		diagnosis_add(d, "capabilities", FINDING_UNKNOWN, CODE_OK, "/proc does not say");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!(caps & (1ULL << needed[i].bit)))
			buf_printf(&missing, " %s", needed[i].name);
	if (missing.n)
		diagnosis_add(d, "capabilities", FINDING_BAD, CODE_ENTER_FAILED, "without%s", buf_str(&missing));
	else
		diagnosis_add(d, "capabilities", FINDING_OK, CODE_OK, "all that entering takes");
}

/* The calls themselves are asked, not the version: a profile may refuse them. */
static void look_at_kernel(struct diagnosis *d)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC };
	cleanup_fd int pidfd = sys_pidfd_open(getpid(), 0);
	int e = errno;
	const char *lacks = pidfd < 0 ? "pidfd_open" : NULL;
	cleanup_fd int root = sys_openat2(AT_FDCWD, "/", &how);
	if (!lacks && root < 0) {
		e = errno;
		lacks = "openat2";
	}
	cleanup_fd int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (!lacks && fs < 0 && geteuid() == 0) {
		e = errno;
		lacks = "fsopen";
	}
	if (lacks)
		diagnosis_add(d, "kernel", FINDING_BAD, CODE_ENTER_FAILED, "%s: %s", lacks, strerror(e));
	else
		diagnosis_add(d, "kernel", FINDING_OK, CODE_OK, "has the calls that entering takes");
}

static void add_container(struct diagnosis *d, const struct host_container *c)
{
	cleanup_free char *id = containers_short_id(c);
	cleanup_free char *what = xasprintf("%s (%s, pid %d%s%s)", c->name ? c->name : id, c->engine, (int)c->pid,
					    c->image ? ", " : "", strna(c->image));

	if (c->paused)
		diagnosis_add(d, "containers", FINDING_NOTE, CODE_PAUSED, "%s is frozen", what);
	else if (c->nested)
		diagnosis_add(d, "containers", FINDING_NOTE, CODE_OK,
			      "%s is inside of another one: entered by its name only", what);
	else if (!c->known)
		diagnosis_add(d, "containers", FINDING_NOTE, CODE_OK, "%s has no id: never entered by --all", what);
	else
		diagnosis_add(d, "containers", FINDING_OK, CODE_OK, "%s can be entered", what);
}

static void look_at_containers(struct diagnosis *d, const struct config *config)
{
	const struct strv sockets = { 0 };
	struct host_containers all = { 0 };
	struct err err = ERR_INIT;

	/* look_at_rights() has said why */
	if (geteuid() != 0)
		return;
	if (containers_here(config, &sockets, &all, &err) < 0) {
		diagnosis_add(d, "containers", FINDING_BAD, err.code, "%s", err.msg);
		return;
	}
	for (size_t i = 0; i < all.n && i < CONTAINERS_SHOWN; i++)
		add_container(d, &all.list[i]);
	if (all.n > CONTAINERS_SHOWN)
		diagnosis_add(d, "containers", FINDING_NOTE, CODE_OK, "and %zu more", all.n - CONTAINERS_SHOWN);
	if (!all.n)
		diagnosis_add(d, "containers", FINDING_NOTE, CODE_OK, "none runs here");
	containers_clear(&all);
}

void look_at_host(struct diagnosis *d, const struct config *config)
{
	look_at_rights(d);
	look_at_kernel(d);
	(void)look_at_state(d, config->report.state_dir);
	look_at_containers(d, config);
}
