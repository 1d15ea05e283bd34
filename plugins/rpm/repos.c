/* repos.c - see repos.h. */
#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include "repos.h"

#define EXPANSION_MAX 65536 /* of one value */

/* --- variables ---------------------------------------------------------------- */

void repo_var_set(struct repo_vars *vars, const char *name, const char *value)
{
	if (repo_var_get(vars, name))
		return;
	vars->v = xrealloc(vars->v, vars->n + 1, sizeof(*vars->v));
	vars->v[vars->n++] = (struct repo_var){ xstrdup(name), xstrdup(value) };
}

const char *repo_var_get(const struct repo_vars *vars, const char *name)
{
	for (size_t i = 0; i < vars->n; i++)
		if (streq(vars->v[i].name, name))
			return vars->v[i].value;
	return NULL;
}

void repo_vars_clear(struct repo_vars *v)
{
	for (size_t i = 0; i < v->n; i++) {
		free(v->v[i].name);
		free(v->v[i].value);
	}
	free(v->v);
	*v = (struct repo_vars){ 0 };
}

static size_t word_length(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n;
}

/* "${" is behind us: the text that "name}", "name:-word}" or "name:+word}" stands
 * for goes to OUT. Returns what follows, NULL when it is none of these. */
static const char *expand_braced(const struct repo_vars *vars, const char *s, struct buf *out)
{
	size_t n = word_length(s);
	cleanup_free char *name = xstrndup(s, n);
	const char *value = repo_var_get(vars, name), *end = strchr(s, '}');

	if (!n || !end)
		return NULL;
	if (s[n] == '}') {
		if (!value)
			return NULL;
		buf_puts(out, value);
		return end + 1;
	}
	if (s[n] != ':' || (s[n + 1] != '-' && s[n + 1] != '+'))
		return NULL;
	cleanup_free char *word = xstrndup(s + n + 2, (size_t)(end - s) - n - 2);
	bool set = *strna(value) != '\0';
	if (s[n + 1] == '-')
		buf_puts(out, set ? value : word);
	else if (set)
		buf_puts(out, word);
	return end + 1;
}

char *repo_expand(const struct repo_vars *vars, const char *text)
{
	struct buf out = { 0 };

	for (const char *p = text; *p && out.n < EXPANSION_MAX;) {
		size_t n = strcspn(p, "$");

		buf_append(&out, p, n);
		p += n;
		if (!*p)
			break;
		const char *after = p[1] == '{' ? expand_braced(vars, p + 2, &out) : NULL;
		n = word_length(p + 1);
		cleanup_free char *name = xstrndup(p + 1, n);
		const char *value = n ? repo_var_get(vars, name) : NULL;
		if (after) {
			p = after;
		} else if (value) {
			buf_puts(&out, value);
			p += 1 + n;
		} else {
			buf_putc(&out, *p++);
		}
	}
	return out.n ? buf_steal(&out) : xstrdup("");
}

/* --- values ------------------------------------------------------------------- */

void repo_words(struct strv *ret, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, ", \t\r\n");

		if (n)
			strv_take(ret, xstrndup(text, n));
		text += n + (text[n] != '\0');
	}
}

static void set_string(char **field, const char *value)
{
	free(*field);
	*field = *value ? xstrdup(value) : NULL;
}

static bool is_yes(const char *v)
{
	return !strcasecmp(v, "1") || !strcasecmp(v, "yes") || !strcasecmp(v, "true") || !strcasecmp(v, "on");
}

static bool is_no(const char *v)
{
	return !strcasecmp(v, "0") || !strcasecmp(v, "no") || !strcasecmp(v, "false") || !strcasecmp(v, "off");
}

static void set_words(struct strv *field, const char *value)
{
	strv_clear(field);
	repo_words(field, value);
}

