/* init.c - see init.h. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include "child.h"
#include "clock.h"
#include "descend.h"
#include "fd.h"
#include "init.h"
#include "initpeer.h"
#include "initstate.h"
#include "log.h"

#define TICK_MS	     50		/* how often processes that are to go are looked for */
#define MESSAGES_MAX 16		/* of the updater at a time: it cannot keep us from our signals */

/* All of PID 1's memory. */
static struct init {
	const struct init_options *o;
	struct child spec;
	struct user_ids user;
	struct initstate st;
	struct initpeer peer;
	pid_t child;		/* 0: it does not run */
	uint64_t start;		/* its start time */
	int sfd;
	bool let_go, report_waits;
	unsigned char rewrite[SIGNAL_MAX + 1];	/* what arrives → what is passed on */
	unsigned char remap[256];
} ini;

static void step(enum init_event event, int n, const struct initlink_message *m);

/* ---- what the updater is told */

static void tell_child(void)
{
	struct initlink_message m = { .type = INITLINK_CHILD,
				      .child = { .pid = ini.child,
						 .state = initstate_public(&ini.st),
						 .start = ini.start,
						 .restarts = ini.st.restarts } };

	(void)initpeer_tell(&ini.peer, &m);
}

static void tell_stop(void)
{
	struct initlink_message m = { .type = INITLINK_STOP, .stop = { .grace = ini.st.settings.shutdown_grace } };

	if (initpeer_tell(&ini.peer, &m) < 0 && ini.peer.pid)
		(void)kill(ini.peer.pid, SIGTERM);
}

/* The answer to a RESTART outlives the updater that asked. */
static void tell_report(void)
{
	ini.report_waits = initpeer_tell(&ini.peer, &ini.st.report) < 0;
}

/* ---- actions */

static void send_to_child(int sig, const struct signalfd_siginfo *from)
{
	union sigval value = { .sival_ptr = NULL };

	if (!ini.child)
		return;
	if (ini.o->group) {
		(void)kill(-ini.child, sig);
	} else if (from && from->ssi_code == SI_QUEUE) {
		value.sival_ptr = (void *)(uintptr_t)from->ssi_ptr;
		(void)sigqueue(ini.child, sig, value);
	} else {
		(void)kill(ini.child, sig);
	}
}

static struct descend family(void)
{
	return (struct descend){ .proc = "/proc", .self = ini.spec.self, .child = ini.child, .updater = ini.peer.pid };
}

/* Without a /proc there is only the main process to signal. */
static void signal_all(int sig)
{
	struct descend d = family();

	if (descend_signal(&d, sig) < 0)
		send_to_child(sig, NULL);
}

/* What only the start needed of the program is no part of PID 1's memory. It is
 * clean and mapped from the file: what is used again comes back by itself. */
static void give_back_text(void)
{
	extern const char __executable_start, etext;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = (uintptr_t)&__executable_start, to = ((uintptr_t)&etext + page - 1) & ~(page - 1);

	(void)madvise((void *)from, to - from, MADV_DONTNEED);
}

static void start_service(void)
{
	struct descend_stat s;
	int keep[2];

	pid_t pid = child_start(&ini.spec);
	if (pid < 0) {
		step(INIT_EV_EXIT, 126, NULL);
		return;
	}
	ini.child = pid;
	ini.start = descend_stat("/proc", pid, &s) == 0 ? s.start : 0;
	if (!ini.let_go) {
		keep[0] = ini.sfd;
		keep[1] = ini.peer.link;
		child_let_go(&ini.spec, keep, ARRAY_SIZE(keep));
		ini.let_go = true;
	}
	tell_child();
	give_back_text();
}

static void act(unsigned actions)
{
	struct initlink_message deadline = { .type = INITLINK_DEADLINE };

	if (actions & INIT_DO_REPORT && !(actions & INIT_DO_START))
		tell_report();
	if (actions & INIT_DO_TELL_STOP)
		tell_stop();
	if (actions & INIT_DO_TELL_DEADLINE)
		(void)initpeer_tell(&ini.peer, &deadline);
	if (actions & INIT_DO_SIGNAL) {
		tell_child();
		send_to_child(ini.st.settings.stop_signal, NULL);
		send_to_child(SIGCONT, NULL);
	}
	if (actions & INIT_DO_TERM_REST) {
		signal_all(SIGTERM);
		signal_all(SIGCONT);
	}
	if (actions & INIT_DO_KILL)
		signal_all(SIGKILL);
	if (actions & INIT_DO_START) {
		start_service();
		if (actions & INIT_DO_REPORT && ini.st.report.restarted.outcome == INITLINK_OK) {
			ini.st.report.restarted.pid = ini.child;
			ini.st.report.restarted.start = ini.start;
			tell_report();
		}
	}
}

