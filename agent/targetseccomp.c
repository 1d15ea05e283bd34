/* targetseccomp.c - a copy of the container's seccomp filters (target.h).
 *
 * Its init is stopped for some microseconds, as a debugger would. PTRACE_SEIZE
 * leaves no trace when we end meanwhile: the kernel detaches and it goes on.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include "clock.h"
#include "target.h"

#define STOP_MS 2000

/* Wait until it has stopped; RET is the signal to pass on when it goes on. False: not in time, or it has ended. */
static bool wait_stop(pid_t pid, int *ret)
{
	uint64_t deadline = clock_ms() + STOP_MS;
	int status;

	for (;;) {
		pid_t got = waitpid(pid, &status, __WALL | WNOHANG);

		if (got == pid && WIFSTOPPED(status)) {
			/* a stop of ours, or a signal on its way to it */
			*ret = status >> 16 ? 0 : WSTOPSIG(status);
			return true;
		}
		if (got != 0 || clock_ms() > deadline)
			return false;
		(void)poll(NULL, 0, 1);
	}
}

static bool read_filters(struct target *t)
{
	for (;;) {
		struct target_filter *f = &t->filters[t->n_filters];
		long len = ptrace(PTRACE_SECCOMP_GET_FILTER, t->pid, (void *)t->n_filters, NULL);

		if (len < 0)
			return errno == ENOENT && t->n_filters > 0;
		if (t->n_filters == TARGET_FILTERS_MAX || len > USHRT_MAX) {
			errno = E2BIG;
			return false;
		}
		f->code = xcalloc((size_t)len, sizeof(*f->code));
		f->len = (unsigned short)len;
		if (ptrace(PTRACE_SECCOMP_GET_FILTER, t->pid, (void *)t->n_filters++, f->code) != len)
			return false;
	}
}

static bool copy(struct target *t)
{
	int sig = 0;

	if (ptrace(PTRACE_SEIZE, t->pid, NULL, NULL) < 0)
		return false;
	if (ptrace(PTRACE_INTERRUPT, t->pid, NULL, NULL) < 0 || !wait_stop(t->pid, &sig)) {
		/* the end of this process detaches what has not stopped */
		errno = ETIMEDOUT;
		return false;
	}
	bool good = read_filters(t);
	int saved = errno;
	(void)ptrace(PTRACE_DETACH, t->pid, NULL, (void *)(long)sig);
	errno = saved;
	return good;
}

void target_copy_seccomp(struct target *t)
{
	if (copy(t))
		return;
	t->no_copy = xstrdup(strerror(errno));
	t->builtin_filter = true;
	for (size_t i = 0; i < t->n_filters; i++)
		free(t->filters[i].code);
	t->n_filters = 0;
}