/* Keys of a repository, and of [main] as far as repositories inherit them. */
static bool set_common(struct repo_conf *r, const char *key, const char *value)
{
	uint64_t number;

	if (streq(key, "gpgcheck") || streq(key, "pkg_gpgcheck"))
		r->no_gpgcheck = is_no(value);
	else if (streq(key, "repo_gpgcheck"))
		r->repo_gpgcheck = is_yes(value);
	else if (streq(key, "sslverify"))
		r->no_sslverify = is_no(value);
	else if (streq(key, "sslcacert"))
		set_string(&r->sslcacert, value);
	else if (streq(key, "sslclientcert"))
		set_string(&r->sslclientcert, value);
	else if (streq(key, "sslclientkey"))
		set_string(&r->sslclientkey, value);
	else if (streq(key, "proxy"))
		set_string(&r->proxy, value);
	else if (streq(key, "proxy_username"))
		set_string(&r->proxy_username, value);
	else if (streq(key, "proxy_password"))
		set_string(&r->proxy_password, value);
	else if (streq(key, "username"))
		set_string(&r->username, value);
	else if (streq(key, "password"))
		set_string(&r->password, value);
	else if (streq(key, "exclude") || streq(key, "excludepkgs"))
		repo_words(&r->exclude, value);
	else if (streq(key, "includepkgs"))
		repo_words(&r->include, value);
	else if (streq(key, "priority") && parse_u64(value, 1000000, &number) == 0)
		r->priority = (int)number;
	else if (streq(key, "cost") && parse_u64(value, 1000000, &number) == 0)
		r->cost = (int)number;
	else
		return false;
	return true;
}

static void set_repo(struct repo_conf *r, const char *key, const char *value)
{
	if (set_common(r, key, value))
		return;
	if (streq(key, "name"))
		set_string(&r->name, value);
	else if (streq(key, "enabled"))
		r->disabled = !is_yes(value);
	else if (streq(key, "baseurl"))
		set_words(&r->baseurl, value);
	else if (streq(key, "mirrorlist"))
		set_string(&r->mirrorlist, value);
	else if (streq(key, "metalink"))
		set_string(&r->metalink, value);
	else if (streq(key, "gpgkey"))
		set_words(&r->gpgkey, value);
	else if (streq(key, "module_hotfixes"))
		r->module_hotfixes = is_yes(value);
}

static void set_main(struct repos *ret, const char *key, const char *value)
{
	if (set_common(&ret->defaults, key, value))
		return;
	if (streq(key, "reposdir"))
		set_words(&ret->reposdir, value);
	else if (streq(key, "tsflags"))
		repo_words(&ret->tsflags, value);
}

/* --- files -------------------------------------------------------------------- */

static struct repo_conf *find(struct repos *r, const char *id)
{
	for (size_t i = 0; i < r->n; i++)
		if (streq(r->v[i].id, id))
			return &r->v[i];
	return NULL;
}

static struct repo_conf *add_repo(struct repos *r, char *id, char *where)
{
	struct repo_conf *c;

	r->v = xrealloc(r->v, r->n + 1, sizeof(*r->v));
	c = &r->v[r->n++];
	*c = (struct repo_conf){
		.id = id,
		.where = where,
		.priority = r->defaults.priority ? r->defaults.priority : 99,
		.cost = r->defaults.cost ? r->defaults.cost : 1000,
		.repo_gpgcheck = r->defaults.repo_gpgcheck,
		.no_gpgcheck = r->defaults.no_gpgcheck,
		.no_sslverify = r->defaults.no_sslverify,
		.sslcacert = xstrdup(r->defaults.sslcacert),
		.sslclientcert = xstrdup(r->defaults.sslclientcert),
		.sslclientkey = xstrdup(r->defaults.sslclientkey),
		.proxy = xstrdup(r->defaults.proxy),
		.proxy_username = xstrdup(r->defaults.proxy_username),
		.proxy_password = xstrdup(r->defaults.proxy_password),
		.username = xstrdup(r->defaults.username),
		.password = xstrdup(r->defaults.password),
	};
	strv_copy(&c->exclude, &r->defaults.exclude);
	strv_copy(&c->include, &r->defaults.include);
	return c;
}

struct parser {
	const char *path;
	bool main;
	const struct repo_vars *vars;
	struct repos *ret;
	struct wire_list *alarms;
	bool in_main;
	size_t section; /* index of the repository whose section this is, SIZE_MAX: none */
	char *key; /* of the value being collected */
	struct buf value;
};

static void finish_value(struct parser *p)
{
	if (p->key) {
		cleanup_free char *value = repo_expand(p->vars, buf_str(&p->value));

		if (p->in_main)
			set_main(p->ret, p->key, value);
		else if (p->section != SIZE_MAX)
			set_repo(&p->ret->v[p->section], p->key, value);
	}
	free(steal_ptr(&p->key));
	buf_reset(&p->value);
}

static void complain(struct parser *p, size_t number, const char *what)
{
	reason_add(p->alarms, CODE_SOURCE_IGNORED, "%s:%zu: %s; correct the line", p->path, number, what);
}

