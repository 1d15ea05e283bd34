/* modules.c - see modules.h. */
#include <ctype.h>
#include "modules.h"

#define ARTIFACTS_MAX 1000000
#define STREAMS_MAX 100000

static void add_stream(struct module_stream **v, size_t *n, const char *name, const char *stream)
{
	if (*n >= STREAMS_MAX)
		return;
	if (*n % 64 == 0)
		*v = xrealloc(*v, *n + 64, sizeof(**v));
	(*v)[(*n)++] = (struct module_stream){ xstrdup(name), xstrdup(stream) };
}

static const char *find_stream(const struct module_stream *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (streq(v[i].name, name))
			return v[i].stream;
	return NULL;
}

/* --- modules.yaml ---------------------------------------------------------------- */

enum place { NOWHERE, DATA, ARTIFACTS, RPMS };

struct document {
	bool modulemd, defaults;
	char *name, *stream;
	enum place place;
	size_t indent; /* of the keys below data: */
	size_t stream_index;
	bool has_stream;
};

/* A scalar without its quotes and blanks, in place. */
static char *scalar(char *s)
{
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
	if (n >= 2 && (*s == '"' || *s == '\'') && s[n - 1] == *s) {
		s[n - 1] = '\0';
		s++;
	}
	return s;
}

/* The value of "KEY: value" at LINE, or NULL. */
static char *value_of(char *line, const char *key)
{
	size_t n = strlen(key);

	return strncmp(line, key, n) == 0 && line[n] == ':' ? scalar(line + n + 1) : NULL;
}

static void end_document(struct modules *m, struct document *d)
{
	if (d->defaults && d->name && d->stream)
		add_stream(&m->defaults, &m->n_defaults, d->name, d->stream);
	free(d->name);
	free(d->stream);
	*d = (struct document){ 0 };
}

static void add_artifact(struct modules *m, struct document *d, const char *nevra)
{
	if (m->n_artifacts >= ARTIFACTS_MAX || !d->name || !d->stream)
		return;
	if (!d->has_stream) {
		d->stream_index = m->n_streams;
		add_stream(&m->streams, &m->n_streams, d->name, d->stream);
		d->has_stream = m->n_streams > d->stream_index;
		if (!d->has_stream)
			return;
	}
	if (m->n_artifacts % 256 == 0)
		m->artifacts = xrealloc(m->artifacts, m->n_artifacts + 256, sizeof(*m->artifacts));
	m->artifacts[m->n_artifacts++] = (struct module_artifact){ xstrdup(nevra), d->stream_index };
}

static void data_line(struct modules *m, struct document *d, char *text, size_t indent)
{
	char *v;

	if (!d->indent)
		d->indent = indent;
	if (indent == d->indent && *text != '-') {
		d->place = DATA;
		if ((v = value_of(text, d->defaults ? "module" : "name")) && !d->name)
			d->name = xstrdup(v);
		else if ((v = value_of(text, "stream")) && !d->stream)
			d->stream = xstrdup(v);
		else if (value_of(text, "artifacts"))
			d->place = ARTIFACTS;
	} else if (d->place >= ARTIFACTS && *text != '-') {
		d->place = value_of(text, "rpms") ? RPMS : ARTIFACTS;
	} else if (d->place == RPMS && text[0] == '-' && text[1] == ' ') {
		add_artifact(m, d, scalar(text + 2));
	}
}

static void yaml_line(struct modules *m, struct document *d, char *line)
{
	size_t indent = strspn(line, " ");
	char *text = line + indent, *v;

	if (!*text || *text == '#')
		return;
	if (starts_with(line, "---")) {
		end_document(m, d);
	} else if (!indent && *text != '-') {
		if ((v = value_of(line, "document"))) {
			d->modulemd = streq(v, "modulemd");
			d->defaults = streq(v, "modulemd-defaults");
		}
		d->place = value_of(line, "data") && (d->modulemd || d->defaults) ? DATA : NOWHERE;
	} else if (d->place != NOWHERE) {
		data_line(m, d, text, indent);
	}
}

void modules_add_yaml(struct modules *m, const char *text, size_t n)
{
	cleanup_free char *copy = xstrndup(text, n);
	struct document d = { 0 };

	for (char *rest = copy, *line; (line = strsep(&rest, "\n"));)
		yaml_line(m, &d, line);
	end_document(m, &d);
}

/* --- what is enabled --------------------------------------------------------------- */

void modules_add_state(struct modules *m, const char *text, size_t n)
{
	cleanup_free char *copy = xstrndup(text, n);
	cleanup_free char *name = NULL, *stream = NULL;
	bool enabled = false;

	for (char *rest = copy, *line; (line = strsep(&rest, "\n"));) {
		char *eq = strchr(line, '=');

		if (*line == '[' && strchr(line, ']') && !name)
			name = xstrndup(line + 1, (size_t)(strchr(line, ']') - line) - 1);
		if (!eq)
			continue;
		*eq = '\0';
		if (streq(scalar(line), "stream")) {
			free(stream);
			stream = xstrdup(scalar(eq + 1));
		} else if (streq(scalar(line), "state")) {
			enabled = streq(scalar(eq + 1), "enabled");
		}
	}
	if (name && enabled && *strna(stream))
		add_stream(&m->enabled, &m->n_enabled, name, stream);
}

static int by_nevra(const void *a, const void *b)
{
	const struct module_artifact *x = a, *y = b;

	return strcmp(x->nevra, y->nevra);
}

void modules_sort(struct modules *m)
{
	if (m->n_artifacts)
		qsort(m->artifacts, m->n_artifacts, sizeof(*m->artifacts), by_nevra);
}

static bool stream_active(const struct modules *m, const struct module_stream *s)
{
	const char *enabled = find_stream(m->enabled, m->n_enabled, s->name);

	if (!enabled)
		enabled = find_stream(m->defaults, m->n_defaults, s->name);
	return enabled && streq(enabled, s->stream);
}

bool modules_hide(const struct modules *m, const char *name, const char *evr, const char *arch)
{
	/* artifacts always have an epoch, evr only when it is not 0 */
	cleanup_free char *nevra = xasprintf("%s-%s%s.%s", name, strchr(evr, ':') ? "" : "0:", evr, arch);
	size_t lo = 0, hi = m->n_artifacts;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(m->artifacts[mid].nevra, nevra) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == m->n_artifacts || !streq(m->artifacts[lo].nevra, nevra))
		return false;
	/* one build may be in several streams */
	for (; lo < m->n_artifacts && streq(m->artifacts[lo].nevra, nevra); lo++)
		if (stream_active(m, &m->streams[m->artifacts[lo].stream]))
			return false;
	return true;
}

static void clear_streams(struct module_stream *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].name);
		free(v[i].stream);
	}
	free(v);
}

void modules_clear(struct modules *m)
{
	for (size_t i = 0; i < m->n_artifacts; i++)
		free(m->artifacts[i].nevra);
	free(m->artifacts);
	clear_streams(m->streams, m->n_streams);
	clear_streams(m->enabled, m->n_enabled);
	clear_streams(m->defaults, m->n_defaults);
	*m = (struct modules){ 0 };
}
