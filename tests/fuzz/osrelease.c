/* Fuzz target: os-release. What was read can be sent, and comes back the same. */
#include <assert.h>
#include "distro.h"
#include "file.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct msg_distribution d = { 0 }, again = { 0 };
	struct err err = ERR_INIT;

	if (distro_read_at(fuzz_file("etc/os-release", data, n), "/usr", "2026-11-20", &d, &err) < 0) {
		assert(err.msg[0] && !d.id);
		return 0;
	}
	assert(!d.end_of_life || distro_is_day(d.end_of_life));
	struct json_object *obj = wire_encode(&msg_distribution, &d);
	assert(wire_decode(&msg_distribution, obj, &again, &err) == 0);
	json_object_put(obj);
	wire_clear(&msg_distribution, &again);
	wire_clear(&msg_distribution, &d);
	return 0;
}
