/* plan.c - the plan: solved, told to the agent, and kept for fetch and apply (session.h). */
#include <dirent.h>
#include <solv/chksum.h>
#include <solv/repo.h>
#include <stdio.h>
#include "clock.h"
#include "digest.h"
#include "fd.h"
#include "serve.h"
#include "session.h"
#include "sets.h"
#include "solve.h"

#define LOCKS_MAX (1024 * 1024) /* bytes of a versionlock list */
#define MODULES_MAX (256 * 1024 * 1024)

/* --- what limits the choice --------------------------------------------------------- */

static void read_locks(struct strv *ret)
{
	static const char *const files[] = { "/etc/dnf/plugins/versionlock.list",
					     "/etc/yum/pluginconf.d/versionlock.list" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		cleanup_buf struct buf b = { 0 };
		struct err err = ERR_INIT;

		if (access(files[i], F_OK) < 0)
			continue;
		if (read_file(files[i], LOCKS_MAX, &b, &err) < 0) {
			plugin_log(LOG_WARNING, "%s, ignoring", err.msg);
			continue;
		}
		for (char *rest = b.s, *line; (line = strsep(&rest, "\n"));) {
			line += strspn(line, " \t");
			line[strcspn(line, " \t\r#")] = '\0';
			if (*line)
				strv_push(ret, line);
		}
	}
}

static void read_module_states(struct modules *m)
{
	static const char folder[] = "/etc/dnf/modules.d";
	DIR *d = opendir(folder);

	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d));) {
		cleanup_free char *path = xasprintf("%s/%s", folder, e->d_name);
		cleanup_buf struct buf b = { 0 };
		struct err ignored = ERR_INIT;

		if (ends_with(e->d_name, ".module") && read_file(path, 65536, &b, &ignored) == 0)
			modules_add_state(m, buf_str(&b), b.n);
	}
	(void)closedir(d);
}

static void read_modules(const struct session *s, struct modules *m)
{
	for (size_t i = 0; i < s->n_sources; i++) {
		const struct source *src = &s->sources[i];

		if (!src->repo || !src->repomd.files[REPOMD_MODULES].path)
			continue;
		cleanup_free char *file = source_file(src, REPOMD_MODULES);
		cleanup_buf struct buf b = { 0 };
		struct err err = ERR_INIT;
		if (read_packed(file, MODULES_MAX, &b, &err) == 0)
			modules_add_yaml(m, buf_str(&b), b.n);
		else
			plugin_log(LOG_WARNING, "%s, ignoring", err.msg);
	}
	if (m->n_artifacts)
		read_module_states(m);
	modules_sort(m);
}

/* --- what the agent is told ------------------------------------------------------------- */

static const struct source *source_of(const Pool *pool, Id id)
{
	return id ? pool->solvables[id].repo->appdata : NULL;
}

static char *text_of(Pool *pool, Id id)
{
	return xstrdup(pool_id2str(pool, id));
}

static void fill_update(const struct session *s, const struct solve_update *u, struct msg_update *m)
{
	Pool *pool = s->pool;
	const Solvable *new = u->id ? &pool->solvables[u->id] : NULL, *old = u->old ? &pool->solvables[u->old] : NULL;
	const Solvable *any = new ? new : &pool->solvables[u->old];
	const struct source *src = source_of(pool, u->id);

	m->package = text_of(pool, any->name);
	m->arch = text_of(pool, any->arch);
	m->installed = old ? text_of(pool, old->evr) : NULL;
	m->candidate = new ? text_of(pool, new->evr) : NULL;
	m->origin = src ? source_origin(s, src) : NULL;
	m->suite = src ? xstrdup(src->suite) : NULL;
	m->security = u->security;
	if (u->issued) {
		char issued[TIME_TEXT_MAX];

		time_format(u->issued, issued);
		m->issued = xstrdup(issued);
	}
	strv_copy(&m->advisories, &u->advisories);
	strv_copy(&m->cves, &u->cves);
	m->severity = u->severity == SEVERITY_UNKNOWN ? NULL : xstrdup(advisory_severity_name(u->severity));
	m->size = new ? (int64_t)solvable_lookup_num((Solvable *)(uintptr_t) new, SOLVABLE_DOWNLOADSIZE, 0) : 0;
	if (u->kept != CODE_OK)
		m->kept_back = (struct msg_reason){ u->kept, xstrdup(strna(u->detail)) };
	else if (u->replaces)
		m->reason = xasprintf("%s, replaces %s", strna(u->reason), pool_solvid2str(pool, u->replaces));
	else
		m->reason = xstrdup(u->reason);
}

