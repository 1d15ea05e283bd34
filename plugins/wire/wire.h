/* wire.h - framing and message tables: the only protocol code on both sides.
 *
 * A line is one JSON object, ended by a newline (PROTOCOL). Messages are
 * declared once as tables (messages.h); one decoder checks every inbound
 * message against its table and fills a C struct; one encoder does the
 * opposite. Fields that a table does not name are passed over, so that a newer
 * peer may send more; fields it names must have the type and bounds it says.
 */
#pragma once
#include <json-c/json.h>
#include "buf.h"
#include "err.h"
#include "util.h"

#define WIRE_LINE_MAX	  (1024 * 1024)		/* one line, newline included */
#define WIRE_PLAN_MAX	  (16 * 1024 * 1024)	/* all lines that answer one request */
#define WIRE_DEPTH_MAX	  8			/* nesting of a line */
#define WIRE_VALUES_MAX	  65536			/* objects and arrays in a line */

enum wire_type {
	WIRE_STRING,	/* char *		min/max: bytes */
	WIRE_INT,	/* int64_t		min/max: value */
	WIRE_BOOL,	/* bool */
	WIRE_CODE,	/* enum code, by its name; an unknown name is an error */
	WIRE_STRINGS,	/* struct strv		max: bytes of each, items: count */
	WIRE_OBJECT,	/* a struct of table sub, inline; absent = all zero */
	WIRE_OBJECTS,	/* struct wire_list of table sub, items: count */
};

enum wire_flags {
	WIRE_REQUIRED = 1 << 0,	/* must be present inbound */
	WIRE_OMIT = 1 << 1,	/* outbound: leave out when empty, zero or false */
	WIRE_LINES = 1 << 2,	/* a string that quotes output: newlines stay */
};

struct wire_field {
	const char *name;
	enum wire_type type;
	unsigned flags;
	size_t offset;
	int64_t min, max;
	size_t items;
	const struct wire_message *sub;
};

struct wire_message {
	const char *name;		/* for error messages */
	size_t size;			/* of the struct */
	const struct wire_field *fields; /* ends with a NULL name */
};

/* Owned array of structs of one table. Zero is empty. */
struct wire_list {
	void *v;
	size_t n;
};

/* Append one zeroed struct of table M and return it (valid until the next add). */
void *wire_list_add(const struct wire_message *m, struct wire_list *l);
/* Element I. */
static inline void *wire_list_at(const struct wire_message *m, const struct wire_list *l, size_t i)
{
	return (char *)l->v + i * m->size;
}
void wire_list_clear(const struct wire_message *m, struct wire_list *l);

/* Check OBJ against table M and fill *RET, a zeroed struct of M. On failure
 * *RET is cleared and ERR (CODE_PLUGIN_PROTOCOL) names message and field. */
int wire_decode(const struct wire_message *m, struct json_object *obj, void *ret, struct err *err);
/* A new JSON object from the struct, such that wire_decode() takes it whatever
 * the struct holds: bytes that are not printable UTF-8 are escaped as \xHH text,
 * a string past its bound is cut and ends in "...", a number is clamped. Only
 * the item counts of lists and non-empty required strings are the caller's
 * part. Caller puts it. */
struct json_object *wire_encode(const struct wire_message *m, const void *v);
/* Free what the struct owns; it is zero afterwards. */
void wire_clear(const struct wire_message *m, void *v);
/* Deep copy of SRC into the zeroed DST. */
void wire_copy(const struct wire_message *m, void *dst, const void *src);

/* Add a string to a JSON object as wire_encode() would. */
void wire_add_string(struct json_object *obj, const char *key, const char *s);

/* Parse exactly one JSON object of N bytes: valid UTF-8, within the limits above,
 * no trailing bytes. Of a key given twice the last one counts. Caller puts RET. */
int wire_parse(const char *s, size_t n, struct json_object **ret, struct err *err);

/* Take the next line out of IN (bytes received so far).
 * 1: RET is an object the caller puts; 0: no whole line yet; -1: ERR. */
int wire_next(struct buf *in, struct json_object **ret, struct err *err);
/* Append OBJ and a newline to OUT. */
void wire_put(struct buf *out, struct json_object *obj);
