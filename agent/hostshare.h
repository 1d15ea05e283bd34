/* hostshare.h - the host's side of hostline.h: one entry and the cache.
 *
 * Everything that the entry says and all that is in its tmpfs is hostile. Paths
 * are two forms and nothing else (apt/archives/NAME, rpm/packages/NAME), opened
 * without following links; what goes in is named by the hash that the host
 * computes; what comes out is verified by it again, and by the plugin before use.
 */
#pragma once
#include "hostcache.h"
#include "hostline.h"

#define HOSTSHARE_RETRY_MS 500
#define HOSTSHARE_BYTES	   (4LL * 1024 * 1024 * 1024)	/* what one entry may want in all */

struct hostshare;

enum hostshare_answer {
	HOSTSHARE_NOT_MINE,	/* a line of somebody else */
	HOSTSHARE_TAKEN,	/* no answer */
	HOSTSHARE_GO,		/* send hostshare_go() */
	HOSTSHARE_BUSY,		/* another entry fetches what this one wants: hostshare_again() in HOSTSHARE_RETRY_MS */
	HOSTSHARE_REFUSED,	/* a lie: ERR says which; the entry goes on without the cache */
};

/* C and STATE_FD stay the caller's and outlive it. GROUP (hostlists_group(), may be NULL): seed
 * the lists of an entry that has none. WAIT: s that this entry may wait for others. */
struct hostshare *hostshare_begin(const struct hostcache *c, int state_fd, uid_t uid, gid_t gid, const char *group,
				  int64_t wait);
/* A line that came from the entry. */
enum hostshare_answer hostshare_line(struct hostshare *s, struct json_object *line, struct err *err);
enum hostshare_answer hostshare_again(struct hostshare *s);
/* {"go":true}; caller puts it. */
struct json_object *hostshare_go(void);
/* The entry is over. KEEP: its report is a good one, so its lists may be another's start. Frees S. */
void hostshare_end(struct hostshare *s, bool keep);
/* Bytes that came out of the cache so far. */
int64_t hostshare_bytes(const struct hostshare *s);
