/* Fuzz target: a changelog out of a package, of which the ids between two versions are wanted. */
#include <assert.h>
#include "changelog.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *s = xmalloc(n);	/* exactly as long as it is */
	cleanup_strv struct strv cves = { 0 }, advisories = { 0 };

	if (n)
		memcpy(s, data, n);
	int entries = changelog_ids(s, n, "1.0-1", "1.0-3", strverscmp, &cves, &advisories);
	assert(entries >= 0 && cves.n <= CHANGELOG_IDS_MAX && advisories.n <= CHANGELOG_IDS_MAX);
	assert(entries || (!cves.n && !advisories.n));
	for (size_t i = 0; i < cves.n; i++)
		assert(strncmp(cves.v[i], "CVE-", 4) == 0 &&
		       strspn(cves.v[i] + 4, "0123456789-") == strlen(cves.v[i] + 4));
	free(s);
	return 0;
}
