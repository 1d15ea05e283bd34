/* solve.c - see solve.h. */
#include <solv/poolarch.h>
#include <solv/repo.h>
#include <solv/solver.h>
#include <solv/problems.h>
#include <solv/transaction.h>
#include "targets.h"

static Solver *new_solver(Pool *pool, bool uninstall)
{
	static const int on[] = { SOLVER_FLAG_ALLOW_VENDORCHANGE, SOLVER_FLAG_KEEP_ORPHANS, SOLVER_FLAG_YUM_OBSOLETES,
				  SOLVER_FLAG_BEST_OBEY_POLICY, SOLVER_FLAG_IGNORE_RECOMMENDED };
	Solver *solver = solver_create(pool);

	for (size_t i = 0; i < ARRAY_SIZE(on); i++)
		(void)solver_set_flag(solver, on[i], 1);
	(void)solver_set_flag(solver, SOLVER_FLAG_ALLOW_UNINSTALL, uninstall);
	return solver;
}

static void push_job(Pool *pool, const struct target *t, Id action, Queue *job)
{
	Queue copy;

	queue_init_clone(&copy, (Queue *)(uintptr_t)&t->candidates);
	queue_push2(job, action | SOLVER_SOLVABLE_ONE_OF, pool_queuetowhatprovides(pool, &copy));
	queue_free(&copy);
}

/* Strictly this target alone: what stands against it? */
static void explain(struct state *st, const struct target *t, struct solve_update *u, bool *incomplete)
{
	Solver *solver = new_solver(st->pool, false);
	Queue job;

	queue_init(&job);
	push_job(st->pool, t, SOLVER_INSTALL, &job);
	if (solver_solve(solver, &job) == 0) {
		targets_keep(u, CODE_UNMET_DEPENDENCY, "it cannot be installed together with the other updates");
	} else {
		Id source, target, dep;
		Id rule = solver_findproblemrule(solver, 1);
		SolverRuleinfo type = solver_ruleinfo(solver, rule, &source, &target, &dep);
		const char *text = solver_problemruleinfo2str(solver, type, source, target, dep);
		cleanup_free char *safe = escape_text(text, 500);

		targets_keep(u, CODE_UNMET_DEPENDENCY, safe);
		if (type == SOLVER_RULE_PKG_NOTHING_PROVIDES_DEP && !st->in->filelists &&
		    *pool_dep2str(st->pool, dep) == '/')
			*incomplete = true;
		screen_blame(&st->screen, st->pool, dep, u);
	}
	solver_free(solver);
	solver = new_solver(st->pool, true);
	if (u->kept == CODE_UNMET_DEPENDENCY && solver_solve(solver, &job) == 0) {
		Transaction *trans = solver_create_transaction(solver);
		struct buf gone = { 0 };

		for (int i = 0; i < trans->steps.count; i++)
			if (transaction_type(trans, trans->steps.elements[i], SOLVER_TRANSACTION_SHOW_OBSOLETES) ==
			    SOLVER_TRANSACTION_ERASE)
				buf_printf(&gone, "%s%s", gone.n ? ", " : "",
					   pool_solvid2str(st->pool, trans->steps.elements[i]));
		if (gone.n) {
			cleanup_free char *text = xasprintf("it would remove %s (%s)", gone.s, strna(u->detail));

			targets_keep(u, CODE_WOULD_REMOVE, text);
		}
		buf_clear(&gone);
		transaction_free(trans);
	}
	solver_free(solver);
	queue_free(&job);
}

static struct solve_update *add_update(struct solve_result *ret)
{
	if (ret->n % 64 == 0)
		ret->updates = xrealloc(ret->updates, ret->n + 64, sizeof(*ret->updates));
	ret->updates[ret->n] = (struct solve_update){ 0 };
	return &ret->updates[ret->n++];
}

