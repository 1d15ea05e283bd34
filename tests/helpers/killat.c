/* Kill a program at one system call: killat N START COMMAND [ARG…]
 *
 * Runs COMMAND and counts the calls by which it, or any process it starts, would change a file, from the first on that
 * names a path with the text START in it.  When the N-th begins, all of these processes are killed at once with SIGKILL,
 * as by a container that is removed or a machine that loses power; then the exit status is 137.  Before that the exit status is COMMAND's,
 * and with N 0 the number of calls is the last line on standard output.  Works without privileges, in a container too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* Which argument is a path; -1: none. */
static const struct {
	int nr, path, flags;
} calls[] = {
	{ SYS_openat, 1, 2 },	 { SYS_open, 0, 1 },	   { SYS_creat, 0, -1 },     { SYS_write, -1, -1 },
	{ SYS_pwrite64, -1, -1 }, { SYS_writev, -1, -1 },   { SYS_rename, 0, -1 },    { SYS_renameat, 1, -1 },
	{ SYS_renameat2, 1, -1 }, { SYS_unlink, 0, -1 },    { SYS_unlinkat, 1, -1 },  { SYS_rmdir, 0, -1 },
	{ SYS_mkdir, 0, -1 },	 { SYS_mkdirat, 1, -1 },   { SYS_symlink, 1, -1 },   { SYS_symlinkat, 2, -1 },
	{ SYS_link, 1, -1 },	 { SYS_linkat, 3, -1 },	   { SYS_mknod, 0, -1 },     { SYS_mknodat, 1, -1 },
	{ SYS_truncate, 0, -1 }, { SYS_ftruncate, -1, -1 }, { SYS_fallocate, -1, -1 }, { SYS_chmod, 0, -1 },
	{ SYS_fchmod, -1, -1 },	 { SYS_fchmodat, 1, -1 },  { SYS_chown, 0, -1 },     { SYS_fchown, -1, -1 },
	{ SYS_lchown, 0, -1 },	 { SYS_fchownat, 1, -1 },  { SYS_utimensat, 1, -1 }, { SYS_fsync, -1, -1 },
	{ SYS_fdatasync, -1, -1 }, { SYS_setxattr, 0, -1 }, { SYS_fsetxattr, -1, -1 },
};
enum { CALLS = sizeof calls / sizeof *calls, PIDS = 4096 };

static pid_t pids[PIDS];
static int n_pids;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* Only the calls above stop the tracee. */
static void filter(void)
{
	struct sock_filter code[CALLS * 2 + 2];
	struct sock_fprog prog = { 0, code };
	unsigned n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (int i = 0; i < CALLS; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i].nr, 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	prog.len = (unsigned short)n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		die("seccomp");
}

static void remember(pid_t pid)
{
	for (int i = 0; i < n_pids; i++)
		if (pids[i] == pid)
			return;
	if (n_pids == PIDS)
		die("too many processes");
	pids[n_pids++] = pid;
}

static void forget(pid_t pid)
{
	for (int i = 0; i < n_pids; i++)
		if (pids[i] == pid)
			pids[i--] = pids[--n_pids];
}

static bool path_has(pid_t pid, unsigned long address, const char *text)
{
	char path[4096] = "";
	struct iovec to = { path, sizeof path - 1 }, from = { (void *)address, sizeof path - 1 };
	size_t left = 4096 - address % 4096;

	if (process_vm_readv(pid, &to, 1, &from, 1, 0) < 0) {
		to.iov_len = from.iov_len = left < sizeof path ? left :
								 sizeof path - 1; /* the next page is not there */
		if (process_vm_readv(pid, &to, 1, &from, 1, 0) < 0)
			return false;
	}
	return strstr(path, text) != NULL;
}

/* Is the call that PID is about to make one to count? */
static bool changes(pid_t pid, const char *start, bool *started)
{
	struct user_regs_struct r;
	unsigned long args[4];
	int i;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &r) < 0)
		return false;
	args[0] = r.rdi, args[1] = r.rsi, args[2] = r.rdx, args[3] = r.r10;
	for (i = 0; i < CALLS && calls[i].nr != (int)r.orig_rax; i++)
		continue;
	if (i == CALLS || (calls[i].flags >= 0 && !(args[calls[i].flags] & (O_CREAT | O_TRUNC))))
		return false;
	if (!*started && calls[i].path >= 0)
		*started = path_has(pid, args[calls[i].path], start);
	return *started;
}

static pid_t launch(char **argv)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			die("ptrace");
		raise(SIGSTOP);
		filter();
		execv(argv[0], argv);
		die(argv[0]);
	}
	if (waitpid(pid, NULL, 0) != pid ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL,
		   PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
			   PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) < 0 ||
	    ptrace(PTRACE_CONT, pid, NULL, NULL) < 0)
		die("ptrace");
	return pid;
}

int main(int argc, char **argv)
{
	long n = argc > 3 ? atol(argv[1]) : -1, count = 0;
	bool started = false;
	int status, code = 2;
	pid_t first, pid;

	if (n < 0) {
		fprintf(stderr, "usage: killat N START COMMAND [ARG...]\n");
		return 2;
	}
	first = launch(argv + 3);
	remember(first);
	while (n_pids > 0 && (pid = waitpid(-1, &status, __WALL)) > 0) {
		int event = status >> 16, signo = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;

		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (pid == first)
				code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			forget(pid);
			continue;
		}
		remember(pid);
		if (event == PTRACE_EVENT_SECCOMP && changes(pid, argv[2], &started) && ++count == n) {
			for (int i = 0; i < n_pids; i++)
				kill(pids[i], SIGKILL);
			while (waitpid(-1, NULL, __WALL) > 0)
				continue;
			return 137;
		}
		/* SIGTRAP and a new tracee's SIGSTOP are ours, every other signal is delivered */
		ptrace(PTRACE_CONT, pid, NULL,
		       (void *)(long)(event || signo == SIGTRAP || signo == SIGSTOP ? 0 : signo));
	}
	if (n == 0)
		printf("%ld\n", count);
	return code;
}
