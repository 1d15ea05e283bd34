/* command.c - see command.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "clock.h"
#include "command.h"
#include "fd.h"
#include "value.h"

#define KILL_MS	   2000		/* between SIGTERM and SIGKILL */
#define ABANDON_MS 5000		/* after SIGKILL: it sleeps in the kernel, or its cgroup is frozen */
#define DRAIN_MAX  (4 * COMMAND_OUTPUT_MAX) /* of what is left in the pipe after its end */

#define SEARCH_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

char *const command_environment[] = { (char[]){ "PATH=" SEARCH_PATH }, (char[]){ "HOME=/root" },
				      (char[]){ "LC_ALL=C.UTF-8" }, (char[]){ "TERM=dumb" }, NULL };

struct command {
	command_done *done;
	void *arg;
	pid_t pid;
	int64_t timeout;
	uint64_t started, next;		/* clock_ms(); NEXT: when STAGE advances */
	enum { RUNNING, TERMINATED, KILLED } stage;
	enum command_end why;		/* from TERMINATED on */
	int out, exec_fd;		/* output; errno of a failed exec */
	struct event *ev_out, *ev_child, *ev_timer;
	struct buf output;
	size_t output_max;
	bool cut;
};

/* --- the child ---------------------------------------------------------- */

/* Where NAME may be, in order. */
static void candidates(const char *name, char *const *envp, struct strv *ret)
{
	const char *path = NULL;

	for (; *envp; envp++)
		if (starts_with(*envp, "PATH="))
			path = *envp + 5;
	if (strchr(name, '/') || !path) {
		strv_push(ret, name);
		return;
	}
	for (;;) {
		size_t n = strcspn(path, ":");

		if (n) /* an empty entry would be the working directory */
			strv_take(ret, xasprintf("%.*s/%s", (int)n, path, name));
		if (!path[n])
			return;
		path += n + 1;
	}
}

/* Between fork and exec: only what is async-signal-safe. */
_noreturn_ static void child(const struct command_spec *spec, const struct strv *files, int in, int out, int exec_fd)
{
	sigset_t none;
	int e = ENOENT;

	if (spec->for_service) {
		cleanup_fd int adj = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

		if (adj >= 0)
			(void)!write(adj, "0", 1);
		(void)setpriority(PRIO_PROCESS, 0, 0);
	}
	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setsid();
	/* out of the way of 0-3 first: they may already be there */
	in = fcntl(in, F_DUPFD, 10);
	out = fcntl(out, F_DUPFD, 10);
	exec_fd = fcntl(exec_fd, F_DUPFD, 10);
	if (exec_fd < 0 || dup3(exec_fd, 3, O_CLOEXEC) < 0)
		_exit(126);
	if (in >= 0 && out >= 0 && dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(out, 2) >= 0 && chdir("/") == 0) {
		close_from(4);
		for (size_t i = 0; i < files->n; i++) {
			(void)execve(files->v[i], spec->argv, spec->envp);
			/* one that is there but cannot be run says more than the ones that are not */
			if (errno != ENOENT && errno != ENOTDIR)
				e = errno;
		}
	} else {
		e = errno;
	}
	(void)!write(3, &e, sizeof(e));
	_exit(127);
}

/* --- its end ------------------------------------------------------------ */

static void arm(struct command *c, uint64_t at)
{
	uint64_t now = clock_ms(), ms = at > now ? at - now : 0;
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	c->next = at;
	(void)event_add(c->ev_timer, &tv);
}

/* Take what is in the pipe. False: nothing more will come now. */
static bool take_output(struct command *c)
{
	char chunk[16384];
	ssize_t n = read(c->out, chunk, sizeof(chunk));

	if (n < 0)
		return errno == EINTR;
	if (n == 0) {
		(void)event_del(c->ev_out);
		return false;
	}
	size_t room = c->output_max - c->output.n;
	if ((size_t)n > room)
		c->cut = true;
	buf_append(&c->output, chunk, (size_t)n < room ? (size_t)n : room);
	return true;
}

static void finish(struct command *c, enum command_end end, int status)
{
	struct command_result r = {
		.end = end, .status = status, .timeout = c->timeout, .ms = clock_ms() - c->started
	};

	/* a daemon that it left may hold the pipe open, and write for ever */
	for (size_t i = 0; i < DRAIN_MAX / 16384 && take_output(c); i++)
		;
	r.output = buf_str(&c->output);
	r.n = c->output.n;
	r.cut = c->cut;
	event_free(c->ev_out);
	event_free(c->ev_child);
	event_free(c->ev_timer);
	closep(&c->out);
	closep(&c->exec_fd);
	c->done(c->arg, &r);
	buf_clear(&c->output);
	free(c);
}

static void reap(struct command *c)
{
	siginfo_t info = { 0 };
	int status, e;

	if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != c->pid)
		return;
	/* while it is a zombie, its process group cannot be another one's */
	if (c->stage != RUNNING)
		(void)kill(-c->pid, SIGKILL);
	if (waitpid(c->pid, &status, WNOHANG) != c->pid)
		return;
	if (c->stage != RUNNING)
		finish(c, c->why, 0);
	else if (read(c->exec_fd, &e, sizeof(e)) == sizeof(e))
		finish(c, COMMAND_NOT_RUN, e);
	else if (WIFSIGNALED(status))
		finish(c, COMMAND_SIGNALED, WTERMSIG(status));
	else
		finish(c, COMMAND_EXITED, WEXITSTATUS(status));
}

