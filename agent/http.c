/* http.c - see http.h. */
#include "http.h"

/* Characters of a token: names of methods and headers. */
static bool is_token(const char *s, size_t n)
{
	static const char set[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	for (size_t i = 0; i < n; i++)
		if (!s[i] || !strchr(set, s[i]))
			return false;
	return n > 0;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool same_word(struct http_span a, const char *s)
{
	if (a.n != strlen(s))
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.s[i]) != lower(s[i]))
			return false;
	return true;
}

static struct http_span trimmed(const char *s, size_t n)
{
	while (n && (*s == ' ' || *s == '\t'))
		s++, n--;
	while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	return (struct http_span){ s, n };
}

/* Take what is before SEP off *REST. Nothing left: false. */
static bool next_part(struct http_span *rest, char sep, struct http_span *ret)
{
	if (!rest->s)
		return false;
	const char *end = rest->n ? memchr(rest->s, sep, rest->n) : NULL;
	size_t n = end ? (size_t)(end - rest->s) : rest->n;

	*ret = (struct http_span){ rest->s, n };
	*rest = end ? (struct http_span){ end + 1, rest->n - n - 1 } : (struct http_span){ 0 };
	return true;
}

bool http_span_is(struct http_span a, const char *s)
{
	return a.s && a.n == strlen(s) && memcmp(a.s, s, a.n) == 0;
}

static int parse_length(struct http_span v, int64_t *ret)
{
	cleanup_free char *digits = xstrndup(v.s, v.n);
	uint64_t u;

	if (parse_u64(digits, INT64_MAX, &u) < 0)
		return -1;
	*ret = (int64_t)u;
	return 0;
}

/* The lines of a head, one by one; a line feed alone ends one too (RFC 9112, 2.2). */
struct lines {
	const char *s;
	size_t n, at;
};

/* 1: a line, 0: the empty one that ends the head, -1: bytes that no head has. */
static int next_line(struct lines *l, struct http_span *ret)
{
	const char *s = l->s + l->at, *nl = memchr(s, '\n', l->n - l->at);
	size_t n = nl ? (size_t)(nl - s) : l->n - l->at;

	l->at += n + (nl != NULL);
	if (n && s[n - 1] == '\r')
		n--;
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
			return -1;
	*ret = (struct http_span){ s, n };
	return n > 0;
}

/* NAME: VALUE of a line. A blank before the name would continue the line before. */
static int split_header(struct http_span line, struct http_span *name, struct http_span *value)
{
	const char *colon = memchr(line.s, ':', line.n);

	if (!colon || !is_token(line.s, (size_t)(colon - line.s)))
		return -1;
	*name = (struct http_span){ line.s, (size_t)(colon - line.s) };
	*value = trimmed(colon + 1, line.n - name->n - 1);
	return 0;
}

/* Length of the head with its empty line; 0: it is not whole. */
static size_t head_length(const char *s, size_t n)
{
	for (const char *p = s; n && (p = memchr(p, '\n', n - (size_t)(p - s)));) {
		size_t left = n - (size_t)(++p - s);

		if (left >= 1 && p[0] == '\n')
			return (size_t)(p - s) + 1;
		if (left >= 2 && p[0] == '\r' && p[1] == '\n')
			return (size_t)(p - s) + 2;
	}
	return 0;
}

static int parse_target(struct http_span t, struct http_request *ret)
{
	static const char scheme[] = "http://";

	/* absolute form, as a proxy would send it */
	if (t.n > sizeof(scheme) - 1 && memcmp(t.s, scheme, sizeof(scheme) - 1) == 0) {
		const char *slash = memchr(t.s + sizeof(scheme) - 1, '/', t.n - (sizeof(scheme) - 1));

		if (!slash)
			return -400;
		t = (struct http_span){ slash, t.n - (size_t)(slash - t.s) };
	}
	if (!t.n || (t.s[0] != '/' && !http_span_is(t, "*")))
		return -400;
	if (t.n > 1024)
		return -414;
	struct http_span rest = t;
	(void)next_part(&rest, '?', &ret->path);
	ret->query = rest;
	return 0;
}

static int parse_request_line(struct http_span line, struct http_request *ret, bool *http11)
{
	struct http_span rest = line, method, target;

	if (!next_part(&rest, ' ', &method) || !is_token(method.s, method.n) || !next_part(&rest, ' ', &target) ||
	    !rest.s)
		return -400;
	if (rest.n != 8 || memcmp(rest.s, "HTTP/", 5) != 0 || rest.s[5] < '0' || rest.s[5] > '9' || rest.s[6] != '.' ||
	    rest.s[7] < '0' || rest.s[7] > '9')
		return -400;
	if (rest.s[5] != '1')
		return -505;
	*http11 = rest.s[7] != '0';
	ret->method = http_span_is(method, "GET")  ? HTTP_GET :
		      http_span_is(method, "HEAD") ? HTTP_HEAD :
		      http_span_is(method, "POST") ? HTTP_POST :
						     HTTP_OTHER;
	return parse_target(target, ret);
}

