/* quote.c - see quote.h. */
#include "quote.h"

void quote_shell(struct buf *b, const char *s)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:=@%+,-";
	size_t n = strlen(s);
	bool plain = text_printable(s, n);

	if (n && strspn(s, safe) == n) {
		buf_puts(b, s);
		return;
	}
	buf_puts(b, plain ? "'" : "$'");
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (plain && c == '\'')
			buf_puts(b, "'\\''");
		else if (!plain && (c < ' ' || c >= 0x7f))
			buf_printf(b, "\\%03o", c);
		else if (!plain && (c == '\'' || c == '\\'))
			buf_printf(b, "\\%c", c);
		else
			buf_putc(b, *s);
	}
	buf_putc(b, '\'');
}

/* The character at S of valid UTF-8; *LEN its bytes. */
static unsigned decode(const char *s, size_t *len)
{
	unsigned char c = (unsigned char)*s;
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	unsigned code = n == 1 ? c : c & (0xffU >> (n + 1));

	for (size_t i = 1; i < n; i++)
		code = code << 6 | ((unsigned char)s[i] & 0x3f);
	*len = n;
	return code;
}

static void quote_text(struct buf *b, const char *s, bool dollars, bool json)
{
	cleanup_free char *safe = utf8_valid(s, strlen(s)) ? xstrdup(s) : escape_text(s, SIZE_MAX);
	size_t len;

	buf_putc(b, '"');
	for (const char *p = safe; *p; p += len) {
		unsigned c = decode(p, &len);

		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", (char)c);
		else if (c == '$' && dollars)
			buf_puts(b, "$$");
		else if (c >= ' ' && c < 0x7f)
			buf_putc(b, (char)c);
		else if (c <= 0xffff)
			buf_printf(b, "\\u%04X", c);
		else if (json)
			buf_printf(b, "\\u%04X\\u%04X", 0xd800 + ((c - 0x10000) >> 10),
				   0xdc00 + ((c - 0x10000) & 0x3ff));
		else
			buf_printf(b, "\\U%08X", c);
	}
	buf_putc(b, '"');
}

void quote_yaml(struct buf *b, const char *s, bool dollars)
{
	quote_text(b, s, dollars, false);
}

void quote_json(struct buf *b, const char *s)
{
	quote_text(b, s, false, true);
}
