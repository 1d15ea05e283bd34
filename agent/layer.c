/* layer.c - see layer.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <md5.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include "fd.h"
#include "layer.h"
#include "layerlist.h"

#define FILE_MAX (1ULL << 30) /* bytes of one file */
#define LAYER_MAX (8ULL << 30) /* of all */
#define CAPABILITY_MAX 64
#define CHUNK 65536

int64_t layer_map_id(const char *map, uint32_t id)
{
	unsigned inside, outside, n;

	for (; map && *map; map += strcspn(map, "\n"), map += *map == '\n')
		if (sscanf(map, "%u %u %u", &inside, &outside, &n) == 3 && id >= outside && id - outside < n)
			return (int64_t)inside + (id - outside);
	return -1;
}

struct writing {
	const struct layer_source *s;
	struct layer_list *list;
	struct tar *t;
	struct layer_counts *counts;
	/* files with several names that have been written by one */
	struct {
		dev_t dev;
		ino_t ino;
		char *path;
	} * linked;
	size_t n_linked;
};

/* Reopen for reading what FD (O_PATH) is. */
static int reopen(int fd)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* Is it as the image has it? Only with the image's layers at hand; the uppermost that has it counts. */
static bool unchanged(const struct writing *w, const char *path, const struct stat *now)
{
	for (size_t i = 0; i < w->list->n_lowers; i++) {
		cleanup_fd int fd = w->list->lowers[i] < 0 ? -1 : layer_open(w->list->lowers[i], path);
		struct stat st;

		if (fd < 0 || fstat(fd, &st) < 0)
			continue;
		bool same = st.st_mode == now->st_mode && st.st_uid == now->st_uid && st.st_gid == now->st_gid;
		if (S_ISDIR(st.st_mode))
			return same;
		return same && st.st_ino == now->st_ino && st.st_size == now->st_size &&
		       st.st_mtim.tv_sec == now->st_mtim.tv_sec && st.st_mtim.tv_nsec == now->st_mtim.tv_nsec;
	}
	return false;
}

/* The digest that dpkg knows of the configuration file at PATH (resolved); NULL: it is none. */
static const char *conffile_md5(struct writing *w, const char *path)
{
	for (size_t i = 0; i < w->list->conffiles.n; i++) {
		const char *line = w->list->conffiles.v[i];
		size_t n = strcspn(line, " ");
		cleanup_free char *name = xstrndup(line, n),
				  *at = line[n] ? layer_resolve(&w->list->where, name) : NULL;

		if (at && streq(at, path))
			return line + n + 1;
	}
	return NULL;
}

/* Has somebody changed this configuration file? */
static bool is_edited(struct writing *w, const char *path, int fd)
{
	const char *want = starts_with(path, "etc/") ? conffile_md5(w, path) : NULL;
	char chunk[CHUNK], hex[MD5_DIGEST_STRING_LENGTH];
	uint64_t total = 0;
	MD5_CTX ctx;
	ssize_t n;

	if (!want)
		return false;
	MD5Init(&ctx);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0 && (total += (uint64_t)n) <= FILE_MAX)
		MD5Update(&ctx, (const uint8_t *)chunk, (size_t)n);
	MD5End(&ctx, hex);
	return n != 0 || strncmp(want, hex, 32) != 0 || lseek(fd, 0, SEEK_SET) != 0;
}

