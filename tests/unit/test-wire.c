/* Framing and the table decoder. Most cases walk all tables of protocol 1, so
 * that a field added later is covered the day it is added. */
#include "tables.h"
#include "tap.h"
#include "wire.h"

/* --- structs filled with data -------------------------------------------- */

enum fill { FILL_CLEAN, FILL_HOSTILE };

static uint64_t seed = 1;

static uint64_t dice(uint64_t n)
{
	seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;	/* xorshift: the same on every run */
	return n ? seed % n : seed;
}

static char *some_text(enum fill how, const struct wire_field *f)
{
	static const char *const pieces[] = {
		"a", "lib", "1.2-3", " ", "\"", "\\", "/", "caf\xc3\xa9", "\xf0\x9f\x90\xa7", "{}[]"
	};
	struct buf b = { 0 };
	size_t n = dice(8) + 1;

	if (how == FILL_HOSTILE) {
		size_t len = dice(4) == 0 ? (size_t)f->max + dice(20) : dice(40);

		for (size_t i = 0; i < (len ? len : 1); i++)
			buf_putc(&b, (char)(1 + dice(255)));
		return buf_steal(&b);
	}
	for (size_t i = 0; i < n; i++)
		buf_puts(&b, pieces[dice(ARRAY_SIZE(pieces))]);
	return buf_steal(&b);
}

static int64_t some_number(enum fill how, const struct wire_field *f)
{
	if (how == FILL_HOSTILE)
		return (int64_t)dice(0);
	switch (dice(3)) {
	case 0:
		return f->min;
	case 1:
		return f->max;
	default:
		return f->min + (int64_t)dice((uint64_t)(f->max - f->min));
	}
}

static void fill(const struct wire_message *m, void *v, enum fill how)
{
	for (const struct wire_field *f = m->fields; f->name; f++) {
		void *p = (char *)v + f->offset;
		size_t n = dice(4);

		switch (f->type) {
		case WIRE_STRING:
			if ((f->flags & WIRE_REQUIRED) || dice(3))
				*(char **)p = some_text(how, f);
			break;
		case WIRE_INT:
			*(int64_t *)p = some_number(how, f);
			break;
		case WIRE_BOOL:
			*(bool *)p = dice(2);
			break;
		case WIRE_CODE:
			*(enum code *)p = (enum code)dice(CODE_MAX);
			break;
		case WIRE_STRINGS:
			while (n-- > 0)
				strv_take(p, some_text(how, f));
			break;
		case WIRE_OBJECT:
			fill(f->sub, p, how);
			break;
		case WIRE_OBJECTS:
			while (n-- > 0)
				fill(f->sub, wire_list_add(f->sub, p), how);
			break;
		}
	}
}

static void *new_struct(const struct wire_message *m)
{
	return xcalloc(1, m->size);
}

static void free_struct(const struct wire_message *m, void *v)
{
	wire_clear(m, v);
	free(v);
}

/* The struct as a line without its newline; caller frees. */
static char *line_of(const struct wire_message *m, const void *v)
{
	struct json_object *o = wire_encode(m, v);
	struct buf b = { 0 };

	wire_put(&b, o);
	json_object_put(o);
	b.s[--b.n] = '\0';
	return buf_steal(&b);
}

static int parse_and_decode(const struct wire_message *m, const char *line, void *ret, struct err *err)
{
	struct json_object *o = NULL;

	if (wire_parse(line, strlen(line), &o, err) < 0)
		return -1;
	int r = wire_decode(m, o, ret, err);
	json_object_put(o);
	return r;
}

/* --- round trips --------------------------------------------------------- */

