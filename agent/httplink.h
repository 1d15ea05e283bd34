/* httplink.h - one HTTP exchange over a Unix socket: bounded, by an absolute deadline.
 *
 * Blocking, for the command line. What comes from the peer is hostile: a container
 * may have made the socket, and an engine passes on what containers are called.
 */
#pragma once
#include <json-c/json.h>
#include "buf.h"
#include "err.h"
#include "http.h"

struct link_peer {
	const char *name;	/* "agent": what messages call it */
	const char *title;	/* "stopgap agent" */
	enum code absent;	/* nobody listens, or does not answer */
	int seconds;		/* until it must have answered */
	int minor;		/* the request is HTTP/1.MINOR: to 1.0 an answer has no chunks */
	bool links;		/* the path may be a symbolic link */
};

/* One connection and what it has said so far. */
struct link {
	int fd;
	struct buf in;
	const struct link_peer *peer;
};

#define LINK_TO(p) ((struct link){ .fd = -1, .peer = (p) })

/* In ms of clock_ms(). */
uint64_t link_deadline(const struct link_peer *peer);
/* The last component of PATH must be the socket itself, but for a peer with LINKS. */
int link_open(struct link *l, const char *path, uint64_t deadline, struct err *err);
/* To what the descriptor FILE (O_PATH) names, whatever becomes of PATH, which is for messages. */
int link_connect(struct link *l, int file, const char *path, uint64_t deadline, struct err *err);
/* Send a request. ACCEPT, BODY (JSON): may be NULL. */
int link_request(struct link *l, const char *method, const char *path, const char *accept, const char *body,
		 uint64_t deadline, struct err *err);
/* Take the head of the answer off IN. */
int link_answer(struct link *l, uint64_t deadline, struct http_response *ret, struct err *err);
/* Both. */
int link_ask(struct link *l, const char *method, const char *path, const char *accept, const char *body,
	     uint64_t deadline, struct http_response *ret, struct err *err);
/* The whole body into IN. */
int link_body(struct link *l, const struct http_response *res, uint64_t deadline, struct err *err);
/* More bytes into IN, MAX in all; DEADLINE 0: none. 1: some, 0: the end, -1: ERR. */
int link_receive(struct link *l, size_t max, uint64_t deadline, struct err *err);
/* N bytes as one JSON value of TYPE, an array or an object; caller puts RET. */
int link_json(const struct link *l, enum json_type type, const char *s, size_t n, struct json_object **ret,
	      struct err *err);
int link_not_http(const struct link *l, struct err *err);
void link_close(struct link *l);
#define cleanup_link _cleanup_(link_close)
