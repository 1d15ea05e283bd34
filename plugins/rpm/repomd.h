/* repomd.h - repomd.xml: the index of a repository's metadata.
 *
 * Pure. What it says is believed only after its own bytes were verified; paths
 * and hashes are checked all the same.
 */
#pragma once
#include "err.h"
#include "util.h"

#define REPOMD_MAX (4 * 1024 * 1024)

struct repomd_file {
	char *path; /* relative to the repository's folder, no ".." in it */
	char *checksum_type, *checksum; /* of the file as it is fetched */
	int64_t size; /* or 0 */
	int64_t timestamp;
};

enum repomd_type { REPOMD_PRIMARY, REPOMD_FILELISTS, REPOMD_UPDATEINFO, REPOMD_MODULES, REPOMD_TYPES };

struct repomd {
	struct repomd_file files[REPOMD_TYPES]; /* path NULL: not offered */
	int64_t date; /* the revision when it is a time, else the newest timestamp; 0: none */
};

/* Codes: REFRESH_FAILED: no XML, no primary, a path that leads elsewhere, or a
 * file without a sha256 or stronger hash. RET is empty then. */
int repomd_parse(const char *text, size_t n, struct repomd *ret, struct err *err);
/* The part of that which looks at what was read; sets the date if there was none. */
int repomd_check(struct repomd *r, struct err *err);
void repomd_clear(struct repomd *r);
