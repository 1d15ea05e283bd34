/* hostcache.c - see hostcache.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sha256.h>
#include <stdio.h>
#include <sys/stat.h>
#include "fd.h"
#include "hostcache.h"
#include "hosttree.h"

#define CHUNK	    65536
#define GROUP_DEPTH 16
#define LEASE_DIGITS 15 /* of the hash: what fits an off_t */

bool hostcache_is_hash(const char *s)
{
	return strspn(s, "0123456789abcdef") == HOSTCACHE_NAME && !s[HOSTCACHE_NAME];
}

int hostcache_open(const char *state_dir, int64_t max, struct hostcache *ret, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/cache", state_dir);

	*ret = (struct hostcache){ .dir = -1, .max = max };
	if (max <= 0)
		return 0;
	if (make_dirs(path, 0700, err) < 0)
		return -1;
	cleanup_fd int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_set(err, CODE_IO, errno, "open '%s'", path);
	if (mkdirat(dir, "lists", 0700) < 0 && errno != EEXIST)
		return err_set(err, CODE_IO, errno, "create folder '%s/lists'", path);
	ret->dir = steal_fd(&dir);
	return 0;
}

void hostcache_close(struct hostcache *c)
{
	closep(&c->dir);
	c->dir = -1;
}

/* Copy what there is, but not much more than SIZE bytes; their number and hash. -1: TO cannot be written, -2: FROM
 * cannot be read. */
static int copy_hashed(int from, int to, int64_t size, int64_t *n, char hex[SHA256_DIGEST_STRING_LENGTH])
{
	static uint8_t room[CHUNK];
	SHA256_CTX ctx;
	ssize_t k;

	SHA256Init(&ctx);
	for (*n = 0; *n <= size; *n += k) {
		k = read(from, room, sizeof(room));
		if (k < 0 && errno == EINTR) {
			k = 0;
			continue;
		}
		if (k < 0)
			return -2;
		if (k == 0)
			break;
		if (write_all(to, room, (size_t)k) < 0)
			return -1;
		SHA256Update(&ctx, room, (size_t)k);
	}
	(void)SHA256End(&ctx, hex);
	return 0;
}

int hostcache_get(const struct hostcache *c, const char *hash, int64_t size, int to, struct err *err)
{
	char hex[SHA256_DIGEST_STRING_LENGTH];
	struct err ignored = ERR_INIT;
	int64_t have, n;

	if (c->dir < 0 || !hostcache_is_hash(hash))
		return 0;
	cleanup_fd int from = hosttree_open(c->dir, hash, &have, &ignored);
	if (from < 0 || have != size)
		return 0;
	int r = copy_hashed(from, to, size, &n, hex);
	if (r == -1)
		return err_set(err, errno == ENOSPC ? CODE_NO_SPACE : CODE_IO, errno, "copy a package from the cache");
	if (r < 0 || n != size || !streq(hex, hash)) {
		(void)unlinkat(c->dir, hash, 0);
		return 0;
	}
	(void)futimens(from, NULL);
	return 1;
}

int hostcache_put(const struct hostcache *c, const char *hash, int64_t size, int from, struct err *err)
{
	char hex[SHA256_DIGEST_STRING_LENGTH];
	cleanup_free char *tmp = xasprintf("%s.%d", hash, (int)getpid());
	int64_t n;

	if (c->dir < 0 || !hostcache_is_hash(hash) || size < 0 || size > c->max)
		return 0;
	if (faccessat(c->dir, hash, F_OK, 0) == 0)
		return 1;
	(void)unlinkat(c->dir, tmp, 0);
	cleanup_fd int to = openat(c->dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return err_set(err, CODE_IO, errno, "create '%s' in the cache", tmp);
	int r = copy_hashed(from, to, size, &n, hex);
	if (r < 0) {
		(void)err_set(err, errno == ENOSPC ? CODE_NO_SPACE : CODE_IO, errno, "copy a package to the cache");
		(void)unlinkat(c->dir, tmp, 0);
		return r == -1 ? -1 : 0;
	}
	/* a crash leaves a file whose hash is wrong at worst, and that is looked at before each use */
	if (n != size || !streq(hex, hash) || renameat(c->dir, tmp, c->dir, hash) < 0) {
		(void)unlinkat(c->dir, tmp, 0);
		return 0;
	}
	return 1;
}

int hostcache_leases(const struct hostcache *c)
{
	return c->dir < 0 ? -1 : openat(c->dir, "leases", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* The hash is the place of a byte in a file that has none. */
static int lock(int leases, const char *hash, short type)
{
	char digits[LEASE_DIGITS + 1];
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_len = 1 };

	memcpy(digits, hash, LEASE_DIGITS);
	digits[LEASE_DIGITS] = '\0';
	l.l_start = (off_t)strtoull(digits, NULL, 16);
	return fcntl(leases, F_OFD_SETLK, &l);
}

bool hostcache_lease(int leases, const char *hash)
{
	return leases < 0 || !hostcache_is_hash(hash) || lock(leases, hash, F_WRLCK) == 0 ||
	       (errno != EAGAIN && errno != EACCES);
}

void hostcache_release(int leases, const char *hash)
{
	if (leases >= 0 && hostcache_is_hash(hash))
		(void)lock(leases, hash, F_UNLCK);
}

/* --- bounds -------------------------------------------------------------------------- */

struct item {
	char *name;
	int64_t size, used;
};

struct items {
	struct item *v;
	size_t n;
	int64_t size;
};

static void add_item(struct items *l, char *name, int64_t size, int64_t used)
{
	if ((l->n & (l->n - 1)) == 0)
		l->v = xrealloc(l->v, l->n ? 2 * l->n : 1, sizeof(*l->v));
	l->v[l->n++] = (struct item){ name, size, used };
	l->size += size;
}

static DIR *open_list(int dir, const char *path)
{
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		closep(&fd);
	return d;
}

static int64_t size_of_group(int dir, const char *path, int depth)
{
	DIR *d = depth < GROUP_DEPTH ? open_list(dir, path) : NULL;
	int64_t size = 0;
	struct stat st;

	if (!d)
		return 0;
	for (struct dirent *e; (e = readdir(d));) {
		if (streq(e->d_name, ".") || streq(e->d_name, "..") ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		size += S_ISDIR(st.st_mode) ? size_of_group(dirfd(d), e->d_name, depth + 1) : st.st_size;
	}
	(void)closedir(d);
	return size;
}

static void list_items(const struct hostcache *c, const char *folder, struct items *ret)
{
	DIR *d = open_list(c->dir, folder);
	struct stat st;

	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == '.' || streq(e->d_name, "leases") ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		char *path = xasprintf("%s/%s", folder, e->d_name);
		if (S_ISREG(st.st_mode))
			add_item(ret, path, st.st_size, st.st_mtime);
		else if (streq(folder, "lists"))
			add_item(ret, path, size_of_group(c->dir, path, 0), st.st_mtime);
		else
			free(path);
	}
	(void)closedir(d);
}

static int by_use(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return x->used < y->used ? -1 : x->used > y->used;
}

void hostcache_trim(const struct hostcache *c)
{
	struct items l = { 0 };
	struct err ignored = ERR_INIT;

	if (c->dir < 0)
		return;
	list_items(c, ".", &l);
	list_items(c, "lists", &l);
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), by_use);
	for (size_t i = 0; i < l.n; i++) {
		if (l.size > c->max && hosttree_remove(c->dir, l.v[i].name, &ignored) == 0)
			l.size -= l.v[i].size;
		free(l.v[i].name);
	}
	free(l.v);
}
