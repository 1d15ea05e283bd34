/* inflate.c - see inflate.h. */
#define ZLIB_CONST
#include <zlib.h>
#include "inflate.h"

/* RFC 1950: method 8 in a window of at most 32 KiB, and the two bytes make a
 * multiple of 31; RFC 1952: the two magic bytes. */
static bool packed(const unsigned char *p, size_t n)
{
	if (n < 2)
		return false;
	return (p[0] == 0x1f && p[1] == 0x8b) ||
	       ((p[0] & 0x0f) == 8 && p[0] >> 4 <= 7 && (p[0] * 256 + p[1]) % 31 == 0);
}

static int too_large(size_t max, struct err *err)
{
	return err_set(err, CODE_FEED_FAILED, 0, "more than %zu MiB unpacked", max >> 20);
}

static int unpack(z_stream *z, size_t max, struct buf *ret, struct err *err)
{
	unsigned char chunk[65536];
	size_t start = ret->n;
	int r;

	do {
		z->next_out = chunk;
		z->avail_out = sizeof(chunk);
		r = inflate(z, Z_NO_FLUSH);
		if (r != Z_OK && r != Z_STREAM_END)
			return err_set(err, CODE_FEED_FAILED, 0, "%s", r == Z_BUF_ERROR ? "cut off" : "damaged");
		size_t got = sizeof(chunk) - z->avail_out;
		if (got > max - (ret->n - start))
			return too_large(max, err);
		buf_append(ret, chunk, got);
	} while (r != Z_STREAM_END);
	return z->avail_in ? err_set(err, CODE_FEED_FAILED, 0, "damaged: bytes after its end") : 0;
}

int inflate_all(const void *p, size_t n, size_t max, struct buf *ret, struct err *err)
{
	z_stream z = { .next_in = p, .avail_in = (unsigned int)n };

	if (n > UINT32_MAX || (!packed(p, n) && n > max))
		return too_large(max, err);
	if (!packed(p, n)) {
		buf_append(ret, p, n);
		return 0;
	}
	if (inflateInit2(&z, 15 + 32) != Z_OK) /* the largest window, zlib or gzip by its head */
		out_of_memory();
	int r = unpack(&z, max, ret, err);
	(void)inflateEnd(&z);
	return r;
}
