/* repomd.c - see repomd.h. */
#include <ctype.h>
#include "repomd.h"
#include "xml.h"

#define REVISION_MIN 1000000000 /* smaller numbers are counters, not times */

static const char *const type_names[] = { "primary", "filelists", "updateinfo", "modules" };

struct reader {
	struct repomd *ret;
	struct repomd_file *file; /* of the <data> we are in, or NULL */
	bool in_data;
};

void repomd_clear(struct repomd *r)
{
	for (size_t i = 0; i < REPOMD_TYPES; i++) {
		free(r->files[i].path);
		free(r->files[i].checksum_type);
		free(r->files[i].checksum);
	}
	*r = (struct repomd){ 0 };
}

static void set(char **field, const char *value)
{
	free(*field);
	*field = xstrdup(value);
}

static void on_start(void *arg, const char *name, const char **atts)
{
	struct reader *r = arg;

	if (streq(name, "data")) {
		r->in_data = true;
		r->file = NULL;
		for (size_t i = 0; i < REPOMD_TYPES; i++)
			if (streq(strna(xml_attribute(atts, "type")), type_names[i]))
				r->file = &r->ret->files[i];
	} else if (r->file && streq(name, "location")) {
		set(&r->file->path, strna(xml_attribute(atts, "href")));
	} else if (r->file && streq(name, "checksum")) {
		set(&r->file->checksum_type, strna(xml_attribute(atts, "type")));
	}
}

/* A time as a decimal, perhaps with a fraction; 0 when it is none. */
static int64_t number(const char *text)
{
	cleanup_free char *digits = xstrndup(text, strcspn(text, "."));
	uint64_t v;

	return parse_u64(digits, INT64_MAX, &v) == 0 ? (int64_t)v : 0;
}

static void on_end(void *arg, const char *name, const char *text)
{
	struct reader *r = arg;

	if (streq(name, "data")) {
		r->in_data = false;
		r->file = NULL;
	} else if (!r->in_data && streq(name, "revision") && number(text) >= REVISION_MIN) {
		r->ret->date = number(text);
	} else if (r->file && streq(name, "checksum")) {
		set(&r->file->checksum, text);
	} else if (r->file && streq(name, "size")) {
		r->file->size = number(text);
	} else if (r->file && streq(name, "timestamp")) {
		r->file->timestamp = number(text);
	}
}

static bool path_inside(const char *path)
{
	if (!*path || *path == '/' || strstr(path, "://"))
		return false;
	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			return false;
		p += n + (p[n] == '/');
	}
	for (const char *p = path; *p; p++)
		if (iscntrl((unsigned char)*p) || *p == '?' || *p == '#')
			return false;
	return true;
}

static bool hash_strong(const struct repomd_file *f)
{
	static const struct {
		const char *type;
		size_t digits;
	} strong[] = { { "sha256", 64 }, { "sha384", 96 }, { "sha512", 128 } };

	for (size_t i = 0; f->checksum && i < ARRAY_SIZE(strong); i++)
		if (streq(strna(f->checksum_type), strong[i].type))
			return strlen(f->checksum) == strong[i].digits &&
			       strspn(f->checksum, "0123456789abcdefABCDEF") == strong[i].digits;
	return false;
}

int repomd_check(struct repomd *r, struct err *err)
{
	int64_t newest = 0;

	if (!r->files[REPOMD_PRIMARY].path)
		return err_set(err, CODE_REFRESH_FAILED, 0, "repomd.xml names no primary metadata");
	for (size_t i = 0; i < REPOMD_TYPES; i++) {
		const struct repomd_file *f = &r->files[i];

		if (!f->path)
			continue;
		if (!path_inside(f->path))
			return err_set(err, CODE_REFRESH_FAILED, 0, "repomd.xml leads out of the repository with '%s'",
				       f->path);
		if (!hash_strong(f))
			return err_set(err, CODE_REFRESH_FAILED, 0,
				       "repomd.xml has no sha256 or stronger hash of its %s metadata", type_names[i]);
		newest = f->timestamp > newest ? f->timestamp : newest;
	}
	if (!r->date)
		r->date = newest;
	return 0;
}

int repomd_parse(const char *text, size_t n, struct repomd *ret, struct err *err)
{
	struct reader r = { .ret = ret };
	struct xml_handler h = { on_start, on_end, &r };
	int result = n > REPOMD_MAX ?
			     err_set(err, CODE_REFRESH_FAILED, 0, "repomd.xml has more than %d bytes", REPOMD_MAX) :
			     xml_parse(text, n, &h, err);

	if (result == 0)
		result = repomd_check(ret, err);
	if (result < 0)
		repomd_clear(ret);
	return result;
}
