/* layerlist.c - see layerlist.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include "fd.h"
#include "inroot.h"
#include "layerlist.h"
#include "syscalls.h"

#define LIST_MAX (32 * 1024 * 1024)
#define STATUS_MAX (64 * 1024 * 1024)
#define ENTRIES_MAX 200000

int layer_open(int root, const char *path)
{
	static const struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};

	return sys_openat2(root, *path ? path : ".", &how);
}

char *layer_resolve(struct layer_paths *p, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t n = (size_t)(name - path);
	cleanup_free char *folder = n ? xstrndup(path, n) : xstrdup("/");

	if (!*name || streq(name, ".") || streq(name, "..") || strstr(path, "/" WHITEOUT) ||
	    starts_with(path, WHITEOUT) || n >= sizeof(p->folder))
		return NULL;
	if (!streq(p->folder, folder)) {
		p->folder[0] = '\0';
		if (inroot_resolve(p->root, folder, p->at) < 0)
			return NULL;
		memcpy(p->folder, folder, strlen(folder) + 1);
	}
	return xasprintf("%s%s%s", p->at, *p->at ? "/" : "", name);
}

/* A file of dpkg's below ROOT, regular, at most MAX bytes. */
static int read_inside(int root, const char *path, size_t max, struct buf *ret, struct err *err)
{
	char self[64];

	cleanup_fd int fd = inroot_open(root, path);
	if (fd < 0)
		return err_set(err, CODE_IO, errno, "open '%s' in the container", path);
	/* read_file() looks at what it is before it reads */
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return read_file(self, max, ret, err) < 0 ? err_wrap(err, "read '%s' in the container", path) : 0;
}

/* The package of a file of info/, "libc6:amd64.list" or "bash.postinst"; caller frees. */
static char *package_of(const char *file)
{
	const char *dot = strrchr(file, '.'), *colon = strchr(file, ':');

	if (!dot)
		return xstrdup("");
	return xstrndup(file, (size_t)((colon && colon < dot ? colon : dot) - file));
}

static void add(struct layer_list *l, const char *path)
{
	char *resolved = layer_resolve(&l->where, path);

	if (resolved)
		strv_take(&l->paths, resolved);
}

/* Where a diversion of another package sends PATH; PATH itself without one. */
static const char *diverted(const struct strv *diversions, const char *path, const char *package)
{
	for (size_t i = 0; i + 2 < diversions->n; i += 3)
		if (streq(diversions->v[i], path) && !streq(diversions->v[i + 2], package))
			return diversions->v[i + 1];
	return path;
}

static void split_lines(struct buf *text, struct strv *ret)
{
	char *rest = text->n ? text->s : NULL;

	for (char *line; (line = strsep(&rest, "\n"));)
		if (*line && ret->n < LAYER_PATHS_MAX)
			strv_push(ret, line);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct strv *l)
{
	size_t n = 0;

	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), compare);
	for (size_t i = 0; i < l->n; i++)
		if (n && streq(l->v[n - 1], l->v[i]))
			free(l->v[i]);
		else
			l->v[n++] = l->v[i];
	l->n = n;
}

/* The image's version of LIST, appended to RET. */
static void read_old(const struct layer_list *l, const char *list, struct strv *ret)
{
	cleanup_free char *path = xasprintf(DPKG "/info/%s", list);

	for (size_t i = 0; i < l->n_lowers; i++) {
		cleanup_buf struct buf text = { 0 };
		struct err ignored = ERR_INIT;

		if (l->lowers[i] >= 0 && read_inside(l->lowers[i], path, LIST_MAX, &text, &ignored) == 0) {
			split_lines(&text, ret);
			return;
		}
	}
}

static bool in_image(const struct layer_list *l, const char *path)
{
	for (size_t i = 0; i < l->n_lowers; i++) {
		cleanup_fd int fd = l->lowers[i] < 0 ? -1 : layer_open(l->lowers[i], path);

		if (fd >= 0)
			return true;
	}
	return false;
}

/* A whiteout for PATH when the image has it and the container has not: the new package lacks it, or dpkg was told not to
 * unpack it (path-exclude). */
static void add_whiteout(struct layer_list *l, const char *path)
{
	cleanup_free char *at = layer_resolve(&l->where, path);
	cleanup_fd int fd = at ? layer_open(l->where.root, at) : -1;

	if (!at || fd >= 0 || errno != ENOENT || !in_image(l, at))
		return;
	char *slash = strrchr(at, '/');
	int folder = slash ? (int)(slash - at) + 1 : 0;
	strv_take(&l->paths, xasprintf("%.*s" WHITEOUT "%s", folder, at, at + folder));
}

struct info {
	struct strv files; /* of info/, those of the packages */
	struct strv lists; /* the lists among them */
};

