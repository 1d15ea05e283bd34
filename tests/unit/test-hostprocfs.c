/* The host's /proc: what is believed, and what is not; and a container that is being made.
 *
 * rows: H8 H9
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "fd.h"
#include "hostproc.h"
#include "procread.h"
#include "tap.h"
#include "target.h"

/* In a mount namespace of its own; its exit status. */
static int apart(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			_exit(99);
		_exit(fn());
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static int opens(void)
{
	struct err err = ERR_INIT;
	cleanup_fd int proc = hostproc_open(&err);

	return proc >= 0;
}

/* All that a real one has for whoever looks at its names only. */
static int lie(void)
{
	char own[32];

	(void)snprintf(own, sizeof(own), "%d", (int)getpid());
	if (mount("none", "/proc", "tmpfs", 0, NULL) < 0 || symlink(own, "/proc/self") < 0)
		return 97;
	return opens();
}

/* A part of a real one in its place. */
static int part(void)
{
	if (mount("/proc/self", "/proc", NULL, MS_BIND, NULL) < 0)
		return 97;
	return opens();
}

static int other_pid_namespace(void)
{
	return unshare(CLONE_NEWPID) < 0 ? 97 : ({
		int status;
		pid_t pid = fork();

		if (pid == 0)
			_exit(opens());
		waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : 96;
	});
}

static int mounted_over(void)
{
	cleanup_buf struct buf text = { 0 };
	struct err err = ERR_INIT;
	char path[64], rest[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)getpid());
	(void)snprintf(rest, sizeof(rest), "%d/status", (int)getpid());
	if (mount("/etc/passwd", path, NULL, MS_BIND, NULL) < 0)
		return 97;
	cleanup_fd int proc = hostproc_open(&err);
	if (proc < 0)
		return 96;
	return hostproc_read(proc, rest, 65536, &text, &err) == 0;
}

TEST(fields)
{
	static const char status[] = "Name:\tx\nCapBnd:\t00ff\nNoNewPrivs:\t1\n";

	OK(starts_with(hostproc_field(status, "CapBnd"), "00ff\n"));
	OK(starts_with(hostproc_field(status, "Name"), "x\n"));
	OK(!hostproc_field(status, "Cap"));
	OK(!hostproc_field(status, "x"));
}

TEST(our_own)
{
	struct err err = ERR_INIT;
	cleanup_buf struct buf text = { 0 };
	cleanup_fd int proc = hostproc_open(&err);
	struct stat st;

	OK(proc >= 0);
	OK(stat("/proc/self/ns/mnt", &st) == 0);
	OK(hostproc_namespace(proc, getpid(), "mnt") == st.st_ino);
	OK(hostproc_namespace(proc, getpid(), "nonsense") == 0);
	OK(hostproc_start(proc, getpid()) > 0);
	OK(hostproc_start(proc, 0x7fffffff) == 0);
	OK(hostproc_read(proc, "2147483647/status", 4096, &text, &err) < 0);
	OK(err.code == CODE_CONTAINER_GONE);
	OK(hostproc_at(proc, "../etc/passwd", O_RDONLY) < 0);
	OK(hostproc_at(proc, "self/status", O_RDONLY) < 0);
}

TEST(in_another_mount_namespace)
{
	EQ(apart(opens), 1);
}

TEST(H8_a_false_proc_is_refused)
{
	EQ(apart(lie), 0);
	EQ(apart(part), 0);
}

TEST(H8_one_of_another_pid_namespace_is_refused)
{
	EQ(apart(other_pid_namespace), 0);
}

TEST(H8_what_is_mounted_over_a_part_is_not_read)
{
	EQ(apart(mounted_over), 0);
}

/* What target_open() says of PID. */
static enum code opened(pid_t pid)
{
	struct err err = ERR_INIT;
	struct target t;
	cleanup_fd int proc = hostproc_open(&err);

	if (proc < 0 || target_open(pid, hostproc_start(proc, pid), &t, &err) < 0)
		return err.code;
	target_clear(&t);
	return CODE_OK;
}

/* As an engine does it: namespaces first, while the root is the host's and nothing is restricted; the program last. */
static void engine(int ready, int go)
{
	char c = 'x';

	if (unshare(CLONE_NEWNS) < 0 || write(ready, &c, 1) != 1 || read(go, &c, 1) != 1)
		_exit(99);
	(void)execl("/bin/sleep", "sleep", "1000", NULL);
	_exit(99);
}

static bool executes(pid_t pid)
{
	char path[64];
	struct proc_identity id = { 0 };

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	for (int i = 0; i < 60000; i++) {
		cleanup_fd int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (dir >= 0 && proc_identity_read(dir, &id) == 0 && streq(id.comm, "sleep"))
			return true;
		(void)poll(NULL, 0, 1);
	}
	return false;
}

TEST(H9_a_container_that_is_being_made_is_not_entered)
{
	int ready[2], go[2], status;
	char c = 'x';

	OK(pipe2(ready, O_CLOEXEC) == 0 && pipe2(go, O_CLOEXEC) == 0);
	pid_t pid = fork();
	if (pid == 0)
		engine(ready[1], go[0]);
	bool there = read(ready[0], &c, 1) == 1;
	enum code before = opened(pid);
	bool runs = write(go[1], &c, 1) == 1 && executes(pid);
	enum code after = opened(pid);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
	for (int i = 0; i < 2; i++) {
		(void)close(ready[i]);
		(void)close(go[i]);
	}
	OK(there && runs);
	EQ(before, CODE_NOT_STARTED);
	EQ(after, CODE_OK);
}

TAP_MAIN
