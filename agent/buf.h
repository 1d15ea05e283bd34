/* buf.h - a growing string, always NUL-terminated. Zero is empty. */
#pragma once
#include <stdarg.h>
#include "util.h"

struct buf {
	char *s;	/* never NULL after the first append; use buf_str() */
	size_t n;	/* bytes without the NUL */
	size_t cap;
};

void buf_append(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) _printf_(2, 3);
/* Drop the first N bytes. */
void buf_consume(struct buf *b, size_t n);
void buf_reset(struct buf *b);		/* keeps the memory */
void buf_clear(struct buf *b);
char *buf_steal(struct buf *b);		/* the string, caller frees; b becomes empty */
static inline const char *buf_str(const struct buf *b)
{
	return b->s ? b->s : "";
}
#define cleanup_buf _cleanup_(buf_clear)

/* Hostile bytes for a person or a log: control characters, DEL, C1 controls,
 * invalid UTF-8 and bidirectional overrides become \xHH; so one line stays one
 * line and no byte reaches a terminal as a command. At most MAX bytes of S are
 * shown, then "...". The backslash stays: text passes several processes on its
 * way out, and a second escaping must not change what the first one made. */
void buf_put_escaped(struct buf *b, const char *s, size_t n, size_t max);
char *escape_text(const char *s, size_t max);	/* caller frees */
/* Would buf_put_escaped() leave these N bytes as they are? */
bool text_printable(const char *s, size_t n);
/* Valid UTF-8 (no surrogates, no overlong forms, no NUL) over N bytes? */
bool utf8_valid(const char *s, size_t n);
