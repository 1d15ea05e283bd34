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
#include "psagent.h"

#define FOLDER "/run/stopgap"
#define NAME "status.sock"
#define HOLD_MS 250 /* who takes longer to open holds us */

static const struct link_peer agent = { .name = "agent", .title = "stopgap agent", .absent = CODE_NO_AGENT };

/* A connection to the agent in C; -1: there is none that can be asked. */
static int reach(const struct host_container *c)
{
	cleanup_free char *path = xasprintf("/proc/%d/root", (int)c->pid);
	cleanup_link struct link l = LINK_TO(&agent);
	struct err ignored = ERR_INIT;

	cleanup_fd int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* no link on the way leads out of the container, and the last part is none: it could be one to docker.sock */
	cleanup_fd int folder = root < 0 ? -1 : inroot_open(root, FOLDER);
	cleanup_fd int file = folder < 0 ? -1 : openat(folder, NAME, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (file < 0 || link_connect(&l, file, NAME, clock_ms(), &ignored) < 0)
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

/* The next answer of the child. 1: FD is set, 0: it has ended or is held. */
static int take_over(int from, uint64_t deadline, int *fd)
{
	union control control = { 0 };
	char found = 0;
	struct iovec one = { &found, 1 };
	struct msghdr m = {
		.msg_iov = &one, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)
	};
	struct pollfd p = { .fd = from, .events = POLLIN };
	uint64_t now = clock_ms();
	int wait = now >= deadline ? 0 : deadline - now < HOLD_MS ? (int)(deadline - now) : HOLD_MS;

	*fd = -1;
	if (poll(&p, 1, wait) <= 0 || recvmsg(from, &m, MSG_CMSG_CLOEXEC) <= 0)
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

void ps_agents_connect(const struct host_containers *c, uint64_t deadline, int *fds)
{
	for (size_t i = 0; i < c->n; i++)
		fds[i] = -1;
	for (size_t i = 0; i < c->n && clock_ms() < deadline;) {
		cleanup_fd int from = -1;
		pid_t child = start(c, i, &from);

		if (child < 0)
			return;
		while (i < c->n && take_over(from, deadline, &fds[i]))
			i++;
		i++; /* this one holds it */
		/* one that even SIGKILL does not end is left to init */
		(void)kill(child, SIGKILL);
		for (int waited = 0; waitpid(child, NULL, WNOHANG) == 0 && waited < HOLD_MS; waited++)
			(void)poll(NULL, 0, 1);
	}
}
