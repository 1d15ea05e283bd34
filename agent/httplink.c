/* httplink.c - see httplink.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "clock.h"
#include "fd.h"
#include "httplink.h"
#include "wire.h"

#define RETRY_MS 50
#define DEPTH_MAX 32
#define FIRST_MAX (HTTP_HEAD_MAX + 1024 * 1024) /* read together with the head */

uint64_t link_deadline(const struct link_peer *peer)
{
	return clock_ms() + (uint64_t)peer->seconds * 1000;
}

void link_close(struct link *l)
{
	closep(&l->fd);
	buf_clear(&l->in);
	*l = (struct link){ .fd = -1, .peer = l->peer };
}

static int nobody(const struct link *l, const char *path, struct err *err)
{
	return err_set(err, l->peer->absent, 0, "no %s answers on '%s'", l->peer->name, path);
}

int link_open(struct link *l, const char *path, uint64_t deadline, struct err *err)
{
	cleanup_fd int file = open(path, O_PATH | O_CLOEXEC | (l->peer->links ? 0 : O_NOFOLLOW));
	if (file < 0)
		return errno == ENOENT || errno == ENOTDIR ? nobody(l, path, err) :
							     err_set(err, CODE_IO, errno, "open '%s'", path);
	return link_connect(l, file, path, deadline, err);
}

int link_connect(struct link *l, int file, const char *path, uint64_t deadline, struct err *err)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct stat st;

	if (fstat(file, &st) < 0 || !S_ISSOCK(st.st_mode))
		return err_set(err, CODE_IO, 0, "'%s' is not a socket", path);
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, CODE_IO, errno, "make a socket");
	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d", file);
	int r = connect(fd, (const struct sockaddr *)&sa, sizeof(sa));
	/* others are waiting to be accepted before us */
	while (r < 0 && errno == EAGAIN && clock_ms() < deadline) {
		(void)poll(NULL, 0, RETRY_MS);
		r = connect(fd, (const struct sockaddr *)&sa, sizeof(sa));
	}
	if (r < 0) {
		if (errno == ECONNREFUSED)
			return nobody(l, path, err);
		if (errno == ENOENT)
			return err_set(err, CODE_IO, 0, "connect to '%s': no /proc here: mount it", path);
		return err_set(err, CODE_IO, errno, "connect to '%s'", path);
	}
	l->fd = steal_fd(&fd);
	return 0;
}

/* 1: ready, 0: not by DEADLINE (0: no deadline), -1: ERR. */
static int wait_fd(const struct link *l, short events, uint64_t deadline, struct err *err)
{
	struct pollfd p = { .fd = l->fd, .events = events };

	for (;;) {
		uint64_t now = clock_ms();
		int left = !deadline ? -1 : now >= deadline ? 0 : (int)(deadline - now);
		int r = poll(&p, 1, left);

		if (r > 0 || (r == 0 && deadline))
			return r > 0;
		if (r < 0 && errno != EINTR)
			return err_set(err, CODE_IO, errno, "wait for the %s", l->peer->name);
	}
}

static int too_slow(const struct link *l, struct err *err)
{
	return err_set(err, l->peer->absent, 0, "the %s did not answer within %d s", l->peer->name, l->peer->seconds);
}

static int link_send(struct link *l, const struct buf *text, uint64_t deadline, struct err *err)
{
	for (size_t sent = 0; sent < text->n;) {
		ssize_t n = send(l->fd, text->s + sent, text->n - sent, MSG_NOSIGNAL);

		if (n >= 0) {
			sent += (size_t)n;
			continue;
		}
		/* it may have refused already, and says why */
		if (errno == EPIPE || errno == ECONNRESET)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return err_set(err, CODE_IO, errno, "send to the %s", l->peer->name);
		int r = wait_fd(l, POLLOUT, deadline, err);
		if (r <= 0)
			return r < 0 ? -1 : too_slow(l, err);
	}
	return 0;
}