static void step(enum init_event event, int n, const struct initlink_message *m)
{
	struct init_input in = { .event = event, .n = n, .id = m ? m->id : 0, .reason = m ? m->restart.reason : 0 };

	ini.st.has_updater = ini.peer.pid != 0;
	ini.st.trusted = initpeer_is_first(&ini.peer);
	act(initstate_step(&ini.st, &in, clock_ms()));
}

/* ---- events */

/* A stop that the terminal made: our whole job stops with the service, so that
 * its shell notices. It is ignored where nobody could continue us (PID 1, an
 * orphaned group): the service goes on then, as it would have there itself. */
static void on_child_stopped(int sig)
{
	sigset_t stop;
	bool alone = ini.spec.self == 1 || getsid(0) == ini.spec.self;

	if (!ini.spec.terminal || (sig != SIGTSTP && sig != SIGTTIN && sig != SIGTTOU))
		return;
	/* "fg" of a job that runs gives us the terminal and says nothing */
	if (sig != SIGTSTP && child_to_foreground(&ini.spec)) {
		(void)kill(-ini.child, SIGCONT);
		return;
	}
	if (alone && sig != SIGTSTP)
		return;
	(void)sigemptyset(&stop);
	(void)sigaddset(&stop, SIGTSTP);
	(void)kill(0, SIGTSTP);
	(void)sigprocmask(SIG_UNBLOCK, &stop, NULL);	/* here we stop, and here we go on */
	(void)sigprocmask(SIG_BLOCK, &stop, NULL);
	(void)child_to_foreground(&ini.spec);
	(void)kill(-ini.child, SIGCONT);
}

static void on_child_exit(int ws)
{
	ini.child = 0;
	ini.start = 0;
	step(INIT_EV_EXIT, WIFSIGNALED(ws) ? 128 + WTERMSIG(ws) : WEXITSTATUS(ws), NULL);
	tell_child();
}

static void on_messages(void);

/* Nothing to wait for at the end; and one that dies twice before the start will not get ready. */
static void when_alone(void)
{
	if (ini.st.phase == INIT_END || (ini.st.phase == INIT_WAIT && ini.peer.deaths >= 2))
		step(INIT_EV_ALONE, 0, NULL);
}

static void on_updater_exit(void)
{
	on_messages();	/* its last words */
	initpeer_ended(&ini.peer, clock_ms());
	when_alone();
}

static void reap(void)
{
	pid_t pid;
	int ws;

	while ((pid = waitpid(-1, &ws, WNOHANG | WUNTRACED)) > 0) {
		if (pid == ini.child && WIFSTOPPED(ws))
			on_child_stopped(WSTOPSIG(ws));
		else if (pid == ini.child)
			on_child_exit(ws);
		else if (pid == ini.peer.pid && !WIFSTOPPED(ws))
			on_updater_exit();
	}
}

/* What an engine, a person or a shell sends to end the container. */
static bool means_quit(int sig)
{
	return sig == SIGTERM || sig == SIGINT || sig == SIGQUIT || sig == ini.st.settings.stop_signal;
}

static void on_signal(const struct signalfd_siginfo *si)
{
	int sig = (int)si->ssi_signo;
	int to = ini.rewrite[sig];

	if (sig == SIGCHLD)
		return;
	/* the kernel's word that we, in the background, touched the terminal */
	if ((sig == SIGTTIN || sig == SIGTTOU) && si->ssi_code == SI_KERNEL)
		return;
	if (sig == SIGCONT && ini.spec.terminal)
		(void)child_to_foreground(&ini.spec);
	if (to && ini.child)
		send_to_child(to, si);
	if (to && means_quit(sig))
		step(INIT_EV_QUIT, sig, NULL);
}

static void on_signals(void)
{
	struct signalfd_siginfo si[8];
	ssize_t n;

	do {
		n = read(ini.sfd, si, sizeof(si));
		for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(*si); i++)
			on_signal(&si[i]);
	} while (n == (ssize_t)sizeof(si));
	reap();
}

static void on_messages(void)
{
	struct initlink_message m;

	for (int i = 0; i < MESSAGES_MAX && initpeer_hear(&ini.peer, &m) > 0; i++) {
		switch (m.type) {
		case INITLINK_SETTINGS:
			ini.st.settings = m.settings;
			step(INIT_EV_SETTINGS, 0, &m);
			initpeer_trust_ends(&ini.peer);
			break;
		case INITLINK_FAILED:
			step(INIT_EV_FAILED, m.failed.status, &m);
			break;
		case INITLINK_READY:
			step(INIT_EV_READY, 0, &m);
			break;
		case INITLINK_RESTART:
			step(INIT_EV_RESTART, 0, &m);
			break;
		default:
			break;
		}
	}
}

/* Is the service to be gone, and its main process no hindrance? */
static bool is_going(void)
{
	return ini.st.phase == INIT_KILL || (ini.st.phase == INIT_STOP && !ini.child);
}

