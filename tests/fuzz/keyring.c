/* Fuzz target: a file of keys, armoured or not, and an armoured signature. Keys that are kept have ids and bytes. */
#include <assert.h>
#include "fuzz.h"
#include "keyring.h"
#include "keys.h"

static void check(const char *s, size_t n)
{
	struct keys keys = { 0 };
	struct err err = ERR_INIT;

	if (keys_parse(s, n, 1795000000, &keys, &err) < 0)
		assert(err.msg[0]);
	assert(keys.n <= KEYS_MAX);
	for (size_t i = 0; i < keys.n; i++) {
		const struct key *k = &keys.v[i];

		assert(k->cert.n && strlen(k->fingerprint) <= 40 && k->n_ids <= KEY_IDS_MAX);
		assert(!k->n_ids || keys_find(&keys, k->ids[0]));
	}
	keys_clear(&keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *s = xmalloc(n); /* exactly as long as it is */
	cleanup_buf struct buf bin = { 0 }, sig = { 0 };
	struct err err = ERR_INIT;

	if (n)
		memcpy(s, data, n);
	(void)keyring_format(s, n);
	check(s, n);
	if (keyring_dearmour(s, n, &bin, &err) == 0)
		check(buf_str(&bin), bin.n);
	err = (struct err)ERR_INIT;
	if (keyring_dearmour_signature(s, n, &sig, &err) < 0)
		assert(err.code == CODE_UNTRUSTED);
	free(s);
	return 0;
}
