/* filter.c - the system calls that a confined process may make (confine.h).
 *
 * A list of what is allowed: what is not on it fails with EPERM, or with ENOSYS
 * where the C library then takes another way. A call for another architecture
 * ends the process. The kernel keeps a table of calls that are allowed whatever
 * their arguments (Linux 5.11), so the length of the list costs nothing.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "confine.h"

#if defined(__x86_64__)
#define ARCH	     AUDIT_ARCH_X86_64
#define X32_BIT	     0x40000000U
#define CLONE_FLAGS  0
#elif defined(__aarch64__)
#define ARCH	     AUDIT_ARCH_AARCH64
#define CLONE_FLAGS  0
#else
#error "name this architecture for the filter here"
#endif
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

#define PROGRAM_MAX 512

/* Which profiles have it, as bits of 1 << profile. */
#define ALL    ((1U << CONFINE_PARSE) | (1U << CONFINE_LOCAL) | (1U << CONFINE_VERIFY) | (1U << CONFINE_FETCH))
#define FETCH  (1U << CONFINE_FETCH)
#define VERIFY (1U << CONFINE_VERIFY)

static const struct {
	int nr;
	unsigned profiles;
} allowed[] = {
	/* data */
	{ SYS_read, ALL },
	{ SYS_write, ALL },
	{ SYS_readv, ALL },
	{ SYS_writev, ALL },
	{ SYS_pread64, ALL },
	{ SYS_pwrite64, ALL },
	{ SYS_lseek, ALL },
	{ SYS_close, ALL },
	{ SYS_close_range, ALL },
	{ SYS_dup, ALL },
	{ SYS_dup3, ALL },
	{ SYS_fcntl, ALL },
	{ SYS_pipe2, ALL },
	{ SYS_flock, ALL },
	{ SYS_fsync, ALL },
	{ SYS_fdatasync, ALL },
	{ SYS_ftruncate, ALL },
	{ SYS_fallocate, ALL },
	{ SYS_fadvise64, ALL },
	{ SYS_copy_file_range, ALL },
	{ SYS_sendfile, ALL },
	{ SYS_ppoll, ALL },
	{ SYS_pselect6, ALL },
	{ SYS_eventfd2, ALL },
	/* files: which ones, Landlock and the user decide */
	{ SYS_openat, ALL },
	{ SYS_fstat, ALL },
	{ SYS_newfstatat, ALL },
	{ SYS_statx, ALL },
	{ SYS_statfs, ALL },
	{ SYS_fstatfs, ALL },
	{ SYS_faccessat, ALL },
	{ SYS_faccessat2, ALL },
	{ SYS_readlinkat, ALL },
	{ SYS_getdents64, ALL },
	{ SYS_getcwd, ALL },
	{ SYS_unlinkat, ALL },
#ifdef SYS_renameat
	{ SYS_renameat, ALL },
#endif
	{ SYS_renameat2, ALL },
	{ SYS_utimensat, ALL },
	{ SYS_fchmod, ALL },
	{ SYS_fchmodat, ALL },
	{ SYS_umask, ALL },
	/* memory, time, itself */
	{ SYS_brk, ALL },
	{ SYS_munmap, ALL },
	{ SYS_mremap, ALL },
	{ SYS_madvise, ALL },
	{ SYS_rt_sigaction, ALL },
	{ SYS_rt_sigprocmask, ALL },
	{ SYS_rt_sigreturn, ALL },
	{ SYS_sigaltstack, ALL },
	{ SYS_nanosleep, ALL },
	{ SYS_clock_nanosleep, ALL },
	{ SYS_clock_gettime, ALL },
	{ SYS_clock_getres, ALL },
	{ SYS_gettimeofday, ALL },
	{ SYS_setitimer, ALL },
	{ SYS_restart_syscall, ALL },
	{ SYS_getrandom, ALL },
	{ SYS_futex, ALL },
	{ SYS_futex_waitv, ALL },
	{ SYS_set_robust_list, ALL },
	{ SYS_set_tid_address, ALL },
	{ SYS_rseq, ALL },
	{ SYS_sched_yield, ALL },
	{ SYS_sched_getaffinity, ALL },
	{ SYS_getpid, ALL },
	{ SYS_getppid, ALL },
	{ SYS_gettid, ALL },
	{ SYS_getpgid, ALL },
	{ SYS_getuid, ALL },
	{ SYS_geteuid, ALL },
	{ SYS_getgid, ALL },
	{ SYS_getegid, ALL },
	{ SYS_getresuid, ALL },
	{ SYS_getresgid, ALL },
	{ SYS_getgroups, ALL },
	/* libapt drops root itself when nobody else did; without capabilities they do nothing */
	{ SYS_setgroups, ALL },
	{ SYS_setresgid, ALL },
	{ SYS_setresuid, ALL },
	{ SYS_getrusage, ALL },
	{ SYS_sysinfo, ALL },
	{ SYS_uname, ALL },
	{ SYS_exit, ALL },
	{ SYS_exit_group, ALL },
#ifdef __x86_64__
	{ SYS_open, ALL },
	{ SYS_stat, ALL },
	{ SYS_lstat, ALL },
	{ SYS_access, ALL },
	{ SYS_readlink, ALL },
	{ SYS_unlink, ALL },
	{ SYS_rename, ALL },
	{ SYS_chmod, ALL },
	{ SYS_dup2, ALL },
	{ SYS_pipe, ALL },
	{ SYS_poll, ALL },
	{ SYS_select, ALL },
	{ SYS_time, ALL },
	{ SYS_alarm, ALL },
	{ SYS_utimes, ALL },
	{ SYS_getpgrp, ALL },
	{ SYS_getrlimit, ALL },
	{ SYS_arch_prctl, ALL },
#endif
	/* the network */
	{ SYS_connect, FETCH },
	{ SYS_bind, FETCH }, /* netlink, for the addresses of this machine; TCP is Landlock's */
	{ SYS_sendto, FETCH },
	{ SYS_recvfrom, FETCH },
	{ SYS_sendmsg, FETCH },
	{ SYS_recvmsg, FETCH },
	{ SYS_sendmmsg, FETCH },
	{ SYS_recvmmsg, FETCH },
	{ SYS_shutdown, FETCH },
	{ SYS_getsockname, FETCH },
	{ SYS_getpeername, FETCH },
	{ SYS_getsockopt, FETCH },
	{ SYS_setsockopt, FETCH },
	{ SYS_socketpair, FETCH },
	/* apt-key and gpgv, which lock themselves in further */
	{ SYS_execve, VERIFY },
	{ SYS_wait4, VERIFY },
	{ SYS_seccomp, VERIFY },
#ifdef __x86_64__
	{ SYS_fork, VERIFY },
	{ SYS_vfork, VERIFY },
#endif
};

