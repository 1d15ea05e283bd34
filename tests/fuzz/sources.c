/* Fuzz target: a container's repository lists, in both forms. The copy of a copy is the same, and nothing in it lowers
 * trust any more. */
#include <assert.h>
#include "fuzz.h"
#include "messages.h"
#include "sources.h"

typedef void copy_fn(const char *path, const char *text, size_t n, struct buf *out, struct wire_list *alarms);

static void check_copy(copy_fn *copy, const char *path, const char *text, size_t n)
{
	cleanup_buf struct buf one = { 0 }, two = { 0 };
	struct wire_list alarms = { 0 }, none = { 0 };

	copy(path, text, n, &one, &alarms);
	copy(path, buf_str(&one), one.n, &two, &none);
	assert(none.n == 0);
	assert(one.n == two.n && (!one.n || memcmp(one.s, two.s, one.n) == 0));
	wire_list_clear(&msg_reason, &alarms);
	wire_list_clear(&msg_reason, &none);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *s = xmalloc(n);	/* exactly as long as it is */

	if (n)
		memcpy(s, data, n);
	check_copy(sources_copy_list, "sources.list", s, n);
	check_copy(sources_copy_deb822, "debian.sources", s, n);
	free(s);
	return 0;
}
