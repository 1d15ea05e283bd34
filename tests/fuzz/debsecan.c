/* Fuzz target: a feed of Debian's security tracker, packed or not. Its numbers lead to what is there. */
#include <assert.h>
#include "debsecan.h"
#include "fuzz.h"
#include "inflate.h"

#define UNPACKED_MAX (1024 * 1024)

static void check(struct buf *text)
{
	struct debsecan d = { 0 };
	struct err err = ERR_INIT;

	if (debsecan_parse(text, &d, &err) < 0) {
		assert(err.code == CODE_FEED_FAILED && err.msg[0] && !d.n_bugs && !d.n_entries);
		return;
	}
	for (size_t i = 0; i < d.n_entries; i++) {
		assert(d.entries[i].bug < d.n_bugs && *d.entries[i].package);
		assert(!i || strcmp(d.entries[i - 1].package, d.entries[i].package) <= 0);
	}
	debsecan_clear(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	cleanup_buf struct buf plain = { 0 }, unpacked = { 0 };
	struct err err = ERR_INIT;

	buf_append(&plain, data, n);
	check(&plain);
	if (inflate_all(data, n, UNPACKED_MAX, &unpacked, &err) < 0)
		assert(err.code == CODE_FEED_FAILED && err.msg[0]);
	else
		check(&unpacked);
	assert(unpacked.n <= UNPACKED_MAX);
	return 0;
}
