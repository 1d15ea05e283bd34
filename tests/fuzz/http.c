/* Fuzz target: the head of a request, the head of an answer, and what is read out of headers. */
#include <assert.h>
#include "fuzz.h"
#include "http.h"

static void check_span(struct http_span v, const char *s, size_t n)
{
	assert(!v.s || (v.s >= s && v.n <= n && v.s + v.n <= s + n));
	for (size_t i = 0; v.s && i < v.n; i++)
		assert((unsigned char)v.s[i] >= 0x20 || v.s[i] == '\t');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	/* exactly as long as it is, so that a byte too many is seen */
	char *s = xmalloc(n);
	struct http_request q;
	struct http_response a;
	int r;

	if (n)
		memcpy(s, data, n);
	r = http_parse_request(s, n, &q);
	assert(r <= (int)n && r <= HTTP_HEAD_MAX && (r >= 0 || (r <= -400 && r > -600)));
	assert(r != 0 || n < HTTP_HEAD_MAX);
	if (r > 0) {
		check_span(q.path, s, (size_t)r);
		check_span(q.query, s, (size_t)r);
		check_span(q.accept, s, (size_t)r);
		check_span(q.if_none_match, s, (size_t)r);
		assert(q.path.n > 0 && q.body <= HTTP_BODY_MAX);
		check_span(http_query(q.query, "limit"), q.query.s, q.query.n);
		int weight = http_accepts(q.accept, "application/openmetrics-text");
		assert(weight >= -1 && weight <= 1000);
		(void)http_etag_matches(q.if_none_match, "\"0\"");
	}
	r = http_parse_response(s, n, &a);
	assert(r >= -1 && r <= (int)n && (r <= 0 || (a.status >= 0 && a.status <= 999 && a.length >= -1)));
	free(s);
	return 0;
}