/* Which package asked for P? */
static char *needed_by(Pool *pool, Solver *solver, Id p)
{
	Id rule = 0, from = 0, to, dep;

	if (solver_describe_decision(solver, p, &rule) && rule)
		(void)solver_ruleinfo(solver, rule, &from, &to, &dep);
	if (from > 0 && from != p)
		return xasprintf("needed by %s", pool_id2str(pool, pool->solvables[from].name));
	return xstrdup("needed by another update");
}

static bool is_target(const struct state *st, Id p)
{
	for (size_t i = 0; i < st->n_targets; i++)
		for (int k = 0; k < st->targets[i].candidates.count; k++)
			if (st->targets[i].candidates.elements[k] == p)
				return true;
	return false;
}

static void describe(struct state *st, Solver *solver, Transaction *trans, Id p, struct solve_update *u)
{
	Pool *pool = st->pool;
	const Solvable *s = &pool->solvables[p];
	Queue gone;

	u->id = p;
	queue_init(&gone);
	transaction_all_obs_pkgs(trans, p, &gone);
	for (int i = 0; i < gone.count; i++) {
		if (pool->solvables[gone.elements[i]].name == s->name)
			u->old = gone.elements[i];
		else
			u->replaces = gone.elements[i];
	}
	queue_free(&gone);
	if (u->old || u->replaces)
		targets_facts(st, u->old ? &pool->solvables[u->old] : NULL, s, u);
	/* what the allow list leaves out may still be needed */
	if (!is_target(st, p))
		u->security = false;
	u->reason = u->security ? xstrdup("security update") :
		    is_target(st, p) ? xstrdup("update") :
				       needed_by(pool, solver, p);
}

/* The transaction must do what was promised: nothing removed, nothing lowered. */
static bool harmless(Transaction *trans)
{
	for (int i = 0; i < trans->steps.count; i++) {
		Id type = transaction_type(trans, trans->steps.elements[i], SOLVER_TRANSACTION_SHOW_OBSOLETES);

		if (type == SOLVER_TRANSACTION_ERASE || type == SOLVER_TRANSACTION_DOWNGRADED)
			return false;
	}
	return true;
}

static bool contains(const Queue *q, int n, const Queue *any)
{
	for (int i = 0; i < n; i++)
		for (int k = 0; k < any->count; k++)
			if (q->elements[i] == any->elements[k])
				return true;
	return false;
}

static bool replaced(const struct solve_result *r, size_t n, Id installed)
{
	for (size_t i = 0; i < n && installed; i++)
		if (r->updates[i].old == installed || r->updates[i].replaces == installed)
			return true;
	return false;
}

struct solution {
	Solver *solver;
	Transaction *trans; /* NULL: there is no solution, or a harmful one */
	Queue news;
	int n;
};

static void solution_clear(struct solution *s)
{
	if (s->trans)
		transaction_free(s->trans);
	solver_free(s->solver);
	queue_free(&s->news);
}

static struct solution run_solver(Pool *pool, Queue *job)
{
	struct solution s = { .solver = new_solver(pool, false) };

	queue_init(&s.news);
	if (!job->count || solver_solve(s.solver, job) != 0)
		return s;
	s.trans = solver_create_transaction(s.solver);
	if (harmless(s.trans)) {
		s.n = transaction_installedresult(s.trans, &s.news);
	} else {
		transaction_free(s.trans);
		s.trans = NULL;
	}
	return s;
}

/* Is the target's package obsoleted and gone, without one of the same name? */
static bool name_lost(const struct solution *s, Pool *pool, const struct target *t)
{
	Queue by;
	bool lost;

	if (!s->trans || !t->installed || !t->candidates.count)
		return false;
	queue_init(&by);
	transaction_all_obs_pkgs(s->trans, t->installed, &by);
	lost = by.count > 0;
	for (int i = 0; i < by.count; i++)
		lost &= pool->solvables[by.elements[i]].name != pool->solvables[t->installed].name;
	queue_free(&by);
	return lost;
}

