/* httpd.c - see httpd.h. */
#include <errno.h>
#include <event2/event_struct.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include "clock.h"
#include "httpd.h"
#include "wire.h"

#define ACCEPT_BATCH 8	/* then those that are here have their turn */
#define DRAIN_MAX    (64 * 1024)

enum phase { HEAD, BODY, ANSWER, DRAIN, STREAM };

struct httpd_conn {
	TAILQ_ENTRY(httpd_conn) link;
	struct httpd *h;
	int fd;
	uint64_t since;			/* clock_ms() of the accept */
	enum phase phase;
	struct event io, timer;
	struct buf in;			/* what was received */
	struct http_request req;	/* points into it */
	size_t head;			/* its length */
	struct buf out;			/* head of the answer, or the stream */
	struct httpd_body *body;	/* of the answer */
	size_t sent;			/* of OUT, then of BODY; of DRAIN: received */
};

TAILQ_HEAD(conns, httpd_conn);

struct httpd {
	struct event_base *base;
	int fd;
	httpd_handler *handler;
	void *arg;
	struct event *accept;
	struct event *again;		/* ends a pause of accept */
	struct conns conns;		/* the oldest first */
	size_t n, streams;
	size_t max, max_streams;
};

struct httpd_body *httpd_body_new(struct buf *b)
{
	struct httpd_body *body = xcalloc(1, sizeof(*body));

	body->refs = 1;
	body->n = b->n;
	body->text = buf_steal(b);
	return body;
}

struct httpd_body *httpd_body_ref(struct httpd_body *b)
{
	b->refs++;
	return b;
}

struct httpd_body *httpd_body_unref(struct httpd_body *b)
{
	if (b && --b->refs == 0) {
		free(b->text);
		free(b);
	}
	return NULL;
}

static void conn_free(struct httpd_conn *c)
{
	struct httpd *h = c->h;

	TAILQ_REMOVE(&h->conns, c, link);
	h->n--;
	h->streams -= c->phase == STREAM;
	(void)event_del(&c->io);
	(void)event_del(&c->timer);
	closep(&c->fd);
	buf_clear(&c->in);
	buf_clear(&c->out);
	(void)httpd_body_unref(c->body);
	free(c);
}

static void set_deadline(struct httpd_conn *c, int ms)
{
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };

	if (event_add(&c->timer, &tv) < 0)
		out_of_memory();
}

static void on_io(evutil_socket_t fd, short what, void *arg);

static void wait_io(struct httpd_conn *c, short what)
{
	if (event_get_events(&c->io) == (what | EV_PERSIST) && event_pending(&c->io, what, NULL))
		return;
	(void)event_del(&c->io);
	(void)event_assign(&c->io, c->h->base, c->fd, (short)(what | EV_PERSIST), on_io, c);
	if (event_add(&c->io, NULL) < 0)
		out_of_memory();
}

/* The answer is out. What the peer still sends is read, or the kernel would
 * throw the answer away with it. */
static void finish(struct httpd_conn *c)
{
	if (c->phase == ANSWER && c->head && c->in.n >= c->head + c->req.body) {
		conn_free(c);
		return;
	}
	c->phase = DRAIN;
	c->sent = 0;
	buf_clear(&c->in);
	c->body = httpd_body_unref(c->body);
	(void)shutdown(c->fd, SHUT_WR);
	wait_io(c, EV_READ);
}

/* -1: the connection is gone. */
static int send_more(struct httpd_conn *c)
{
	for (;;) {
		size_t from_out = c->sent < c->out.n ? c->out.n - c->sent : 0;
		size_t at = from_out ? 0 : c->sent - c->out.n;
		struct iovec v[2] = { { c->out.s + c->out.n - from_out, from_out },
				      { c->body ? c->body->text + at : NULL, c->body ? c->body->n - at : 0 } };
		struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };

		if (!v[0].iov_len && !v[1].iov_len)
			return 0;
		ssize_t n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			wait_io(c, EV_WRITE);
			return 1;
		}
		if (n < 0) {
			conn_free(c);
			return -1;
		}
		c->sent += (size_t)n;
	}
}

/* A stream also waits for its reader's end. */
static void stream_more(struct httpd_conn *c)
{
	int r = send_more(c);

	if (r == 0) {
		buf_clear(&c->out);
		c->sent = 0;
	}
	if (r >= 0)
		wait_io(c, (short)(r ? EV_READ | EV_WRITE : EV_READ));
}

static void answer_more(struct httpd_conn *c)
{
	if (send_more(c) == 0)
		finish(c);
}

