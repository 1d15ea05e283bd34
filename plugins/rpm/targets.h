/* targets.h - inside solve: what should change, before the solver is asked. */
#pragma once
#include <solv/queue.h>
#include "screen.h"
#include "solve.h"

struct target {
	Id installed; /* 0: an obsoleter of something installed */
	Queue candidates;
	struct solve_update facts; /* advisories; and why it is no target, perhaps */
};

/* Of one call of solve(). */
struct state {
	const struct solve_input *in;
	Pool *pool;
	struct advisories advisories;
	struct screen screen;
	bool all; /* policy all */
	struct target *targets;
	size_t n_targets;
};

/* Fill st->targets from the installed packages and the advisories. */
void targets_find(struct state *st);
/* Add to U the security advisories that going from OLD (NULL: any) to NEW brings. */
void targets_facts(const struct state *st, const Solvable *old, const Solvable *new, struct solve_update *u);
/* Note why U is kept back. */
void targets_keep(struct solve_update *u, enum code code, const char *detail);
