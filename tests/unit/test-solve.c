/* tests/cases/rpm/NAME.case (and cases/solve, which no rpm can be built of) without a container: what is planned and kept back in each situation.
 *
 * tests/testbed/rpmcase explains the words and runs the same files against dnf and whole containers; here the pool is
 * filled with metadata that is written from the lines, and solve() asked in both modes: with all of it, and with what
 * reach_reduce() leaves.
 */
#include <solv/pool.h>
#include <solv/repo.h>
#include <solv/repo_rpmmd.h>
#include <solv/repo_updateinfoxml.h>
#include "cases.h"
#include "clock.h"
#include "reach.h"
#include "solve.h"

struct fake_repo {
	char *name;
	struct buf primary, advisories;
	struct repos conf; /* one repository */
};

struct scene {
	struct fake_repo installed, repos[4];
	size_t n, current;
	struct msg_plan_params params;
	struct repos main; /* dnf.conf */
	struct strv locks, minimal, latest, kept;
	struct buf modules, state;
	bool no_updateinfo;
};

/* --- a package as metadata ------------------------------------------------------- */

struct evr {
	char *epoch, *version, *release, *arch;
};

/* "[EPOCH:]VERSION-RELEASE[.ARCH]" */
static struct evr parse_evr(const char *text)
{
	static const char *const archs[] = { ".x86_64", ".i686", ".noarch" };
	cleanup_free char *copy = xstrdup(text);
	char *p = copy, *colon = strchr(p, ':');
	struct evr e = { 0 };

	e.arch = xstrdup("noarch");
	for (size_t i = 0; i < ARRAY_SIZE(archs); i++)
		if (ends_with(copy, archs[i])) {
			free(e.arch);
			e.arch = xstrdup(archs[i] + 1);
			copy[strlen(copy) - strlen(archs[i])] = '\0';
		}
	e.epoch = xstrdup("0");
	if (colon) {
		*colon = '\0';
		free(e.epoch);
		e.epoch = xstrdup(p);
		p = colon + 1;
	}
	e.version = xstrndup(p, strcspn(p, "-"));
	e.release = xstrdup(strchr(p, '-') ? strchr(p, '-') + 1 : "");
	return e;
}

static void clear_evr(struct evr *e)
{
	free(e->epoch);
	free(e->version);
	free(e->release);
	free(e->arch);
}

/* "name", "name OP [EPOCH:]VERSION[-RELEASE]" or "(a or b)" */
static void add_dependency(struct buf *b, const char *text)
{
	static const char *const ops[][2] = {
		{ "<=", "LE" }, { ">=", "GE" }, { "<", "LT" }, { ">", "GT" }, { "=", "EQ" }
	};
	const char *op = NULL, *at = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(ops) && !at && *text != '('; i++) {
		at = strstr(text, ops[i][0]);
		op = ops[i][1];
	}
	if (!at) {
		buf_printf(b, "<rpm:entry name=\"%s\"/>", text);
		return;
	}
	cleanup_free char *name = xstrndup(text, strcspn(text, " "));
	struct evr e = parse_evr(at + strspn(at, "<>= "));
	buf_printf(b, "<rpm:entry name=\"%s\" flags=\"%s\" epoch=\"%s\" ver=\"%s\"", name, op, e.epoch, e.version);
	if (*e.release)
		buf_printf(b, " rel=\"%s\"", e.release);
	buf_puts(b, "/>");
	clear_evr(&e);
}

