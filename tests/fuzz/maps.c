/* Fuzz target: lines of /proc/PID/maps, whose names are the container's. */
#include <assert.h>
#include "fuzz.h"
#include "procmaps.h"

enum { SMALL = 16 };

static void check_line(const char *line, size_t n, size_t size)
{
	/* both exactly as long as they are, so that a byte too many is seen */
	char *s = xmalloc(n), *name = xmalloc(size);
	struct mapping m = { 0 };

	if (n)
		memcpy(s, line, n);
	int r = procmaps_parse(s, n, &m, name, size);
	assert(r >= -1 && r <= 1);
	if (r == 1) {
		assert(m.name && m.len < size && m.len <= n && m.name[m.len] == '\0');
		assert(!m.len || m.name == name);
	}
	free(s);
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *at = (const char *)data, *end = at + n;

	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		size_t k = nl ? (size_t)(nl - at) : (size_t)(end - at);

		check_line(at, k, PATH_MAX);
		check_line(at, k, SMALL);
		at += k + (nl != NULL);
	}
	check_line("", 0, SMALL);
	return 0;
}
