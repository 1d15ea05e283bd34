/* sets.h - a plan cut into transactions that each leave a consistent system.
 *
 * A set is what must change together, joined with its neighbours up to about
 * five seconds of work: between two sets a stop is safe.
 */
#pragma once
#include <solv/pool.h>
#include "util.h"

struct planned {
	Id id, old, replaces; /* as in struct solve_update */
	int64_t size; /* bytes of the package file */
};

/* Number the sets of N planned packages from 0 on: OF[i] is the set of package
 * i. Returns how many there are. The pool has its index of providers. */
size_t sets_make(Pool *pool, const struct planned *p, size_t n, size_t *of);