static void add_package(struct buf *b, char *rest)
{
	static const char *const kinds[] = { "Provides", "Requires", "Conflicts", "Obsoletes", "Recommends" };
	char *name = strsep(&rest, " "), *version = strsep(&rest, " ");
	struct evr e = parse_evr(version);
	struct buf lists[ARRAY_SIZE(kinds)] = { { 0 } };
	cleanup_buf struct buf files = { 0 };
	const char *vendor = "";

	for (char *field; rest && (field = strsep(&rest, ";"));) {
		field += strspn(field, " ");
		char *colon = strchr(field, ':');
		if (starts_with(field, "file ")) {
			cleanup_free char *path = xstrndup(field + 5, strcspn(field + 5, " "));

			buf_printf(&files, "<file>%s</file>", path);
		}
		for (size_t i = 0; colon && i < ARRAY_SIZE(kinds); i++)
			if (starts_with(field, kinds[i]))
				add_dependency(&lists[i], colon + 1 + strspn(colon + 1, " "));
		if (starts_with(field, "Vendor: "))
			vendor = field + 8;
	}
	cleanup_free char *self = xasprintf("%s = %s:%s-%s", name, e.epoch, e.version, e.release);
	add_dependency(&lists[0], self);
	buf_printf(b,
		   "<package type=\"rpm\"><name>%s</name><arch>%s</arch><version epoch=\"%s\" ver=\"%s\" rel=\"%s\"/>",
		   name, e.arch, e.epoch, e.version, e.release);
	buf_printf(b,
		   "<size package=\"1\" installed=\"1\" archive=\"1\"/><location href=\"%s.rpm\"/><format>"
		   "<rpm:vendor>%s</rpm:vendor>",
		   name, vendor);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		cleanup_free char *tag = xstrdup(kinds[i]);

		tag[0] = (char)(tag[0] + 'a' - 'A');
		buf_printf(b, "<rpm:%s>%s</rpm:%s>", tag, buf_str(&lists[i]), tag);
		buf_clear(&lists[i]);
	}
	buf_printf(b, "%s</format></package>\n", buf_str(&files));
	clear_evr(&e);
}

/* "ID TYPE SEVERITY|- REFERENCES|- [module=..., ]NAME VERSION, ..." */
static void add_advisory(struct buf *b, char *rest)
{
	char *id = strsep(&rest, " "), *type = strsep(&rest, " "), *severity = strsep(&rest, " "),
	     *refs = strsep(&rest, " ");

	buf_printf(b,
		   "<update status=\"final\" type=\"%s\" version=\"1\"><id>%s</id><title>t</title>"
		   "<issued date=\"2026-11-01 10:00:00\"/>",
		   type, id);
	if (!streq(severity, "-"))
		buf_printf(b, "<severity>%s</severity>", severity);
	buf_puts(b, "<references>");
	for (char *ref; !streq(strna(refs), "-") && (ref = strsep(&refs, ","));)
		buf_printf(b, "<reference href=\"h\" id=\"%s\" type=\"%s\"/>", ref,
			   starts_with(ref, "CVE-") ? "cve" : "bugzilla");
	buf_puts(b, "</references><pkglist><collection><name>c</name>");
	for (char *one; rest && (one = strsep(&rest, ","));) {
		one += strspn(one, " ");
		char *version = strchr(one, ' ');
		if (!version)
			continue;
		*version++ = '\0';
		struct evr e = parse_evr(version);
		buf_printf(
			b,
			"<package name=\"%s\" version=\"%s\" release=\"%s\" epoch=\"%s\" arch=\"%s\"><filename>f</filename></package>",
			one, e.version, e.release, e.epoch, e.arch);
		clear_evr(&e);
	}
	buf_puts(b, "</collection></pkglist></update>\n");
}

/* --- a case ------------------------------------------------------------------------ */

static struct fake_repo *repo_named(struct scene *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (streq(s->repos[i].name, name))
			return &s->repos[s->current = i];
	s->current = s->n;
	s->repos[s->n].name = xstrdup(name);
	return &s->repos[s->n++];
}

static void repo_keys(struct fake_repo *r, char *rest)
{
	cleanup_buf struct buf text = { 0 };
	struct repo_vars none = { 0 };
	struct wire_list alarms = { 0 };

	buf_printf(&text, "[%s]\n", r->name);
	for (char *pair; (pair = strsep(&rest, " "));)
		buf_printf(&text, "%s\n", pair);
	repos_parse("case", text.s, text.n, false, &none, &r->conf, &alarms);
	wire_list_clear(&msg_reason, &alarms);
}

static void setting(struct msg_plan_params *p, char *pair)
{
	char *value = strchr(pair, '=') + 1;
	uint64_t days;

	if (starts_with(pair, "updates.min_severity"))
		p->min_severity = xstrdup(value);
	else if (starts_with(pair, "updates.fixes"))
		strv_push(&p->fixes, value);
	else if (starts_with(pair, "updates.deny"))
		strv_push(&p->deny, value);
	else if (starts_with(pair, "updates.allow_new"))
		p->allow_new = streq(value, "yes");
	else if (starts_with(pair, "updates.allow"))
		strv_push(&p->allow, value);
	else if (starts_with(pair, "updates.min_age") && ends_with(value, "d")) {
		value[strlen(value) - 1] = '\0';
		if (parse_u64(value, 1000000, &days) == 0)
			p->min_age = (int64_t)days * 86400;
	}
}