/* How many of its processes are left. Who was to be killed is killed again: it
 * may have forked meanwhile. */
static int left_over(void)
{
	struct descend d = family();
	int left = ini.st.phase == INIT_KILL ? descend_signal(&d, SIGKILL) : descend_each(&d, NULL, NULL);

	return left > 0 ? left : ini.child != 0; /* no /proc, or one to be reaped */
}

static void start_updater(void)
{
	if (initpeer_start(&ini.peer, clock_ms()) < 0) {
		when_alone();
		return;
	}
	tell_child();
	if (ini.report_waits)
		tell_report();
}

static void on_time(void)
{
	uint64_t now = clock_ms();
	bool going = is_going();
	int left = going ? left_over() : 0;

	if (going && left == 0) {
		step(INIT_EV_GONE, 0, NULL);
	} else if (ini.st.timer && now >= ini.st.timer) {
		if (ini.st.phase == INIT_KILL)
			ini.child = 0; /* whatever becomes of it, it is reaped as any orphan */
		step(INIT_EV_TIMEOUT, left, NULL);
	}
	if (initstate_wants_updater(&ini.st, now) && initpeer_due(&ini.peer, now))
		start_updater();
}

static int until(void)
{
	uint64_t now = clock_ms(), next = now + 60000;

	if (ini.st.timer && ini.st.timer < next)
		next = ini.st.timer;
	if (!ini.peer.pid && ini.peer.next < next && initstate_wants_updater(&ini.st, now))
		next = ini.peer.next;
	if (is_going())
		next = now + TICK_MS < next ? now + TICK_MS : next;
	return next > now ? (int)(next - now) : 0;
}

static void loop(void)
{
	while (ini.st.phase != INIT_DONE) {
		struct pollfd p[] = { { .fd = ini.sfd, .events = POLLIN }, { .fd = ini.peer.link, .events = POLLIN } };

		if (poll(p, ARRAY_SIZE(p), until()) > 0) {
			if (p[1].revents)
				on_messages();
			if (p[0].revents)
				on_signals();
		}
		if (ini.st.phase != INIT_DONE)
			on_time();
	}
}

/* ---- the start */

static int take_options(struct err *err)
{
	const struct init_options *o = ini.o;

	for (int i = 0; i <= SIGNAL_MAX; i++)
		ini.rewrite[i] = (unsigned char)i;
	for (int i = 0; i < 256; i++)
		ini.remap[i] = (unsigned char)i;
	for (size_t i = 0; i < o->n_rewrite; i++)
		ini.rewrite[o->rewrite[i].from] = (unsigned char)o->rewrite[i].to;
	for (size_t i = 0; i < o->n_remap; i++)
		ini.remap[o->remap[i].from] = (unsigned char)o->remap[i].to;
	if (!o->user)
		return 0;
	if (user_resolve("/etc", o->user, &ini.user, err) < 0)
		return -1;
	if (geteuid() == ini.user.uid && getegid() == ini.user.gid && ini.user.uid != 0)
		return 0;	/* that is who we are */
	if (geteuid() != 0)
		return err_set(err, CODE_USAGE, 0, "--user %s: only root can start the service as another user",
			       o->user);
	ini.spec.user = &ini.user;
	ini.spec.user_text = o->user;
	return 0;
}

/* The parent may have died before the kernel knew of our wish. */
static void follow_parent(int sig, pid_t parent)
{
	if (!sig)
		return;
	(void)prctl(PR_SET_PDEATHSIG, sig, 0, 0, 0);
	if (getppid() != parent)
		(void)kill(getpid(), sig);
}

int init_main(const struct init_options *o, int (*updater)(int link, void *arg), void *arg)
{
	struct err err = ERR_INIT;
	pid_t parent = getppid();
	sigset_t all;

	ini.o = o;
	ini.spec.argv = o->argv;
	child_inherit(&ini.spec);
	(void)sigfillset(&all);
	ini.sfd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (ini.sfd < 0)
		(void)err_set(&err, CODE_IO, errno, "make a signalfd");
	else if (ini.spec.self != 1 && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 && o->subreaper)
		(void)err_set(&err, CODE_USAGE, errno, "-s: become a subreaper");
	else
		(void)take_options(&err);
	if (err.code != CODE_OK) {
		log_err(LOG_ERROR, &err);
		return 2;
	}
	follow_parent(o->parent_death, parent);
	initpeer_init(&ini.peer, updater, arg);
	if (o->updater_pause)
		ini.peer.pause_max = o->updater_pause;
	int64_t before = o->before_start > 0 ? (int64_t)initlink_ms(o->before_start) : o->before_start;
	act(initstate_begin(&ini.st, before, clock_ms()));
	loop();
	return ini.st.failed ? ini.st.status : ini.remap[ini.st.status & 0xff];
}
