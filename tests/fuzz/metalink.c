/* Fuzz target: lists of mirrors, as text and as metalink. What is left of them can be used. */
#include <assert.h>
#include "buf.h"
#include "fuzz.h"
#include "metalink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *s = xmalloc(n); /* exactly as long as it is */
	struct mirrors m = { 0 };
	struct err err = ERR_INIT;

	if (n)
		memcpy(s, data, n);
	if (mirrors_parse(s, n, &m, &err) < 0) {
		assert(err.code == CODE_REFRESH_FAILED && err.msg[0] && !m.urls.n && !m.n_hashes);
	} else {
		assert(m.urls.n && m.urls.n <= MIRRORS_MAX);
		for (size_t i = 0; i < m.urls.n; i++)
			assert(mirror_url_usable(m.urls.v[i]) && ends_with(m.urls.v[i], "/"));
		for (size_t i = 0; i < m.n_hashes; i++)
			assert(mirrors_hash_known(&m, m.hashes[i].type, m.hashes[i].value));
	}
	mirrors_clear(&m);
	free(s);
	return 0;
}
