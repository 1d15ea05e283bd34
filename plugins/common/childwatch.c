/* childwatch.c - see childwatch.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "children.h"
#include "clock.h"
#include "fd.h"
#include "childwatch.h"

#define TICK_MS 25 /* how often status and log are looked at */
#define TERM_MS 3000 /* between SIGTERM and SIGKILL to a script */
#define GIVE_UP_MS 5000 /* and from there to the child itself */
#define LINE_LIMIT 65536 /* of a status line */
#define LOG_GROWTH (256LL * 1024 * 1024) /* one call that writes more hangs in a loop */
#define LOG_KEPT (4 * 1024 * 1024) /* a larger log starts anew, one old one is kept */

enum ending { QUIET, SCRIPTS_TERM, SCRIPTS_KILL, CHILD_TERM, CHILD_KILL };

struct runner {
	struct watch *w;
	pid_t pid;
	int pidfd; /* -1: waitpid() each tick */
	int log;
	int status; /* memory file that the child writes its status lines to */
	off_t status_read;
	struct buf line;
	int64_t log_start, log_size;
	uint64_t active; /* clock_ms() of the last sign of life */
	enum ending ending;
	uint64_t ending_since;
};

/* Read what came since; false when nothing did. */
static bool read_status(struct runner *r)
{
	char chunk[16384];
	bool any = false;
	ssize_t n;

	while ((n = pread(r->status, chunk, sizeof(chunk), r->status_read)) > 0) {
		r->status_read += n;
		buf_append(&r->line, chunk, (size_t)n);
		any = true;
		for (char *nl; r->line.n && (nl = memchr(r->line.s, '\n', r->line.n));) {
			*nl = '\0';
			r->w->line(r->line.s, r->w->ctx);
			buf_consume(&r->line, (size_t)(nl - r->line.s) + 1);
		}
		if (r->line.n > LINE_LIMIT)
			buf_reset(&r->line);
	}
	return any;
}

static void send_signal(const struct proc_stat *p, int sig)
{
	struct proc_stat again;
	int fd = (int)syscall(SYS_pidfd_open, p->pid, 0);

	if (fd < 0) {
		(void)kill(p->pid, sig);
		return;
	}
	/* the pid may have been reused between reading /proc and opening */
	if (proc_stat_read(p->pid, &again) == 0 && again.start == p->start)
		(void)syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
	(void)close(fd);
}

static bool collect(const struct proc_stat *p, void *ctx)
{
	struct children *c = ctx;

	c->v = xrealloc(c->v, c->n + 1, sizeof(*c->v));
	c->v[c->n++] = *p;
	return true;
}

/* What runs below the child, not the child: it then reports that the script failed and
 * goes on with the other packages. A daemon of an earlier script is no longer
 * below it and stays. */
static void signal_scripts(const struct runner *r, int sig)
{
	struct children all = { 0 };
	cleanup_free bool *below = NULL;
	bool more;

	(void)proc_each(collect, &all);
	below = xcalloc(all.n + 1, sizeof(*below));
	do {
		more = false;
		for (size_t i = 0; i < all.n; i++) {
			bool child_of = all.v[i].ppid == r->pid;

			for (size_t k = 0; k < all.n && !child_of; k++)
				child_of = below[k] && all.v[k].pid == all.v[i].ppid;
			more |= child_of && !below[i];
			below[i] = child_of;
		}
	} while (more);
	for (size_t i = 0; i < all.n; i++)
		if (below[i] && all.v[i].state != 'Z')
			send_signal(&all.v[i], sig);
	children_clear(&all);
}

/* The event comes first: what a script says when it is ended is not a reason. */
static void start_ending(struct runner *r, const char *why)
{
	cleanup_free char *text = xasprintf("ended by stopgap after %s", why);

	r->w->ended(text, r->w->ctx);
	signal_scripts(r, SIGTERM);
	r->ending = SCRIPTS_TERM;
	r->ending_since = clock_ms();
}

static void go_on_ending(struct runner *r)
{
	uint64_t waited = clock_ms() - r->ending_since;

	if (waited < (r->ending == SCRIPTS_TERM ? TERM_MS : GIVE_UP_MS))
		return;
	if (r->ending == SCRIPTS_TERM)
		signal_scripts(r, SIGKILL);
	else if (r->ending == SCRIPTS_KILL)
		(void)kill(-r->pid, SIGTERM);
	else
		(void)kill(-r->pid, SIGKILL);
	if (r->ending < CHILD_KILL)
		r->ending++;
	r->ending_since = clock_ms();
}

