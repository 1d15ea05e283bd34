/* config.c - the settings table and its readers (config.h).
 *
 * One table names each setting, its type, default and accepted values; file,
 * environment, command line, `stopgap config` and the manual page check all
 * walk it.
 */
#include <errno.h>
#include <stdio.h>
#include "config.h"
#include "fd.h"
#include "setting.h"

#define LINE_MAX_BYTES 65536
#define FILE_MAX_BYTES (1024 * 1024)

struct setting {
	const char *section, *key;
	enum setting_type type;
	size_t offset;
	const char *def;
	const char *words;	/* T_ENUM: accepted words, in enum order, by blanks */
};

#define S(sec, k, type, def, words) \
	{ \
#sec, #k, type, offsetof(struct config, sec.k), def, words \
	}
static const struct setting settings[] = {
	S(updates, policy, T_ENUM, "security", "security all"),
	S(updates, origins, T_LINES, NULL, NULL),
	S(updates, allow, T_REGEXES, NULL, NULL),
	S(updates, deny, T_REGEXES, NULL, NULL),
	S(updates, fixes, T_REGEXES, NULL, NULL),
	S(updates, min_age, T_DURATION, "0", NULL),
	S(updates, min_severity, T_ENUM, "any", "any low moderate important critical"),
	S(updates, minimal, T_ENUM, "auto", "auto yes no"),
	S(updates, allow_new, T_BOOL, "yes", NULL),
	S(updates, lock_timeout, T_DURATION, "60s", NULL),
	S(updates, script_timeout, T_DURATION, "15m", NULL),
	S(updates, plugin_timeout, T_DURATION, "2m", NULL),
	S(schedule, interval, T_DURATION, "6h", NULL),
	S(schedule, window, T_WINDOW, NULL, NULL),
	S(schedule, jitter, T_DURATION, "30m", NULL),
	S(schedule, before_start, T_DURATION, "60s", NULL),
	S(schedule, shutdown_grace, T_DURATION, "8s", NULL),
	S(restart, mode, T_ENUM, "report", "report service container"),
	S(restart, never, T_REGEXES, NULL, NULL),
	S(restart, stop_signal, T_SIGNAL, NULL, NULL),
	S(restart, stop_timeout, T_DURATION, "10s", NULL),
	S(restart, budget, T_BUDGET, "3/1h", NULL),
	S(health, command, T_ARGV, NULL, NULL),
	S(health, timeout, T_DURATION, "30s", NULL),
	S(hooks, before, T_ARGV, NULL, NULL),
	S(hooks, after, T_ARGV, NULL, NULL),
	S(hooks, timeout, T_DURATION, "60s", NULL),
	S(network, proxy, T_STRING, NULL, NULL),
	S(network, timeout, T_DURATION, "10m", NULL),
	S(network, stall, T_DURATION, "60s", NULL),
	S(network, max_bytes, T_SIZE, "2G", NULL),
	S(trust, require_signed, T_BOOL, "yes", NULL),
	S(trust, max_metadata_age, T_DURATION, "14d", NULL),
	S(trust, accept_expired, T_BOOL, "no", NULL),
	S(report, socket, T_PATH, "/run/stopgap/status.sock", NULL),
	S(report, socket_mode, T_OCTAL, "0600", NULL),
	S(report, socket_group, T_STRING, NULL, NULL),
	S(report, state_dir, T_PATH, "/var/lib/stopgap", NULL),
	S(report, allow_trigger, T_BOOL, "yes", NULL),
	S(report, history, T_COUNT, "1000", NULL),
	S(cves, url, T_STRING, "https://security-tracker.debian.org/tracker/debsecan/release/1/", NULL),
	S(cves, file, T_PATH, NULL, NULL),
	S(cves, suite, T_STRING, NULL, NULL),
	S(cves, max_age, T_DURATION, "6h", NULL),
	S(cves, whitelist, T_PATH, NULL, NULL),
	S(watch, select, T_ENUM, "all", "all labelled"),
	S(watch, parallel, T_COUNT, "2", NULL),
	S(host, cache_size, T_SIZE, "2G", NULL),
	S(host, engines, T_LINES, NULL, NULL),
	S(host, runc, T_LINES, NULL, NULL),
};
#undef S

static void *at(const struct config *c, const struct setting *s)
{
	return (char *)(uintptr_t)c + s->offset;
}

