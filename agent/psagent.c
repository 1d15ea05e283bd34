/* psagent.c - see psagent.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "clock.h"
#include "httplink.h"
#include "inroot.h"
#include "procread.h"
#include "psagent.h"

#define FOLDER "/run/stopgap"
#define NAME "status.sock"
#define REQUEST "/v1/status"
#define HOLD_MS 500 /* who takes longer to open holds us; half of it after each that does, … */
#define HOLD_MIN 50 /* … down to this: many of them must not use up the time of the others */

static const struct link_peer agent = {
	.name = "agent", .title = "stopgap agent", .absent = CODE_NO_AGENT, .minor = 1
};

/* A connection on which the agent in C has been asked; -1: there is none that can be asked. */
static int reach(const struct host_container *c)
{
	cleanup_free char *path = xasprintf("/proc/%d/root", (int)c->pid);
	cleanup_link struct link l = LINK_TO(&agent);
	struct err ignored = ERR_INIT;

	cleanup_fd int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* no link on the way leads out of the container, and the last part is none: it could be one to docker.sock */
	cleanup_fd int folder = root < 0 ? -1 : inroot_open(root, FOLDER);
	cleanup_fd int file = folder < 0 ? -1 : openat(folder, NAME, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	/* asked at once: an agent does not wait long for a request */
	if (file < 0 || link_connect(&l, file, NAME, clock_ms(), &ignored) < 0 ||
	    link_request(&l, "GET", REQUEST, NULL, NULL, clock_ms(), &ignored) < 0)
		return -1;
	return steal_fd(&l.fd);
}

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static void hand_over(int to, int fd)
{
	union control control = { 0 };
	char found = fd >= 0;
	struct iovec one = { &found, 1 };
	struct msghdr m = { .msg_iov = &one, .msg_iovlen = 1 };

	if (found) {
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	}
	(void)sendmsg(to, &m, MSG_NOSIGNAL);
}

/* Does it wait for nothing but a processor? */
static bool runs(pid_t child)
{
	cleanup_free char *path = xasprintf("/proc/%d", (int)child);
	cleanup_fd int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct proc_identity id;

	return dir >= 0 && proc_identity_read(dir, &id) == 0 && id.state == 'R';
}

/* Until FROM can be read, the child is held, or DEADLINE. */
static bool wait_child(pid_t child, int from, int hold, uint64_t deadline)
{
	struct pollfd p = { .fd = from, .events = POLLIN };

	for (;;) {
		uint64_t now = clock_ms();
		int left = now >= deadline ? 0 : deadline - now < (uint64_t)hold ? (int)(deadline - now) : hold;
		int r = poll(&p, 1, left);

		if (r > 0)
			return true;
		if (!left || (r == 0 && !runs(child)))
			return false;
	}
}

/* The next answer of the child. 1: FD is set, 0: it has ended or is held. */
static int take_over(pid_t child, int from, int hold, uint64_t deadline, int *fd)
{
	union control control = { 0 };
	char found = 0;
	struct iovec one = { &found, 1 };
	struct msghdr m = {
		.msg_iov = &one, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)
	};

	*fd = -1;
	if (!wait_child(child, from, hold, deadline) || recvmsg(from, &m, MSG_CMSG_CLOEXEC) <= 0)
		return 0;
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	if (found && h && h->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(h), sizeof(*fd));
	return 1;
}

/* A child that goes through C from FROM on; -1: none could be made. */
static pid_t start(const struct host_containers *c, size_t from, int *ret)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		(void)close(pair[0]);
		for (size_t i = from; i < c->n; i++) {
			cleanup_fd int fd = c->list[i].paused ? -1 : reach(&c->list[i]);

			hand_over(pair[1], fd);
		}
		_exit(0);
	}
	(void)close(pair[1]);
	if (pid < 0)
		(void)close(pair[0]);
	else
		*ret = pair[0];
	return pid;
}

void ps_agents_ask(const struct host_containers *c, uint64_t deadline, int *fds)
{
	int hold = HOLD_MS;

	for (size_t i = 0; i < c->n; i++)
		fds[i] = -1;
	for (size_t i = 0; i < c->n && clock_ms() < deadline;) {
		cleanup_fd int from = -1;
		pid_t child = start(c, i, &from);

		if (child < 0)
			return;
		while (i < c->n && take_over(child, from, hold, deadline, &fds[i]))
			i++;
		i++; /* this one holds it */
		hold = hold / 2 > HOLD_MIN ? hold / 2 : HOLD_MIN;
		/* one that even SIGKILL does not end is left to init */
		(void)kill(child, SIGKILL);
		for (int waited = 0; waitpid(child, NULL, WNOHANG) == 0 && waited < HOLD_MS; waited++)
			(void)poll(NULL, 0, 1);
	}
}
