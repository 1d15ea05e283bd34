/* ndb.c - rpm's ndb package database, read only (rpmdb.h).
 *
 * Debian 12's librpm has no ndb. The format is librpm's lib/backend/ndb/rpmpkg.c:
 * little-endian words; a header of 32 bytes, slots of 16 bytes that name blobs in
 * units of 16 bytes, and each blob with a head of 16 and a tail of 12 bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <rpm/header.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "rpmdb.h"
#include "util.h"

#define DB_MAGIC 0x506d7052U /* "RpmP" */
#define SLOT_MAGIC 0x746f6c53U /* "Slot" */
#define BLOB_MAGIC 0x53626c42U /* "BlbS" */
#define TAIL_MAGIC 0x45626c42U /* "BlbE" */
#define DB_VERSION 0
#define PAGE 4096U
#define SLOT 16U
#define BLOCK 16U
#define BLOB_HEAD 16U
#define BLOB_TAIL 12U
#define SLOTS_START 2U /* the first two places of the first page are the database's header */
#define DB_MAX (1024LL * 1024 * 1024)

struct ndb {
	const unsigned char *p;
	size_t n;
	const char *path;
};

static uint32_t word(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int broken(const struct ndb *d, const char *what, struct err *err)
{
	return err_set(err, CODE_DATABASE_BROKEN, 0, "'%s': %s; repair it with the container's 'rpmdb --rebuilddb'",
		       d->path, what);
}

/* The header blob that the slot at S names, as a new Header. */
static Header read_blob(const struct ndb *d, const unsigned char *s)
{
	uint32_t index = word(s + 4), at = word(s + 8), blocks = word(s + 12), len;
	size_t start = (size_t)at * BLOCK, size = (size_t)blocks * BLOCK;
	const unsigned char *b;

	if (start >= d->n || size > d->n - start || size < BLOB_HEAD + BLOB_TAIL)
		return NULL;
	b = d->p + start;
	len = word(b + 12);
	if (word(b) != BLOB_MAGIC || word(b + 4) != index || len > size - BLOB_HEAD - BLOB_TAIL ||
	    word(b + size - 4) != TAIL_MAGIC)
		return NULL;
	/* headerImport() checks every index entry against the length */
	return headerImport((void *)(uintptr_t)(b + BLOB_HEAD), len, HEADERIMPORT_COPY);
}

static int each(const struct ndb *d, rpmdb_each_fn *fn, void *ctx, struct err *err)
{
	uint32_t pages;

	if (d->n < PAGE || word(d->p) != DB_MAGIC || word(d->p + 4) != DB_VERSION)
		return broken(d, "no ndb database of a known version", err);
	pages = word(d->p + 12);
	if (pages > d->n / PAGE)
		return broken(d, "its slots are cut off", err);
	for (size_t i = SLOTS_START; i < (size_t)pages * (PAGE / SLOT); i++) {
		const unsigned char *s = d->p + i * SLOT;
		bool more;

		if (word(s) != SLOT_MAGIC)
			return broken(d, "a slot has no magic", err);
		if (!word(s + 8))
			continue; /* a free slot */
		Header h = read_blob(d, s);
		if (!h)
			return broken(d, "a package's header is damaged", err);
		more = fn(h, word(s + 4), ctx);
		(void)headerFree(h);
		if (!more)
			break;
	}
	return 0;
}

int ndb_each(const char *path, rpmdb_each_fn *fn, void *ctx, struct err *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct ndb d = { .path = path };
	struct stat st;
	void *map;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, CODE_DATABASE_BROKEN, errno, "open '%s'", path);
	if (!S_ISREG(st.st_mode) || st.st_size < PAGE || st.st_size > DB_MAX)
		return broken(&d, "it is no file of a database's size", err);
	/* rpm's writers hold this lock exclusively; it is released when fd closes */
	while (flock(fd, LOCK_SH) < 0)
		if (errno != EINTR)
			return err_set(err, CODE_IO, errno, "lock '%s'", path);
	/* a private copy: a file that shrinks while it is mapped would kill us */
	map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return err_set(err, CODE_IO, errno, "read '%s'", path);
	for (d.n = 0; d.n < (size_t)st.st_size;) {
		ssize_t n = pread(fd, (char *)map + d.n, (size_t)st.st_size - d.n, (off_t)d.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		d.n += (size_t)n;
	}
	d.p = map;
	r = each(&d, fn, ctx, err);
	(void)munmap(map, (size_t)st.st_size);
	return r;
}
