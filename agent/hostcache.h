/* hostcache.h - the host's store of downloads: STATE_DIR/cache, shared by all containers.
 *
 *	HASH		a package, named by the SHA-256 of its bytes
 *	leases		locks of ranges: somebody is fetching the package of that number
 *	lists/GROUP/	repository metadata of the last container of that image (hostlists.h)
 *
 * Entries never see the folder. The host copies in what an entry has fetched,
 * hashing its own copy, and copies out what another one's plan names, hashing
 * that again; so nobody can put other bytes under a hash, and a file that has
 * rotted is dropped. Why URI and credentials are not part of the key: whoever
 * asks has to know the hash, which is in the signed index of the repository, and
 * a plugin names no package of a repository that needs credentials (PROTOCOL,
 * "archive"), so what is not for everybody is never in here. What an entry that
 * was taken over can learn is whether another container fetched a package of
 * that hash.
 *
 * Bounded: the least recently used go first.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "err.h"

#define HOSTCACHE_NAME 64	/* hex digits of a hash */

struct hostcache {
	int dir;		/* -1: no cache, nothing is kept or found */
	int64_t max;		/* bytes of all of it */
};

/* Make and open STATE_DIR/cache. MAX 0 is no cache. Codes: IO, NO_SPACE. */
int hostcache_open(const char *state_dir, int64_t max, struct hostcache *ret, struct err *err);
void hostcache_close(struct hostcache *c);
/* 64 lower-case hex digits? */
bool hostcache_is_hash(const char *s);

/* Write a verified copy of HASH, which has SIZE bytes, into the open file TO.
 * 1: it is there; 0: the cache has no such file, and TO may have been written
 * to; -1: TO cannot be written. */
int hostcache_get(const struct hostcache *c, const char *hash, int64_t size, int to, struct err *err);
/* Keep the bytes of FROM if they are SIZE ones with that hash: 1; 0: they are
 * not, or are more than the cache may hold. Codes: IO, NO_SPACE. */
int hostcache_put(const struct hostcache *c, const char *hash, int64_t size, int from, struct err *err);
/* Leases: of all who want the same file one fetches it. An open file (-1: leases
 * cannot be had) holds any number of them, and gives them up when it is closed,
 * however its process ends. Ask in the order of the hashes: then no two wait for each other. */
int hostcache_leases(const struct hostcache *c);
/* Be the one who fetches HASH. False: somebody else is. True also where it cannot be told. */
bool hostcache_lease(int leases, const char *hash);
void hostcache_release(int leases, const char *hash);
/* Remove what is too much, the least recently used first. */
void hostcache_trim(const struct hostcache *c);
