/* digest.c - see digest.h. SHA-256 is libmd's. */
#include <sha256.h>
#include "digest.h"

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void plan_digest(const struct wire_list *updates, char *ret)
{
	cleanup_strv struct strv lines = { 0 };
	SHA256_CTX ctx;

	for (size_t i = 0; i < updates->n; i++) {
		const struct msg_update *u = wire_list_at(&msg_update, updates, i);

		strv_take(&lines, xasprintf("%s %s %s %s\n", strna(u->package), strna(u->arch), strna(u->installed),
					    strna(u->candidate)));
	}
	if (lines.n)
		qsort(lines.v, lines.n, sizeof(*lines.v), by_text);
	SHA256Init(&ctx);
	for (size_t i = 0; i < lines.n; i++)
		SHA256Update(&ctx, (const uint8_t *)lines.v[i], strlen(lines.v[i]));
	(void)SHA256End(&ctx, ret);
}
