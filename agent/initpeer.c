/* initpeer.c - see initpeer.h. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include "descend.h"
#include "fd.h"
#include "initpeer.h"
#include "util.h"

#define NICE 10

void initpeer_init(struct initpeer *p, int (*run)(int link, void *arg), void *arg)
{
	*p = (struct initpeer){ .run = run, .arg = arg, .link = -1, .pause_max = INITPEER_PAUSE_MAX_MS };
}

/* Under memory pressure the updater goes first, never the service; and it takes
 * only the processor time that the service leaves. */
static void step_back(void)
{
	struct sched_param batch = { .sched_priority = 0 };

	cleanup_fd int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)write_all(fd, "1000", 4);
	if (getpriority(PRIO_PROCESS, 0) < NICE)
		(void)setpriority(PRIO_PROCESS, 0, NICE);
	(void)sched_setscheduler(0, UPDATER_POLICY, &batch);
}

_noreturn_ static void updater(const struct initpeer *p, int link)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	(void)setsid();
	(void)prctl(PR_SET_NAME, "stopgap-updater", 0, 0, 0);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	(void)!chdir("/");
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0)
		(void)dup2(null, STDIN_FILENO);
	/* the link becomes 3, everything above it goes */
	if (link != STDERR_FILENO + 1) {
		(void)dup3(link, STDERR_FILENO + 1, O_CLOEXEC);
		link = STDERR_FILENO + 1;
	}
	close_from(link + 1);
	step_back();
	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &dfl, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	_exit(p->run(link, p->arg));
}

static void failed(struct initpeer *p, uint64_t now)
{
	p->deaths++;
	p->pause = p->pause ? p->pause * 2 : INITPEER_PAUSE_MIN_MS;
	if (p->pause > p->pause_max)
		p->pause = p->pause_max;
	p->next = now + p->pause;
}

int initpeer_start(struct initpeer *p, uint64_t now)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
		failed(p, now);
		return -1;
	}
	pid_t pid = fork();
	if (pid == 0) {
		(void)close(fds[0]);
		updater(p, fds[1]);
	}
	(void)close(fds[1]);
	if (pid < 0) {
		(void)close(fds[0]);
		failed(p, now);
		return -1;
	}
	p->pid = pid;
	p->link = fds[0];
	p->began = now;
	p->starts++;
	return 0;
}

bool initpeer_due(const struct initpeer *p, uint64_t now)
{
	return !p->pid && now >= p->next;
}

void initpeer_ended(struct initpeer *p, uint64_t now)
{
	closep(&p->link);
	p->link = -1;
	p->pid = 0;
	if (now - p->began >= INITPEER_LIVED_MS)
		p->pause = 0;
	failed(p, now);
}

int initpeer_tell(const struct initpeer *p, const struct initlink_message *m)
{
	return p->link < 0 ? -1 : initlink_send(p->link, m);
}

int initpeer_hear(struct initpeer *p, struct initlink_message *ret)
{
	if (p->link < 0)
		return 0;
	int n = initlink_recv(p->link, true, ret);
	if (n >= 0)
		return n;
	closep(&p->link);
	p->link = -1;
	(void)kill(p->pid, SIGKILL);	/* ours until it is reaped: no other process has its number */
	return 0;
}

bool initpeer_is_first(const struct initpeer *p)
{
	return p->starts == 1 && !p->settled;
}

void initpeer_trust_ends(struct initpeer *p)
{
	p->settled = true;
}