/* More bytes into IN, MAX in all. 1: some, 0: the end, -1: ERR. */
int link_receive(struct link *l, size_t max, uint64_t deadline, struct err *err)
{
	char chunk[16384];

	for (;;) {
		ssize_t n = recv(l->fd, chunk, sizeof(chunk), 0);

		if (n > 0 && l->in.n + (size_t)n > max)
			return err_set(err, CODE_TOO_LARGE, 0, "the %s's answer has more than %zu bytes", l->peer->name,
				       max);
		if (n > 0) {
			buf_append(&l->in, chunk, (size_t)n);
			return 1;
		}
		if (n == 0 || errno == ECONNRESET)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return err_set(err, CODE_IO, errno, "read from the %s", l->peer->name);
		int r = wait_fd(l, POLLIN, deadline, err);
		if (r <= 0)
			return r < 0 ? -1 : too_slow(l, err);
	}
}

int link_not_http(const struct link *l, struct err *err)
{
	return err_set(err, CODE_IO, 0, "what answers on the socket is no %s", l->peer->title);
}

int link_request(struct link *l, const char *method, const char *path, const char *accept, const char *body,
		 uint64_t deadline, struct err *err)
{
	cleanup_buf struct buf text = { 0 };

	buf_printf(&text, "%s %s HTTP/1.%d\r\nHost: localhost\r\nConnection: close\r\n", method, path, l->peer->minor);
	if (accept)
		buf_printf(&text, "Accept: %s\r\n", accept);
	if (body)
		buf_printf(&text, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
	buf_printf(&text, "\r\n%s", strna(body));
	return link_send(l, &text, deadline, err);
}

int link_answer(struct link *l, uint64_t deadline, struct http_response *ret, struct err *err)
{
	int r;

	while ((r = http_parse_response(buf_str(&l->in), l->in.n, ret)) == 0) {
		int more = link_receive(l, FIRST_MAX, deadline, err);

		if (more < 0)
			return -1;
		if (more == 0)
			return err_set(err, l->peer->absent, 0, "the %s closed the connection without an answer",
				       l->peer->name);
	}
	if (r < 0)
		return link_not_http(l, err);
	buf_consume(&l->in, (size_t)r);
	return 0;
}

int link_ask(struct link *l, const char *method, const char *path, const char *accept, const char *body,
	     uint64_t deadline, struct http_response *ret, struct err *err)
{
	return link_request(l, method, path, accept, body, deadline, err) < 0 ? -1 : link_answer(l, deadline, ret, err);
}

/* The whole body into IN. */
int link_body(struct link *l, const struct http_response *res, uint64_t deadline, struct err *err)
{
	int more = 1;

	while (more > 0 && (res->length < 0 || (int64_t)l->in.n < res->length))
		if ((more = link_receive(l, WIRE_PLAN_MAX, deadline, err)) < 0)
			return -1;
	if (res->length >= 0 && (int64_t)l->in.n != res->length)
		return err_set(err, CODE_IO, 0, "the %s's answer is cut", l->peer->name);
	return 0;
}

/* Hostile bytes: the tables of wire.h have tighter limits than a whole report. */
int link_json(const struct link *l, enum json_type type, const char *s, size_t n, struct json_object **ret,
	      struct err *err)
{
	struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);

	if (!tok)
		out_of_memory();
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	while (n && (s[n - 1] == '\n' || s[n - 1] == ' '))
		n--;
	struct json_object *o = utf8_valid(s, n) ? json_tokener_parse_ex(tok, s, (int)n) : NULL;
	bool good = json_object_is_type(o, type) && json_tokener_get_parse_end(tok) == n;

	json_tokener_free(tok);
	if (!good) {
		json_object_put(o);
		return err_set(err, CODE_IO, 0, "the %s's answer is not one JSON %s", l->peer->name,
			       type == json_type_array ? "array" : "object");
	}
	*ret = o;
	return 0;
}