static void look(struct runner *r)
{
	bool event = false, output = false;
	struct stat st;

	if (fstat(r->log, &st) == 0 && st.st_size != r->log_size) {
		r->log_size = st.st_size;
		output = true;
	}
	event = read_status(r);
	if (r->ending != QUIET) {
		if (event) { /* the script is gone, the child went on */
			r->ending = QUIET;
			r->active = clock_ms();
		} else {
			go_on_ending(r);
		}
		return;
	}
	if (event || output)
		r->active = clock_ms();
	if (r->log_size - r->log_start > LOG_GROWTH) {
		start_ending(r, "256 MiB of output");
	} else if (clock_ms() - r->active >= (uint64_t)r->w->silence * 1000) {
		cleanup_free char *why = xasprintf("%lld s of silence", (long long)r->w->silence);

		start_ending(r, why);
	}
}

/* The end of the child is what is waited for, never the end of a file: a
 * daemon that a script started may keep those open for ever. */
static int wait_child(struct runner *r)
{
	int ws;

	for (;;) {
		struct pollfd p = { .fd = r->pidfd, .events = POLLIN };
		pid_t k;

		(void)poll(&p, r->pidfd >= 0 ? 1 : 0, TICK_MS);
		k = waitpid(r->pid, &ws, WNOHANG);
		look(r);
		if (k == r->pid)
			return WIFEXITED(ws) ? WEXITSTATUS(ws) : 128 + WTERMSIG(ws);
		if (k < 0 && errno != EINTR)
			return 127;
	}
}

static int open_log(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);

	if (fd < 0)
		return err_set(err, CODE_IO, errno, "open log '%s'", path);
	return fd;
}

static int open_status(struct err *err)
{
	int fd = memfd_create("status", MFD_CLOEXEC);

	if (fd < 0) /* seccomp profiles older than the call */
		fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, CODE_IO, errno, "create a file for status lines");
	return fd;
}

_noreturn_ static void child(const struct runner *r, int null)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	(void)setsid();
	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &dfl, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)umask(022);
	/* the sources are above the status descriptor, so no dup2() hits another's source */
	if (chdir("/") < 0 || dup2(null, 0) < 0 || dup2(r->log, 1) < 0 || dup2(r->log, 2) < 0 ||
	    dup2(r->status, WATCH_STATUS_FD) < 0)
		_exit(127);
	close_from(WATCH_STATUS_FD + 1);
	if (!r->w->program) {
		environ = (char **)(uintptr_t)r->w->envp;
		_exit(r->w->fn(r->w->ctx));
	}
	(void)execve(r->w->program, r->w->argv, r->w->envp);
	_exit(127);
}

static void log_header(int log, const char *title)
{
	cleanup_buf struct buf b = { 0 };
	char now[TIME_TEXT_MAX];

	time_format(clock_wall(), now);
	buf_printf(&b, "== %s %s\n", now, title);
	(void)write_all(log, b.s, b.n); /* a full disk shows in the child's own result */
}

static int above(int *fd, struct err *err)
{
	int n = fcntl(*fd, F_DUPFD_CLOEXEC, 16);

	if (n < 0)
		return err_set(err, CODE_IO, errno, "duplicate a descriptor");
	(void)close(*fd);
	*fd = n;
	return 0;
}

static int start(struct runner *r, struct err *err)
{
	cleanup_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (null < 0)
		return err_set(err, CODE_IO, errno, "open '/dev/null'");
	if ((r->log = open_log(r->w->log, err)) < 0 || (r->status = open_status(err)) < 0 || above(&null, err) < 0 ||
	    above(&r->log, err) < 0 || above(&r->status, err) < 0)
		return -1;
	log_header(r->log, r->w->title);
	if (fstat(r->log, &st) == 0)
		r->log_size = r->log_start = st.st_size;
	r->pid = fork();
	if (r->pid < 0)
		return err_set(err, CODE_IO, errno, "start '%s'", r->w->title);
	if (r->pid == 0)
		child(r, null);
	r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	r->active = clock_ms();
	return 0;
}

int watch_run(struct watch *w, struct err *err)
{
	struct runner r = { .w = w, .pidfd = -1, .log = -1, .status = -1 };
	int ret = start(&r, err);

	if (ret == 0)
		ret = wait_child(&r);
	closep(&r.pidfd);
	closep(&r.log);
	closep(&r.status);
	buf_clear(&r.line);
	return ret;
}

char *watch_log_path(const char *state_dir, const char *name, struct err *err)
{
	cleanup_free char *dir = xasprintf("%s/log", state_dir);
	cleanup_free char *path = xasprintf("%s/%s", dir, name);
	cleanup_free char *old = xasprintf("%s.1", path);
	struct stat st;

	if (make_dirs(dir, 0700, err) < 0)
		return NULL;
	if (lstat(path, &st) == 0 && st.st_size > LOG_KEPT)
		(void)rename(path, old);
	return steal_ptr(&path);
}