TEST(what_is_encoded_decodes_to_the_same)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		const struct wire_message *m = tables[t];

		for (int i = 0; i < 100; i++) {
			void *a = new_struct(m), *b = new_struct(m), *c = new_struct(m);
			struct err e = ERR_INIT;

			fill(m, a, FILL_CLEAN);
			wire_copy(m, c, a);
			cleanup_free char *one = line_of(m, a);
			free_struct(m, a);	/* the copy shares nothing with it */
			if (parse_and_decode(m, one, b, &e) < 0)
				FAIL("%s: %s in %s", m->name, e.msg, one);
			cleanup_free char *two = line_of(m, b), *three = line_of(m, c);
			STREQ(two, one);
			STREQ(three, one);
			free_struct(m, b);
			free_struct(m, c);
			EQ(e.code, CODE_OK);
		}
	}
}

TEST(whatever_a_struct_holds_the_peer_can_read_it)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		const struct wire_message *m = tables[t];

		for (int i = 0; i < 200; i++) {
			void *a = new_struct(m), *b = new_struct(m);
			struct err e = ERR_INIT;

			fill(m, a, FILL_HOSTILE);
			cleanup_free char *line = line_of(m, a);
			OK(text_printable(line, strlen(line)));
			if (strlen(line) < WIRE_LINE_MAX && parse_and_decode(m, line, b, &e) < 0)
				FAIL("%s: %s", m->name, e.msg);
			free_struct(m, a);
			free_struct(m, b);
		}
	}
}

TEST(an_expression_of_the_operator_arrives_as_written)
{
	struct msg_plan_params p = { .policy = xstrdup("security") }, q = { 0 };
	struct err e = ERR_INIT;

	strv_push(&p.deny, "linux-image-[0-9.]+-amd64|foo\\.bar\\x2b");
	cleanup_free char *line = line_of(&msg_plan_params, &p);
	EQ(parse_and_decode(&msg_plan_params, line, &q, &e), 0);
	STREQ(q.deny.v[0], "linux-image-[0-9.]+-amd64|foo\\.bar\\x2b");
	wire_clear(&msg_plan_params, &p);
	wire_clear(&msg_plan_params, &q);
}

TEST(a_long_string_is_cut_between_characters)
{
	struct msg_owner o = { .path = xmalloc(8192) }, back = { 0 };
	struct err e = ERR_INIT;

	for (int i = 0; i < 8190; i += 2)
		memcpy(o.path + i, "\xc3\xa9", 2);
	o.path[8190] = '\0';
	o.path[0] = 'x', o.path[1] = 'y';
	for (int shift = 0; shift < 2; shift++) {
		cleanup_free char *line = line_of(&msg_owner, &o);

		EQ(parse_and_decode(&msg_owner, line, &back, &e), 0);
		LE(strlen(back.path), 4096);
		GE(strlen(back.path), 4095);
		OK(ends_with(back.path, "\xc3\xa9..."));
		wire_clear(&msg_owner, &back);
		memmove(o.path, o.path + 1, 8190);
	}
	wire_clear(&msg_owner, &o);
}

TEST(quoted_output_keeps_its_lines_and_nothing_else)
{
	struct msg_failure f = { .package = xstrdup("p"), .detail = xstrdup("one\n\x1b[2Jtwo\n\nthree\r\n") },
			   back = { 0 };
	struct err e = ERR_INIT;
	cleanup_free char *line = line_of(&msg_failure, &f);

	OK(strchr(line, '\n') == NULL);
	EQ(parse_and_decode(&msg_failure, line, &back, &e), 0);
	STREQ(back.detail, "one\n\\x1b[2Jtwo\n\nthree\\x0d\n");
	wire_clear(&msg_failure, &f);
	wire_clear(&msg_failure, &back);
}

TEST(empty_things_are_left_out_where_the_table_says_so)
{
	struct msg_update u = { .package = xstrdup("p"), .arch = xstrdup("a") };
	struct msg_probe p = { 0 };
	cleanup_free char *update = line_of(&msg_update, &u), *probe = line_of(&msg_probe, &p);

	STREQ(update, "{\"package\":\"p\",\"arch\":\"a\",\"candidate\":\"\",\"origin\":\"\",\"suite\":\"\","
		      "\"security\":false,\"advisories\":[],\"cves\":[],\"size\":0}");
	STREQ(probe, "{\"applicable\":false,\"distribution\":{\"id\":\"\",\"version\":\"\"},"
		     "\"database\":{\"packages\":0,\"state\":\"\"},\"blocked\":[],\"alarms\":[]}");
	wire_clear(&msg_update, &u);
}

