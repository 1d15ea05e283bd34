/* reposread.c - where the repository configuration is (repos.h). */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include "fd.h"
#include "repos.h"

#define VARIABLE_MAX 4096

static void read_folder_variables(const char *root, const char *folder, struct repo_vars *vars)
{
	cleanup_free char *dir = xasprintf("%s%s", root, folder);
	DIR *d = opendir(dir);

	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d)) && vars->n < 1000;) {
		cleanup_free char *path = xasprintf("%s/%s", dir, e->d_name);
		cleanup_buf struct buf b = { 0 };
		struct err ignored = ERR_INIT;

		if (e->d_name[0] == '.' || read_file(path, VARIABLE_MAX, &b, &ignored) < 0)
			continue;
		cleanup_free char *line = xstrndup(buf_str(&b), strcspn(buf_str(&b), "\r\n"));
		repo_var_set(vars, e->d_name, line);
	}
	(void)closedir(d);
}

static void read_one(const char *root, const char *path, bool main, const struct repo_vars *vars, struct repos *ret,
		     struct wire_list *alarms)
{
	cleanup_free char *file = xasprintf("%s%s", root, path);
	cleanup_buf struct buf b = { 0 };
	struct err err = ERR_INIT;

	if (read_file(file, REPOS_FILE_MAX, &b, &err) < 0) {
		if (!main)
			reason_add(alarms, CODE_SOURCE_IGNORED, "%s", err.msg);
		return;
	}
	if (main && !ret->main_where)
		ret->main_where = xstrdup(path);
	repos_parse(path, buf_str(&b), b.n, main, vars, ret, alarms);
}

static int is_repo_file(const struct dirent *e)
{
	return e->d_name[0] != '.' && ends_with(e->d_name, ".repo");
}

static void read_folder(const char *root, const char *folder, const struct repo_vars *vars, struct repos *ret,
			struct wire_list *alarms)
{
	cleanup_free char *dir = xasprintf("%s%s", root, folder);
	struct dirent **files;
	int n = scandir(dir, &files, is_repo_file, alphasort);

	for (int i = 0; i < n; i++) {
		cleanup_free char *path = xasprintf("%s/%s", folder, files[i]->d_name);

		read_one(root, path, false, vars, ret, alarms);
		free(files[i]);
	}
	if (n >= 0)
		free(files);
}

void repos_read_variables(const char *root, struct repo_vars *vars)
{
	static const char *const folders[] = { "/etc/dnf/vars", "/etc/yum/vars" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		read_folder_variables(root, folders[i], vars);
}

void repos_read(const char *root, const struct repo_vars *vars, struct repos *ret, struct wire_list *alarms)
{
	static const char *const mains[] = { "/etc/dnf/dnf.conf", "/etc/yum.conf", "/etc/tdnf/tdnf.conf" };
	static const char *const folders[] = { "/etc/yum.repos.d", "/etc/distro.repos.d", "/etc/yum/repos.d",
					       "/etc/zypp/repos.d" };

	for (size_t i = 0; i < ARRAY_SIZE(mains) && !ret->main_where; i++)
		read_one(root, mains[i], true, vars, ret, alarms);
	for (size_t i = 0; i < ret->reposdir.n; i++)
		read_folder(root, ret->reposdir.v[i], vars, ret, alarms);
	for (size_t i = 0; i < ARRAY_SIZE(folders) && !ret->reposdir.n; i++)
		read_folder(root, folders[i], vars, ret, alarms);
}