/* To the solver an obsoleting package is update enough. Where a part was split off
 * and both can be had, the whole goes on under its name: it is demanded. */
static void keep_names(struct state *st, Queue *job, struct solution *s)
{
	for (size_t i = 0; i < st->n_targets; i++) {
		int before = job->count;

		if (!name_lost(s, st->pool, &st->targets[i]))
			continue;
		push_job(st->pool, &st->targets[i], SOLVER_INSTALL, job);
		struct solution better = run_solver(st->pool, job);
		if (better.trans) {
			solution_clear(s);
			*s = better;
		} else {
			solution_clear(&better);
			queue_truncate(job, before);
		}
	}
}

static void solve_targets(struct state *st, struct solve_result *ret)
{
	struct solution s;
	Queue job;

	queue_init(&job);
	for (size_t i = 0; i < st->n_targets; i++)
		if (st->targets[i].candidates.count)
			push_job(st->pool, &st->targets[i], SOLVER_UPDATE | SOLVER_TARGETED, &job);
	s = run_solver(st->pool, &job);
	keep_names(st, &job, &s);
	for (int i = 0; i < s.n; i++)
		describe(st, s.solver, s.trans, s.news.elements[i], add_update(ret));
	for (size_t i = 0; i < st->n_targets; i++) {
		struct target *t = &st->targets[i];
		struct solve_update *u;

		if (t->candidates.count ? contains(&s.news, s.n, &t->candidates) : t->facts.kept == CODE_OK)
			continue;
		if (replaced(ret, (size_t)s.n, t->installed)) /* by what another update needs */
			continue;
		u = add_update(ret);
		*u = t->facts;
		t->facts = (struct solve_update){ 0 };
		if (!t->candidates.count)
			continue;
		u->id = t->candidates.elements[0];
		if (!u->security)
			targets_facts(st, u->old ? &st->pool->solvables[u->old] : NULL, &st->pool->solvables[u->id], u);
		explain(st, t, u, &ret->incomplete);
	}
	solution_clear(&s);
	queue_free(&job);
}

static void update_clear(struct solve_update *u)
{
	strv_clear(&u->advisories);
	strv_clear(&u->cves);
	free(u->reason);
	free(u->detail);
}

Pool *solve_pool(const char *arch)
{
	/* an i686 package neither replaces nor obsoletes an x86_64 one */
	static const int on[] = { POOL_FLAG_OBSOLETEUSESCOLORS, POOL_FLAG_IMPLICITOBSOLETEUSESCOLORS };
	Pool *pool = pool_create();

	(void)pool_setdisttype(pool, DISTTYPE_RPM); /* Debian's libsolv begins as deb */
	pool_setarch(pool, arch);
	for (size_t i = 0; i < ARRAY_SIZE(on); i++)
		(void)pool_set_flag(pool, on[i], 1);
	return pool;
}

void solve(const struct solve_input *in, struct solve_result *ret)
{
	struct state st = { .in = in, .pool = in->pool, .all = streq(strna(in->params->policy), "all") };

	for (size_t i = 0; i < in->n_repos; i++)
		if (in->repos[i].security)
			advisories_add(&st.advisories, in->repos[i].repo);
	advisories_sort(&st.advisories);
	screen_make(in, &st.screen);
	pool_addfileprovides(in->pool);
	in->pool->considered = &st.screen.considered;
	pool_createwhatprovides(in->pool);
	targets_find(&st);
	solve_targets(&st, ret);
	for (size_t i = 0; i < st.n_targets; i++) {
		queue_free(&st.targets[i].candidates);
		update_clear(&st.targets[i].facts);
	}
	free(st.targets);
	in->pool->considered = NULL;
	screen_clear(&st.screen);
	advisories_clear(&st.advisories);
}

void solve_result_clear(struct solve_result *r)
{
	for (size_t i = 0; i < r->n; i++)
		update_clear(&r->updates[i]);
	free(r->updates);
	*r = (struct solve_result){ 0 };
}
