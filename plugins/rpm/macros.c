/* macros.c - see macros.h. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include "fd.h"
#include "macros.h"

#define FILE_MAX (1024 * 1024)
#define MOUNTS_MAX (4 * 1024 * 1024)

static bool plain(const char *value)
{
	for (const char *p = value; *p; p++)
		if (*p == '%' || *p == '\\' || iscntrl((unsigned char)*p))
			return false;
	return true;
}

static void set(char **field, const char *value)
{
	free(*field);
	*field = *value ? xstrdup(value) : NULL;
}

static void take_line(char *line, struct macros *ret)
{
	char *name, *value, *end;

	if (*line != '%')
		return;
	name = line + 1;
	value = name + strcspn(name, " \t");
	if (*value)
		*value++ = '\0';
	value += strspn(value, " \t");
	end = value + strlen(value);
	while (end > value && isspace((unsigned char)end[-1]))
		*--end = '\0';
	if (!plain(value))
		return;
	if (streq(name, "_install_langs"))
		set(&ret->install_langs, value);
	else if (streq(name, "_netsharedpath"))
		set(&ret->netsharedpath, value);
	else if (streq(name, "_excludedocs"))
		ret->excludedocs = streq(value, "1");
}

void macros_parse(const char *text, struct macros *ret)
{
	cleanup_free char *copy = xstrdup(text);

	for (char *rest = copy, *line; (line = strsep(&rest, "\n"));)
		take_line(line, ret);
}

static void read_one(const char *path, struct macros *ret)
{
	cleanup_buf struct buf b = { 0 };
	struct err ignored = ERR_INIT;

	if (read_file(path, FILE_MAX, &b, &ignored) == 0)
		macros_parse(buf_str(&b), ret);
}

static int is_macro_file(const struct dirent *e)
{
	return starts_with(e->d_name, "macros.") && !ends_with(e->d_name, "~") && !strstr(e->d_name, ".rpm");
}

static void read_folder(const char *root, const char *folder, struct macros *ret)
{
	cleanup_free char *dir = xasprintf("%s%s", root, folder);
	struct dirent **files;
	int n = scandir(dir, &files, is_macro_file, alphasort);

	for (int i = 0; i < n; i++) {
		cleanup_free char *path = xasprintf("%s/%s", dir, files[i]->d_name);

		read_one(path, ret);
		free(files[i]);
	}
	if (n >= 0)
		free(files);
}

/* mountinfo writes blanks and the like as \ooo. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' &&
		    s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

void macros_mounts(const char *text, bool (*is_file)(const char *path), struct buf *ret)
{
	static const char *const kernel[] = { "/proc", "/sys", "/dev" };
	cleanup_free char *copy = xstrdup(text);

	for (char *rest = copy, *line; (line = strsep(&rest, "\n"));) {
		char *field = NULL;
		bool fixed = false, below = false;

		for (int i = 0; i < 5 && line; i++)
			field = strsep(&line, " ");
		if (!field || *field != '/')
			continue;
		unescape(field);
		for (size_t i = 0; i < ARRAY_SIZE(kernel); i++) {
			size_t n = strlen(kernel[i]);

			fixed |= streq(field, kernel[i]);
			below |= starts_with(field, kernel[i]) && field[n] == '/';
		}
		/* the separator of the list cannot be in a path of it */
		if (below || strchr(field, ':') || !plain(field) || (!fixed && !is_file(field)))
			continue;
		buf_printf(ret, "%s%s", ret->n ? ":" : "", field);
	}
}

static bool is_file(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

void macros_read(const char *root, struct macros *ret)
{
	static const char *const folders[] = { "/usr/lib/rpm/macros.d", "/usr/lib/rpm", "/etc/rpm" };
	cleanup_free char *file = xasprintf("%s/etc/rpm/macros", root),
			  *mountinfo = xasprintf("%s/proc/self/mountinfo", root);
	cleanup_buf struct buf mounts = { 0 }, paths = { 0 };
	struct err ignored = ERR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		read_folder(root, folders[i], ret);
	read_one(file, ret);
	if (ret->netsharedpath)
		buf_puts(&paths, ret->netsharedpath);
	if (read_file(mountinfo, MOUNTS_MAX, &mounts, &ignored) == 0)
		macros_mounts(buf_str(&mounts), is_file, &paths);
	free(ret->netsharedpath);
	ret->netsharedpath = paths.n ? buf_steal(&paths) : NULL;
}

void macros_clear(struct macros *m)
{
	free(m->install_langs);
	free(m->netsharedpath);
	*m = (struct macros){ 0 };
}