static void file_line(struct scene *s, char *rest)
{
	char *path = strsep(&rest, " ");

	if (ends_with(path, "versionlock.list") && rest && *rest != '#') {
		strv_push(&s->locks, rest);
	} else if (ends_with(path, ".module")) {
		buf_printf(&s->state, "%s\n", strna(rest));
	} else if (ends_with(path, "dnf.conf") && rest && strchr(rest, '=')) {
		cleanup_free char *text = xasprintf("[main]\n%s\n", rest);
		struct repo_vars none = { 0 };
		struct wire_list alarms = { 0 };

		repos_parse("dnf.conf", text, strlen(text), true, &none, &s->main, &alarms);
		wire_list_clear(&msg_reason, &alarms);
	}
}

static char *without_comment(char *s)
{
	s[strcspn(s, "#")] = '\0';
	for (size_t n = strlen(s); n && s[n - 1] == ' '; n--)
		s[n - 1] = '\0';
	return s;
}

static void read_line(struct scene *s, char *rest)
{
	char *word = strsep(&rest, " ");

	if (!rest)
		return;
	if (streq(word, "in"))
		(void)repo_named(s, rest);
	else if (streq(word, "installed"))
		add_package(&s->installed.primary, rest);
	else if (streq(word, "package"))
		add_package(&s->repos[s->current].primary, rest);
	else if (streq(word, "advisory"))
		add_advisory(&s->repos[s->current].advisories, rest);
	else if (streq(word, "repo"))
		repo_keys(&s->repos[s->current], rest);
	else if (streq(word, "publish"))
		s->no_updateinfo = streq(rest, "--no-updateinfo");
	else if (streq(word, "modules"))
		buf_printf(&s->modules, "%s\n", rest + 1);
	else if (streq(word, "set"))
		setting(&s->params, rest);
	else if (streq(word, "file"))
		file_line(s, rest);
	else if (streq(word, "minimal"))
		strv_push(&s->minimal, without_comment(rest));
	else if (streq(word, "latest"))
		strv_push(&s->latest, without_comment(rest));
	else if (streq(word, "kept"))
		strv_push(&s->kept, rest);
}

static Repo *load(Pool *pool, const struct fake_repo *f, bool updateinfo)
{
	Repo *repo = repo_create(pool, f->name ? f->name : "@System");
	cleanup_free char *xml =
		xasprintf("<metadata xmlns=\"http://linux.duke.edu/metadata/common\" "
			  "xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" packages=\"1\">%s</metadata>",
			  buf_str(&f->primary));
	cleanup_free char *info = xasprintf("<updates>%s</updates>", buf_str(&f->advisories));
	FILE *fp = fmemopen(xml, strlen(xml), "r");

	(void)repo_add_rpmmd(repo, fp, NULL, 0);
	(void)fclose(fp);
	if (updateinfo) {
		fp = fmemopen(info, strlen(info), "r");
		(void)repo_add_updateinfoxml(repo, fp, 0);
		(void)fclose(fp);
	}
	repo_internalize(repo);
	return repo;
}

/* --- what came out -------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *joined(struct strv *l)
{
	struct buf b = { 0 };

	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_text);
	for (size_t i = 0; i < l->n; i++)
		buf_printf(&b, "%s\n", l->v[i]);
	return b.n ? buf_steal(&b) : xstrdup("");
}

/* As the case writes it: no epoch 0, no arch when it is noarch. */
static char *planned(Pool *pool, const struct solve_result *r)
{
	struct strv l = { 0 };

	for (size_t i = 0; i < r->n; i++) {
		const Solvable *s = &pool->solvables[r->updates[i].id];

		if (r->updates[i].kept == CODE_OK)
			strv_take(&l, xasprintf("%s %s.%s", pool_id2str(pool, s->name), pool_id2str(pool, s->evr),
						pool_id2str(pool, s->arch)));
	}
	char *text = joined(&l);
	strv_clear(&l);
	return text;
}

