/* transother.c - the same transaction by a program of the container (trans.h). */
#include <unistd.h>
#include "serve.h"
#include "trans.h"

/* Each is told to take these files and nothing else: no repository is asked. */
static const struct {
	const char *program;
	const char *const args[8];
} tools[] = {
	{ "/usr/bin/dnf", { "-y", "--disablerepo=*", "--setopt=localpkg_gpgcheck=0", "upgrade" } },
	{ "/usr/bin/yum", { "-y", "--disablerepo=*", "--setopt=localpkg_gpgcheck=0", "update" } },
	{ "/usr/bin/zypper",
	  { "--non-interactive", "--no-refresh", "--no-gpg-checks", "--reposd-dir=/nonexistent", "install",
	    "--auto-agree-with-licenses" } },
	{ "/usr/bin/tdnf", { "-y", "--disablerepo=*", "--nogpgcheck", "install" } },
	{ "/usr/bin/microdnf", { "-y", "--disablerepo=*", "upgrade" } },
};

enum trans_way trans_way(const struct session *s, const char **tool)
{
	static const char *const rpms[] = { "/usr/bin/rpm", "/bin/rpm" };

	*tool = NULL;
	if (s->db.kind == RPMDB_SQLITE)
		return WAY_LIBRPM;
	for (size_t i = 0; i < ARRAY_SIZE(rpms); i++)
		if (access(rpms[i], X_OK) == 0) {
			*tool = rpms[i];
			return WAY_RPM;
		}
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
		if (access(tools[i].program, X_OK) == 0) {
			*tool = tools[i].program;
			return WAY_TOOL;
		}
	return WAY_NONE;
}

static void define(struct strv *argv, char *text)
{
	strv_push(argv, "--define");
	strv_take(argv, text);
}

static void rpm_arguments(const struct trans *t, struct strv *argv)
{
	static const struct {
		const char *word, *option;
	} flags[] = { { "nodocs", "--excludedocs" },
		      { "nocontexts", "--nocontexts" },
		      { "nocaps", "--nocaps" },
		      { "noscripts", "--noscripts" },
		      { "notriggers", "--notriggers" } };

	/* the container's macros may say otherwise; scripts find our guards first */
	if (plugin_bundle())
		define(argv, xasprintf("_install_script_path %s/guard:/sbin:/bin:/usr/sbin:/usr/bin", plugin_bundle()));
	if (t->verb == TRANS_FORGET) {
		static const char *const words[] = { "-e", "--justdb", "--noscripts", "--notriggers", "--nodeps" };

		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			strv_push(argv, words[i]);
		for (size_t i = 0; i < t->n; i++) {
			const char *evr = t->items[i].evr, *colon = strchr(evr, ':');

			strv_take(argv,
				  xasprintf("%s-%s.%s", t->items[i].name, colon ? colon + 1 : evr, t->items[i].arch));
		}
		return;
	}
	strv_push(argv, "-U");
	if (t->verb == TRANS_REPLACE)
		strv_push(argv, "--replacepkgs");
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (strv_contains(&t->s->repos.tsflags, flags[i].word))
			strv_push(argv, flags[i].option);
}

void trans_arguments(const struct trans *t, enum trans_way way, const char *tool, struct strv *argv)
{
	strv_push(argv, tool);
	if (way == WAY_RPM)
		rpm_arguments(t, argv);
	for (size_t i = 0; way == WAY_TOOL && i < ARRAY_SIZE(tools); i++)
		for (size_t k = 0; streq(tools[i].program, tool) && k < ARRAY_SIZE(tools[i].args) && tools[i].args[k];
		     k++)
			strv_push(argv, tools[i].args[k]);
	for (size_t i = 0; t->verb != TRANS_FORGET && i < t->n; i++)
		strv_push(argv, t->items[i].file);
}

/* Does LINE name the item as name-version-release, with or without arch and epoch? */
static bool names(const char *line, const struct trans_item *it)
{
	const char *colon = strchr(it->evr, ':');
	cleanup_free char *nvr = xasprintf("%s-%s", it->name, colon ? colon + 1 : it->evr);
	cleanup_free char *nevr = xasprintf("%s-%s", it->name, it->evr);

	return strstr(line, nvr) || strstr(line, nevr);
}

/* Lines that rpm prints before it has changed anything. */
static bool is_problem(const char *line)
{
	static const char *const words[] = { " is needed by ",	  " conflicts with ",  " is already installed",
					     " is obsoleted by ", "more space needed", "MB needed on the " };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(line, words[i]))
			return true;
	return false;
}

static void read_line(struct trans *t, char *line)
{
	bool script = strstr(line, "scriptlet failed") != NULL, warning = starts_with(line, "warning:");

	if (strstr(line, "transaction lock")) {
		t->end = TRANS_LOCKED;
		return;
	}
	if (is_problem(line) && t->end != TRANS_LOCKED)
		t->end = TRANS_PROBLEMS;
	else if (!script && !starts_with(line, "error:"))
		return;
	bool known = false;
	for (size_t i = 0; i < t->n; i++) {
		struct trans_item *it = &t->items[i];

		if (!names(line, it))
			continue;
		known = true;
		it->problem |= !script;
		it->script_failed |= script && !warning;
		if (script && warning)
			strv_take(&it->warnings, xasprintf("a script of %s failed, which rpm passes over", it->name));
		else
			trans_add_text(&it->detail, line);
	}
	if (!known)
		trans_add_text(&t->output, line);
}

void trans_read_output(struct trans *t, const char *output)
{
	cleanup_free char *copy = xstrdup(output);

	for (char *rest = copy, *line; (line = strsep(&rest, "\n"));) {
		cleanup_free char *safe = escape_text(line + strspn(line, " \t"), 1000);

		read_line(t, safe);
	}
}
