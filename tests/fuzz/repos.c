/* Fuzz target: .repo files and dnf.conf. What they say has a name and a place. */
#include <assert.h>
#include "fuzz.h"
#include "repos.h"

static void check(const char *s, size_t n, bool main)
{
	struct repo_vars vars = { 0 };
	struct repos repos = { 0 };
	struct wire_list alarms = { 0 };

	repo_var_set(&vars, "releasever", "9");
	repos_parse("/etc/yum.repos.d/fuzz.repo", s, n, main, &vars, &repos, &alarms);
	assert(repos.n <= REPOS_MAX);
	for (size_t i = 0; i < repos.n; i++) {
		assert(repos.v[i].id && *repos.v[i].id);
		assert(strstr(repos.v[i].where, "fuzz.repo:"));
	}
	for (size_t i = 0; i < alarms.n; i++) {
		const struct msg_reason *r = wire_list_at(&msg_reason, &alarms, i);

		assert(r->code == CODE_SOURCE_IGNORED && strstr(r->detail, "fuzz.repo"));
	}
	wire_list_clear(&msg_reason, &alarms);
	repos_clear(&repos);
	repo_vars_clear(&vars);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *s = xmalloc(n); /* exactly as long as it is */

	if (n)
		memcpy(s, data, n);
	check(s, n, false);
	check(s, n, true);
	free(s);
	return 0;
}