/* What one header means to us; SEEN counts those that may come once. */
static int parse_header(struct http_span name, struct http_span value, struct http_request *ret, int seen[2])
{
	int64_t length;

	if (same_word(name, "host")) {
		if (seen[0]++)
			return -400;
	} else if (same_word(name, "content-length")) {
		if (seen[1]++ || parse_length(value, &length) < 0)
			return -400;
		if (length > HTTP_BODY_MAX)
			return -413;
		ret->body = (size_t)length;
	} else if (same_word(name, "transfer-encoding")) {
		return -411;
	} else if (same_word(name, "expect")) {
		return -417;
	} else if (same_word(name, "accept")) {
		ret->accept = value;
	} else if (same_word(name, "if-none-match")) {
		ret->if_none_match = value;
	} else if (same_word(name, "origin")) {
		ret->origin = true;
	}
	return 0;
}

int http_parse_request(const char *s, size_t n, struct http_request *ret)
{
	size_t head = head_length(s, n < HTTP_HEAD_MAX ? n : HTTP_HEAD_MAX);
	struct http_span line, name, value;
	struct lines l = { s, head, 0 };
	bool http11 = false;
	int seen[2] = { 0 }, r = 0;

	if (!head)
		return n >= HTTP_HEAD_MAX ? -431 : 0;
	*ret = (struct http_request){ 0 };
	if (next_line(&l, &line) <= 0)
		return -400;
	r = parse_request_line(line, ret, &http11);
	while (r == 0) {
		int more = next_line(&l, &line);

		if (more < 0 || (more > 0 && split_header(line, &name, &value) < 0))
			return -400;
		if (more == 0)
			break;
		r = parse_header(name, value, ret, seen);
	}
	if (r == 0 && http11 && !seen[0])
		r = -400;
	return r < 0 ? r : (int)head;
}

int http_parse_response(const char *s, size_t n, struct http_response *ret)
{
	size_t head = head_length(s, n < HTTP_HEAD_MAX ? n : HTTP_HEAD_MAX);
	struct http_span line, name, value;
	struct lines l = { s, head, 0 };
	int more;

	if (!head)
		return n >= HTTP_HEAD_MAX ? -1 : 0;
	if (next_line(&l, &line) <= 0 || line.n < 12 || memcmp(line.s, "HTTP/1.", 7) != 0 || line.s[8] != ' ' ||
	    (line.n > 12 && line.s[12] != ' '))
		return -1;
	*ret = (struct http_response){ .length = -1 };
	for (size_t i = 9; i < 12; i++) {
		if (line.s[i] < '0' || line.s[i] > '9')
			return -1;
		ret->status = ret->status * 10 + (line.s[i] - '0');
	}
	while ((more = next_line(&l, &line)) > 0) {
		if (split_header(line, &name, &value) < 0 || same_word(name, "transfer-encoding"))
			return -1;
		if (same_word(name, "content-length") && (ret->length >= 0 || parse_length(value, &ret->length) < 0))
			return -1;
	}
	return more < 0 ? -1 : (int)head;
}

const char *http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} known[] = {
		{ 200, "OK" },
		{ 202, "Accepted" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 417, "Expectation Failed" },
		{ 431, "Request Header Fields Too Large" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].status == status)
			return known[i].reason;
	return "Unknown";
}

struct http_span http_query(struct http_span query, const char *key)
{
	struct http_span pair, name;

	while (next_part(&query, '&', &pair)) {
		struct http_span value = pair;

		(void)next_part(&value, '=', &name);
		if (http_span_is(name, key))
			return value.s ? value : (struct http_span){ pair.s + pair.n, 0 };
	}
	return (struct http_span){ 0 };
}

/* "0.5" in thousandths; what is no weight is 0. */
static int parse_weight(struct http_span v)
{
	int q = 0, digit = 100;

	if (!v.n || v.n > 5 || (v.s[0] != '0' && v.s[0] != '1') || (v.n > 1 && v.s[1] != '.'))
		return 0;
	q = (v.s[0] - '0') * 1000;
	for (size_t i = 2; i < v.n; i++, digit /= 10) {
		if (v.s[i] < '0' || v.s[i] > '9')
			return 0;
		q += (v.s[i] - '0') * digit;
	}
	return q > 1000 ? 0 : q;
}

int http_accepts(struct http_span accept, const char *type)
{
	struct http_span range, part;
	int best = -1;

	while (next_part(&accept, ',', &range)) {
		int q = 1000;

		(void)next_part(&range, ';', &part);
		if (!same_word(trimmed(part.s, part.n), type))
			continue;
		while (next_part(&range, ';', &part)) {
			part = trimmed(part.s, part.n);
			if (part.n > 2 && lower(part.s[0]) == 'q' && part.s[1] == '=')
				q = parse_weight((struct http_span){ part.s + 2, part.n - 2 });
		}
		best = q > best ? q : best;
	}
	return best;
}

bool http_etag_matches(struct http_span header, const char *etag)
{
	struct http_span one;

	while (next_part(&header, ',', &one)) {
		one = trimmed(one.s, one.n);
		if (one.n > 2 && memcmp(one.s, "W/", 2) == 0)
			one = (struct http_span){ one.s + 2, one.n - 2 };
		if (http_span_is(one, etag) || http_span_is(one, "*"))
			return true;
	}
	return false;
}