static char *expected(const struct strv *lines)
{
	struct strv l = { 0 };

	for (size_t i = 0; i < lines->n; i++) {
		const char *blank = strchr(lines->v[i], ' ');
		cleanup_free char *name = xstrndup(lines->v[i], (size_t)(blank - lines->v[i]));
		struct evr e = parse_evr(blank + 1);

		strv_take(&l, xasprintf("%s %s%s%s-%s.%s", name, streq(e.epoch, "0") ? "" : e.epoch,
					streq(e.epoch, "0") ? "" : ":", e.version, e.release, e.arch));
		clear_evr(&e);
	}
	char *text = joined(&l);
	strv_clear(&l);
	return text;
}

/* "NAME CODE..." */
static bool is_kept(Pool *pool, const struct solve_result *r, const char *line)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct solve_update *u = &r->updates[i];
		const char *name = pool_id2str(pool, pool->solvables[u->id ? u->id : u->old].name);

		if (u->kept != CODE_OK && starts_with(line, name) && line[strlen(name)] == ' ' &&
		    strstr(line, code_name(u->kept)) && *strna(u->detail))
			return true;
	}
	return false;
}

static void solve_scene(struct scene *s, bool minimal, bool reduced, Pool **pool, struct solve_result *ret)
{
	struct solve_repo repos[ARRAY_SIZE(s->repos)];
	struct modules modules = { 0 };
	size_t n = 0;

	*pool = solve_pool("x86_64");
	pool_set_installed(*pool, load(*pool, &s->installed, false));
	for (size_t i = 0; i < s->n; i++) {
		struct fake_repo *f = &s->repos[i];

		if (!f->conf.n)
			repo_keys(f, (char[]){ "" });
		struct repo_conf *c = &f->conf.v[0];
		if (c->disabled)
			continue;
		for (size_t k = 0; k < s->main.defaults.exclude.n; k++)
			if (!strv_contains(&c->exclude, s->main.defaults.exclude.v[k]))
				strv_push(&c->exclude, s->main.defaults.exclude.v[k]);
		repos[n] = (struct solve_repo){ load(*pool, f, !s->no_updateinfo), !s->no_updateinfo, c };
		repos[n++].repo->priority = -c->priority;
	}
	Repo *all[ARRAY_SIZE(s->repos)];
	for (size_t i = 0; i < n; i++)
		all[i] = repos[i].repo;
	if (reduced)
		reach_reduce(*pool, all, n);
	modules_add_yaml(&modules, buf_str(&s->modules), s->modules.n);
	modules_add_state(&modules, buf_str(&s->state), s->state.n);
	modules_sort(&modules);
	s->params.minimal = minimal;
	struct solve_input in = { .pool = *pool,
				  .repos = repos,
				  .n_repos = n,
				  .params = &s->params,
				  .locks = &s->locks,
				  .modules = modules.n_artifacts ? &modules : NULL,
				  .now = clock_wall() };
	solve(&in, ret);
	modules_clear(&modules);
}

static void scene_clear(struct scene *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->repos[i].name);
		buf_clear(&s->repos[i].primary);
		buf_clear(&s->repos[i].advisories);
		repos_clear(&s->repos[i].conf);
	}
	buf_clear(&s->installed.primary);
	repos_clear(&s->main);
	strv_clear(&s->locks);
	strv_clear(&s->minimal);
	strv_clear(&s->latest);
	strv_clear(&s->kept);
	buf_clear(&s->modules);
	buf_clear(&s->state);
	wire_clear(&msg_plan_params, &s->params);
}

/* All that is said, in its order. */
static char *told(Pool *pool, const struct solve_result *r)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < r->n; i++) {
		const struct solve_update *u = &r->updates[i];
		const Id ids[] = { u->id, u->old, u->replaces };

		for (size_t k = 0; k < ARRAY_SIZE(ids); k++)
			buf_printf(&b, "%s ", ids[k] ? pool_solvid2str(pool, ids[k]) : "-");
		buf_printf(&b, "%d %d %s %s %s", u->security, u->severity, strna(u->reason), code_name(u->kept),
			   strna(u->detail));
		for (size_t k = 0; k < u->advisories.n; k++)
			buf_printf(&b, " %s", u->advisories.v[k]);
		buf_puts(&b, "\n");
	}
	buf_printf(&b, "incomplete %d\n", r->incomplete);
	return buf_steal(&b);
}

/* With what is in reach alone it is the same, to the last word. */
static void check_reach(struct scene *s, bool minimal, const char *whole)
{
	struct solve_result r = { 0 };
	Pool *pool;

	solve_scene(s, minimal, true, &pool, &r);
	cleanup_free char *got = told(pool, &r);
	solve_result_clear(&r);
	pool_free(pool);
	STREQ(got, whole);
}