static int copy_file(struct writing *w, int fd, const char *path, uint64_t size, struct err *err)
{
	char chunk[CHUNK];

	while (size) {
		ssize_t n = read(fd, chunk, size < sizeof(chunk) ? (size_t)size : sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(err, CODE_IO, n < 0 ? errno : 0, "'%s' changed while it was read: try again",
				       path);
		if (tar_data(w->t, chunk, (size_t)n, err) < 0)
			return -1;
		size -= (uint64_t)n;
	}
	return 0;
}

/* The path by which FD's file has been written already; else remember PATH. NULL: not yet. */
static const char *other_name(struct writing *w, const struct stat *st, const char *path)
{
	for (size_t i = 0; i < w->n_linked; i++)
		if (w->linked[i].dev == st->st_dev && w->linked[i].ino == st->st_ino)
			return w->linked[i].path;
	w->linked = xrealloc(w->linked, w->n_linked + 1, sizeof(*w->linked));
	w->linked[w->n_linked].dev = st->st_dev;
	w->linked[w->n_linked].ino = st->st_ino;
	w->linked[w->n_linked++].path = xstrdup(path);
	return NULL;
}

static int add_file(struct writing *w, int at, const struct stat *st, struct tar_entry *e, struct err *err)
{
	char capability[CAPABILITY_MAX];

	cleanup_fd int fd = reopen(at);
	if (fd < 0) {
		w->counts->unread++;
		return 0;
	}
	if (is_edited(w, e->path, fd)) {
		w->counts->kept++;
		return 0;
	}
	e->size = (uint64_t)st->st_size;
	if (e->size > FILE_MAX || w->counts->bytes + e->size > LAYER_MAX)
		return err_set(err, CODE_TOO_LARGE, 0, "the layer would have more than %llu bytes", LAYER_MAX);
	e->link = st->st_nlink > 1 ? other_name(w, st, e->path) : NULL;
	w->counts->files++;
	if (e->link) {
		e->type = TAR_HARDLINK;
		return tar_add(w->t, e, err);
	}
	ssize_t n = fgetxattr(fd, "security.capability", capability, sizeof(capability));
	if (n > 0) {
		e->capability = capability;
		e->capability_n = (size_t)n;
	}
	w->counts->bytes += e->size;
	return tar_add(w->t, e, err) < 0 ? -1 : copy_file(w, fd, e->path, e->size, err);
}

static int add_path(struct writing *w, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	struct tar_entry e = { .path = path };
	char link[PATH_MAX];
	struct stat st;

	if (starts_with(slash ? slash + 1 : path, WHITEOUT)) {
		e.type = TAR_FILE;
		w->counts->whiteouts++;
		return tar_add(w->t, &e, err);
	}
	cleanup_fd int fd = layer_open(w->s->root, path);
	if (fd < 0 || fstat(fd, &st) < 0) {
		w->counts->unread += errno != ENOENT;
		return 0;
	}
	if (unchanged(w, path, &st))
		return 0;
	int64_t uid = layer_map_id(w->s->uid_map, st.st_uid), gid = layer_map_id(w->s->gid_map, st.st_gid);
	if (uid < 0 || gid < 0)
		return err_set(err, CODE_IO, 0, "'%s' belongs to nobody in the container", path);
	e.mode = st.st_mode & 07777;
	e.uid = (uint32_t)uid;
	e.gid = (uint32_t)gid;
	e.mtime = st.st_mtime;
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		e.type = TAR_FILE;
		return add_file(w, fd, &st, &e, err);
	case S_IFDIR:
		e.type = TAR_FOLDER;
		return tar_add(w->t, &e, err);
	case S_IFLNK: {
		ssize_t n = readlinkat(fd, "", link, sizeof(link) - 1);

		if (n <= 0)
			return err_set(err, CODE_IO, errno, "read the link '%s'", path);
		link[n] = '\0';
		e.type = TAR_SYMLINK;
		e.link = link;
		w->counts->files++;
		return tar_add(w->t, &e, err);
	}
	default: /* no package has these */
		return 0;
	}
}

int layer_write(const struct layer_source *s, struct tar *t, struct layer_counts *ret, struct err *err)
{
	struct layer_list list = { 0 };
	struct layer_counts counts = { 0 };
	struct writing w = { .s = s, .list = &list, .t = t, .counts = &counts };
	int r = layer_list_make(s, &list, err);

	if (r < 0)
		return -1;
	for (size_t i = 0; i < list.paths.n && r == 0; i++)
		r = add_path(&w, list.paths.v[i], err);
	if (r == 0)
		r = tar_end(t, err);
	for (size_t i = 0; i < w.n_linked; i++)
		free(w.linked[i].path);
	free(w.linked);
	layer_list_clear(&list);
	*ret = counts;
	return r;
}