static void keep_package(struct session *s, const struct solve_update *u)
{
	Pool *pool = s->pool;
	Solvable *x = &pool->solvables[u->id];
	Id type = 0;
	struct package *p;
	const char *sum;

	s->plan = xrealloc(s->plan, s->n_plan + 1, sizeof(*s->plan));
	p = &s->plan[s->n_plan++];
	sum = solvable_lookup_checksum(x, SOLVABLE_CHECKSUM, &type);
	*p = (struct package){
		.name = text_of(pool, x->name),
		.arch = text_of(pool, x->arch),
		.evr = text_of(pool, x->evr),
		.installed = u->old ? text_of(pool, pool->solvables[u->old].evr) : NULL,
		.source = (size_t)(source_of(pool, u->id) - s->sources),
		.base = xstrdup(solvable_lookup_str(x, SOLVABLE_MEDIABASE)),
		.path = xstrdup(solvable_lookup_location(x, NULL)),
		.checksum_type = sum ? xstrdup(solv_chksum_type2str(type)) : NULL,
		.checksum = xstrdup(sum),
		.size = (int64_t)solvable_lookup_num(x, SOLVABLE_DOWNLOADSIZE, 0),
		.grows = (int64_t)solvable_lookup_num(x, SOLVABLE_INSTALLSIZE, 0),
	};
	if (u->old)
		p->grows -= (int64_t)solvable_lookup_num(&pool->solvables[u->old], SOLVABLE_INSTALLSIZE, 0);
	/* a base that leads to another protocol is the metadata's, not the operator's */
	if (p->base && !mirror_url_usable(p->base))
		free(steal_ptr(&p->base));
}

/* One line each, so a name that is kept back twice (multilib has an arch of its
 * own) is said once. */
static bool said_before(const struct wire_list *l, const struct msg_update *m)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct msg_update *o = wire_list_at(&msg_update, l, i);

		if (o != m && streq(o->package, m->package) && streq(o->arch, m->arch))
			return true;
	}
	return false;
}

static void cut_into_sets(struct session *s, const struct solve_result *r)
{
	cleanup_free struct planned *p = xcalloc(s->n_plan + 1, sizeof(*p));
	cleanup_free size_t *of = xcalloc(s->n_plan + 1, sizeof(*of));
	size_t n = 0;

	for (size_t i = 0; i < r->n && n < s->n_plan; i++) {
		const struct solve_update *u = &r->updates[i];

		if (u->kept != CODE_OK)
			continue;
		p[n] = (struct planned){ u->id, u->old, u->replaces, s->plan[n].size };
		n++;
	}
	s->n_sets = sets_make(s->pool, p, n, of);
	for (size_t i = 0; i < n; i++)
		s->plan[i].set = of[i];
}

static void tell(struct session *s, const struct solve_result *r, struct msg_plan *ret)
{
	struct wire_list updates = { 0 }, kept = { 0 };
	char digest[DIGEST_TEXT_MAX];

	for (size_t i = 0; i < r->n; i++) {
		const struct solve_update *u = &r->updates[i];
		struct wire_list *l = u->kept == CODE_OK ? &updates : &kept;
		struct msg_update *m = wire_list_add(&msg_update, l);

		fill_update(s, u, m);
		if (u->kept != CODE_OK && said_before(l, m)) {
			wire_clear(&msg_update, m);
			l->n--;
			continue;
		}
		plugin_event(u->kept == CODE_OK ? "update" : "kept_back", &msg_update, m);
		if (u->kept == CODE_OK) {
			keep_package(s, u);
			session_archive_event(s, &s->plan[s->n_plan - 1]);
			ret->download += m->size;
			ret->disk += s->plan[s->n_plan - 1].grows;
		}
	}
	plan_digest(&updates, digest);
	s->digest = xstrdup(digest);
	ret->digest = xstrdup(digest);
	ret->count = (int64_t)updates.n;
	ret->kept_back = (int64_t)kept.n;
	wire_list_clear(&msg_update, &updates);
	wire_list_clear(&msg_update, &kept);
}

int session_plan(struct session *s, const struct msg_plan_params *in, struct msg_plan *ret, struct err *err)
{
	cleanup_free struct solve_repo *repos = NULL;
	cleanup_strv struct strv locks = { 0 };
	struct solve_result result = { 0 };
	struct modules modules = { 0 };
	size_t n = 0;

	session_forget_plan(s);
	if (!s->refreshed)
		return err_set(err, CODE_REFRESH_FAILED, 0, "a plan before a refresh of the repositories");
	if (installed_load(s, err) < 0)
		return -1;
	repos = xcalloc(s->n_sources + 1, sizeof(*repos));
	for (size_t i = 0; i < s->n_sources; i++) {
		struct source *src = &s->sources[i];

		if (src->repo)
			repos[n++] = (struct solve_repo){ src->repo,
							  src->advisories && source_origin_taken(s, src, &in->origins),
							  src->conf };
	}
	read_locks(&locks);
	read_modules(s, &modules);
	struct solve_input input = { .pool = s->pool,
				     .repos = repos,
				     .n_repos = n,
				     .params = in,
				     .locks = &locks,
				     .modules = modules.n_artifacts ? &modules : NULL,
				     .now = clock_wall(),
				     .filelists = s->filelists };
	solve(&input, &result);
	tell(s, &result, ret);
	cut_into_sets(s, &result);
	ret->incomplete = result.incomplete;
	solve_result_clear(&result);
	modules_clear(&modules);
	return 0;
}
