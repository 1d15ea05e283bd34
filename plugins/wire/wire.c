/* wire.c - see wire.h. */
#include "wire.h"

static void *at(const struct wire_field *f, const void *v)
{
	return (char *)(uintptr_t)v + f->offset;
}

void *wire_list_add(const struct wire_message *m, struct wire_list *l)
{
	if ((l->n & (l->n - 1)) == 0)
		l->v = xrealloc(l->v, l->n ? l->n * 2 : 1, m->size);
	void *p = wire_list_at(m, l, l->n++);
	memset(p, 0, m->size);
	return p;
}

void wire_list_clear(const struct wire_message *m, struct wire_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		wire_clear(m, wire_list_at(m, l, i));
	free(l->v);
	*l = (struct wire_list){ 0 };
}

void wire_clear(const struct wire_message *m, void *v)
{
	for (const struct wire_field *f = m->fields; f->name; f++) {
		switch (f->type) {
		case WIRE_STRING:
			free(*(char **)at(f, v));
			break;
		case WIRE_STRINGS:
			strv_clear(at(f, v));
			break;
		case WIRE_OBJECT:
			wire_clear(f->sub, at(f, v));
			break;
		case WIRE_OBJECTS:
			wire_list_clear(f->sub, at(f, v));
			break;
		case WIRE_INT:
		case WIRE_BOOL:
		case WIRE_CODE:
			break;
		}
	}
	memset(v, 0, m->size);
}

void wire_copy(const struct wire_message *m, void *dst, const void *src)
{
	for (const struct wire_field *f = m->fields; f->name; f++) {
		switch (f->type) {
		case WIRE_STRING:
			*(char **)at(f, dst) = xstrdup(*(char **)at(f, src));
			break;
		case WIRE_INT:
			*(int64_t *)at(f, dst) = *(int64_t *)at(f, src);
			break;
		case WIRE_BOOL:
			*(bool *)at(f, dst) = *(bool *)at(f, src);
			break;
		case WIRE_CODE:
			*(enum code *)at(f, dst) = *(enum code *)at(f, src);
			break;
		case WIRE_STRINGS:
			strv_copy(at(f, dst), at(f, src));
			break;
		case WIRE_OBJECT:
			wire_copy(f->sub, at(f, dst), at(f, src));
			break;
		case WIRE_OBJECTS: {
			const struct wire_list *from = at(f, src);

			for (size_t i = 0; i < from->n; i++)
				wire_copy(f->sub, wire_list_add(f->sub, at(f, dst)), wire_list_at(f->sub, from, i));
			break;
		}
		}
	}
}

static int wrong(struct err *err, const struct wire_message *m, const struct wire_field *f, const char *what)
{
	return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "message '%s', field '%s': %s", m->name, f->name, what);
}

/* The end of the line that starts at S; without LINES all is one line. */
static size_t line_length(const char *s, size_t n, bool lines)
{
	const char *nl = lines ? memchr(s, '\n', n) : NULL;

	return nl ? (size_t)(nl - s) : n;
}

static bool printable(const char *s, size_t n, bool lines)
{
	for (size_t i = 0; i < n;) {
		size_t len = line_length(s + i, n - i, lines);

		if (!text_printable(s + i, len))
			return false;
		i += len + 1;
	}
	return true;
}

static int decode_string(const struct wire_message *m, const struct wire_field *f, struct json_object *v, int64_t min,
			 char **ret, struct err *err)
{
	if (!json_object_is_type(v, json_type_string))
		return wrong(err, m, f, "not a string");
	size_t n = (size_t)json_object_get_string_len(v);
	const char *s = json_object_get_string(v);
	if ((int64_t)n > f->max)
		return wrong(err, m, f, "too long");
	if ((int64_t)n < min)
		return wrong(err, m, f, "empty");
	/* a peer that keeps to PROTOCOL escapes these; nothing else gets past here */
	if (!printable(s, n, f->flags & WIRE_LINES))
		return wrong(err, m, f, "not printable UTF-8 text");
	*ret = xstrndup(s, n);
	return 0;
}