static bool is_list(const struct setting *s)
{
	return setting_is_list(s->type);
}

static const struct setting *find(const char *section, size_t n, const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (strlen(settings[i].section) == n && memcmp(settings[i].section, section, n) == 0 &&
		    streq(settings[i].key, key))
			return &settings[i];
	return NULL;
}

static void put_keys(struct buf *b, const char *section, size_t n)
{
	const char *sep = "";

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (strlen(settings[i].section) == n && memcmp(settings[i].section, section, n) == 0) {
			buf_printf(b, "%s%s", sep, settings[i].key);
			sep = ", ";
		}
}

static bool known_section(const char *section, size_t n)
{
	cleanup_buf struct buf b = { 0 };

	put_keys(&b, section, n);
	return b.n > 0;
}

/* Give S the value V; lists are added to. WHERE goes into the message. */
static int assign(struct config *c, const struct setting *s, const char *v, const char *where, struct err *err)
{
	struct err why = ERR_INIT;

	if (setting_read(s->type, s->words, v, at(c, s), &why) == 0)
		return 0;
	return err_set(err, why.code, 0, "%s: [%s] %s = %s", where, s->section, s->key, why.msg);
}

static void set_origin(struct config *c, const struct setting *s, const char *where)
{
	char **o = &c->origin[s - settings];

	free(*o);
	*o = xstrdup(where);
}

/* A higher source replaces what a lower one said, list or not. */
static int override(struct config *c, const struct setting *s, const char *v, const char *where, struct err *err)
{
	if (is_list(s))
		strv_clear(at(c, s));
	if (assign(c, s, v, where, err) < 0)
		return -1;
	set_origin(c, s, where);
	return 0;
}

void config_defaults(struct config *ret)
{
	struct err err;

	*ret = (struct config){ .origin = xcalloc(ARRAY_SIZE(settings), sizeof(char *)) };
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		if (settings[i].def && assign(ret, &settings[i], settings[i].def, "default", &err) < 0)
			abort();	/* the table itself is wrong; test-config sees it */
		set_origin(ret, &settings[i], "default");
	}
}

void config_clear(struct config *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		setting_clear(settings[i].type, at(c, &settings[i]));
		if (c->origin)
			free(c->origin[i]);
	}
	free(c->origin);
	*c = (struct config){ 0 };
}

struct parse {
	struct config *c;
	char *where;			/* "file:line" */
	char *section;			/* NULL before the first */
	bool seen[ARRAY_SIZE(settings)];
};

static int parse_section(struct parse *p, char *line, size_t n, struct err *err)
{
	if (n < 2 || line[n - 1] != ']')
		return err_set(err, CODE_CONFIG, 0, "%s: '%s': a section is written [name]", p->where, line);
	line[n - 1] = '\0';
	if (!known_section(line + 1, n - 2))
		return err_set(
			err, CODE_CONFIG, 0,
			"%s: unknown section [%s]; accepted: updates, schedule, restart, health, hooks, network, trust, report, cves, watch, host",
			p->where, line + 1);
	free(p->section);
	p->section = xstrdup(line + 1);
	return 0;
}

static char *trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	n = strlen(s);
	while (n && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r'))
		s[--n] = '\0';
	return s;
}

static int parse_line(struct parse *p, char *line, struct err *err)
{
	if (*line == '#' || *line == ';')
		return 0;
	bool indented = *line == ' ' || *line == '\t';
	line = trim(line);
	if (!*line)
		return 0;
	if (indented)
		return err_set(
			err, CODE_CONFIG, 0,
			"%s: indented line; there are no continuation lines: repeat a list's key, and start each line at its beginning",
			p->where);
	if (*line == '[')
		return parse_section(p, line, strlen(line), err);
	char *eq = strchr(line, '=');
	if (!eq)
		return err_set(err, CODE_CONFIG, 0, "%s: '%s': neither [section] nor key=value", p->where, line);
	*eq = '\0';
	char *key = trim(line), *value = trim(eq + 1);
	if (!p->section)
		return err_set(err, CODE_CONFIG, 0, "%s: key '%s' before the first [section]", p->where, key);
	const struct setting *s = find(p->section, strlen(p->section), key);
	if (!s) {
		cleanup_buf struct buf keys = { 0 };

		put_keys(&keys, p->section, strlen(p->section));
		return err_set(err, CODE_CONFIG, 0, "%s: unknown key '%s' in [%s]; accepted: %s", p->where, key,
			       p->section, buf_str(&keys));
	}
	bool *seen = &p->seen[s - settings];
	if (*seen && !is_list(s))
		return err_set(err, CODE_CONFIG, 0, "%s: [%s] %s is given twice (first at %s)", p->where, p->section,
			       key, p->c->origin[s - settings]);
	int r = *seen ? assign(p->c, s, value, p->where, err) : override(p->c, s, value, p->where, err);
	*seen = true;
	return r;
}