static void start_section(struct parser *p, char *line, size_t number)
{
	char *end = strchr(line, ']');
	char *id;

	p->in_main = false;
	p->section = SIZE_MAX;
	if (!end) {
		complain(p, number, "a section without ']'");
		return;
	}
	*end = '\0';
	if (streq(line + 1, "main")) {
		p->in_main = p->main;
		return;
	}
	id = repo_expand(p->vars, line + 1);
	if (!*id || find(p->ret, id) || p->ret->n >= REPOS_MAX) {
		complain(p, number, !*id ? "a repository without a name" : "a repository that was named before");
		free(id);
		return;
	}
	p->section = p->ret->n;
	(void)add_repo(p->ret, id, xasprintf("%s:%zu", p->path, number));
}

static char *strip(char *s)
{
	char *end = s + strlen(s);

	while (end > s && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static void parse_line(struct parser *p, char *line, size_t number)
{
	bool indented = isspace((unsigned char)*line);
	char *text = strip(line), *sep;

	if (!*text || *text == '#' || *text == ';')
		return;
	if (indented && p->key) {
		buf_printf(&p->value, "\n%s", text);
		return;
	}
	finish_value(p);
	if (*text == '[') {
		start_section(p, text, number);
		return;
	}
	sep = text + strcspn(text, "=:");
	if (!*sep) {
		complain(p, number, "neither a section nor 'key = value'");
		return;
	}
	*sep = '\0';
	p->key = xstrdup(strip(text));
	buf_puts(&p->value, strip(sep + 1));
}

void repos_parse(const char *path, const char *text, size_t n, bool main, const struct repo_vars *vars,
		 struct repos *ret, struct wire_list *alarms)
{
	struct parser p = {
		.path = path, .main = main, .vars = vars, .ret = ret, .alarms = alarms, .section = SIZE_MAX
	};
	cleanup_free char *copy = xstrndup(text, n);
	size_t number = 0;

	if (strlen(copy) != n) {
		reason_add(alarms, CODE_SOURCE_IGNORED, "%s: it has a NUL byte; correct the file", path);
		return;
	}
	for (char *rest = copy, *line; (line = strsep(&rest, "\n"));)
		parse_line(&p, line, ++number);
	finish_value(&p);
	buf_clear(&p.value);
}

static void repo_conf_clear(struct repo_conf *c)
{
	char *const strings[] = { c->id,       c->name,		  c->where,	     c->mirrorlist,
				  c->metalink, c->sslcacert,	  c->sslclientcert,  c->sslclientkey,
				  c->proxy,    c->proxy_username, c->proxy_password, c->username,
				  c->password };

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(strings[i]);
	strv_clear(&c->baseurl);
	strv_clear(&c->gpgkey);
	strv_clear(&c->exclude);
	strv_clear(&c->include);
}

void repos_clear(struct repos *r)
{
	for (size_t i = 0; i < r->n; i++)
		repo_conf_clear(&r->v[i]);
	free(r->v);
	repo_conf_clear(&r->defaults);
	strv_clear(&r->reposdir);
	strv_clear(&r->tsflags);
	free(r->main_where);
	*r = (struct repos){ 0 };
}

/* --- patterns ----------------------------------------------------------------- */

/* Most packages can be told from the first letters. */
static bool may_match(const char *pattern, const char *name)
{
	size_t digits = strspn(pattern, "0123456789"), n;

	pattern += digits && pattern[digits] == ':' ? digits + 1 : 0;
	n = strcspn(pattern, "*?[\\");
	return strncmp(pattern, name, n < strlen(name) ? n : strlen(name)) == 0;
}

bool repo_pattern_matches(const char *pattern, const char *name, const char *evr, const char *arch)
{
	if (!may_match(pattern, name))
		return false;
	const char *colon = strchr(evr, ':');
	cleanup_free char *epoch = colon ? xstrndup(evr, (size_t)(colon - evr)) : xstrdup("0");
	const char *vr = colon ? colon + 1 : evr;
	cleanup_free char *version = xstrndup(vr, strcspn(vr, "-"));
	char *forms[] = {
		xstrdup(name),
		xasprintf("%s.%s", name, arch),
		xasprintf("%s-%s", name, version),
		xasprintf("%s-%s", name, vr),
		xasprintf("%s-%s.%s", name, vr, arch),
		xasprintf("%s-%s:%s", name, epoch, version),
		xasprintf("%s-%s:%s", name, epoch, vr),
		xasprintf("%s-%s:%s.%s", name, epoch, vr, arch),
		xasprintf("%s:%s-%s.%s", epoch, name, vr, arch),
	};
	bool hit = false;

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		hit |= fnmatch(pattern, forms[i], 0) == 0;
		free(forms[i]);
	}
	return hit;
}