static int decode_field(const struct wire_message *m, const struct wire_field *f, struct json_object *v, void *p,
			struct err *err)
{
	switch (f->type) {
	case WIRE_STRING:
		return decode_string(m, f, v, f->min, p, err);
	case WIRE_INT: {
		if (!json_object_is_type(v, json_type_int))
			return wrong(err, m, f, "not an integer");
		int64_t n = json_object_get_int64(v);
		if (n < f->min || n > f->max)
			return wrong(err, m, f, "out of range");
		*(int64_t *)p = n;
		return 0;
	}
	case WIRE_BOOL:
		if (!json_object_is_type(v, json_type_boolean))
			return wrong(err, m, f, "not a boolean");
		*(bool *)p = json_object_get_boolean(v);
		return 0;
	case WIRE_CODE: {
		int code = -1;
		if (json_object_is_type(v, json_type_string)) {
			const char *s = json_object_get_string(v);

			/* a NUL may not hide what follows it */
			if (strlen(s) == (size_t)json_object_get_string_len(v))
				code = code_from_name(s);
		}
		if (code < 0)
			return wrong(err, m, f, "not a known code");
		*(enum code *)p = (enum code)code;
		return 0;
	}
	case WIRE_OBJECT:
		return wire_decode(f->sub, v, p, err);
	case WIRE_STRINGS:
	case WIRE_OBJECTS: {
		if (!json_object_is_type(v, json_type_array))
			return wrong(err, m, f, "not an array");
		size_t n = json_object_array_length(v);
		if (n > f->items)
			return wrong(err, m, f, "too many items");
		for (size_t i = 0; i < n; i++) {
			struct json_object *item = json_object_array_get_idx(v, i);

			if (f->type == WIRE_OBJECTS) {
				if (wire_decode(f->sub, item, wire_list_add(f->sub, p), err) < 0)
					return -1;
				continue;
			}
			char *s;
			if (decode_string(m, f, item, 0, &s, err) < 0)
				return -1;
			strv_take(p, s);
		}
		return 0;
	}
	}
	return wrong(err, m, f, "unknown type");
}

int wire_decode(const struct wire_message *m, struct json_object *obj, void *ret, struct err *err)
{
	if (!json_object_is_type(obj, json_type_object))
		return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "message '%s': not an object", m->name);
	for (const struct wire_field *f = m->fields; f->name; f++) {
		struct json_object *v = NULL;

		if (!json_object_object_get_ex(obj, f->name, &v) || !v) {
			if (!(f->flags & WIRE_REQUIRED))
				continue;
			(void)wrong(err, m, f, "missing");
			goto fail;
		}
		if (decode_field(m, f, v, at(f, ret), err) < 0)
			goto fail;
	}
	return 0;
fail:
	wire_clear(m, ret);
	return -1;
}

/* A JSON string of hostile bytes: valid printable UTF-8 as it is, all else as
 * \xHH; longer than MAX bytes, it is cut between characters and ends in "...". */
static struct json_object *json_text(const char *s, size_t max, bool lines)
{
	cleanup_buf struct buf t = { 0 };
	size_t total = strlen(strna(s));

	for (size_t i = 0; i < total;) {
		size_t len = line_length(s + i, total - i, lines);

		buf_put_escaped(&t, s + i, len, SIZE_MAX);
		i += len;
		if (i < total)
			buf_putc(&t, s[i++]);
	}
	if (t.n > max) {
		t.n = max < 3 ? 0 : max - 3;
		while (t.n > 0 && ((unsigned char)t.s[t.n] & 0xc0) == 0x80)
			t.n--;
		buf_puts(&t, "...");
	}
	return json_object_new_string(buf_str(&t));
}

void wire_add_string(struct json_object *obj, const char *key, const char *s)
{
	json_object_object_add(obj, key, json_text(s, SIZE_MAX, false));
}

