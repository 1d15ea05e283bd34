/* httpd.h - connections of the status socket: limits, deadlines, answers, streams.
 *
 * libevent's evhttp was tried and is not used: its timeouts restart with every
 * byte (one byte a second held a connection past any limit), a connection is
 * out of reach until its request is whole, errors are HTML pages, and it adds
 * 120 kB to the agent. One connection carries one request here.
 *
 * Deadlines are absolute: the head within HTTPD_HEAD_MS of the accept, all else
 * within HTTPD_ANSWER_MS of the head. With HTTPD_CONNECTIONS open (or a quarter of
 * RLIMIT_NOFILE) the oldest unfinished request is closed, so a new one is always
 * accepted; whoever is reading his answer is not pushed out by those who only send.
 */
#pragma once
#include <event2/event.h>
#include <sys/types.h>
#include "buf.h"
#include "codes.h"
#include "http.h"

#define HTTPD_CONNECTIONS 64
#define HTTPD_HEAD_MS	  2000
#define HTTPD_ANSWER_MS	  10000
#define HTTPD_YOUNG_MS	  10	/* nobody is closed for another before that */
#define HTTPD_STREAMS	  4
#define HTTPD_STREAM_MAX  (256 * 1024)	/* bytes a stream's reader may lag behind */

struct httpd;
struct httpd_conn;

/* The text of an answer, shared by all who are reading it. */
struct httpd_body {
	int refs;
	char *text;
	size_t n;
};

/* Takes the text out of B; one reference. */
struct httpd_body *httpd_body_new(struct buf *b);
struct httpd_body *httpd_body_ref(struct httpd_body *b);
struct httpd_body *httpd_body_unref(struct httpd_body *b);	/* NULL */

/* A whole request, to be answered at once with exactly one of the three below. */
typedef void httpd_handler(void *arg, struct httpd_conn *c, const struct http_request *req, const char *body);

/* FD listens and stays the caller's, who closes it after httpd_free(). */
struct httpd *httpd_new(struct event_base *base, int fd, httpd_handler *handler, void *arg);
void httpd_free(struct httpd *h);

/* HEADERS are whole lines ("Name: value\r\n"), may be ""; takes the reference
 * BODY. For HEAD and 304 it only gives its length. */
void httpd_answer(struct httpd_conn *c, int status, const char *headers, struct httpd_body *body);
/* {"error":{"code":…,"message":…}}; the message's bytes are escaped. */
void httpd_error(struct httpd_conn *c, int status, const char *headers, enum code code, const char *message);
/* Server-sent events from now on; FIRST is sent at once. */
void httpd_stream(struct httpd_conn *c, const char *first);
bool httpd_streams_full(const struct httpd *h);
/* To all streams. A reader that lags too far is closed. */
void httpd_publish(struct httpd *h, const char *text, size_t n);
/* Who connected (SO_PEERCRED), as this user namespace sees it; -1: unknown. */
uid_t httpd_peer(const struct httpd_conn *c);