TEST(clear_takes_what_is_empty_and_leaves_zero)
{
	struct msg_apply a = { 0 }, zero = { 0 };

	wire_clear(&msg_apply, &a);
	fill(&msg_apply, &a, FILL_CLEAN);
	wire_clear(&msg_apply, &a);
	EQ(memcmp(&a, &zero, sizeof(a)), 0);
	wire_list_clear(&msg_reason, &a.failed);
}

TEST(reason_add_quotes_its_sentence)
{
	struct wire_list l = { 0 };

	reason_add(&l, CODE_NO_SPACE, "'%s' has %d bytes", "/", 7);
	reason_add(&l, CODE_NOT_ROOT, "uid %d", 1000);
	EQ(l.n, 2);
	const struct msg_reason *r = wire_list_at(&msg_reason, &l, 0);
	EQ(r->code, CODE_NO_SPACE);
	STREQ(r->detail, "'/' has 7 bytes");
	wire_list_clear(&msg_reason, &l);
}

/* --- each field of each table -------------------------------------------- */

/* The smallest object that M takes. */
static struct json_object *smallest(const struct wire_message *m)
{
	struct json_object *o = json_object_new_object();

	for (const struct wire_field *f = m->fields; f->name; f++) {
		struct json_object *v = NULL;

		if (!(f->flags & WIRE_REQUIRED))
			continue;
		switch (f->type) {
		case WIRE_STRING:
			v = json_object_new_string("x");
			break;
		case WIRE_INT:
			v = json_object_new_int64(f->min);
			break;
		case WIRE_BOOL:
			v = json_object_new_boolean(true);
			break;
		case WIRE_CODE:
			v = json_object_new_string("ok");
			break;
		case WIRE_OBJECT:
			v = smallest(f->sub);
			break;
		case WIRE_STRINGS:
		case WIRE_OBJECTS:
			v = json_object_new_array();
			break;
		}
		json_object_object_add(o, f->name, v);
	}
	return o;
}

/* Does M take its smallest object with FIELD set to V (which is put), NULL
 * meaning JSON null, or without FIELD when V is the object itself? */
static bool takes(const struct wire_message *m, const char *field, struct json_object *v, struct err *err)
{
	struct json_object *o = smallest(m);
	void *ret = new_struct(m), *zero = new_struct(m);

	json_object_object_add(o, field, v);
	bool ok = wire_decode(m, o, ret, err) >= 0;
	if (!ok && memcmp(ret, zero, m->size) != 0) {
		printf("# %s.%s: a refused message left something behind\n", m->name, field);
		tap_failed = true;
	}
	json_object_put(o);
	free_struct(m, ret);
	free(zero);
	return ok;
}

