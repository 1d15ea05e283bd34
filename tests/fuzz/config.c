/* Fuzz target: a configuration file, and the effective configuration that is shown of it. */
#include <assert.h>
#include "config.h"
#include "fuzz.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *s = xmalloc(n);	/* exactly as long as it is */
	cleanup_buf struct buf text = { 0 };
	struct config c;
	struct err err = ERR_INIT;

	if (n)
		memcpy(s, data, n);
	config_defaults(&c);
	if (config_parse(&c, "fuzz.conf", s, n, &err) < 0) {
		assert(err.code == CODE_CONFIG && err.msg[0]);
		assert(strstr(err.msg, "fuzz.conf"));
	} else {
		struct json_object *shown = config_json(&c);

		config_text(&c, &text);
		assert(text.n);
		wire_put(&text, shown);
		json_object_put(shown);
	}
	config_clear(&c);
	free(s);
	return 0;
}
