/* buf.c - see buf.h. */
#include <stdio.h>
#include "buf.h"

static void buf_room(struct buf *b, size_t n)
{
	size_t need;

	if (__builtin_add_overflow(b->n, n, &need) || __builtin_add_overflow(need, 1, &need))
		out_of_memory();
	if (b->s && need <= b->cap)
		return;
	size_t cap = b->cap ? b->cap : 64;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	b->s = xrealloc(b->s, cap, 1);
	b->cap = cap;
}

void buf_append(struct buf *b, const void *p, size_t n)
{
	buf_room(b, n);
	if (n)
		memcpy(b->s + b->n, p, n);
	b->n += n;
	b->s[b->n] = '\0';
}

void buf_puts(struct buf *b, const char *s)
{
	buf_append(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c)
{
	buf_append(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;

	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n > 0) {
		buf_room(b, (size_t)n);
		(void)vsnprintf(b->s + b->n, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	}
	va_end(again);
}

void buf_consume(struct buf *b, size_t n)
{
	if (n >= b->n) {
		buf_reset(b);
		return;
	}
	b->n -= n;
	memmove(b->s, b->s + n, b->n + 1);
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	if (b->s)
		b->s[0] = '\0';
}

void buf_clear(struct buf *b)
{
	free(b->s);
	*b = (struct buf){ 0 };
}

char *buf_steal(struct buf *b)
{
	char *s = b->s ? b->s : xstrdup("");

	*b = (struct buf){ 0 };
	return s;
}

/* Length of the valid UTF-8 sequence at S (1-4), or 0; its code point in RET. */
static size_t utf8_one(const unsigned char *s, size_t n, uint32_t *ret)
{
	size_t len;
	uint32_t c = s[0], min;

	if (c < 0x80) {
		*ret = c;
		return 1;
	}
	if (c >= 0xc2 && c <= 0xdf) {
		len = 2, min = 0x80, c &= 0x1f;
	} else if (c >= 0xe0 && c <= 0xef) {
		len = 3, min = 0x800, c &= 0x0f;
	} else if (c >= 0xf0 && c <= 0xf4) {
		len = 4, min = 0x10000, c &= 0x07;
	} else {
		return 0;
	}
	if (len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return len;
}

bool utf8_valid(const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint32_t c;
		size_t len = utf8_one((const unsigned char *)s + i, n - i, &c);

		if (!len || !c)
			return false;
		i += len;
	}
	return true;
}

static bool shown_as_is(uint32_t c)
{
	return c >= 0x20 && c != 0x7f && !(c >= 0x80 && c <= 0x9f) && c != 0x061c && !(c >= 0x200b && c <= 0x200f) &&
	       !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff;
}

bool text_printable(const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint32_t c;
		size_t len = utf8_one((const unsigned char *)s + i, n - i, &c);

		if (!len || !shown_as_is(c))
			return false;
		i += len;
	}
	return true;
}

void buf_put_escaped(struct buf *b, const char *s, size_t n, size_t max)
{
	bool cut = n > max;

	if (cut)
		n = max;
	for (size_t i = 0; i < n;) {
		uint32_t c = 0;
		size_t len = utf8_one((const unsigned char *)s + i, n - i, &c);

		if (len && shown_as_is(c)) {
			buf_append(b, s + i, len);
			i += len;
		} else {
			buf_printf(b, "\\x%02x", (unsigned char)s[i]);
			i++;
		}
	}
	if (cut)
		buf_puts(b, "...");
}

char *escape_text(const char *s, size_t max)
{
	struct buf b = { 0 };

	buf_put_escaped(&b, s, strlen(s), max);
	return buf_steal(&b);
}