#define TAKES(m_, f_, v_)                                                                      \
	do {                                                                                   \
		struct err e_ = ERR_INIT;                                                      \
		if (!takes(m_, (f_)->name, v_, &e_))                                           \
			FAIL("%s.%s, %s: refused: %s", (m_)->name, (f_)->name, #v_, e_.msg);   \
		EQ(e_.code, CODE_OK);                                                          \
	} while (0)
/* Refused as a protocol fault that names the message and the field. */
#define REFUSES(m_, f_, v_)                                                                    \
	do {                                                                                   \
		struct err e_ = ERR_INIT;                                                      \
		if (takes(m_, (f_)->name, v_, &e_))                                            \
			FAIL("%s.%s, %s: taken", (m_)->name, (f_)->name, #v_);                 \
		EQ(e_.code, CODE_PLUGIN_PROTOCOL);                                             \
		HAS(e_.msg, "message 'msg_");                                                  \
	} while (0)

#define EACH_FIELD(m_, f_)                                                                     \
	for (size_t t_ = 0; t_ < ARRAY_SIZE(tables); t_++)                                     \
		for (const struct wire_message *m_ = tables[t_]; m_; m_ = NULL)                \
			for (const struct wire_field *f_ = m_->fields; f_->name; f_++)

static struct json_object *text_of(size_t n)
{
	cleanup_free char *s = xmalloc(n + 1);

	memset(s, 'x', n);
	s[n] = '\0';
	return json_object_new_string(s);
}

static struct json_object *array_of(size_t n, struct json_object *item)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(a, json_object_get(item));
	json_object_put(item);
	return a;
}

TEST(the_smallest_message_is_enough)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		struct json_object *o = smallest(tables[t]);
		void *v = new_struct(tables[t]);
		struct err e = ERR_INIT;

		if (wire_decode(tables[t], o, v, &e) < 0)
			FAIL("%s: %s", tables[t]->name, e.msg);
		free_struct(tables[t], v);
		json_object_put(o);
	}
}

TEST(only_an_object_is_a_message)
{
	static const char *const others[] = { "[]", "\"x\"", "1", "true", "null" };

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
			struct json_object *o = json_tokener_parse(others[i]);
			void *v = new_struct(tables[t]);
			struct err e = ERR_INIT;

			EQ(wire_decode(tables[t], o, v, &e), -1);
			EQ(e.code, CODE_PLUGIN_PROTOCOL);
			HAS(e.msg, "not an object");
			free(v);
			json_object_put(o);
		}
	}
}

TEST(fields_nobody_declared_are_passed_over)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		struct err e = ERR_INIT;

		OK(takes(tables[t], "from_a_newer_version", json_object_new_int(1), &e));
		OK(takes(tables[t], "", json_object_new_array(), &e));
	}
}

TEST(null_is_absence)
{
	EACH_FIELD(m, f)
	{
		if (f->flags & WIRE_REQUIRED)
			REFUSES(m, f, NULL);
		else
			TAKES(m, f, NULL);
	}
}

TEST(every_type_is_checked)
{
	EACH_FIELD(m, f)
	{
		static const enum json_type want[] = {
			[WIRE_STRING] = json_type_string, [WIRE_INT] = json_type_int,
			[WIRE_BOOL] = json_type_boolean,  [WIRE_CODE] = json_type_string,
			[WIRE_STRINGS] = json_type_array, [WIRE_OBJECT] = json_type_object,
			[WIRE_OBJECTS] = json_type_array,
		};
		if (want[f->type] != json_type_string)
			REFUSES(m, f, json_object_new_string("1"));
		if (want[f->type] != json_type_int)
			REFUSES(m, f, json_object_new_int(1));
		if (want[f->type] != json_type_boolean)
			REFUSES(m, f, json_object_new_boolean(true));
		if (want[f->type] != json_type_array)
			REFUSES(m, f, json_object_new_array());
		if (want[f->type] != json_type_object)
			REFUSES(m, f, json_object_new_object());
		REFUSES(m, f, json_object_new_double(1.0));
	}
}

TEST(strings_keep_to_their_bounds)
{
	EACH_FIELD(m, f)
	{
		if (f->type != WIRE_STRING)
			continue;
		TAKES(m, f, text_of((size_t)f->max));
		REFUSES(m, f, text_of((size_t)f->max + 1));
		if (f->min)
			REFUSES(m, f, json_object_new_string(""));
		else
			TAKES(m, f, json_object_new_string(""));
	}
}

