/* metalink.c - see metalink.h. */
#include <ctype.h>
#include "buf.h"
#include "metalink.h"
#include "xml.h"

#define HASHES_MAX 64

bool mirror_url_usable(const char *url)
{
	return !strncasecmp(url, "https://", 8) || !strncasecmp(url, "http://", 7) || starts_with(url, "file:///");
}

void mirrors_clear(struct mirrors *m)
{
	strv_clear(&m->urls);
	for (size_t i = 0; i < m->n_hashes; i++) {
		free(m->hashes[i].type);
		free(m->hashes[i].value);
	}
	free(m->hashes);
	*m = (struct mirrors){ 0 };
}

bool mirrors_hash_known(const struct mirrors *m, const char *type, const char *hex)
{
	for (size_t i = 0; i < m->n_hashes; i++)
		if (streq(m->hashes[i].type, type) && streq(m->hashes[i].value, hex))
			return true;
	return false;
}

static void add_folder(struct mirrors *m, char *url)
{
	size_t n = strlen(url);

	if (m->urls.n >= MIRRORS_MAX || !mirror_url_usable(url))
		free(url);
	else if (n && url[n - 1] == '/')
		strv_take(&m->urls, url);
	else {
		strv_take(&m->urls, xasprintf("%s/", url));
		free(url);
	}
}

static void parse_lines(const char *text, size_t n, struct mirrors *ret)
{
	cleanup_free char *copy = xstrndup(text, n);

	for (char *rest = copy, *line; (line = strsep(&rest, "\r\n"));) {
		while (isspace((unsigned char)*line))
			line++;
		size_t len = strcspn(line, " \t#");
		if (len)
			add_folder(ret, xstrndup(line, len));
	}
}

struct reader {
	struct mirrors *ret;
	bool in_file; /* <file name="repomd.xml"> */
	char *hash_type;
	struct mirror {
		char *url;
		long preference;
	} * found;
	size_t n_found;
	long preference;
};

static void on_start(void *arg, const char *name, const char **atts)
{
	struct reader *r = arg;

	if (streq(name, "file")) {
		r->in_file = streq(strna(xml_attribute(atts, "name")), "repomd.xml");
	} else if (streq(name, "hash")) {
		free(r->hash_type);
		r->hash_type = xstrdup(strna(xml_attribute(atts, "type")));
	} else if (streq(name, "url")) {
		const char *preference = xml_attribute(atts, "preference");

		r->preference = preference ? strtol(preference, NULL, 10) : 0;
	}
}

void mirrors_add_hash(struct mirrors *m, const char *type, const char *hex)
{
	char *value;

	if (m->n_hashes >= HASHES_MAX || (!streq(type, "sha256") && !streq(type, "sha512")))
		return;
	value = xstrdup(hex);
	for (char *p = value; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	m->hashes = xrealloc(m->hashes, m->n_hashes + 1, sizeof(*m->hashes));
	m->hashes[m->n_hashes++] = (struct metalink_hash){ xstrdup(type), value };
}

static void take_url(struct reader *r, const char *text)
{
	static const char file[] = "repodata/repomd.xml";

	if (!ends_with(text, file) || r->n_found >= MIRRORS_MAX)
		return;
	r->found = xrealloc(r->found, r->n_found + 1, sizeof(*r->found));
	r->found[r->n_found++] = (struct mirror){ xstrndup(text, strlen(text) - strlen(file)), r->preference };
}

static void on_end(void *arg, const char *name, const char *text)
{
	struct reader *r = arg;

	if (streq(name, "file"))
		r->in_file = false;
	else if (r->in_file && streq(name, "hash"))
		mirrors_add_hash(r->ret, strna(r->hash_type), text);
	else if (r->in_file && streq(name, "url"))
		take_url(r, text);
}

/* Best first, and stable: the list's own order among equals. */
static void take_mirrors(struct reader *r)
{
	for (size_t i = 0; i < r->n_found; i++) {
		size_t best = 0;

		for (size_t k = 1; k < r->n_found; k++)
			if (r->found[k].url &&
			    (!r->found[best].url || r->found[k].preference > r->found[best].preference))
				best = k;
		add_folder(r->ret, r->found[best].url);
		r->found[best].url = NULL;
	}
}

static int parse_metalink(const char *text, size_t n, struct mirrors *ret, struct err *err)
{
	struct reader r = { .ret = ret };
	struct xml_handler h = { on_start, on_end, &r };
	int result = xml_parse(text, n, &h, err);

	take_mirrors(&r);
	free(r.hash_type);
	free(r.found);
	return result;
}

int mirrors_parse(const char *text, size_t n, struct mirrors *ret, struct err *err)
{
	size_t blank = 0;
	int r = 0;

	while (blank < n && isspace((unsigned char)text[blank]))
		blank++;
	if (n > METALINK_MAX)
		return err_set(err, CODE_REFRESH_FAILED, 0, "the list of mirrors has %zu bytes, more than %d", n,
			       METALINK_MAX);
	if (blank < n && text[blank] == '<')
		r = parse_metalink(text + blank, n - blank, ret, err);
	else
		parse_lines(text, n, ret);
	if (r == 0 && !ret->urls.n)
		r = err_set(err, CODE_REFRESH_FAILED, 0, "no usable mirror is in the list");
	if (r < 0)
		mirrors_clear(ret);
	return r;
}
