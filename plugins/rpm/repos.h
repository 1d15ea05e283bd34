/* repos.h - the container's repository configuration, as dnf, yum, tdnf and zypper write it.
 *
 * Pure: text in, repositories out; reposread.c finds the files. What a file says
 * to lower trust is kept apart, so that the caller decides whether to honour it.
 */
#pragma once
#include "buf.h"
#include "messages.h"

#define REPOS_FILE_MAX (1024 * 1024)
#define REPOS_MAX 500 /* repositories; more is no configuration */

struct repo_conf {
	char *id; /* the section's name, variables replaced */
	char *name; /* "Rocky Linux 9 - BaseOS" */
	char *where; /* "/etc/yum.repos.d/rocky.repo:12", for messages */
	struct strv baseurl, gpgkey, exclude, include;
	char *mirrorlist, *metalink;
	bool disabled;
	bool repo_gpgcheck; /* its repomd.xml must be signed */
	bool no_gpgcheck, no_sslverify; /* asks to lower trust */
	int priority; /* 1 before 99, the default */
	int cost; /* 1000 by default; cheaper first among equals */
	bool module_hotfixes;
	char *sslcacert, *sslclientcert, *sslclientkey;
	char *proxy, *proxy_username, *proxy_password, *username, *password;
};

struct repo_var {
	char *name, *value;
};

struct repo_vars {
	struct repo_var *v;
	size_t n;
};

struct repos {
	struct repo_conf *v;
	size_t n;
	struct repo_conf defaults; /* of the [main] section: what repositories inherit */
	struct strv reposdir, tsflags;
	char *main_where; /* the file with [main], NULL: none was read */
};

/* Read the text of PATH, a .repo file or (MAIN) dnf.conf, yum.conf and
 * tdnf.conf, into RET. The first section of a name wins. A line that makes no
 * sense is noted in ALARMS (source_ignored: file, line, remedy) and passed over. */
void repos_parse(const char *path, const char *text, size_t n, bool main, const struct repo_vars *vars,
		 struct repos *ret, struct wire_list *alarms);
/* TEXT with $name, ${name}, ${name:-default} and ${name:+alternate} replaced;
 * an unknown $name stays. Caller frees. */
char *repo_expand(const struct repo_vars *vars, const char *text);
/* The first value that is set counts. */
void repo_var_set(struct repo_vars *vars, const char *name, const char *value);
const char *repo_var_get(const struct repo_vars *vars, const char *name);
/* One word per entry of a list: separated by blanks or commas. */
void repo_words(struct strv *ret, const char *text);
void repos_clear(struct repos *r);
void repo_vars_clear(struct repo_vars *v);

/* Do the glob PATTERNS of an exclude or a versionlock name this package? dnf's
 * forms: name, name.arch, name-version, name-version-release[.arch], with or
 * without the epoch in front of version or name. EVR is "[epoch:]version-release". */
bool repo_pattern_matches(const char *pattern, const char *name, const char *evr, const char *arch);

/* reposread.c: everything below ROOT ("" for /): the main configuration, and its
 * reposdir or the usual ones. */
void repos_read(const char *root, const struct repo_vars *vars, struct repos *ret, struct wire_list *alarms);
/* The variables that files of dnf and yum set. */
void repos_read_variables(const char *root, struct repo_vars *vars);