/* What the C library has another way for. */
static const int missing[] = { SYS_clone3, SYS_openat2 };

/* ------------------------------------------------------------ the program */

struct program {
	struct sock_filter code[PROGRAM_MAX];
	unsigned short n;
};

/* Constant over all callers, so too long a list is seen by every test. */
static void add(struct program *p, struct sock_filter f)
{
	if (p->n < PROGRAM_MAX)
		p->code[p->n] = f;
	p->n++;
}

#define STMT(code, k)	      ((struct sock_filter)BPF_STMT(code, k))
#define JUMP(code, k, jt, jf) ((struct sock_filter)BPF_JUMP(code, k, jt, jf))
#define NUMBER		      offsetof(struct seccomp_data, nr)
/* The lower half of argument I: all that the kernel looks at in these; both machines are little-endian. */
#define ARGUMENT(i)	      (offsetof(struct seccomp_data, args) + 8 * (i))
#define REFUSE(errnum)	      (SECCOMP_RET_ERRNO | (unsigned)(errnum))

static void load(struct program *p, size_t offset)
{
	add(p, STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void answer(struct program *p, uint32_t ret)
{
	add(p, STMT(BPF_RET | BPF_K, ret));
}

/* If what is loaded is K, the answer is RET. */
static void if_equal(struct program *p, uint32_t k, uint32_t ret)
{
	add(p, JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1));
	answer(p, ret);
}

/* The rules of call NR follow; each set ends with an answer for the rest. Returns where to write how long it is. */
static unsigned begin(struct program *p, int nr)
{
	add(p, JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 0));
	return p->n - 1U;
}

static void end(struct program *p, unsigned at)
{
	if (p->n <= PROGRAM_MAX)
		p->code[at].jf = (uint8_t)(p->n - at - 1);
}

