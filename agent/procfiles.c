/* procfiles.c - see procfiles.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include "buf.h"
#include "inroot.h"
#include "procfiles.h"

#define AUFS_MAGIC 0x61756673
#define FUSE_MAGIC 0x65735546

static bool has_prefix(const char *path, size_t len, const char *prefix)
{
	size_t n = strlen(prefix);

	return len >= n && memcmp(path, prefix, n) == 0;
}

enum proc_place proc_place(const char *path, size_t len)
{
	static const char *const nobodys[] = { "/tmp/", "/var/tmp/", "/dev/",  "/run/",
					       "/proc/", "/sys/",    "/var/run/", "/memfd:" };
	static const char *const systems[] = { "/usr/", "/lib/", "/lib64/", "/bin/", "/sbin/", "/lib32/", "/libx32/" };

	if (len < 2 || path[0] != '/')
		return PLACE_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(systems); i++)
		if (has_prefix(path, len, systems[i]))
			return PLACE_SYSTEM;
	for (size_t i = 0; i < ARRAY_SIZE(nobodys); i++)
		if (has_prefix(path, len, nobodys[i]))
			return PLACE_NONE;
	return memchr(path + 1, '/', len - 1) ? PLACE_OTHER : PLACE_ROOT;
}

int proc_files_base(struct proc_files *f, int dirfd, const struct proc_links *l, bool own)
{
	int fd = -1;

	for (size_t i = 0; i < f->n_bases; i++)
		if (f->bases[i].ns == l->ns && l->ns)
			return (int)i;
	if (streq(l->root, "/"))
		fd = openat(dirfd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* chrooted, or its links are not ours to follow */
	if (fd < 0 && own)
		fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (f->n_bases == PROC_BASES_MAX)
		(void)close(f->bases[--f->n_bases].fd);
	f->bases[f->n_bases].ns = l->ns;
	f->bases[f->n_bases].fd = fd;
	f->bases[f->n_bases].id = ++f->last_id;
	return (int)f->n_bases++;
}

int proc_files_stat(const struct proc_files *f, int base, const char *path, struct stat *ret)
{
	cleanup_fd int fd = base < 0 ? -1 : inroot_open(f->bases[base].fd, path);

	return fd < 0 ? -1 : fstat(fd, ret);
}

/* What is at a path now, compared with what is mapped. */
struct found {
	bool regular;
	bool ino_same, dev_same;
	bool ino_counts; /* not on a union */
};

static struct found look(const struct proc_files *f, int base, const char *path, const struct mapping *m)
{
	struct found r = { 0 };
	struct stat st;
	struct statfs fs;

	cleanup_fd int fd = base < 0 ? -1 : inroot_open(f->bases[base].fd, path);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return r;
	r.regular = true;
	r.ino_same = st.st_ino == m->ino;
	r.dev_same = st.st_dev == m->dev;
	if ((r.ino_same && r.dev_same) || fstatfs(fd, &fs) < 0)
		return r;
	/* btrfs: each subvolume answers stat() with a number of its own */
	r.dev_same |= fs.f_type == BTRFS_SUPER_MAGIC;
	r.ino_counts = fs.f_type != OVERLAYFS_SUPER_MAGIC && fs.f_type != AUFS_MAGIC && fs.f_type != FUSE_MAGIC;
	return r;
}

char *proc_file_literal(const char *name)
{
	struct buf b = { 0 };

	for (const char *s = name; *s; s++)
		buf_puts(&b, *s == '\n' ? "\\012" : (const char[]){ *s, '\0' });
	return buf_steal(&b);
}

/* Is it at the other spelling of its name? */
static bool is_literal(const struct proc_files *f, int base, const struct mapping *m)
{
	cleanup_free char *path = strchr(m->name, '\n') ? proc_file_literal(m->name) : NULL;
	struct found r = { 0 };

	if (path)
		r = look(f, base, path, m);
	return r.regular && r.ino_same;
}

void proc_files_judge(const struct proc_files *f, int base, const struct mapping *m, struct proc_file *ret)
{
	struct found r;

	ret->len = m->len;
	ret->literal = false;
	r = look(f, base, m->name, m);
	if (!procread_deleted(m->name, m->len)) {
		ret->literal = !(r.regular && r.ino_same) && is_literal(f, base, m);
		ret->stale = r.regular && !r.ino_same && r.ino_counts && !ret->literal;
		return;
	}
	/* a file may really be named so; whatever its device, which a union makes up */
	ret->stale = !(r.regular && r.ino_same);
	if (!ret->stale)
		return;
	ret->len -= strlen(PROCREAD_DELETED);
	cleanup_free char *path = xstrndup(m->name, ret->len);
	/* the same file again: a name that was put back, or a bind mount of a file that is deleted where it came from */
	r = look(f, base, path, m);
	ret->stale = !(r.regular && r.ino_same && r.dev_same);
}

static uint64_t hash_of(uint32_t base, const struct mapping *m)
{
	uint64_t h = 0xcbf29ce484222325 ^ base;

	h = (h ^ m->dev) * 0x100000001b3;
	h = (h ^ m->ino) * 0x9e3779b97f4a7c15;
	for (size_t i = 0; i < m->len; i++)
		h = (h ^ (unsigned char)m->name[i]) * 0x100000001b3;
	return h ^ h >> 32;
}

static void grow_index(struct proc_files *f)
{
	f->index_size = f->index_size ? f->index_size * 2 : 256;
	free(f->index);
	f->index = xcalloc(f->index_size, sizeof(*f->index));
	for (size_t i = 0; i < f->n; i++) {
		size_t at = f->v[i].hash & (f->index_size - 1);

		while (f->index[at])
			at = (at + 1) & (f->index_size - 1);
		f->index[at] = (uint32_t)i + 1;
	}
}

int proc_files_get(struct proc_files *f, int base, const struct mapping *m)
{
	uint32_t id = base < 0 ? 0 : f->bases[base].id;
	uint64_t hash = hash_of(id, m);
	size_t at;

	if (f->n * 2 >= f->index_size)
		grow_index(f);
	for (at = hash & (f->index_size - 1); f->index[at]; at = (at + 1) & (f->index_size - 1)) {
		const struct proc_file *p = &f->v[f->index[at] - 1];

		if (p->hash == hash && p->ino == m->ino && p->dev == m->dev && p->base == id &&
		    strncmp(p->name, m->name, m->len) == 0 && p->name[m->len] == '\0')
			return (int)f->index[at] - 1;
	}
	if (f->n == PROC_FILES_MAX)
		return -1;
	if ((f->n & (f->n - 1)) == 0)
		f->v = xrealloc(f->v, f->n ? f->n * 2 : 1, sizeof(*f->v));
	struct proc_file *p = &f->v[f->n];
	*p = (struct proc_file){ .hash = hash, .dev = m->dev, .ino = m->ino, .base = id };
	proc_files_judge(f, base, m, p);
	p->name = xstrndup(m->name, m->len);
	f->index[at] = (uint32_t)++f->n;
	return (int)f->n - 1;
}

void proc_files_clear(struct proc_files *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i].name);
	for (size_t i = 0; i < f->n_bases; i++)
		(void)close(f->bases[i].fd);
	free(f->v);
	free(f->index);
	*f = (struct proc_files){ 0 };
}
