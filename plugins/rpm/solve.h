/* solve.h - which packages are installed under the policy, and why not the others.
 *
 * Pure in the sense that it knows nothing but the pool: whatever fills that (the
 * container's database and repositories, or a test's text) is not its matter.
 */
#pragma once
#include <solv/pool.h>
#include <solv/repo.h>
#include "advisory.h"
#include "modules.h"
#include "repos.h"

struct solve_repo {
	Repo *repo;
	bool security; /* its advisories count */
	const struct repo_conf *conf; /* exclude, include, module_hotfixes; may be NULL */
};

struct solve_input {
	Pool *pool; /* with the installed repository set */
	const struct solve_repo *repos;
	size_t n_repos;
	const struct msg_plan_params *params;
	const struct strv *locks; /* versionlock patterns: these versions alone; "!pattern": not these */
	const struct modules *modules; /* NULL: nothing is known of modules */
	int64_t now;
	bool filelists; /* were they loaded? */
};

struct solve_update {
	Id id; /* the new package; 0: kept back and no candidate is known */
	Id old; /* installed under the same name; 0: it is new */
	Id replaces; /* installed under another name, obsoleted; 0: none */
	bool security;
	enum advisory_severity severity;
	struct strv advisories, cves;
	int64_t issued; /* the last of its advisories; 0: not said */
	char *reason; /* "security update", "needed by foo" */
	enum code kept; /* CODE_OK: it is planned */
	char *detail;
};

struct solve_result {
	struct solve_update *updates; /* planned, then kept back */
	size_t n;
	bool incomplete; /* something kept back asks for a file that only file lists know */
};

/* An empty pool that compares and obsoletes as rpm does on machine ARCH. */
Pool *solve_pool(const char *arch);
/* Never fails: what cannot be met is kept back. The pool's index of providers is
 * made anew. */
void solve(const struct solve_input *in, struct solve_result *ret);
void solve_result_clear(struct solve_result *r);