int config_parse(struct config *c, const char *name, const char *text, size_t n, struct err *err)
{
	struct parse p = { .c = c };
	int r = 0, line_no = 0;

	for (size_t i = 0; i < n && r == 0;) {
		const char *nl = memchr(text + i, '\n', n - i);
		size_t len = nl ? (size_t)(nl - (text + i)) : n - i;

		p.where = xasprintf("%s:%d", name, ++line_no);
		if (len > LINE_MAX_BYTES) {
			r = err_set(err, CODE_CONFIG, 0, "%s: line longer than %d bytes", p.where, LINE_MAX_BYTES);
		} else if (memchr(text + i, '\0', len)) {
			r = err_set(err, CODE_CONFIG, 0, "%s: NUL byte", p.where);
		} else {
			cleanup_free char *line = xstrndup(text + i, len);

			r = parse_line(&p, line, err);
		}
		free(p.where);
		i += len + 1;
	}
	free(p.section);
	return r;
}

static int load_file(struct config *c, const char *file, struct err *err)
{
	cleanup_buf struct buf text = { 0 };

	if (!file && access(CONFIG_PATH, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (!file)
		file = CONFIG_PATH;
	if (read_file(file, FILE_MAX_BYTES, &text, err) < 0) {
		struct err why = *err;

		return err_set(err, CODE_CONFIG, 0,
			       "%s; name a regular file that can be read, or leave out --config: then " CONFIG_PATH
			       " is read where it exists",
			       why.msg);
	}
	return config_parse(c, file, buf_str(&text), text.n, err);
}

/* "STOPGAP_UPDATES_MIN_AGE"; without KEY "STOPGAP_UPDATES_". Caller frees. */
static char *variable_name(const char *section, const char *key)
{
	char *name = xasprintf("STOPGAP_%s_%s", section, strna(key));

	for (char *p = name; *p; p++)
		*p = *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
	return name;
}

/* A misspelt variable would silently not deny what it should. Others that begin
 * with STOPGAP_ but name no section are none of ours. */
static int check_variable(const char *var, struct err *err)
{
	size_t n = strcspn(var, "=");
	cleanup_buf struct buf names = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		cleanup_free char *section = variable_name(settings[i].section, NULL);
		cleanup_free char *name = variable_name(settings[i].section, settings[i].key);

		if (!starts_with(var, section))
			continue;
		if (strlen(name) == n && memcmp(name, var, n) == 0)
			return 0;
		buf_printf(&names, "%s%s", names.n ? ", " : "", name);
	}
	if (!names.n)
		return 0;
	return err_set(err, CODE_CONFIG, 0, "environment %.*s: no such setting; accepted: %s", (int)n, var, names.s);
}

/* STOPGAP_UPDATES_MIN_AGE=1d. A list's entries are separated by newlines. */
static int load_environment(struct config *c, char *const *environ_, struct err *err)
{
	for (char *const *e = environ_; e && *e; e++)
		if (starts_with(*e, "STOPGAP_") && check_variable(*e, err) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const struct setting *s = &settings[i];
		cleanup_free char *name = variable_name(s->section, s->key);
		size_t n = strlen(name);

		cleanup_free char *where = xasprintf("environment %s", name);
		for (char *const *e = environ_; e && *e; e++) {
			if (strncmp(*e, name, n) != 0 || (*e)[n] != '=')
				continue;
			cleanup_free char *value = xstrdup(*e + n + 1);
			char *next = value;
			bool first = true;
			while (next) {
				char *v = is_list(s) ? strsep(&next, "\n") : steal_ptr(&next);

				if ((first ? override(c, s, trim(v), where, err) : assign(c, s, trim(v), where, err)) <
				    0)
					return -1;
				first = false;
			}
		}
	}
	return 0;
}

int config_apply(struct config *c, const struct strv *sets, struct err *err)
{
	bool seen[ARRAY_SIZE(settings)] = { false };

	for (size_t i = 0; i < sets->n; i++) {
		cleanup_free char *text = xstrdup(sets->v[i]);
		cleanup_free char *where = xasprintf("command line --set %s", sets->v[i]);
		char *eq = strchr(text, '='), *dot = strchr(text, '.');

		if (!eq || !dot || dot > eq)
			return err_set(err, CODE_CONFIG, 0, "%s: accepted: section.key=value", where);
		*eq = '\0';
		const struct setting *s = find(text, (size_t)(dot - text), dot + 1);
		if (!s)
			return err_set(err, CODE_CONFIG, 0, "%s: no such setting; 'stopgap config' lists them", where);
		bool *again = &seen[s - settings];
		if (*again && !is_list(s))
			return err_set(err, CODE_CONFIG, 0, "%s: given twice", where);
		if ((*again ? assign(c, s, eq + 1, where, err) : override(c, s, eq + 1, where, err)) < 0)
			return -1;
		set_origin(c, s, "command line --set");
		*again = true;
	}
	return 0;
}

int config_load(const char *file, char *const *environ_, const struct strv *sets, struct config *ret, struct err *err)
{
	config_defaults(ret);
	if (load_file(ret, file, err) == 0 && load_environment(ret, environ_, err) == 0 &&
	    config_apply(ret, sets, err) == 0)
		return 0;
	config_clear(ret);
	return -1;
}

void config_text(const struct config *c, struct buf *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		cleanup_buf struct buf v = { 0 };

		setting_write(settings[i].type, settings[i].words, at(c, &settings[i]), &v);
		buf_printf(ret, "%s.%s = ", settings[i].section, settings[i].key);
		buf_put_escaped(ret, buf_str(&v), v.n, SIZE_MAX);
		buf_printf(ret, "    (%s)\n", c->origin[i]);
	}
}

