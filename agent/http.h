/* http.h - the part of HTTP/1.1 that the status socket speaks (RFC 9110, 9112).
 *
 * One request a connection: no keep-alive, no chunks, no continuation lines.
 * The bytes are hostile: heads are bounded, and what is not allowed in one is
 * refused rather than mended.
 */
#pragma once
#include "util.h"

#define HTTP_HEAD_MAX 4096	/* bytes, the empty line included */
#define HTTP_BODY_MAX 4096	/* of a request */

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_OTHER };

/* A stretch of the head; S is NULL when a header was not there. */
struct http_span {
	const char *s;
	size_t n;
};

/* Points into the bytes that were parsed. */
struct http_request {
	enum http_method method;
	struct http_span path;		/* without the query, as sent */
	struct http_span query;		/* behind the '?' */
	struct http_span accept, if_none_match;
	bool origin;			/* a browser's page sent it */
	size_t body;			/* Content-Length */
};

/* Parse the head at the start of N bytes. Its length; 0: more bytes are needed;
 * negative: the status to answer (-400, -411, -413, -414, -417, -431, -505). */
int http_parse_request(const char *s, size_t n, struct http_request *ret);

struct http_response {
	int status;
	int64_t length;			/* Content-Length, -1: until the end */
};

/* The same for a response; -1: not one. */
int http_parse_response(const char *s, size_t n, struct http_response *ret);

/* The reason phrase of a status, a static string. */
const char *http_reason(int status);
bool http_span_is(struct http_span a, const char *s);
/* The value of KEY in a query, without any decoding; S NULL: not there. */
struct http_span http_query(struct http_span query, const char *key);
/* The weight (0-1000) that an Accept header gives to media type TYPE by its name;
 * -1: it does not name it. */
int http_accepts(struct http_span accept, const char *type);
/* Does an If-None-Match header name ETAG (quotes included), or anything? */
bool http_etag_matches(struct http_span header, const char *etag);