/* Go through info/: take what is of the packages; of others nothing may be newer than the container. */
static int read_info(const struct layer_source *s, struct info *ret, struct err *err)
{
	cleanup_fd int at = inroot_open(s->root, DPKG "/info");
	cleanup_fd int fd = at < 0 ? -1 : openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *all = fd < 0 ? NULL : fdopendir(fd);
	cleanup_buf struct buf mixed = { 0 };
	struct dirent *e;
	size_t n = 0;

	if (!all)
		return err_set(err, CODE_EXPORT_UNSUPPORTED, 0,
			       "the container has no dpkg: use --format=commands and rebuild the image");
	(void)steal_fd(&fd);
	while ((e = readdir(all)) && n++ < ENTRIES_MAX) {
		cleanup_free char *package = package_of(e->d_name);
		struct stat st;

		if (strv_contains(s->packages, package)) {
			strv_push(&ret->files, e->d_name);
			if (ends_with(e->d_name, ".list"))
				strv_push(&ret->lists, e->d_name);
		} else if (ends_with(e->d_name, ".list") && mixed.n < 200 &&
			   fstatat(dirfd(all), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtime > s->created) {
			buf_printf(&mixed, "%s%s", mixed.n ? ", " : "", package);
		}
	}
	(void)closedir(all);
	if (!mixed.n)
		return 0;
	cleanup_free char *shown = escape_text(mixed.s, 300);
	return err_set(
		err, CODE_EXPORT_MIXED, 0,
		"packages were changed in the container that stopgap did not update (%s): use --format=commands and rebuild the image",
		shown);
}

/* The paths of each list, where they are now; whiteouts for those that are gone. */
static int add_lists(const struct layer_source *s, const struct info *info, const struct strv *diversions,
		     struct layer_list *l, struct err *err)
{
	cleanup_strv struct strv all = { 0 };

	for (size_t i = 0; i < info->lists.n; i++) {
		cleanup_free char *path = xasprintf(DPKG "/info/%s", info->lists.v[i]);
		cleanup_free char *package = package_of(info->lists.v[i]);
		cleanup_strv struct strv lines = { 0 };
		cleanup_buf struct buf text = { 0 };

		if (read_inside(s->root, path, LIST_MAX, &text, err) < 0)
			return -1;
		split_lines(&text, &lines);
		for (size_t k = 0; k < lines.n; k++) {
			add(l, diverted(diversions, lines.v[k], package));
			strv_push(&all, lines.v[k]);
		}
		if (l->paths.n > LAYER_PATHS_MAX)
			return err_set(err, CODE_TOO_LARGE, 0, "the packages have more than %d files", LAYER_PATHS_MAX);
	}
	for (size_t i = 0; i < info->lists.n; i++)
		read_old(l, info->lists.v[i], &all);
	sort(&all);
	for (size_t i = 0; i < all.n; i++)
		add_whiteout(l, all.v[i]);
	return 0;
}

/* Each entry of a folder that is not a folder itself. */
static void add_folder(struct layer_list *l, const char *path)
{
	cleanup_fd int at = inroot_open(l->where.root, path);
	cleanup_fd int fd = at < 0 ? -1 : openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *all = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	size_t n = 0;

	if (!all)
		return;
	(void)steal_fd(&fd);
	while ((e = readdir(all)) && n++ < ENTRIES_MAX) {
		cleanup_free char *whole = xasprintf("%s/%s", path, e->d_name);

		if (e->d_type == DT_REG || e->d_type == DT_LNK)
			add(l, whole);
	}
	(void)closedir(all);
}

/* What maintainer scripts and triggers make of the packages' files. */
static void add_made(const struct layer_source *s, struct layer_list *l)
{
	static const char *const files[] = { "/" DPKG "/status", "/" DPKG "/diversions", "/" DPKG "/statoverride",
					     "/etc/ld.so.cache" };
	static const char *const folders[] = { "/" DPKG "/alternatives", "/" DPKG "/triggers", "/etc/alternatives" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		add(l, files[i]);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		add_folder(l, folders[i]);
	if (strv_contains(s->packages, "ca-certificates"))
		add_folder(l, "/etc/ssl/certs");
}

/* "PATH MD5" of the packages' configuration files, from dpkg's status. */
static int read_conffiles(const struct layer_source *s, struct strv *ret, struct err *err)
{
	cleanup_buf struct buf text = { 0 };
	bool ours = false, inside = false;

	if (read_inside(s->root, DPKG "/status", STATUS_MAX, &text, err) < 0)
		return -1;
	char *rest = text.n ? text.s : NULL;
	for (char *line; (line = strsep(&rest, "\n"));) {
		if (starts_with(line, "Package: "))
			ours = strv_contains(s->packages, line + strlen("Package: "));
		inside = starts_with(line, "Conffiles:") || (inside && *line == ' ');
		if (ours && inside && *line == ' ' && ret->n < LAYER_PATHS_MAX)
			strv_push(ret, line + 1);
	}
	return 0;
}

int layer_list_make(const struct layer_source *s, struct layer_list *ret, struct err *err)
{
	cleanup_strv struct strv diversions = { 0 };
	cleanup_buf struct buf text = { 0 };
	struct layer_list l = { .where.root = s->root, .n_lowers = s->lowers->n };
	struct info info = { 0 };
	struct err ignored = ERR_INIT;

	l.lowers = xcalloc(s->lowers->n + 1, sizeof(*l.lowers));
	for (size_t i = 0; i < s->lowers->n; i++)
		l.lowers[i] = open(s->lowers->v[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (read_inside(s->root, DPKG "/diversions", LIST_MAX, &text, &ignored) == 0)
		split_lines(&text, &diversions);
	int r = read_info(s, &info, err);
	if (r == 0)
		r = add_lists(s, &info, &diversions, &l, err);
	if (r == 0)
		r = read_conffiles(s, &l.conffiles, err);
	for (size_t i = 0; r == 0 && i < info.files.n; i++) {
		cleanup_free char *path = xasprintf("/" DPKG "/info/%s", info.files.v[i]);

		add(&l, path);
	}
	if (r == 0)
		add_made(s, &l);
	sort(&l.paths);
	strv_clear(&info.files);
	strv_clear(&info.lists);
	if (r < 0)
		layer_list_clear(&l);
	else
		*ret = l;
	return r;
}

void layer_list_clear(struct layer_list *l)
{
	strv_clear(&l->paths);
	strv_clear(&l->conffiles);
	for (size_t i = 0; i < l->n_lowers; i++)
		closep(&l->lowers[i]);
	free(l->lowers);
	*l = (struct layer_list){ 0 };
}