static bool is_zero(const void *v, size_t n)
{
	const char *p = v;

	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static struct json_object *encode_field(const struct wire_field *f, const void *p)
{
	switch (f->type) {
	case WIRE_STRING: {
		const char *s = *(char *const *)p;

		if (!s || ((f->flags & WIRE_OMIT) && !*s))
			return f->flags & WIRE_OMIT ? NULL : json_object_new_string("");
		return json_text(s, (size_t)f->max, f->flags & WIRE_LINES);
	}
	case WIRE_INT: {
		int64_t n = *(const int64_t *)p;

		if ((f->flags & WIRE_OMIT) && !n)
			return NULL;
		return json_object_new_int64(n < f->min ? f->min : n > f->max ? f->max : n);
	}
	case WIRE_BOOL:
		if ((f->flags & WIRE_OMIT) && !*(const bool *)p)
			return NULL;
		return json_object_new_boolean(*(const bool *)p);
	case WIRE_CODE:
		return json_object_new_string(code_name(*(const enum code *)p));
	case WIRE_STRINGS: {
		const struct strv *l = p;

		if ((f->flags & WIRE_OMIT) && !l->n)
			return NULL;
		struct json_object *a = json_object_new_array();
		for (size_t i = 0; i < l->n; i++)
			json_object_array_add(a, json_text(l->v[i], (size_t)f->max, f->flags & WIRE_LINES));
		return a;
	}
	case WIRE_OBJECT:
		if ((f->flags & WIRE_OMIT) && is_zero(p, f->sub->size))
			return NULL;
		return wire_encode(f->sub, p);
	case WIRE_OBJECTS: {
		const struct wire_list *l = p;

		if ((f->flags & WIRE_OMIT) && !l->n)
			return NULL;
		struct json_object *a = json_object_new_array();
		for (size_t i = 0; i < l->n; i++)
			json_object_array_add(a, wire_encode(f->sub, wire_list_at(f->sub, l, i)));
		return a;
	}
	}
	return NULL;
}

struct json_object *wire_encode(const struct wire_message *m, const void *v)
{
	struct json_object *obj = json_object_new_object();

	for (const struct wire_field *f = m->fields; f->name; f++) {
		struct json_object *o = encode_field(f, at(f, v));

		if (o)
			json_object_object_add(obj, f->name, o);
	}
	return obj;
}

/* An empty object costs json-c some 800 bytes, two on the wire: without a limit
 * a line of 1 MiB would take 300 MB. Brackets in strings count too. */
static bool too_many_values(const char *s, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += s[i] == '{' || s[i] == '[';
	return count > WIRE_VALUES_MAX;
}

int wire_parse(const char *s, size_t n, struct json_object **ret, struct err *err)
{
	struct json_tokener *tok = json_tokener_new_ex(WIRE_DEPTH_MAX);
	struct json_object *obj = NULL;
	int r = -1;

	if (!tok)
		out_of_memory();
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	if (n >= WIRE_LINE_MAX) {
		(void)err_set(err, CODE_PLUGIN_PROTOCOL, 0, "line longer than %d bytes", WIRE_LINE_MAX);
		goto out;
	}
	if (!utf8_valid(s, n)) {	/* json-c lets overlong forms and surrogates pass */
		(void)err_set(err, CODE_PLUGIN_PROTOCOL, 0, "not UTF-8");
		goto out;
	}
	if (too_many_values(s, n)) {
		(void)err_set(err, CODE_PLUGIN_PROTOCOL, 0, "more than %d objects and arrays in one line",
			      WIRE_VALUES_MAX);
		goto out;
	}
	obj = json_tokener_parse_ex(tok, s, (int)n);
	if (obj && json_object_is_type(obj, json_type_object) && json_tokener_get_parse_end(tok) == n) {
		*ret = steal_ptr(&obj);
		r = 0;
	} else {
		enum json_tokener_error e = json_tokener_get_error(tok);

		(void)err_set(err, CODE_PLUGIN_PROTOCOL, 0, "not one JSON object a line: %s",
			      e == json_tokener_success ? "trailing bytes or another type" :
			      e == json_tokener_continue ? "it ends early" :
							   json_tokener_error_desc(e));
	}
out:
	json_object_put(obj);
	json_tokener_free(tok);
	return r;
}

int wire_next(struct buf *in, struct json_object **ret, struct err *err)
{
	const char *nl = in->n ? memchr(in->s, '\n', in->n) : NULL;

	if (!nl) {
		if (in->n >= WIRE_LINE_MAX)
			return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "line longer than %d bytes", WIRE_LINE_MAX);
		return 0;
	}
	size_t n = (size_t)(nl - in->s);
	if (n >= WIRE_LINE_MAX)
		return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "line longer than %d bytes", WIRE_LINE_MAX);
	int r = wire_parse(in->s, n, ret, err);
	buf_consume(in, n + 1);
	return r < 0 ? -1 : 1;
}

void wire_put(struct buf *out, struct json_object *obj)
{
	size_t n = 0;
	const char *s =
		json_object_to_json_string_length(obj, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);

	if (!s)
		out_of_memory();
	buf_append(out, s, n);
	buf_putc(out, '\n');
}
