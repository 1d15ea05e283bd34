/* Fuzz target: repomd.xml. What is taken has a strong hash and leads nowhere else. */
#include <assert.h>
#include "buf.h"
#include "fuzz.h"
#include "repomd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *s = xmalloc(n); /* exactly as long as it is */
	struct repomd r = { 0 };
	struct err err = ERR_INIT;

	if (n)
		memcpy(s, data, n);
	if (repomd_parse(s, n, &r, &err) < 0) {
		assert(err.code == CODE_REFRESH_FAILED && err.msg[0] && !r.files[REPOMD_PRIMARY].path);
	} else {
		assert(r.files[REPOMD_PRIMARY].path && r.date >= 0);
		for (size_t i = 0; i < REPOMD_TYPES; i++) {
			const struct repomd_file *f = &r.files[i];

			assert(!f->path ||
			       (*f->path != '/' && !strstr(f->path, "/../") && !starts_with(f->path, "../")));
			assert(!f->path || strlen(f->checksum) >= 64);
			assert(f->size >= 0);
		}
	}
	repomd_clear(&r);
	free(s);
	return 0;
}
