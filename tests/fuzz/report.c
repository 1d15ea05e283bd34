/* Fuzz target: a report of an agent or of the state folder. What was read can be shown, and read again. */
#include <assert.h>
#include "fuzz.h"
#include "report.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	cleanup_buf struct buf text = { 0 };
	struct json_object *obj = NULL;
	struct report r, again;
	struct err err = ERR_INIT;

	if (wire_parse((const char *)data, n, &obj, &err) < 0)
		return 0;
	if (report_read(obj, &r, &err) < 0) {
		assert(err.msg[0]);
	} else {
		struct json_object *shown = report_json(&r);

		assert(report_read(shown, &again, &err) == 0);
		report_clear(&again);
		json_object_put(shown);
		report_clear(&r);
	}
	json_object_put(obj);
	return 0;
}