/* One of the N values of argument I, else refused. */
static void one_of(struct program *p, int nr, unsigned i, const uint32_t *values, size_t n, int errnum)
{
	unsigned at = begin(p, nr);

	load(p, ARGUMENT(i));
	for (size_t k = 0; k < n; k++)
		if_equal(p, values[k], SECCOMP_RET_ALLOW);
	answer(p, REFUSE(errnum));
	end(p, at);
}

/* Argument I with MASK is WANT, else refused. */
static void masked(struct program *p, int nr, unsigned i, uint32_t mask, uint32_t want)
{
	unsigned at = begin(p, nr);

	load(p, ARGUMENT(i));
	add(p, STMT(BPF_ALU | BPF_AND | BPF_K, mask));
	if_equal(p, want, SECCOMP_RET_ALLOW);
	answer(p, REFUSE(EPERM));
	end(p, at);
}

static void filter_sockets(struct program *p)
{
	unsigned at = begin(p, SYS_socket);

	load(p, ARGUMENT(0));
	if_equal(p, AF_INET, SECCOMP_RET_ALLOW);
	if_equal(p, AF_INET6, SECCOMP_RET_ALLOW);
	/* what addresses this machine has: getaddrinfo() */
	add(p, JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3));
	load(p, ARGUMENT(2));
	if_equal(p, NETLINK_ROUTE, SECCOMP_RET_ALLOW);
	answer(p, REFUSE(EAFNOSUPPORT));
	end(p, at);
}

static void filter_processes(struct program *p, enum confine_profile profile)
{
	static const uint32_t controls[] = { PR_SET_NAME,	  PR_GET_NAME,	       PR_SET_PDEATHSIG,
					     PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS, PR_GET_DUMPABLE,
					     PR_SET_VMA };
	static const uint32_t requests[] = { FIONREAD, FIONBIO, TCGETS };
	const uint32_t itself = 0, pid = (uint32_t)getpid();
	const uint32_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
				    CLONE_NEWPID | CLONE_NEWNET;

	one_of(p, SYS_prctl, 0, controls, sizeof(controls) / sizeof(controls[0]), EPERM);
	one_of(p, SYS_ioctl, 1, requests, sizeof(requests) / sizeof(requests[0]), ENOTTY);
	one_of(p, SYS_prlimit64, 0, &itself, 1, EPERM);
	one_of(p, SYS_tgkill, 0, &pid, 1, EPERM); /* abort() */
	if (profile == CONFINE_VERIFY)
		masked(p, SYS_clone, CLONE_FLAGS, namespaces, 0);
	if (profile == CONFINE_FETCH)
		masked(p, SYS_clone, CLONE_FLAGS, namespaces | CLONE_THREAD, CLONE_THREAD);
}

/* No memory becomes code. What starts programs needs it to load them. */
static void filter_memory(struct program *p, enum confine_profile profile)
{
	const uint32_t executable = profile == CONFINE_VERIFY ? 0 : PROT_EXEC;

	masked(p, SYS_mmap, 2, executable, 0);
	masked(p, SYS_mprotect, 2, executable, 0);
}

static void compose(struct program *p, enum confine_profile profile)
{
	load(p, offsetof(struct seccomp_data, arch));
	add(p, JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
	answer(p, SECCOMP_RET_KILL_PROCESS);
	load(p, NUMBER);
#ifdef X32_BIT
	add(p, JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
	answer(p, SECCOMP_RET_KILL_PROCESS);
#endif
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (allowed[i].profiles & (1U << profile))
			if_equal(p, (uint32_t)allowed[i].nr, SECCOMP_RET_ALLOW);
	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
		if_equal(p, (uint32_t)missing[i], REFUSE(ENOSYS));
	if (profile == CONFINE_FETCH)
		filter_sockets(p);
	filter_processes(p, profile);
	filter_memory(p, profile);
	answer(p, REFUSE(EPERM));
}

unsigned confine_filter(enum confine_profile profile)
{
	struct program p = { .n = 0 };
	struct sock_fprog prog = { .filter = p.code };

	compose(&p, profile);
	prog.len = p.n;
	if (p.n > PROGRAM_MAX || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return CONFINE_NO_FILTER;
	return 0;
}