TEST(strings_are_printable_utf8)
{
	EACH_FIELD(m, f)
	{
		if (f->type != WIRE_STRING)
			continue;
		TAKES(m, f, json_object_new_string("caf\xc3\xa9 \\x0a"));
		REFUSES(m, f, json_object_new_string("a\xff"));
		REFUSES(m, f, json_object_new_string("\x1b[2J"));
		REFUSES(m, f, json_object_new_string("a\n\x1b[2J"));
		if (f->flags & WIRE_LINES)
			TAKES(m, f, json_object_new_string("a\nb\n\n"));
		else
			REFUSES(m, f, json_object_new_string("a\nb"));
		REFUSES(m, f, json_object_new_string_len("a\0b", 3));
	}
}

TEST(numbers_keep_to_their_bounds)
{
	EACH_FIELD(m, f)
	{
		if (f->type != WIRE_INT)
			continue;
		TAKES(m, f, json_object_new_int64(f->min));
		TAKES(m, f, json_object_new_int64(f->max));
		REFUSES(m, f, json_object_new_int64(f->min - 1));
		REFUSES(m, f, json_object_new_int64(f->max + 1));
		REFUSES(m, f, json_object_new_uint64(UINT64_MAX));
		REFUSES(m, f, json_tokener_parse("9223372036854775808"));
		REFUSES(m, f, json_tokener_parse("-9999999999999999999999"));
		REFUSES(m, f, json_tokener_parse("1e3"));
	}
}

TEST(codes_are_those_of_the_list)
{
	EACH_FIELD(m, f)
	{
		if (f->type != WIRE_CODE)
			continue;
		for (int i = 0; i < CODE_MAX; i++)
			TAKES(m, f, json_object_new_string(code_name((enum code)i)));
		REFUSES(m, f, json_object_new_string("no_such_code"));
		REFUSES(m, f, json_object_new_string(""));
		REFUSES(m, f, json_object_new_string_len("ok\0junk", 7));
	}
}

TEST(lists_keep_to_their_bounds)
{
	EACH_FIELD(m, f)
	{
		if (f->type == WIRE_STRINGS) {
			TAKES(m, f, array_of(f->items, text_of(1)));
			REFUSES(m, f, array_of(f->items + 1, text_of(1)));
			TAKES(m, f, array_of(1, text_of((size_t)f->max)));
			REFUSES(m, f, array_of(1, text_of((size_t)f->max + 1)));
			REFUSES(m, f, array_of(1, json_object_new_int(1)));
			REFUSES(m, f, array_of(1, NULL));
			REFUSES(m, f, array_of(1, json_object_new_string("a\nb")));
		} else if (f->type == WIRE_OBJECTS) {
			TAKES(m, f, array_of(f->items, smallest(f->sub)));
			REFUSES(m, f, array_of(f->items + 1, smallest(f->sub)));
			REFUSES(m, f, array_of(1, json_object_new_int(1)));
			REFUSES(m, f, array_of(1, NULL));
		}
	}
}

TEST(a_fault_deep_inside_refuses_the_whole)
{
	EACH_FIELD(m, f)
	{
		if (f->type != WIRE_OBJECTS && f->type != WIRE_OBJECT)
			continue;
		for (const struct wire_field *g = f->sub->fields; g->name; g++) {
			struct json_object *good = smallest(f->sub), *bad = smallest(f->sub),
					   *a = json_object_new_array();

			json_object_object_add(bad, g->name, json_object_new_double(0.5));
			if (f->type == WIRE_OBJECT) {
				json_object_put(good);
				json_object_put(a);
				REFUSES(m, f, bad);
				continue;
			}
			json_object_array_add(a, good);	/* what was decoded before is freed again */
			json_object_array_add(a, bad);
			REFUSES(m, f, a);
		}
	}
}

/* --- framing ------------------------------------------------------------- */

