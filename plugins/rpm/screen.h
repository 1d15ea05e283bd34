/* screen.h - which packages the solver may not look at, and why (solve.h). */
#pragma once
#include <regex.h>
#include <solv/bitmap.h>
#include "solve.h"

struct screen_reason {
	enum code code;
	char *detail;
};

struct screen {
	Map considered; /* a bit per solvable */
	struct screen_reason *reasons;
	size_t n;
	uint16_t *of; /* per solvable: 1 + index of its reason, 0: none */
	Id end; /* solvables */
	regex_t *allow, *fixes;
	size_t n_allow, n_fixes;
};

void screen_make(const struct solve_input *in, struct screen *ret);
void screen_clear(struct screen *s);
/* Why P is held back, or NULL. */
const struct screen_reason *screen_reason(const struct screen *s, Id p);
/* A kernel: a container runs its host's. */
bool screen_ignores(const Pool *pool, const Solvable *s);
/* Does the policy want an advisory with this ID, which fixes CVES? */
bool screen_wants(const struct screen *s, const char *id, const struct strv *cves);
/* NULL when the allow list has it (or is empty), else a sentence. */
const char *screen_not_allowed(const struct screen *s, const Pool *pool, const Solvable *p);
/* DEP is not met: say so in U when a package that was held back would meet it. */
void screen_blame(const struct screen *s, Pool *pool, Id dep, struct solve_update *u);
