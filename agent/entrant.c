/* entrant.c - the processes that go into a container (enter.h). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "enter.h"
#include "fd.h"
#include "hostproc.h"
#include "ns.h"
#include "restrict.h"

#define STATUS_FD 3

static const char *const fixed_environment[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
						 "LC_ALL=C.UTF-8", "HOME=/root", "TERM=dumb" };

_noreturn_ static void give_up(int fd, struct entrant_note *note)
{
	(void)write_all(fd, note, sizeof(*note));
	_exit(1);
}

static void default_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* 0 to 2, and the status pipe until the exec: no descriptor of the host's is left. */
static int only_ours(const struct entrant *e, struct err *err)
{
	int sock = fcntl(e->socket, F_DUPFD_CLOEXEC, 10), log = fcntl(e->log, F_DUPFD_CLOEXEC, 10);
	int status = fcntl(e->status, F_DUPFD_CLOEXEC, 10);

	if (sock < 0 || log < 0 || status < 0 || dup2(sock, STDIN_FILENO) < 0 || dup2(sock, STDOUT_FILENO) < 0 ||
	    dup2(log, STDERR_FILENO) < 0 || dup3(status, STATUS_FD, O_CLOEXEC) < 0)
		return err_set(err, CODE_ENTER_FAILED, errno, "arrange the descriptors");
	close_from(STATUS_FD + 1);
	return 0;
}

/* In the container: everything was done before, so nobody in there meets a process of ours that may more than they. */
_noreturn_ static void agent(char *const *argv, char *const *env)
{
	struct entrant_note note = { .err = ERR_INIT };
	struct pollfd p = { .fd = STDIN_FILENO };

	/* its end is ours; when it came before this call, the socket tells */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)))
		_exit(1);
	(void)execve(argv[0], argv, env);
	(void)err_set(&note.err, CODE_ENTER_FAILED, errno, "execute stopgap in the container");
	give_up(STATUS_FD, &note);
}

/* The child of our parent, not ours: the supervisor waits for it. */
static pid_t clone_sibling(void)
{
	return (pid_t)syscall(SYS_clone, (unsigned long)CLONE_PARENT | SIGCHLD, 0UL, 0UL, 0UL, 0UL);
}

static void build(const struct enter_spec *s, const char *at, struct strv *argv, struct strv *env)
{
	strv_take(argv, xasprintf("%s/stopgap", at));
	for (size_t i = 0; i < s->args->n; i++)
		strv_push(argv, s->args->v[i]);
	/* nothing of the container's is configuration; what is, comes by the environment */
	strv_take(argv, xasprintf("--config=%s/" INJECT_CONFIG, at));
	strv_take(argv, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(fixed_environment); i++)
		strv_push(env, fixed_environment[i]);
	for (size_t i = 0; i < s->env->n; i++)
		strv_push(env, s->env->v[i]);
	strv_take(env, xasprintf("STOPGAP_REPORT_STATE_DIR=%s/" INJECT_STATE, at));
	/* where no agent of the container's listens */
	strv_take(env, xasprintf("STOPGAP_REPORT_SOCKET=%s/" INJECT_STATE "/status.sock", at));
	strv_take(env, NULL);
}

void entrant_main(const struct entrant *e)
{
	const struct target *t = e->spec->target;
	struct entrant_note note = { .err = ERR_INIT };
	struct strv argv = { 0 }, env = { 0 };
	char at[NS_AT_MAX];

	default_signals();
	(void)setsid();
	if (restrict_before(t, &note.err) < 0 || ns_join(t, &note.err) < 0 || ns_mount(e->in, at, &note.err) < 0)
		give_up(e->status, &note);
	note.mntns = hostproc_namespace(t->proc, getpid(), "mnt");
	build(e->spec, at, &argv, &env);
	if (restrict_label(t, &note.err) < 0 || only_ours(e, &note.err) < 0)
		give_up(e->status, &note);
	if (restrict_after(t, &note.err) < 0)
		give_up(STATUS_FD, &note);
	pid_t pid = clone_sibling();
	if (pid == 0)
		agent(argv.v, env.v);
	if (pid < 0)
		(void)err_set(&note.err, errno == EAGAIN ? CODE_PIDS_LIMIT : CODE_ENTER_FAILED, errno,
			      "start a process in the container");
	note.agent = pid;
	give_up(STATUS_FD, &note);
}
