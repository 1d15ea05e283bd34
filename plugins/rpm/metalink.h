/* metalink.h - lists of mirrors, as plain text or as metalink XML.
 *
 * Pure. A metalink that came over TLS also says what the repomd.xml must hash
 * to: that hash is what makes the mirrors' plain copies believable.
 */
#pragma once
#include "err.h"
#include "util.h"

#define MIRRORS_MAX 200
#define METALINK_MAX (4 * 1024 * 1024) /* bytes of a list */

struct metalink_hash {
	char *type; /* "sha256", "sha512": weaker ones are left out */
	char *value; /* lower-case hex */
};

struct mirrors {
	struct strv urls; /* of the repository's folder, best first, ending in "/" */
	struct metalink_hash *hashes; /* of acceptable repomd.xml files: the newest and its alternates */
	size_t n_hashes;
};

/* A metalink or a mirrorlist. Entries that are not http, https or file are left
 * out. Codes: REFRESH_FAILED when no mirror is in it. */
int mirrors_parse(const char *text, size_t n, struct mirrors *ret, struct err *err);
/* One more, if it is strong and there is room. */
void mirrors_add_hash(struct mirrors *m, const char *type, const char *hex);
/* Is HEX, the TYPE hash of a repomd.xml, among the hashes? */
bool mirrors_hash_known(const struct mirrors *m, const char *type, const char *hex);
/* Does this URL use a protocol that is used at all? */
bool mirror_url_usable(const char *url);
void mirrors_clear(struct mirrors *m);
