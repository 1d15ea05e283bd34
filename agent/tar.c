/* tar.c - see tar.h. */
#include <errno.h>
#include <stdio.h>
#include "fd.h"
#include "tar.h"

#define BLOCK 512
#define SIZE_OCT 077777777777ULL /* the largest size of a ustar header */
#define ID_OCT 07777777U
#define NAME_SIZE 100
#define PREFIX 155

struct header {
	char name[NAME_SIZE], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[NAME_SIZE], magic[6],
		version[2], user[32], group[32], major[8], minor[8], prefix[PREFIX], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a tar header has 512 bytes");

static int put(struct tar *t, const void *p, size_t n, struct err *err)
{
	if (write_all(t->fd, p, n) < 0)
		return err_set(err, errno == ENOSPC || errno == EDQUOT ? CODE_NO_SPACE : CODE_IO, errno,
			       "write the archive");
	return 0;
}

static void octal(char *field, size_t n, uint64_t v)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%0*llo", (int)n - 1, (unsigned long long)v);
	memcpy(field, text, n);
}

static void set_sum(struct header *h)
{
	unsigned sum = 0;

	memset(h->sum, ' ', sizeof(h->sum));
	for (size_t i = 0; i < BLOCK; i++)
		sum += ((const unsigned char *)h)[i];
	(void)snprintf(h->sum, sizeof(h->sum) - 1, "%06o", sum);
	h->sum[7] = ' ';
}

/* The path in name and prefix. false: it does not fit. */
static bool set_path(struct header *h, const char *path)
{
	size_t n = strlen(path);

	if (n <= NAME_SIZE) {
		memcpy(h->name, path, n);
		return true;
	}
	for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
		size_t before = (size_t)(slash - path), after = n - before - 1;

		if (before > PREFIX)
			return false;
		if (after && after <= NAME_SIZE) {
			memcpy(h->prefix, path, before);
			memcpy(h->name, slash + 1, after);
			return true;
		}
	}
	return false;
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts itself. */
static void record(struct buf *b, const char *key, const void *value, size_t n)
{
	size_t rest = strlen(key) + n + 3, len = rest + 1;

	for (size_t digits = 1;; digits++) {
		char text[32];

		len = rest + digits;
		if ((size_t)snprintf(text, sizeof(text), "%zu", len) == digits)
			break;
	}
	buf_printf(b, "%zu %s=", len, key);
	buf_append(b, value, n);
	buf_putc(b, '\n');
}

static void record_text(struct buf *b, const char *key, const char *value)
{
	record(b, key, value, strlen(value));
}

static void record_number(struct buf *b, const char *key, uint64_t value)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	record_text(b, key, text);
}

static int pad(struct tar *t, uint64_t size, struct err *err)
{
	static const char zeros[BLOCK];

	return size % BLOCK ? put(t, zeros, BLOCK - size % BLOCK, err) : 0;
}

static void common(struct header *h, char type, unsigned mode, uint64_t size, int64_t mtime)
{
	h->type = type;
	octal(h->mode, sizeof(h->mode), mode & 07777);
	octal(h->size, sizeof(h->size), size);
	octal(h->mtime, sizeof(h->mtime), mtime > 0 ? (uint64_t)mtime & SIZE_OCT : 0);
	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
}

/* What does not fit the header E gets, in a header of its own before it. */
static int put_pax(struct tar *t, const struct buf *records, int64_t mtime, struct err *err)
{
	struct header h = { 0 };

	memcpy(h.name, "pax", 4);
	common(&h, 'x', 0644, records->n, mtime);
	octal(h.uid, sizeof(h.uid), 0);
	octal(h.gid, sizeof(h.gid), 0);
	set_sum(&h);
	if (put(t, &h, BLOCK, err) < 0 || put(t, records->s, records->n, err) < 0)
		return -1;
	return pad(t, records->n, err);
}

int tar_add(struct tar *t, const struct tar_entry *e, struct err *err)
{
	cleanup_free char *path = xasprintf("%s%s", e->path, e->type == TAR_FOLDER ? "/" : "");
	uint64_t size = e->type == TAR_FILE ? e->size : 0;
	size_t link = e->link ? strlen(e->link) : 0;
	cleanup_buf struct buf pax = { 0 };
	struct header h = { 0 };

	if (t->left)
		return err_set(err, CODE_INTERNAL, 0, "archive: the file before '%s' is not whole", e->path);
	if (!set_path(&h, path))
		record_text(&pax, "path", path);
	if (link > NAME_SIZE)
		record_text(&pax, "linkpath", e->link);
	else if (link)
		memcpy(h.link, e->link, link);
	if (size > SIZE_OCT)
		record_number(&pax, "size", size);
	if (e->uid > ID_OCT)
		record_number(&pax, "uid", e->uid);
	if (e->gid > ID_OCT)
		record_number(&pax, "gid", e->gid);
	if (e->capability)
		record(&pax, "SCHILY.xattr.security.capability", e->capability, e->capability_n);
	if (pax.n && put_pax(t, &pax, e->mtime, err) < 0)
		return -1;
	common(&h, (char)e->type, e->mode, size > SIZE_OCT ? 0 : size, e->mtime);
	octal(h.uid, sizeof(h.uid), e->uid > ID_OCT ? 0 : e->uid);
	octal(h.gid, sizeof(h.gid), e->gid > ID_OCT ? 0 : e->gid);
	set_sum(&h);
	t->left = size;
	t->padding = size;
	return put(t, &h, BLOCK, err);
}

int tar_data(struct tar *t, const void *p, size_t n, struct err *err)
{
	if (n > t->left)
		return err_set(err, CODE_INTERNAL, 0, "archive: more bytes than the file has");
	t->left -= n;
	if (put(t, p, n, err) < 0)
		return -1;
	return t->left ? 0 : pad(t, t->padding, err);
}

int tar_end(struct tar *t, struct err *err)
{
	static const char zeros[2 * BLOCK];

	if (t->left)
		return err_set(err, CODE_INTERNAL, 0, "archive: the last file is not whole");
	return put(t, zeros, sizeof(zeros), err);
}