#define NEXT(in_, want_)                                                       \
	do {                                                                   \
		struct json_object *o_ = NULL;                                 \
		struct err e_ = ERR_INIT;                                      \
		int r_ = wire_next(in_, &o_, &e_);                             \
		json_object_put(o_);                                           \
		if (r_ != (want_))                                             \
			FAIL("wire_next gave %d, expected %d: %s", r_, want_, e_.msg); \
		EQ(o_ != NULL, r_ == 1);                                       \
		EQ(e_.code, r_ < 0 ? CODE_PLUGIN_PROTOCOL : CODE_OK);          \
	} while (0)

TEST(a_line_may_come_byte_by_byte)
{
	static const char line[] = "{\"id\":1,\"result\":{}}\n";
	cleanup_buf struct buf in = { 0 };

	NEXT(&in, 0);
	for (size_t i = 0; i + 2 < sizeof(line); i++) {
		buf_putc(&in, line[i]);
		NEXT(&in, 0);
	}
	buf_putc(&in, '\n');
	NEXT(&in, 1);
	NEXT(&in, 0);
	EQ(in.n, 0);
}

TEST(several_lines_may_come_at_once)
{
	cleanup_buf struct buf in = { 0 };

	buf_puts(&in, "{\"a\":1}\n{\"b\":2}\n{\"c\"");
	NEXT(&in, 1);
	NEXT(&in, 1);
	NEXT(&in, 0);
	STREQ(in.s, "{\"c\"");
}

TEST(blanks_around_an_object_do_not_matter)
{
	cleanup_buf struct buf in = { 0 };

	buf_puts(&in, " \t{ \"a\" : 1 } \r\n");
	NEXT(&in, 1);
}

TEST(the_longest_line_is_one_mebibyte_with_its_newline)
{
	for (int over = 0; over < 2; over++) {
		cleanup_buf struct buf in = { 0 };

		buf_puts(&in, "{\"a\":\"");
		while (in.n < WIRE_LINE_MAX - 3 + (size_t)over)
			buf_putc(&in, 'x');
		buf_puts(&in, "\"}\n");
		EQ(in.n, WIRE_LINE_MAX + over);
		NEXT(&in, over ? -1 : 1);
	}
}

TEST(an_endless_line_is_given_up_at_the_limit)
{
	cleanup_buf struct buf in = { 0 };

	while (in.n < WIRE_LINE_MAX - 1)
		buf_putc(&in, 'x');
	NEXT(&in, 0);
	buf_putc(&in, 'x');
	NEXT(&in, -1);
}

TEST(nesting_is_bounded)
{
	for (int depth = WIRE_DEPTH_MAX; depth <= WIRE_DEPTH_MAX + 1; depth++) {
		cleanup_buf struct buf in = { 0 };

		buf_puts(&in, "{\"a\":");
		for (int i = 1; i < depth; i++)
			buf_putc(&in, '[');
		for (int i = 1; i < depth; i++)
			buf_putc(&in, ']');
		buf_puts(&in, "}\n");
		NEXT(&in, depth > WIRE_DEPTH_MAX ? -1 : 1);
	}
}

TEST(the_memory_of_a_line_is_bounded)
{
	for (int over = 0; over < 2; over++) {
		cleanup_buf struct buf in = { 0 };

		buf_puts(&in, "{\"a\":[{}");
		for (int i = 3; i < WIRE_VALUES_MAX + over; i++)
			buf_puts(&in, ",{}");
		buf_puts(&in, "]}\n");
		NEXT(&in, over ? -1 : 1);
	}
}

TEST(put_and_next_are_inverse)
{
	cleanup_buf struct buf line = { 0 };
	struct json_object *o = json_object_new_object(), *back = NULL;
	struct err e = ERR_INIT;

	wire_add_string(o, "s", "two\nlines / \xff");
	wire_put(&line, o);
	json_object_put(o);
	STREQ(line.s, "{\"s\":\"two\\\\x0alines / \\\\xff\"}\n");
	EQ(wire_next(&line, &back, &e), 1);
	STREQ(json_object_get_string(json_object_object_get(back, "s")), "two\\x0alines / \\xff");
	json_object_put(back);
}

TAP_MAIN
