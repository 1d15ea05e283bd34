/* The examples in plugins/PROTOCOL are what the tables say: each is parsed and
 * decoded, carries nothing that the tables do not know, and together they show
 * every method, result and event. */
#include "digest.h"
#include "fd.h"
#include "tables.h"
#include "tap.h"

static struct {
	struct strv sent, received;	/* "> " and "< " lines */
	struct strv shown;		/* "params probe", "result plan", "event log", ... */
} doc;

__attribute__((constructor)) static void read_examples(void)
{
	cleanup_buf struct buf b = { 0 };
	struct err e = ERR_INIT;

	if (read_file(STOPGAP_TOP "/plugins/PROTOCOL", WIRE_LINE_MAX, &b, &e) < 0)
		return;
	char *next = b.s;
	for (char *line; (line = strsep(&next, "\n"));) {
		if (starts_with(line, "> "))
			strv_push(&doc.sent, line + 2);
		else if (starts_with(line, "< "))
			strv_push(&doc.received, line + 2);
	}
}

__attribute__((destructor)) static void forget_examples(void)
{
	strv_clear(&doc.sent);
	strv_clear(&doc.received);
	strv_clear(&doc.shown);
}

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	(void)json_object_object_get_ex(o, key, &v);
	return v;
}

/* The first key of O that table M does not have; "event" and "id" belong to the line. */
static const char *unknown_key(const struct wire_message *m, struct json_object *o)
{
	json_object_object_foreach(o, key, v)
	{
		const struct wire_field *f = m->fields;
		const char *below = NULL;

		while (f->name && !streq(f->name, key))
			f++;
		if (!f->name && !streq(key, "event") && !streq(key, "id"))
			return key;
		if (f->name && f->type == WIRE_OBJECT)
			below = unknown_key(f->sub, v);
		for (size_t i = 0; f->name && f->type == WIRE_OBJECTS && i < json_object_array_length(v) && !below; i++)
			below = unknown_key(f->sub, json_object_array_get_idx(v, i));
		if (below)
			return below;
	}
	return NULL;
}

/* Decode O with table M, as an example that shows WHAT NAME. */
static void check(const struct wire_message *m, struct json_object *o, const char *what, const char *name)
{
	void *v = xcalloc(1, m->size);
	struct err e = ERR_INIT;
	int r = wire_decode(m, o, v, &e);

	wire_clear(m, v);
	free(v);
	if (r < 0)
		FAIL("%s %s: %s", what, name, e.msg);
	if (unknown_key(m, o))
		FAIL("%s %s: field '%s' is in no table", what, name, unknown_key(m, o));
	strv_take(&doc.shown, xasprintf("%s %s", what, name));
}

static const struct method *method_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (streq(methods[i].name, name))
			return &methods[i];
	return NULL;
}

/* The method of request ID among the examples. */
static const struct method *method_of(int64_t id)
{
	for (size_t i = 0; i < doc.sent.n; i++) {
		struct json_object *o = json_tokener_parse(doc.sent.v[i]);
		const struct method *m = NULL;

		if (member(o, "method") && json_object_get_int64(member(o, "id")) == id)
			m = method_named(json_object_get_string(member(o, "method")));
		json_object_put(o);
		if (m)
			return m;
	}
	return NULL;
}

static void check_sent(struct json_object *o)
{
	if (member(o, "hello")) {
		OK(json_object_is_type(member(member(o, "hello"), "protocol"), json_type_array));
		return;
	}
	const char *name = json_object_get_string(member(o, "method"));
	const struct method *m = name ? method_named(name) : NULL;
	OK(m != NULL);
	OK(json_object_is_type(member(o, "id"), json_type_int));
	check(m->params, member(o, "params"), "params", m->name);
}

static void check_received(struct json_object *o)
{
	if (member(o, "hello")) {
		check(&msg_hello, member(o, "hello"), "result", "hello");
		return;
	}
	const struct method *m = method_of(json_object_get_int64(member(o, "id")));
	OK(m != NULL);
	if (member(o, "event")) {
		const char *name = json_object_get_string(member(o, "event"));

		for (size_t i = 0; i < ARRAY_SIZE(events); i++)
			if (streq(events[i].name, name)) {
				check(events[i].table, o, "event", name);
				return;
			}
		FAIL("event '%s' is unknown", name);
	}
	if (member(o, "error"))
		check(&msg_error, member(o, "error"), "error", m->name);
	else
		check(m->result, member(o, "result"), "result", m->name);
}

static void check_lines(const struct strv *lines, void (*check_line)(struct json_object *o))
{
	OK(lines->n > 0);
	for (size_t i = 0; i < lines->n; i++) {
		struct json_object *o = NULL;
		struct err e = ERR_INIT;

		if (wire_parse(lines->v[i], strlen(lines->v[i]), &o, &e) < 0)
			FAIL("%s: %s", e.msg, lines->v[i]);
		check_line(o);
		json_object_put(o);
		if (tap_failed)
			FAIL("in %s", lines->v[i]);
	}
}

TEST(what_the_agent_sends_decodes)
{
	check_lines(&doc.sent, check_sent);
}

TEST(what_a_plugin_sends_decodes)
{
	check_lines(&doc.received, check_received);
}

TEST(every_method_and_event_has_an_example)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		cleanup_free char *params = xasprintf("params %s", methods[i].name);
		cleanup_free char *result = xasprintf("result %s", methods[i].name);

		if (!strv_contains(&doc.shown, params) || !strv_contains(&doc.shown, result))
			FAIL("no example of %s", methods[i].name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		cleanup_free char *event = xasprintf("event %s", events[i].name);

		if (!strv_contains(&doc.shown, event))
			FAIL("no example of event %s", events[i].name);
	}
	OK(strv_contains(&doc.shown, "error refresh"));
	OK(strv_contains(&doc.shown, "result hello"));
}

TEST(the_hello_example_lists_every_method)
{
	struct msg_hello h = { 0 };
	struct err e = ERR_INIT;

	for (size_t i = 0; i < doc.received.n; i++) {
		struct json_object *o = json_tokener_parse(doc.received.v[i]);

		if (member(o, "hello") && !h.plugin)
			EQ(wire_decode(&msg_hello, member(o, "hello"), &h, &e), 0);
		json_object_put(o);
	}
	EQ(h.protocol, PROTOCOL_VERSION);
	EQ(h.capabilities.n, ARRAY_SIZE(methods));
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		OK(strv_contains(&h.capabilities, methods[i].name));
	wire_clear(&msg_hello, &h);
}

/* The digest in the examples is that of the update they show. */
TEST(the_plan_example_has_its_own_digest)
{
	struct wire_list updates = { 0 };
	char digest[DIGEST_TEXT_MAX];
	struct err e = ERR_INIT;

	for (size_t i = 0; i < doc.received.n; i++) {
		struct json_object *o = json_tokener_parse(doc.received.v[i]);

		if (member(o, "event") && streq(json_object_get_string(member(o, "event")), "update"))
			EQ(wire_decode(&msg_update, o, wire_list_add(&msg_update, &updates), &e), 0);
		json_object_put(o);
	}
	plan_digest(&updates, digest);
	wire_list_clear(&msg_update, &updates);
	for (size_t i = 0; i < doc.received.n; i++)
		if (strstr(doc.received.v[i], "\"digest\""))
			HAS(doc.received.v[i], digest);
	for (size_t i = 0; i < doc.sent.n; i++)
		if (strstr(doc.sent.v[i], "\"digest\""))
			HAS(doc.sent.v[i], digest);
}

TAP_MAIN
