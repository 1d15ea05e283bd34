/* out.h - the pieces of text for people: styles, cells, tables. Private to the output_* files.
 *
 * What comes from a container or the network goes through out_cell() or
 * escape_text() before it is put.
 */
#pragma once
#include "buf.h"

enum style { PLAIN, GOOD, BAD, WARN, DIM, BOLD };

struct out {
	struct buf *b;
	bool colour;
};

/* At most 4095 bytes. */
void put(const struct out *o, enum style style, const char *fmt, ...) _printf_(3, 4);
/* "12.3 MB"; RET has N bytes. */
void size_format(int64_t bytes, char *ret, size_t n);
/* S, NULL as "", escaped and short enough for a column; caller frees. */
char *out_cell(const char *s);

/* Columns of text cells, as wide as they need to be; the first row is the heading. */
struct table {
	struct strv cells;
	size_t columns;	/* at most 8 */
};

/* Print T and empty it. */
void table_put(const struct out *o, struct table *t);
