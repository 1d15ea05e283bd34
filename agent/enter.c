/* enter.c - the supervisor of one entry (enter.h). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "clock.h"
#include "enter.h"
#include "entershare.h"
#include "fd.h"
#include "hoststate.h"
#include "log.h"
#include "messages.h"
#include "report.h"
#include "syscalls.h"

#define KILL_MS 2000 /* after the deadline: what lives on then is abandoned */
#define LOG_LINE 4096
#define LOG_LINES 10000 /* of one entry; the rest is dropped */

struct entry {
	const struct enter_spec *spec;
	struct enter_result *result;
	int socket, log, status, signals; /* -1: closed */
	int entrant, agent; /* pidfds, -1: not there */
	pid_t entrant_pid, agent_pid;
	uint64_t mntns;
	struct buf line, note;
	size_t lines;
	bool agent_gone;
	struct entershare share;
};

static void close_fd(int *fd)
{
	closep(fd);
	*fd = -1;
}

/* --- what it says ------------------------------------------------------------ */

/* 0: nothing now, or the end, where FD is closed. */
static size_t read_some(int *fd, char *p, size_t n)
{
	ssize_t k = read(*fd, p, n);

	if (k > 0)
		return (size_t)k;
	if (k == 0 || (errno != EAGAIN && errno != EINTR))
		close_fd(fd);
	return 0;
}

static void take_output(struct entry *e)
{
	char chunk[16384];
	size_t n;

	while (e->socket >= 0 && (n = read_some(&e->socket, chunk, sizeof(chunk))) > 0) {
		if (e->result->output.n + n > ENTER_OUTPUT_MAX) {
			(void)err_set(&e->result->error, CODE_BAD_REPORT, 0, "its report is larger than %d bytes",
				      ENTER_OUTPUT_MAX);
			close_fd(&e->socket);
			return;
		}
		buf_append(&e->result->output, chunk, n);
		entershare_take(&e->share, &e->result->output, e->socket);
	}
}

static void put_line(struct entry *e, const char *s, size_t n)
{
	cleanup_buf struct buf text = { 0 };

	if (e->lines++ == LOG_LINES)
		log_warning("%s: more than %d lines of log, the rest is dropped", e->spec->name, LOG_LINES);
	if (e->lines > LOG_LINES || !n)
		return;
	buf_put_escaped(&text, s, n, LOG_LINE);
	log_notice("%s: %s", e->spec->name, buf_str(&text));
}

/* Its log: only lines, each with the container's name in front. */
static void take_log(struct entry *e)
{
	char chunk[4096];
	size_t n;

	while (e->log >= 0 && (n = read_some(&e->log, chunk, sizeof(chunk))) > 0) {
		char *end;

		buf_append(&e->line, chunk, n);
		while ((end = memchr(buf_str(&e->line), '\n', e->line.n)) || e->line.n > LOG_LINE) {
			size_t len = end ? (size_t)(end - e->line.s) : LOG_LINE;

			put_line(e, e->line.s, len);
			buf_consume(&e->line, len + (end ? 1 : 0));
		}
	}
	if (e->log < 0 && e->line.n) {
		put_line(e, e->line.s, e->line.n);
		buf_reset(&e->line);
	}
}

static void take_note(struct entry *e)
{
	struct entrant_note note;
	char chunk[sizeof(note)];
	size_t n;

	while (e->status >= 0 && (n = read_some(&e->status, chunk, sizeof(chunk))) > 0) {
		buf_append(&e->note, chunk, n);
		if (e->note.n < sizeof(note))
			continue;
		memcpy(&note, e->note.s, sizeof(note));
		buf_consume(&e->note, sizeof(note));
		if (note.err.code != CODE_OK) {
			e->result->error = note.err;
			continue;
		}
		e->mntns = note.mntns;
		e->agent_pid = note.agent;
		e->agent = pidfd_open(note.agent, 0);
	}
}

/* --- its end ------------------------------------------------------------------ */

static bool reap(int *pidfd, pid_t pid, int *status)
{
	struct pollfd p = { .fd = *pidfd, .events = POLLIN };

	if (*pidfd < 0 || poll(&p, 1, 0) <= 0 || waitpid(pid, status, WNOHANG) != pid)
		return false;
	close_fd(pidfd);
	return true;
}

