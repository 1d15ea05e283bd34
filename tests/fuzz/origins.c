/* Fuzz target: Origins-Pattern lines. What is checked can be matched; what is refused is named. */
#include <assert.h>
#include "fuzz.h"
#include "origins.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct origin_facts facts = {
		"Debian", "Debian-Security", "stable-security", "bookworm-security", "main", "security.example.org"
	};
	static const struct origin_facts unknown = { 0 };
	static const struct origin_vars vars = { "debian", "bookworm" };
	cleanup_free char *text = xstrndup((const char *)data, n);
	cleanup_strv struct strv patterns = { 0 };
	struct err err = ERR_INIT;

	for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
		strv_push(&patterns, line);
	if (origins_check(&patterns, &err) < 0) {
		assert(err.code == CODE_CONFIG && err.msg[0]);
		return 0;
	}
	assert(origins_match(&patterns, &vars, &facts) != ORIGIN_MAYBE);
	(void)origins_match(&patterns, &vars, &unknown);
	return 0;
}
