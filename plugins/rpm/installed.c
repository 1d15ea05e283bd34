/* installed.c - the pool and what is installed (session.h). */
#include <rpm/rpmlib.h>
#include <solv/repo_rpmdb.h>
#include <sys/utsname.h>
#include "session.h"
#include "solve.h"

struct adder {
	Repo *repo;
	void *state; /* libsolv's, with its form of a header */
};

static bool add_header(Header h, unsigned offset _unused_, void *ctx)
{
	struct adder *a = ctx;

	if (!streq(strna(headerGetString(h, RPMTAG_NAME)), "gpg-pubkey"))
		(void)repo_add_rpm_handle(a->repo, rpm_byrpmh(a->state, h), REPO_REUSE_REPODATA | REPO_NO_INTERNALIZE);
	return true;
}

void session_forget_pool(struct session *s)
{
	for (size_t i = 0; i < s->n_sources; i++)
		s->sources[i].repo = NULL;
	if (s->pool)
		pool_free(s->pool);
	s->pool = NULL;
	s->installed = NULL;
}

int installed_load(struct session *s, struct err *err)
{
	struct utsname u;

	if (!s->pool)
		s->pool = solve_pool(uname(&u) == 0 ? u.machine : "noarch");
	if (s->installed && !s->stale)
		return 0;
	if (s->installed) {
		pool_set_installed(s->pool, NULL);
		repo_free(s->installed, 0);
	}
	s->installed = repo_create(s->pool, "@System");
	struct adder a = { s->installed, rpm_state_create(s->pool, NULL) };
	int r = rpmdb_each(&s->db, false, add_header, &a, err);
	(void)rpm_state_free(a.state);
	if (r < 0)
		return -1;
	repo_internalize(s->installed);
	pool_set_installed(s->pool, s->installed);
	s->stale = false;
	return 0;
}
