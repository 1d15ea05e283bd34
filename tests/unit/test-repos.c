/* tests/cases/repos/NAME.case: a .repo file (or dnf.conf, when the name begins with "main") and what is read from it.
 *
 *	the file, up to a line "---", then one line per expected setting, "ID KEY VALUE...", and per complaint,
 *	"! LINE TEXT". Variables: releasever 9, basearch x86_64, empty is "".
 */
#include "cases.h"
#include "repos.h"

static void put(struct buf *b, const char *id, const char *key, const char *value)
{
	if (value)
		buf_printf(b, "%s %s %s\n", id, key, value);
}

static void put_list(struct buf *b, const char *id, const char *key, const struct strv *l)
{
	if (!l->n)
		return;
	buf_printf(b, "%s %s", id, key);
	for (size_t i = 0; i < l->n; i++)
		buf_printf(b, " %s", l->v[i]);
	buf_putc(b, '\n');
}

static void put_repo(struct buf *b, const char *id, const struct repo_conf *c)
{
	put(b, id, "name", c->name);
	put_list(b, id, "baseurl", &c->baseurl);
	put(b, id, "mirrorlist", c->mirrorlist);
	put(b, id, "metalink", c->metalink);
	put_list(b, id, "gpgkey", &c->gpgkey);
	put_list(b, id, "exclude", &c->exclude);
	put_list(b, id, "include", &c->include);
	put(b, id, "disabled", c->disabled ? "yes" : NULL);
	put(b, id, "no_gpgcheck", c->no_gpgcheck ? "yes" : NULL);
	put(b, id, "repo_gpgcheck", c->repo_gpgcheck ? "yes" : NULL);
	put(b, id, "no_sslverify", c->no_sslverify ? "yes" : NULL);
	if (c->priority != 99 && c->priority)
		buf_printf(b, "%s priority %d\n", id, c->priority);
	put(b, id, "sslcacert", c->sslcacert);
	put(b, id, "proxy", c->proxy);
	put(b, id, "username", c->username);
	put(b, id, "password", c->password);
}

static void check_repos(void)
{
	bool main_file = strstr(case_next->name, "/main") != NULL;
	cleanup_free char *text = case_text();
	char *want = strstr(text, "\n---\n");
	struct repo_vars vars = { 0 };
	struct repos repos = { 0 };
	struct wire_list alarms = { 0 };
	cleanup_buf struct buf got = { 0 };

	OK(want);
	size_t n = (size_t)(want - text) + 1;
	repo_var_set(&vars, "releasever", "9");
	repo_var_set(&vars, "basearch", "x86_64");
	repo_var_set(&vars, "empty", "");
	repos_parse("/f", text, n, main_file, &vars, &repos, &alarms);
	if (main_file) {
		put_repo(&got, "main", &repos.defaults);
		put_list(&got, "main", "reposdir", &repos.reposdir);
		put_list(&got, "main", "tsflags", &repos.tsflags);
	}
	for (size_t i = 0; i < repos.n; i++)
		put_repo(&got, repos.v[i].id, &repos.v[i]);
	for (size_t i = 0; i < alarms.n; i++) {
		const struct msg_reason *r = wire_list_at(&msg_reason, &alarms, i);

		EQ(r->code, CODE_SOURCE_IGNORED);
		buf_printf(&got, "! %s\n", r->detail);
	}
	STREQ(buf_str(&got), want + 5);
	repos_clear(&repos);
	repo_vars_clear(&vars);
	wire_list_clear(&msg_reason, &alarms);
}

int main(void)
{
	add_cases("repos", check_repos);
	return cases_main();
}
