/* child.c - see child.h. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include "child.h"
#include "fd.h"
#include "syscalls.h"

extern char **environ;

/* Our terminal. stdin may be one where /dev/tty is missing. */
static int open_terminal(void)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	return fd >= 0 ? fd : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
}

static bool has_terminal(void)
{
	cleanup_fd int fd = open_terminal();

	return fd >= 0 && tcgetpgrp(fd) >= 0;
}

/* The value of NAME= in the environment; getenv() would do, but for the index. */
static char **find_env(const char *name)
{
	size_t n = strlen(name);

	for (char **e = environ; *e; e++)
		if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
			return e;
	return NULL;
}

static bool env_number(const char *name, uint64_t max, uint64_t *ret)
{
	char **e = find_env(name);

	return e && parse_u64(*e + strlen(name) + 1, max, ret) == 0;
}

void child_inherit(struct child *c)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	uint64_t pid, fds;
	sigset_t all;

	/* Faults too: the kernel kills for a real one whatever is blocked, and one
	 * that somebody sent is for the service (a stack dump on ABRT). */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &c->mask);
	/* an inherited SIG_IGN would reap the service and lose its status */
	(void)sigaction(SIGCHLD, &dfl, &c->chld);
	c->self = getpid();
	c->group = getpgrp();
	c->terminal = has_terminal();
	if (env_number("LISTEN_PID", INT_MAX, &pid) && (pid_t)pid == c->self &&
	    env_number("LISTEN_FDS", CHILD_LISTEN_MAX, &fds))
		c->listen_fds = (int)fds;
	if (!getcwd(c->cwd, sizeof(c->cwd)) || *c->cwd != '/')
		*c->cwd = '\0';
}

/* As log.h would, without its memory: PID 1 says the one thing it has to say so too. */
static void complain(const char *what, const char *object)
{
	char line[600];
	int n = snprintf(line, sizeof(line), "stopgap: %s '%.400s': %s\n", what, object, strerror(errno));

	if (n > 0)
		(void)write_all(STDERR_FILENO, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

/* ---- in the child */

_noreturn_ static void give_up(int status, const char *what, const char *object)
{
	complain(what, object);
	_exit(status);
}

/* If it was ours, or the service's before us: never from the background. TTOU is
 * blocked, so the call does not stop us. */
static void take_terminal(const struct child *c)
{
	cleanup_fd int fd = open_terminal();
	pid_t now = fd >= 0 ? tcgetpgrp(fd) : -1;

	if (now >= 0 &&
	    (now == c->group || (c->last && now == c->last) || (c->last && kill(-now, 0) < 0 && errno == ESRCH)))
		(void)tcsetpgrp(fd, getpid());
}

/* As an engine does for its own --user: /dev/stdout can be opened again. Files of
 * others and /dev/null stay as they are. */
static void own_stdio(uid_t uid)
{
	struct stat st;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fstat(fd, &st) == 0 && st.st_uid != uid && (S_ISFIFO(st.st_mode) || isatty(fd)))
			(void)!fchown(fd, uid, (gid_t)-1);
}

static void become(const struct user_ids *u, const char *text)
{
	own_stdio(u->uid);
	if (setgroups(u->n_groups, u->groups) < 0 || setresgid(u->gid, u->gid, u->gid) < 0 ||
	    setresuid(u->uid, u->uid, u->uid) < 0)
		give_up(126, "become user", text);
}

static void own_environment(const struct child *c)
{
	static char listen_pid[32], home[USER_HOME_MAX + sizeof("HOME=")];
	char **e = find_env("LISTEN_PID");
	uint64_t pid;

	if (e && env_number("LISTEN_PID", INT_MAX, &pid) && (pid_t)pid == c->self) {
		(void)snprintf(listen_pid, sizeof(listen_pid), "LISTEN_PID=%d", (int)getpid());
		*e = listen_pid;
	}
	e = find_env("HOME");
	if (c->user && e && *c->user->root_home && streq(*e + strlen("HOME="), c->user->root_home)) {
		(void)snprintf(home, sizeof(home), "HOME=%s", c->user->home);
		*e = home;
	}
}

_noreturn_ static void child_run(const struct child *c)
{
	(void)setpgid(0, 0);
	if (c->terminal)
		take_terminal(c);
	if (c->again && *c->cwd && chdir(c->cwd) < 0)
		give_up(126, "enter the working directory", c->cwd);
	if (c->user)
		become(c->user, c->user_text);
	own_environment(c);
	(void)sigaction(SIGCHLD, &c->chld, NULL);
	(void)sigprocmask(SIG_SETMASK, &c->mask, NULL);
	(void)execvp(c->argv[0], c->argv);
	give_up(errno == ENOENT || errno == ENOTDIR ? 127 : 126, "execute", c->argv[0]);
}

/* ---- in PID 1 */

pid_t child_start(struct child *c)
{
	pid_t pid = fork();

	if (pid == 0)
		child_run(c);
	if (pid < 0)
		complain("fork for", c->argv[0]);
	if (pid > 0) {
		/* here too: the next signal may be for the group */
		(void)setpgid(pid, pid);
		c->again = true;
		c->last = pid;
	}
	return pid;
}

static void close_between(int from, int to)
{
	if (from > to || sys_close_range((unsigned)from, (unsigned)to) == 0)
		return;
	for (int fd = from; fd <= to && fd < 65536; fd++)
		(void)close(fd);
}

void child_let_go(struct child *c, const int *keep, size_t n)
{
	int from = STDERR_FILENO + 1 + c->listen_fds;

	(void)!chdir("/");
	for (;;) {
		int next = INT_MAX;

		for (size_t i = 0; i < n; i++)
			if (keep[i] >= from && keep[i] < next)
				next = keep[i];
		close_between(from, next == INT_MAX ? next : next - 1);
		if (next == INT_MAX)
			return;
		from = next + 1;
	}
}

bool child_to_foreground(const struct child *c)
{
	cleanup_fd int fd = open_terminal();

	return fd >= 0 && c->last > 0 && tcgetpgrp(fd) == c->group && tcsetpgrp(fd, c->last) == 0;
}
