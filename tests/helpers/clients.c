/* clients slow SOCKET N   N clients at once that send a byte a second each, and come back when they are closed; until SIGTERM.
 * clients raw SOCKET 1   standard input as it is, then what is answered until the other side closes.
 * clients pipe SOCKET 1  standard input as it comes, until the other side closes; then what it answered.
 * clients greedy SOCKET N TARGET   N clients at once that ask for it and read nothing; until SIGTERM.
 * clients serve SOCKET FILE...   the other way round: answer each request with the bytes of the next file, the last again and
 *                        again; FILE "-" never answers.
 * clients many SOCKET N TARGET...   N requests one after the other, of each TARGET in turn; prints how many got 200. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_un address;

static int dial(int flags)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void slow(int n)
{
	static const char text[] = "GET /v1/status HTTP/1.1\r\nHost: x\r\nX-Slow: ";
	struct pollfd *p = calloc((size_t)n, sizeof(*p));
	size_t *sent = calloc((size_t)n, sizeof(*sent));
	long reconnects = 0;

	for (int i = 0; i < n; i++)
		p[i].fd = -1;
	for (int round = 0;; round++) {
		for (int i = 0; i < n; i++) {
			if (p[i].fd < 0) {
				p[i].fd = dial(SOCK_NONBLOCK);
				sent[i] = 0;
				reconnects++;
			}
			p[i].events = POLLIN;
			p[i].revents = 0;
			size_t at = sent[i] < sizeof(text) - 1 ? sent[i] : sizeof(text) - 2;
			if (p[i].fd >= 0 && send(p[i].fd, text + at, 1, MSG_NOSIGNAL) == 1)
				sent[i]++;
		}
		if (round == 0) {
			printf("ready\n");
			fflush(stdout);
		}
		/* for a second, come back at once when closed */
		for (int part = 0; part < 10; part++) {
			struct timespec tenth = { 0, 100000000 };

			nanosleep(&tenth, NULL);
			(void)poll(p, (nfds_t)n, 0);
			for (int i = 0; i < n; i++)
				if (p[i].fd >= 0 && (p[i].revents & (POLLIN | POLLHUP | POLLERR))) {
					close(p[i].fd);
					p[i].fd = dial(SOCK_NONBLOCK);
					sent[i] = 0;
					reconnects++;
				}
		}
	}
}

static int many(int n, char **targets, int n_targets)
{
	char text[4096], answer[65536];
	int good = 0;

	for (int i = 0; i < n; i++) {
		int fd = dial(0),
		    len = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", targets[i % n_targets]);
		size_t got = 0;
		ssize_t k;

		if (fd < 0 || write(fd, text, (size_t)len) != len)
			return 1;
		while ((k = read(fd, answer + got, sizeof(answer) - got)) > 0)
			got += (size_t)k;
		good += got > 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0;
		close(fd);
	}
	printf("%d\n", good);
	return 0;
}

static int raw(void)
{
	char text[65536];
	size_t n = fread(text, 1, sizeof(text), stdin);
	int fd = dial(0);
	ssize_t k;

	if (fd < 0)
		return 1;
	/* the other side may refuse before it has read all */
	(void)!send(fd, text, n, MSG_NOSIGNAL);
	while ((k = read(fd, text, sizeof(text))) > 0)
		fwrite(text, 1, (size_t)k, stdout);
	return 0;
}

static int pipe_through(void)
{
	char text[4096];
	int fd = dial(0);
	struct pollfd p[2] = { { .fd = 0, .events = POLLIN }, { .fd = fd, .events = POLLIN } };

	while (fd >= 0 && poll(p, 2, -1) > 0) {
		ssize_t k;

		if (p[1].revents) {
			k = read(fd, text, sizeof(text));
			if (k <= 0)
				return 0;
			fwrite(text, 1, (size_t)k, stdout);
		} else if (p[0].revents) {
			k = read(0, text, sizeof(text));
			if (k <= 0)
				p[0].fd = -1;
			else
				(void)!send(fd, text, (size_t)k, MSG_NOSIGNAL);
		}
	}
	return 1;
}

static void greedy(int n, const char *target)
{
	for (int i = 0; i < n; i++) {
		char text[4096];
		int fd = dial(0), len = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);
		struct pollfd p = { .fd = fd, .events = POLLIN };

		(void)!send(fd, text, (size_t)len, MSG_NOSIGNAL);
		(void)poll(&p, 1, -1); /* the answer has begun */
	}
	printf("ready\n");
	fflush(stdout);
	for (;;)
		pause();
}

static void serve(int n, char **files)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)unlink(address.sun_path);
	(void)signal(SIGCHLD, SIG_IGN);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 10) < 0)
		exit(1);
	printf("ready\n");
	fflush(stdout);
	for (int i = 0;; i += i < n - 1) {
		static char text[1 << 20];
		int conn = accept(fd, NULL, NULL);

		(void)!read(conn, text, sizeof(text));
		/* the client may leave this answer for later */
		if (fork() != 0) {
			if (strcmp(files[i], "-") != 0)
				close(conn);
			continue;
		}
		int file = strcmp(files[i], "-") == 0 ? -1 : open(files[i], O_RDONLY | O_CLOEXEC);
		if (file < 0)
			_exit(0);
		for (ssize_t k; (k = read(file, text, sizeof(text))) > 0;)
			if (send(conn, text, (size_t)k, MSG_NOSIGNAL) < 0)
				break;
		_exit(0);
	}
}

int main(int argc, char **argv)
{
	if (argc < 4 || strlen(argv[2]) >= sizeof(address.sun_path))
		return 2;
	address.sun_family = AF_UNIX;
	memcpy(address.sun_path, argv[2], strlen(argv[2]));
	if (strcmp(argv[1], "slow") == 0)
		slow(atoi(argv[3]));
	if (strcmp(argv[1], "serve") == 0)
		serve(argc - 3, argv + 3);
	if (strcmp(argv[1], "pipe") == 0)
		return pipe_through();
	if (strcmp(argv[1], "greedy") == 0)
		greedy(atoi(argv[3]), argv[4]);
	if (strcmp(argv[1], "raw") == 0)
		return raw();
	return argc > 4 ? many(atoi(argv[3]), argv + 4, argc - 4) : 2;
}