void httpd_answer(struct httpd_conn *c, int status, const char *headers, struct httpd_body *body)
{
	c->phase = ANSWER;
	buf_printf(&c->out,
		   "HTTP/1.1 %d %s\r\n%sCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
		   "Connection: close\r\n",
		   status, http_reason(status), headers);
	if (status != 304)
		buf_printf(&c->out, "Content-Length: %zu\r\n", body->n);
	buf_puts(&c->out, "\r\n");
	if (status == 304 || c->req.method == HTTP_HEAD)
		body = httpd_body_unref(body);
	c->body = body;
	c->sent = 0;
	answer_more(c);
}

void httpd_error(struct httpd_conn *c, int status, const char *headers, enum code code, const char *message)
{
	struct json_object *o = json_object_new_object(), *e = json_object_new_object();
	cleanup_free char *all = xasprintf("Content-Type: application/json\r\n%s", headers);
	struct buf b = { 0 };

	wire_add_string(e, "code", code_name(code));
	wire_add_string(e, "message", message);
	json_object_object_add(o, "error", e);
	wire_put(&b, o);
	json_object_put(o);
	httpd_answer(c, status, all, httpd_body_new(&b));
}

/* A request that is none. */
static void refuse(struct httpd_conn *c, int status)
{
	static const struct {
		int status;
		enum code code;
		const char *text;
	} why[] = {
		{ 411, CODE_BAD_REQUEST, "send the body with a Content-Length" },
		{ 413, CODE_TOO_LARGE, "a request body has at most 4096 bytes" },
		{ 414, CODE_TOO_LARGE, "a request target has at most 1024 bytes" },
		{ 417, CODE_BAD_REQUEST, "no expectation can be met; send the body at once" },
		{ 431, CODE_TOO_LARGE, "a request head has at most 4096 bytes" },
		{ 505, CODE_BAD_REQUEST, "only HTTP/1.0 and HTTP/1.1 are spoken here" },
	};

	c->req = (struct http_request){ 0 };
	c->head = 0;
	for (size_t i = 0; i < ARRAY_SIZE(why); i++)
		if (why[i].status == status) {
			httpd_error(c, status, "", why[i].code, why[i].text);
			return;
		}
	httpd_error(c, status, "", CODE_BAD_REQUEST, "not an HTTP request");
}

/* Look at what has come. */
static void consider(struct httpd_conn *c)
{
	if (c->phase == HEAD) {
		int r = http_parse_request(buf_str(&c->in), c->in.n, &c->req);

		if (r == 0)
			return;
		set_deadline(c, HTTPD_ANSWER_MS);
		if (r < 0) {
			refuse(c, -r);
			return;
		}
		c->head = (size_t)r;
		c->phase = BODY;
	}
	if (c->in.n < c->head + c->req.body)
		return;
	/* the buffer has moved since, and bytes behind the request are nobody's */
	(void)http_parse_request(c->in.s, c->in.n, &c->req);
	cleanup_free char *body = xstrndup(c->in.s + c->head, c->req.body);
	c->h->handler(c->h->arg, c, &c->req, body);
}

static void on_readable(struct httpd_conn *c)
{
	char chunk[HTTP_HEAD_MAX + HTTP_BODY_MAX];
	size_t room = c->phase == HEAD || c->phase == BODY ? sizeof(chunk) - c->in.n : sizeof(chunk);
	ssize_t n = recv(c->fd, chunk, room, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_free(c);
		return;
	}
	if (c->phase == HEAD || c->phase == BODY) {
		buf_append(&c->in, chunk, (size_t)n);
		consider(c);
		return;
	}
	/* an answer's or a stream's reader has nothing more to say */
	c->sent += c->phase == DRAIN ? (size_t)n : 0;
	if (c->phase != DRAIN || c->sent > DRAIN_MAX)
		conn_free(c);
}

static void on_io(evutil_socket_t fd _unused_, short what, void *arg)
{
	struct httpd_conn *c = arg;

	if (c->phase == ANSWER)
		answer_more(c);
	else if (c->phase == STREAM && (what & EV_WRITE))
		stream_more(c);
	else
		on_readable(c);
}

static void on_deadline(evutil_socket_t fd _unused_, short what _unused_, void *arg)
{
	struct httpd_conn *c = arg;

	static const char late[] = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

	/* one try to say so; it is over all the same */
	if (c->phase == HEAD && c->in.n)
		(void)!send(c->fd, late, sizeof(late) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	conn_free(c);
}

/* Who goes when there is no room: one that is answered and only drains; else the
 * oldest. Of those that still send and those that read their answer the larger
 * half loses one: neither slow senders nor slow readers can push the others out. */
static struct httpd_conn *who_goes(struct httpd *h)
{
	struct httpd_conn *c, *sender = NULL, *reader = NULL;
	size_t senders = 0, readers = 0;

	TAILQ_FOREACH_REVERSE(c, &h->conns, conns, link)
	{
		if (c->phase == DRAIN)
			return c;
		if (c->phase == ANSWER)
			reader = c, readers++;
		else if (c->phase != STREAM)
			sender = c, senders++;
	}
	return senders >= readers ? sender : reader;
}

/* Accept nobody for a while: clients wait in the kernel's queue. */
static void pause_accept(struct httpd *h, int ms)
{
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };

	(void)event_del(h->accept);
	if (evtimer_add(h->again, &tv) < 0)
		out_of_memory();
}