static void check_case(void)
{
	cleanup_free char *text = case_text();
	_cleanup_(scene_clear) struct scene s = { .params = { .policy = xstrdup("security"), .allow_new = true } };

	(void)repo_named(&s, "updates");
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
		if (*line != '#')
			read_line(&s, line);
	for (int minimal = 0; minimal < 2; minimal++) {
		struct solve_result r = { 0 };
		Pool *pool;

		solve_scene(&s, minimal, false, &pool, &r);
		cleanup_free char *got = planned(pool, &r), *want = expected(minimal ? &s.minimal : &s.latest);
		cleanup_free char *whole = told(pool, &r);
		bool kept = true;
		for (size_t i = 0; minimal && i < s.kept.n; i++)
			kept &= is_kept(pool, &r, s.kept.v[i]);
		solve_result_clear(&r);
		pool_free(pool);
		STREQ(got, want);
		OK(kept);
		check_reach(&s, minimal, whole);
	}
}

/* --- packages at random --------------------------------------------------------------- */

#define WORLDS 400

static unsigned dice_state;

static unsigned dice(unsigned sides)
{
	dice_state = dice_state * 1103515245 + 12345;
	return (dice_state >> 16) % sides;
}

/* "#" is one of 50 names, "@" a version: they are few, so that things meet. */
static void put_random(struct buf *b, const char *form)
{
	for (const char *p = form; *p; p++) {
		if (*p == '#')
			buf_printf(b, "%u", dice(50));
		else if (*p == '@')
			buf_printf(b, "%u-1", 1 + dice(3));
		else
			buf_putc(b, *p);
	}
}

static void random_package(struct scene *s, const char *form)
{
	static const char *const fields[] = {
		"Requires: p#",
		"Requires: p# >= @",
		"Requires: p# = @",
		"Requires: c#",
		"Requires: (p# or p#)",
		"Requires: (c# if p#)",
		"Requires: (p# and (c# or p#))",
		"Requires: /usr/bin/f#",
		"Provides: c#",
		"Provides: p# = @",
		"Obsoletes: p# < @",
		"Conflicts: p# < @",
		"file /usr/bin/f# 0755",
		"Provides: c#",
		"Provides: c#",
		"file /usr/bin/f# 0755",
	};
	cleanup_buf struct buf b = { 0 };

	put_random(&b, form);
	for (unsigned n = dice(4), i = 0; i < n; i++) {
		buf_puts(&b, i ? "; " : " ");
		put_random(&b, fields[dice(ARRAY_SIZE(fields))]);
	}
	read_line(s, b.s);
}

static void random_world(struct scene *s)
{
	(void)repo_named(s, "updates");
	for (int i = 0; i < 4; i++) {
		cleanup_free char *old = xasprintf("installed p%d 1-1", i), *new = xasprintf("package p%d 2-1", i);
		cleanup_free char *why = xasprintf("advisory SA-%d security Low CVE-2026-%d p%d 2-1", i, i, i);

		random_package(s, old);
		random_package(s, new);
		read_line(s, why);
	}
	for (int i = 0; i < 80; i++) {
		cleanup_buf struct buf why = { 0 };

		if (i == 40)
			(void)repo_named(s, "other");
		random_package(s, "package p# @");
		put_random(&why, "advisory SA-# security Low CVE-2026-# p# @, p# @");
		read_line(s, why.s);
	}
}

/* Same as with all of it, whatever depends on whatever. */
static void worlds(void)
{
	unsigned plans = 0;

	case_next = case_next->next;
	for (dice_state = 1; dice_state <= WORLDS; dice_state++) {
		const unsigned seed = dice_state;
		_cleanup_(scene_clear) struct scene s = { .params = { .policy = xstrdup("security"),
								      .allow_new = true } };
		struct solve_result r = { 0 };
		Pool *pool;

		random_world(&s);
		solve_scene(&s, seed % 2, false, &pool, &r);
		cleanup_free char *whole = told(pool, &r);
		plans += r.n > 0;
		solve_result_clear(&r);
		pool_free(pool);
		check_reach(&s, seed % 2, whole);
		dice_state = seed;
	}
	OK(plans > WORLDS / 2);
}

int main(void)
{
	add_cases("rpm", check_case);
	add_cases("solve", check_case);
	add_test("worlds at random", worlds);
	return cases_main();
}
