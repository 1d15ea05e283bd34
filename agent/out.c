/* out.c - see out.h. */
#include <stdio.h>
#include "out.h"

#define CELL_MAX 60		/* bytes of one table cell */

static const char *const escapes[] = { "", "\033[32m", "\033[31m", "\033[33m", "\033[2m", "\033[1m" };

void put(const struct out *o, enum style style, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (o->colour && style != PLAIN)
		buf_puts(o->b, escapes[style]);
	buf_puts(o->b, text);
	if (o->colour && style != PLAIN)
		buf_puts(o->b, "\033[0m");
}

void size_format(int64_t bytes, char *ret, size_t n)
{
	if (bytes >= 1000000)
		(void)snprintf(ret, n, "%.1f MB", (double)bytes / 1e6);
	else if (bytes >= 1000)
		(void)snprintf(ret, n, "%.1f kB", (double)bytes / 1e3);
	else
		(void)snprintf(ret, n, "%lld bytes", (long long)bytes);
}

char *out_cell(const char *s)
{
	return escape_text(strna(s), CELL_MAX);
}

void table_put(const struct out *o, struct table *t)
{
	size_t width[8] = { 0 };

	for (size_t i = 0; i < t->cells.n; i++) {
		size_t n = strlen(t->cells.v[i]);

		if (n > width[i % t->columns])
			width[i % t->columns] = n;
	}
	for (size_t i = 0; i < t->cells.n; i++) {
		size_t col = i % t->columns;
		bool last = col == t->columns - 1;

		put(o, i < t->columns ? DIM : PLAIN, "  %-*s", last ? 0 : (int)width[col], t->cells.v[i]);
		if (last)
			buf_putc(o->b, '\n');
	}
	strv_clear(&t->cells);
}