static void end_group(struct command *c, enum command_end why)
{
	if (c->stage != RUNNING)
		return;
	c->stage = TERMINATED;
	c->why = why;
	(void)kill(-c->pid, SIGTERM);
	(void)kill(c->pid, SIGTERM); /* it may not have its own session yet */
	arm(c, clock_ms() + KILL_MS);
}

static void on_timer(evutil_socket_t fd _unused_, short what _unused_, void *arg)
{
	struct command *c = arg;

	if (clock_ms() < c->next) {
		arm(c, c->next);
	} else if (c->stage == RUNNING) {
		end_group(c, COMMAND_TIMEOUT);
	} else if (c->stage == TERMINATED) {
		c->stage = KILLED;
		(void)kill(-c->pid, SIGKILL);
		(void)kill(c->pid, SIGKILL);
		arm(c, clock_ms() + ABANDON_MS);
	} else {
		finish(c, c->why, 0);
	}
}

static void on_output(evutil_socket_t fd _unused_, short what _unused_, void *arg)
{
	(void)take_output(arg);
}

static void on_child(evutil_socket_t fd _unused_, short what _unused_, void *arg)
{
	reap(arg);
}

/* --- the calls ------------------------------------------------------------ */

/* A file in memory holds any amount without anybody who writes, and can be
 * opened again as /dev/stdin, as a socket cannot. */
static int open_input(const struct command_spec *spec)
{
	if (!spec->input)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	cleanup_fd int fd = memfd_create("input", MFD_CLOEXEC);
	if (spec->input_n > COMMAND_INPUT_MAX)
		errno = EFBIG;
	else if (fd >= 0 && write_all(fd, spec->input, spec->input_n) == 0 && lseek(fd, 0, SEEK_SET) == 0)
		return steal_fd(&fd);
	return -1;
}

int command_start(struct event_base *base, const struct command_spec *spec, command_done *done, void *arg,
		  struct command **ret, struct err *err)
{
	cleanup_fd int in = open_input(spec), out = -1, out_child = -1, exec_fd = -1, exec_child = -1;
	cleanup_strv struct strv files = { 0 };
	int p[2];

	if (in < 0)
		return err_set(err, CODE_IO, errno, "command '%s': make its input", spec->argv[0]);
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_set(err, CODE_IO, errno, "command '%s': pipe", spec->argv[0]);
	out = p[0];
	out_child = p[1];
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_set(err, CODE_IO, errno, "command '%s': pipe", spec->argv[0]);
	exec_fd = p[0];
	exec_child = p[1];
	(void)set_nonblock(out);
	(void)set_nonblock(exec_fd);
	candidates(spec->argv[0], spec->envp, &files);
	pid_t pid = fork();
	if (pid == 0)
		child(spec, &files, in, out_child, exec_child);
	if (pid < 0)
		return err_set(err, CODE_IO, errno, "command '%s': fork", spec->argv[0]);

	struct command *c = xcalloc(1, sizeof(*c));
	*c = (struct command){ .done = done,
			       .arg = arg,
			       .pid = pid,
			       .timeout = spec->timeout > 1 ? spec->timeout : 1,
			       .started = clock_ms(),
			       .out = steal_fd(&out),
			       .exec_fd = steal_fd(&exec_fd),
			       .output_max = spec->output_max ? spec->output_max : COMMAND_OUTPUT_MAX };
	c->ev_out = event_new(base, c->out, EV_READ | EV_PERSIST, on_output, c);
	c->ev_child = evsignal_new(base, SIGCHLD, on_child, c);
	c->ev_timer = evtimer_new(base, on_timer, c);
	if (!c->ev_out || !c->ev_child || !c->ev_timer)
		out_of_memory();
	(void)event_add(c->ev_out, NULL);
	(void)event_add(c->ev_child, NULL);
	/* it may have ended before anybody listened */
	event_active(c->ev_child, EV_SIGNAL, 1);
	arm(c, c->started + (uint64_t)c->timeout * 1000);
	if (ret)
		*ret = c;
	return 0;
}

void command_terminate(struct command *c)
{
	if (c->stage == RUNNING)
		(void)kill(c->pid, SIGTERM);
}

void command_cancel(struct command *c)
{
	end_group(c, COMMAND_CANCELLED);
}

bool command_ok(const struct command_result *r)
{
	return r->end == COMMAND_EXITED && r->status == 0;
}

void command_describe(const struct command_result *r, struct buf *ret)
{
	size_t end = r->n, start;
	char name[16];

	switch (r->end) {
	case COMMAND_EXITED:
		buf_printf(ret, "exit status %d", r->status);
		break;
	case COMMAND_SIGNALED:
		signal_format(r->status, name);
		buf_printf(ret, "ended by %s", *name ? name : "a signal");
		break;
	case COMMAND_TIMEOUT:
		buf_printf(ret, "no end within %lld s", (long long)r->timeout);
		break;
	case COMMAND_CANCELLED:
		buf_puts(ret, "cancelled");
		break;
	case COMMAND_NOT_RUN:
		buf_printf(ret, "cannot be executed: %s", strerror(r->status));
		break;
	}
	while (end && strchr(" \t\r\n", r->output[end - 1]))
		end--;
	for (start = end; start && r->output[start - 1] != '\n';)
		start--;
	if (end == start)
		return;
	buf_puts(ret, ": ");
	buf_put_escaped(ret, r->output + start, end - start, 300);
}
