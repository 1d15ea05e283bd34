/* reach.h - the part of the repositories that a plan for these installed packages can depend on.
 *
 * A set of names: those of the installed packages, of whatever obsoletes a
 * package of the set, and of whatever provides, in any version or as a file,
 * what a package of the set (installed or offered) requires; of a dependency
 * with operators, what each of its operands names. A repository's package stays
 * when its name is in the set, an advisory when it names one of the set.
 *
 * A plan is the same without the rest. Candidates are found by installed name
 * or by what they obsolete; the solver goes from those along requirements alone
 * (recommends are ignored), so it never makes a rule that could install what is
 * not in the set, and a conflict with that cannot arise. Excludes, locks,
 * streams, priorities and policy only take packages away, and each of them
 * judges a package by itself or against others of its name, which are there
 * whole. So none of them is part of what the set depends on: it is a function of
 * the repositories, the installed packages and the architecture.
 * The order of packages is kept. Among equals libsolv goes by internal numbers,
 * which differ from load to load: whoever caches the result must plan with what
 * the cache holds the first time too.
 */
#pragma once
#include <solv/repo.h>

/* Free the packages and advisories of the N repositories that are out of reach
 * of POOL's installed ones. The pool's index of providers is made anew. */
void reach_reduce(Pool *pool, Repo *const *repos, size_t n);
