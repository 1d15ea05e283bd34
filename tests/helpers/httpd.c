/* A small HTTP server for tests: httpd ROOT PORTFILE LOG FAULTS
 *
 * Serves the files under ROOT on a free port of 127.0.0.1 (written to PORTFILE), one process per connection, with
 * keep-alive, If-Modified-Since and Range.  A request for an absolute URI is answered by its path, so it also plays a
 * proxy.  Each answer is a line "STATUS BODY-BYTES METHOD TARGET" in LOG.  FAULTS is read again at every request; its
 * first line "GLOB ACTION [ARG]" whose GLOB matches the path applies:
 *
 *   404 (any number)   answer with that status       redirect URL   302 to URL
 *   auth BASE64        401 without this credential   hang           never answer
 *   stall              half of the body, then wait   truncate       half of the body, then close
 *   alter              one byte of the body changed  slow N         N bytes a second
 *   garbage            bytes that are not HTTP       delay N        wait N milliseconds first
 *   as PATH            that file in place of this    endless        a body without end, of no stated length
 *   drip N             a byte each N milliseconds    drip-head N    a byte of a header that never ends each N milliseconds
 *   bloat              9 GB, as its head says
 *
 * For what has no end the bytes are those that were sent when the client hung up.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 16384 };

static const char *faults_path;
static int root_fd, log_fd, client;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Does the client still listen? */
static bool send_some(const void *data, size_t size)
{
	return send(client, data, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static void send_all(const void *data, size_t size)
{
	const char *p = data;

	while (size > 0) {
		ssize_t n = send(client, p, size, MSG_NOSIGNAL);
		if (n <= 0)
			_exit(0);
		p += n;
		size -= (size_t)n;
	}
}

static void nap_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static void log_answer(int status, long long bytes, const char *method, const char *target)
{
	char line[HEAD_MAX];
	int n = snprintf(line, sizeof line, "%d %lld %s %s\n", status, bytes, method, target);

	if (write(log_fd, line, (size_t)n) != n) /* O_APPEND: one write is one line */
		die("log");
}

static void answer_empty(int status, const char *extra, const char *method, const char *target)
{
	char head[HEAD_MAX];
	int n = snprintf(head, sizeof head, "HTTP/1.1 %d Test\r\nContent-Length: 0\r\n%s\r\n", status, extra);

	log_answer(status, 0, method, target);
	send_all(head, (size_t)n);
}

/* The value of a header field in the request head, "" if absent. */
static void header(const char *head, const char *name, char *ret, size_t size)
{
	const char *p = strcasestr(head, name);

	ret[0] = '\0';
	if (p == NULL)
		return;
	p += strlen(name);
	p += strspn(p, " ");
	snprintf(ret, size, "%.*s", (int)strcspn(p, "\r\n"), p);
}

/* First fault for the path; action and argument, "" if none. */
static void fault_for(const char *path, char action[64], char arg[512])
{
	FILE *f = fopen(faults_path, "re");
	char line[2048], glob[1024];

	action[0] = arg[0] = '\0';
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		arg[0] = '\0';
		if (sscanf(line, "%1023s %63s %511s", glob, action, arg) >= 2 && fnmatch(glob, path, 0) == 0)
			break;
		action[0] = arg[0] = '\0';
	}
	if (f != NULL)
		fclose(f);
}

static void decode(char *s)
{
	char *out = s;

	for (; *s != '\0'; s++) {
		unsigned c;
		if (*s == '%' && sscanf(s + 1, "%2x", &c) == 1) {
			*out++ = (char)c;
			s += 2;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

/* Until the client has left. */
static void never_end(const char *action, const char *arg, const char *head, const char *method, const char *target)
{
	static const char text[] = "Package: endless\nVersion: 1\nDescription: more and more of the same\n\n";
	bool slow = strncmp(action, "drip", 4) == 0;
	char many[700 * (sizeof text - 1)];
	long long sent = 0;

	for (size_t i = 0; i < sizeof many; i++)
		many[i] = text[i % (sizeof text - 1)];
	send_all(head, strlen(head));
	while (slow ? send_some("x", 1) : send_some(many, sizeof many)) {
		sent += slow ? 1 : (long long)sizeof many;
		if (slow)
			nap_ms(atol(arg));
	}
	log_answer(200, sent, method, target);
	_exit(0);
}

static void send_body(int fd, off_t from, off_t size, const char *action, const char *arg)
{
	off_t end = size, alter = strcmp(action, "alter") == 0 ? size / 2 : -1;
	long rate = strcmp(action, "slow") == 0 ? atol(arg) : 0;
	char buf[65536];

	if (strcmp(action, "stall") == 0 || strcmp(action, "truncate") == 0)
		end = size / 2;
	while (from < end) {
		size_t want = sizeof buf;
		if (rate > 0 && want > (size_t)rate / 10 + 1)
			want = (size_t)rate / 10 + 1;
		if ((off_t)want > end - from)
			want = (size_t)(end - from);
		ssize_t n = pread(fd, buf, want, from);
		if (n <= 0)
			_exit(1);
		if (alter >= from && alter < from + n)
			buf[alter - from] ^= 0x55;
		send_all(buf, (size_t)n);
		from += n;
		if (rate > 0)
			nap_ms(100);
	}
	if (strcmp(action, "stall") == 0)
		for (;;)
			pause();
	if (strcmp(action, "truncate") == 0)
		_exit(0);
}

static void answer(char *head)
{
	char method[16], target[8192], path[8192], action[64], arg[512], value[512], date[64], out[2048];
	char *p = path;
	struct stat st;
	struct tm tm;
	off_t from = 0;
	int fd, n;

	if (sscanf(head, "%15s %8191s", method, target) != 2)
		_exit(1);
	strcpy(path, target);
	if (strncmp(p, "http://", 7) == 0)
		p = strchrnul(p + 7, '/');
	p[strcspn(p, "?")] = '\0';
	decode(p);
	fault_for(p, action, arg);

	if (strcmp(action, "delay") == 0)
		nap_ms(atol(arg));
	if (strcmp(action, "hang") == 0)
		for (;;)
			pause();
	if (strcmp(action, "garbage") == 0) {
		log_answer(0, 0, method, target);
		send_all("\x80\xff\0\n\n250 hello\r\n", 15);
		_exit(0);
	}
	if (strcmp(action, "redirect") == 0) {
		snprintf(out, sizeof out, "Location: %s\r\n", arg);
		answer_empty(302, out, method, target);
		return;
	}
	if (strcmp(action, "auth") == 0) {
		header(head, "\nAuthorization: Basic", value, sizeof value);
		if (strcmp(value, arg) != 0) {
			answer_empty(401, "WWW-Authenticate: Basic realm=\"test\"\r\n", method, target);
			return;
		}
	}
	if (action[0] >= '1' && action[0] <= '5') {
		answer_empty(atoi(action), "", method, target);
		return;
	}

	if (strcmp(action, "endless") == 0)
		never_end(action, arg, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", method, target);
	if (strcmp(action, "drip-head") == 0)
		never_end(action, arg, "HTTP/1.1 200 OK\r\nX-Header: ", method, target);
	if (strcmp(action, "bloat") == 0)
		never_end(action, arg, "HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\n", method, target);
	if (strcmp(action, "as") == 0)
		p = arg;

	fd = strstr(p, "..") != NULL || *p != '/' ? -1 : openat(root_fd, p + strspn(p, "/"), O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		answer_empty(404, "", method, target);
		if (fd >= 0)
			close(fd);
		return;
	}
	if (strcmp(action, "drip") == 0) {
		snprintf(out, sizeof out, "HTTP/1.1 200 OK\r\nContent-Length: %lld\r\n\r\n", (long long)st.st_size);
		never_end(action, arg, out, method, target);
	}
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&st.st_mtime, &tm));
	header(head, "\nIf-Modified-Since:", value, sizeof value);
	if (strcmp(value, date) == 0) {
		answer_empty(304, "", method, target);
		close(fd);
		return;
	}
	header(head, "\nRange: bytes=", value, sizeof value);
	if (value[0] != '\0')
		from = atoll(value);
	if (from >= st.st_size)
		from = 0;
	n = snprintf(out, sizeof out,
		     "HTTP/1.1 %s\r\nContent-Length: %lld\r\nLast-Modified: %s\r\nAccept-Ranges: bytes\r\n",
		     from > 0 ? "206 Partial Content" : "200 OK", (long long)(st.st_size - from), date);
	if (from > 0)
		n += snprintf(out + n, sizeof out - (size_t)n, "Content-Range: bytes %lld-%lld/%lld\r\n",
			      (long long)from, (long long)st.st_size - 1, (long long)st.st_size);
	n += snprintf(out + n, sizeof out - (size_t)n, "\r\n");
	log_answer(from > 0 ? 206 : 200, st.st_size - from, method, target);
	send_all(out, (size_t)n);
	if (strcmp(method, "HEAD") != 0)
		send_body(fd, from, st.st_size, action, arg);
	close(fd);
}

/* Requests of one connection, until it is closed. */
static void serve(void)
{
	char head[HEAD_MAX + 1];
	size_t have = 0;

	for (;;) {
		head[have] = '\0';
		char *end = strstr(head, "\r\n\r\n");
		if (end != NULL) {
			size_t used = (size_t)(end - head) + 4;
			end[2] = '\0';
			answer(head);
			memmove(head, head + used, have - used);
			have -= used;
			continue;
		}
		ssize_t n = have < HEAD_MAX ? recv(client, head + have, HEAD_MAX - have, 0) : 0;
		if (n <= 0)
			_exit(0);
		have += (size_t)n;
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof addr;
	char tmp[4096];
	FILE *f;
	int s;

	if (argc != 5) {
		fprintf(stderr, "usage: httpd ROOT PORTFILE LOG FAULTS\n");
		return 2;
	}
	faults_path = argv[4];
	root_fd = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	log_fd = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (root_fd < 0 || log_fd < 0 || s < 0)
		die("open");
	if (bind(s, (struct sockaddr *)&addr, len) < 0 || listen(s, 64) < 0 ||
	    getsockname(s, (struct sockaddr *)&addr, &len) < 0)
		die("listen");
	snprintf(tmp, sizeof tmp, "%s.tmp", argv[2]);
	f = fopen(tmp, "we");
	if (f == NULL || fprintf(f, "%d\n", ntohs(addr.sin_port)) < 0 || fclose(f) != 0 || rename(tmp, argv[2]) < 0)
		die(argv[2]);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		client = accept4(s, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0)
			continue;
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(s);
			serve();
		}
		close(client);
	}
}
