/* ids.c - see ids.h. */
#include "fd.h"
#include "ids.h"

#define IDS_FILE_MAX (1024 * 1024)
#define FIELDS_MAX   7

static int parse_id(const char *s, uint32_t *ret)
{
	uint64_t u;

	if (parse_u64(s, UINT32_MAX - 1, &u) < 0)
		return -1;
	*ret = (uint32_t)u;
	return 0;
}

static bool is_number(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

/* The first entry of TEXT whose field AT is WANT: its fields, split in place. */
static size_t find_entry(char *text, size_t at, const char *want, char *fields[FIELDS_MAX])
{
	for (char *line; (line = strsep(&text, "\n"));) {
		size_t n = 0;

		while (line && n < FIELDS_MAX)
			fields[n++] = strsep(&line, ":");
		if (n > at && n > 2 && streq(fields[at], want))
			return n;
	}
	return 0;
}

static int read_entries(const char *root, const char *file, char **ret, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/etc/%s", root, file);
	cleanup_buf struct buf text = { 0 };

	if (read_file(path, IDS_FILE_MAX, &text, err) < 0) {
		err->code = CODE_CONFIG;
		return -1;
	}
	/* nothing behind a NUL counts */
	*ret = buf_steal(&text);
	return 0;
}

int ids_group(const char *root, const char *name, gid_t *ret, struct err *err)
{
	cleanup_free char *text = NULL;
	char *f[FIELDS_MAX];

	if (is_number(name)) {
		if (parse_id(name, ret) < 0)
			return err_set(err, CODE_CONFIG, 0, "group '%s': not a group number", name);
		return 0;
	}
	if (read_entries(root, "group", &text, err) < 0)
		return err_wrap(err, "group '%s'", name);
	if (!*name || !find_entry(text, 0, name, f) || parse_id(f[2], ret) < 0)
		return err_set(err, CODE_CONFIG, 0, "group '%s': not in %s/etc/group; name one that is, or its number",
			       name, root);
	return 0;
}

int ids_user(const char *root, const char *name, uid_t *uid, gid_t *gid, struct err *err)
{
	cleanup_free char *text = NULL;
	char *f[FIELDS_MAX];
	bool number = is_number(name);
	uint32_t u = 0, g = 0;
	struct err ignored;

	if (number && parse_id(name, &u) < 0)
		return err_set(err, CODE_CONFIG, 0, "user '%s': not a user number", name);
	if (read_entries(root, "passwd", &text, number ? &ignored : err) < 0) {
		if (!number)
			return err_wrap(err, "user '%s'", name);
	} else if (!*name || find_entry(text, number ? 2 : 0, name, f) < 4 || parse_id(f[2], &u) < 0 ||
		   parse_id(f[3], &g) < 0) {
		g = 0;
		if (!number)
			return err_set(err, CODE_CONFIG, 0,
				       "user '%s': not in %s/etc/passwd; name one that is, or its number", name, root);
	}
	*uid = u;
	if (gid)
		*gid = g;
	return 0;
}
