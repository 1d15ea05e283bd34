/* Fuzz target: the bytes that a plugin sends, split into lines, each read by every message table. What a table takes is
 * written again so that it is taken again. */
#include <assert.h>
#include "fuzz.h"
#include "../unit/tables.h"

static void decode(const struct wire_message *m, struct json_object *o)
{
	void *v = xcalloc(1, m->size), *copy = xcalloc(1, m->size);
	struct err err = ERR_INIT;

	if (wire_decode(m, o, v, &err) < 0) {
		assert(err.code == CODE_PLUGIN_PROTOCOL && err.msg[0]);
	} else {
		struct json_object *again = wire_encode(m, v);
		cleanup_buf struct buf one = { 0 }, two = { 0 };

		wire_put(&one, again);
		assert(wire_decode(m, again, copy, &err) == 0);
		json_object_put(again);
		again = wire_encode(m, copy);
		wire_put(&two, again);
		json_object_put(again);
		assert(one.n == two.n && memcmp(one.s, two.s, one.n) == 0);
	}
	wire_clear(m, v);
	wire_clear(m, copy);
	free(v);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	cleanup_buf struct buf in = { 0 };
	struct json_object *o = NULL;
	struct err err = ERR_INIT;
	int r;

	buf_append(&in, data, n);
	while ((r = wire_next(&in, &o, &err)) > 0) {
		assert(json_object_is_type(o, json_type_object));
		for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
			decode(tables[i], o);
		json_object_put(o);
		o = NULL;
	}
	assert(r == 0 || (err.code == CODE_PLUGIN_PROTOCOL && err.msg[0]));
	return 0;
}