static void take_ends(struct entry *e)
{
	int status;

	if (reap(&e->entrant, e->entrant_pid, &status))
		take_note(e);
	if (reap(&e->agent, e->agent_pid, &e->result->status))
		e->agent_gone = true;
}

static bool over(const struct entry *e)
{
	return e->entrant < 0 && e->agent < 0;
}

/* All of the entry. What is frozen, or waits in the kernel, does not die now: it is left, and said. */
static void end_all(struct entry *e)
{
	uint64_t until = clock_ms() + KILL_MS;
	size_t n;

	for (;;) {
		if (e->entrant >= 0)
			(void)sys_pidfd_send_signal(e->entrant, SIGKILL);
		if (e->agent >= 0)
			(void)sys_pidfd_send_signal(e->agent, SIGKILL);
		n = entry_kill(e->spec->target, e->mntns);
		take_ends(e);
		if ((n == 0 && over(e)) || clock_ms() >= until)
			break;
		(void)poll(NULL, 0, 20);
	}
	if (n || !over(e))
		(void)err_set(&e->result->error, CODE_ABANDONED, 0,
			      "the deadline has passed, and %zu processes of stopgap in the container cannot be ended "
			      "(is it frozen?): they end when it goes on",
			      n ? n : 1);
	else
		(void)err_set(&e->result->error, CODE_ENTER_TIMEOUT, 0,
			      "the deadline has passed, and what stopgap ran in the container was ended; "
			      "give it more time with --timeout");
}

/* The operator wants an end: the agent finishes its running set and reports. */
static void take_signal(struct entry *e)
{
	struct signalfd_siginfo si;

	if (read(e->signals, &si, sizeof(si)) != sizeof(si))
		return;
	if (e->agent >= 0) {
		(void)sys_pidfd_send_signal(e->agent, SIGTERM);
		return;
	}
	(void)err_set(&e->result->error, CODE_STOPPED, 0, "stopped on request before the container was entered");
	(void)sys_pidfd_send_signal(e->entrant, SIGKILL);
}

/* --- the loop ------------------------------------------------------------------- */

static void supervise(struct entry *e)
{
	while (!over(e)) {
		uint64_t now = clock_ms();
		struct pollfd p[] = { { .fd = e->socket, .events = POLLIN }, { .fd = e->log, .events = POLLIN },
				      { .fd = e->status, .events = POLLIN }, { .fd = e->entrant, .events = POLLIN },
				      { .fd = e->agent, .events = POLLIN },  { .fd = e->signals, .events = POLLIN } };

		if (now >= e->spec->deadline) {
			end_all(e);
			break;
		}
		uint64_t left = e->spec->deadline - now;
		if (poll(p, ARRAY_SIZE(p), entershare_timeout(&e->share, left > 60000 ? 60000 : (int)left)) < 0 &&
		    errno != EINTR)
			break;
		if (p[5].revents)
			take_signal(e);
		take_note(e);
		take_output(e);
		entershare_step(&e->share, e->socket);
		take_log(e);
		take_ends(e);
	}
	/* what was written before the end; not what somebody who holds the other end may still write */
	take_note(e);
	take_output(e);
	take_log(e);
	if (e->agent_gone && e->result->error.code == CODE_OK)
		entry_list(e->spec->target, e->mntns, &e->result->left);
}

static int start(struct entry *e, const struct inject *in, struct err *err)
{
	int pair[2], log[2], status[2];
	sigset_t stops;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(err, CODE_IO, errno, "make a socket");
	cleanup_fd int pair_in = pair[1];
	e->socket = pair[0];
	if (pipe2(log, O_CLOEXEC) < 0)
		return err_set(err, CODE_IO, errno, "make a pipe");
	cleanup_fd int log_in = log[1];
	e->log = log[0];
	if (pipe2(status, O_CLOEXEC) < 0)
		return err_set(err, CODE_IO, errno, "make a pipe");
	cleanup_fd int status_in = status[1];
	e->status = status[0];
	(void)sigemptyset(&stops);
	(void)sigaddset(&stops, SIGTERM);
	(void)sigaddset(&stops, SIGINT);
	(void)sigaddset(&stops, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &stops, NULL);
	e->signals = signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK);
	(void)set_nonblock(e->socket);
	(void)set_nonblock(e->log);
	(void)set_nonblock(e->status);
	e->entrant_pid = fork();
	if (e->entrant_pid == 0) {
		const struct entrant child = {
			.spec = e->spec, .in = in, .socket = pair_in, .log = log_in, .status = status_in
		};

		entrant_main(&child);
	}
	if (e->entrant_pid < 0)
		return err_set(err, CODE_IO, errno, "fork");
	e->entrant = pidfd_open(e->entrant_pid, 0);
	return e->entrant < 0 ? err_set(err, CODE_IO, errno, "open the process that enters") : 0;
}