/* Who was accepted in a burst has not had the time to send: he is not closed for
 * those who came right behind him. False: nobody can go yet. */
static bool make_room(struct httpd *h)
{
	struct httpd_conn *c = who_goes(h);
	uint64_t age = c ? clock_ms() - c->since : 0;

	if (!c) {
		pause_accept(h, 1000);
	} else if (c->phase != DRAIN && age < HTTPD_YOUNG_MS) {
		pause_accept(h, (int)(HTTPD_YOUNG_MS - age));
	} else {
		conn_free(c);
		return true;
	}
	return false;
}

static void conn_new(struct httpd *h, int fd)
{
	struct httpd_conn *c = xcalloc(1, sizeof(*c));

	c->h = h;
	c->fd = fd;
	c->since = clock_ms();
	TAILQ_INSERT_TAIL(&h->conns, c, link);
	h->n++;
	(void)event_assign(&c->io, h->base, fd, EV_READ | EV_PERSIST, on_io, c);
	(void)evtimer_assign(&c->timer, h->base, on_deadline, c);
	set_deadline(c, HTTPD_HEAD_MS);
	if (event_add(&c->io, NULL) < 0)
		out_of_memory();
	on_readable(c);
}

static void on_accept(evutil_socket_t fd, short what _unused_, void *arg)
{
	struct httpd *h = arg;

	for (int i = 0; i < ACCEPT_BATCH; i++) {
		if (h->n >= h->max && !make_room(h))
			return;
		int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (conn >= 0)
			conn_new(h, conn);
		else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			if (!make_room(h))
				return;
		} else if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

static void on_again(evutil_socket_t fd _unused_, short what _unused_, void *arg)
{
	struct httpd *h = arg;

	(void)event_add(h->accept, NULL);
}

struct httpd *httpd_new(struct event_base *base, int fd, httpd_handler *handler, void *arg)
{
	struct httpd *h = xcalloc(1, sizeof(*h));
	struct rlimit limit;

	h->base = base;
	h->fd = fd;
	h->handler = handler;
	h->arg = arg;
	/* the rest of the descriptors is for the work itself */
	h->max = HTTPD_CONNECTIONS;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / 4 < h->max)
		h->max = limit.rlim_cur > 8 ? (size_t)limit.rlim_cur / 4 : 2;
	h->max_streams = h->max / 2 < HTTPD_STREAMS ? h->max / 2 : HTTPD_STREAMS;
	TAILQ_INIT(&h->conns);
	h->accept = event_new(base, fd, EV_READ | EV_PERSIST, on_accept, h);
	h->again = evtimer_new(base, on_again, h);
	if (!h->accept || !h->again || event_add(h->accept, NULL) < 0)
		out_of_memory();
	return h;
}

void httpd_free(struct httpd *h)
{
	if (!h)
		return;
	while (!TAILQ_EMPTY(&h->conns))
		conn_free(TAILQ_FIRST(&h->conns));
	event_free(h->accept);
	event_free(h->again);
	free(h);
}

bool httpd_streams_full(const struct httpd *h)
{
	return h->streams >= h->max_streams;
}

void httpd_stream(struct httpd_conn *c, const char *first)
{
	c->phase = STREAM;
	c->h->streams++;
	c->sent = 0;
	(void)event_del(&c->timer);
	buf_printf(&c->out,
		   "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
		   "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n%s",
		   first);
	stream_more(c);
}

void httpd_publish(struct httpd *h, const char *text, size_t n)
{
	for (struct httpd_conn *c = TAILQ_FIRST(&h->conns), *next; c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->phase != STREAM)
			continue;
		if (c->out.n - c->sent + n > HTTPD_STREAM_MAX) {
			conn_free(c);
			continue;
		}
		buf_consume(&c->out, c->sent);
		c->sent = 0;
		buf_append(&c->out, text, n);
		stream_more(c);
	}
}

uid_t httpd_peer(const struct httpd_conn *c)
{
	struct ucred u;
	socklen_t n = sizeof(u);

	return getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &u, &n) < 0 ? (uid_t)-1 : u.uid;
}