static bool for_containers(const struct setting *s)
{
	static const char *const sections[] = { "updates", "network", "trust", "health", "restart" };

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (streq(s->section, sections[i]))
			return true;
	return false;
}

void config_environment(const struct config *c, struct strv *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const struct setting *s = &settings[i];
		cleanup_buf struct buf v = { 0 };

		if (!for_containers(s) || streq(c->origin[i], "default"))
			continue;
		if (is_list(s)) {
			const struct strv *l = at(c, s);

			for (size_t k = 0; k < l->n; k++)
				buf_printf(&v, "%s%s", k ? "\n" : "", l->v[k]);
		} else if (s->type == T_STRING) {
			/* as it is: setting_write() leaves a password out */
			buf_puts(&v, strna(*(char *const *)at(c, s)));
		} else {
			setting_write(s->type, s->words, at(c, s), &v);
		}
		cleanup_free char *name = variable_name(s->section, s->key);
		strv_take(ret, xasprintf("%s=%s", name, buf_str(&v)));
	}
}

struct json_object *config_json(const struct config *c)
{
	struct json_object *all = json_object_new_object();

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		cleanup_buf struct buf v = { 0 };
		cleanup_free char *name = xasprintf("%s.%s", settings[i].section, settings[i].key);
		struct json_object *one = json_object_new_object(), *value;

		if (is_list(&settings[i])) {
			const struct strv *l = at(c, &settings[i]);

			value = json_object_new_array();
			for (size_t k = 0; k < l->n; k++)
				json_object_array_add(value, json_object_new_string(l->v[k]));
		} else {
			setting_write(settings[i].type, settings[i].words, at(c, &settings[i]), &v);
			value = json_object_new_string(buf_str(&v));
		}
		json_object_object_add(one, "value", value);
		json_object_object_add(one, "origin", json_object_new_string(c->origin[i]));
		json_object_object_add(all, name, one);
	}
	return all;
}

static const char *const severities[] = { "any", "low", "moderate", "important", "critical" };

const char *severity_name(enum severity s)
{
	return severities[s];
}

int severity_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(severities); i++)
		if (strcasecmp(name, severities[i]) == 0)
			return (int)i;
	return -1;
}
