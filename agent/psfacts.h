/* psfacts.h - how far each container of the host is patched: by its own agent, or by the host's state folder.
 *
 * Both hold what came out of a container: bounded, checked, and hostile as text. One
 * agent that hangs costs its container the answer, and all together one deadline.
 */
#pragma once
#include "config.h"
#include "containers.h"

enum patch_state {
	PATCH_UNKNOWN,
	PATCH_PATCHED,
	PATCH_PENDING,
	PATCH_STALE,
	PATCH_BLOCKED,
	PATCH_FAILED,
	PATCH_UNSUPPORTED
};

struct ps_facts {
	const char *source;	/* "agent", "host"; static; NULL: nothing is known */
	int64_t checked;	/* seconds since the epoch, of the last run */
	int64_t open, stale;	/* updates, processes; -1: nobody has looked */
	int64_t exit_code;	/* of the last run */
	char *code;		/* why it is blocked or failed: hostile text; else NULL */
	bool out_of_support;
	bool vulnerable;	/* its image lacks updates, in place or not */
};

/* One per container of C, in its order; caller frees with ps_facts_clear(). */
struct ps_facts *ps_facts_read(const struct host_containers *c, const struct config *config);
enum patch_state ps_facts_state(const struct ps_facts *f);
/* "patched", "pending", …: the words of the JSON form. */
const char *patch_state_name(enum patch_state s);
void ps_facts_clear(struct ps_facts *f, size_t n);