/* Copies take memory and time: few at once. The end of a process gives its turn back, too. */
static void copy_turn(const struct enter_spec *s, bool take)
{
	struct flock lock = {
		.l_type = take ? F_WRLCK : F_UNLCK, .l_whence = SEEK_SET, .l_start = (off_t)s->turn, .l_len = 1
	};

	(void)fcntl(s->turns, F_SETLKW, &lock);
}

/* The host's way to the entry's state folder: the mount's own descriptor opens, but does not read. */
static int fill_state(const struct enter_spec *spec, const struct inject *in, int *dir, struct err *err)
{
	const struct target *t = spec->target;

	if (!spec->state_dir)
		return 0;
	*dir = openat(in->state, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*dir < 0)
		return err_set(err, CODE_IO, errno, "open the state folder");
	return hoststate_fill(spec->state_dir, *dir, t->root_uid, t->root_gid, err);
}

/* A run that answered its question leaves lists that may be another one's start. */
static bool is_good(const struct entry *e)
{
	int code = WEXITSTATUS(e->result->status);

	return e->result->error.code == CODE_OK && WIFEXITED(e->result->status) && code != EXIT_FAILED &&
	       code != EXIT_USAGE && code != EXIT_BLOCKED;
}

void enter_run(const struct enter_spec *spec, struct enter_result *ret)
{
	struct entry e = { .spec = spec,
			   .result = ret,
			   .socket = -1,
			   .log = -1,
			   .status = -1,
			   .signals = -1,
			   .entrant = -1,
			   .agent = -1 };
	const struct inject_spec what = { .bundle = spec->bundle,
					  .plugin = spec->target->plugin,
					  .uid = spec->target->root_uid,
					  .gid = spec->target->root_gid,
					  .state_max = spec->state_max };
	cleanup_fd int state = -1;
	struct inject in;

	*ret = (struct enter_result){ .error = ERR_INIT, .state = ERR_INIT };
	copy_turn(spec, true);
	int made = inject_make(&what, &in, &ret->error);
	copy_turn(spec, false);
	if (made < 0)
		return;
	bool filled = fill_state(spec, &in, &state, &ret->error) == 0;
	e.share.name = spec->name;
	if (filled && spec->cache && spec->state_dir)
		e.share.share = hostshare_begin(spec->cache, state, spec->target->root_uid, spec->target->root_gid,
						spec->group, spec->share_wait);
	if (filled && start(&e, &in, &ret->error) == 0) {
		supervise(&e);
		if (ret->error.code == CODE_OK && !e.agent_gone)
			(void)err_set(&ret->error, CODE_ENTER_FAILED, 0,
				      "the process that enters the container was ended");
	}
	hostshare_end(steal_ptr(&e.share.share), is_good(&e));
	/* whatever became of it: how fresh the metadata was that it has seen must not be lost */
	if (spec->state_dir && e.mntns)
		(void)hoststate_take(spec->state_dir, state, &ret->state);
	inject_clear(&in);
	close_fd(&e.socket);
	close_fd(&e.log);
	close_fd(&e.status);
	close_fd(&e.signals);
	close_fd(&e.entrant);
	close_fd(&e.agent);
	buf_clear(&e.line);
	buf_clear(&e.note);
}

void enter_result_clear(struct enter_result *r)
{
	buf_clear(&r->output);
	wire_list_clear(&msg_process, &r->left);
	*r = (struct enter_result){ .error = ERR_INIT, .state = ERR_INIT };
}
