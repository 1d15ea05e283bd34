/* keys.h - OpenPGP certificates: split, and judged by the date and by themselves.
 *
 * Pure. librpm 4.18 verifies signatures and looks neither at expiry nor at
 * revocation, so that is done here (RFC 9580). Self-signatures are not verified:
 * whoever can put packets into a key file can as well put in another key, so a
 * forged expiry or revocation can only take trust away.
 */
#pragma once
#include "buf.h"
#include "err.h"

#define KEY_IDS_MAX 64 /* of one certificate: the primary key and its subkeys */
#define KEYS_MAX 64 /* certificates of one repository */

enum key_state { KEY_GOOD, KEY_EXPIRED, KEY_REVOKED };

struct key {
	struct buf cert; /* its packets, without subkeys that are expired or revoked */
	char fingerprint[41]; /* of the primary key, upper-case hex */
	char ids[KEY_IDS_MAX][17]; /* key ids, lower-case hex, the primary's first */
	size_t n_ids; /* of the keys in CERT */
	char *user; /* the first user id, escaped */
	enum key_state state; /* of the primary key */
	int64_t expired; /* when, for KEY_EXPIRED */
};

struct keys {
	struct key *v;
	size_t n;
};

/* Add the certificates in the binary PACKETS as they are at time NOW. Codes:
 * MISSING_KEYRING (malformed, none of version 4). RET is unchanged on failure. */
int keys_parse(const char *packets, size_t n, int64_t now, struct keys *ret, struct err *err);
/* The certificate with the key id (16 lower-case hex digits), or NULL. */
const struct key *keys_find(const struct keys *k, const char *id);
void keys_clear(struct keys *k);
