/* lockedread.c - readers of unverified bytes in a child, and what is taken of their answers (locked.h). */
#include "locked.h"
#include "metalink.h"

#define URL_MAX	 4096
#define HASH_MAX 128
#define HASHES	 64

#define FIELD(s, f, t, hi, n, m) \
	{ \
		.name = #f, .type = t, .offset = offsetof(struct s, f), .max = hi, .items = n, .sub = m \
	}
#define END \
	{ \
		.name = NULL \
	}
#define NUMBER_MAX INT64_MAX

/* ------------------------------------------------------------ lists of mirrors */

struct wire_mirrors {
	struct strv urls, types, values;
};

static const struct wire_field mirrors_fields[] = {
	FIELD(wire_mirrors, urls, WIRE_STRINGS, URL_MAX, MIRRORS_MAX, NULL),
	FIELD(wire_mirrors, types, WIRE_STRINGS, HASH_MAX, HASHES, NULL),
	FIELD(wire_mirrors, values, WIRE_STRINGS, HASH_MAX, HASHES, NULL),
	END,
};
static const struct wire_message mirrors_message = { "mirrors", sizeof(struct wire_mirrors), mirrors_fields };

static int read_mirrors(void *arg, void *ctx, struct err *err)
{
	const struct buf *text = ctx;
	struct wire_mirrors *ret = arg;
	struct mirrors m = { 0 };

	if (mirrors_parse(buf_str(text), text->n, &m, err) < 0)
		return -1;
	for (size_t i = 0; i < m.urls.n; i++)
		if (strlen(m.urls.v[i]) <= URL_MAX)
			strv_push(&ret->urls, m.urls.v[i]);
	for (size_t i = 0; i < m.n_hashes && i < HASHES; i++) {
		strv_push(&ret->types, m.hashes[i].type);
		strv_push(&ret->values, m.hashes[i].value);
	}
	mirrors_clear(&m);
	return 0;
}

int locked_mirrors(const struct buf *text, struct mirrors *ret, struct err *err)
{
	struct wire_mirrors m = { 0 };

	if (locked_call(&mirrors_message, read_mirrors, (void *)(uintptr_t)text, &m, err) < 0)
		return -1;
	for (size_t i = 0; i < m.urls.n; i++)
		if (mirror_url_usable(m.urls.v[i]) && ends_with(m.urls.v[i], "/"))
			strv_push(&ret->urls, m.urls.v[i]);
	for (size_t i = 0; i < m.types.n && i < m.values.n; i++)
		mirrors_add_hash(ret, m.types.v[i], m.values.v[i]);
	wire_clear(&mirrors_message, &m);
	return ret->urls.n ? 0 : err_set(err, CODE_REFRESH_FAILED, 0, "no usable mirror is in the list");
}

/* ------------------------------------------------------------ repomd.xml */

struct wire_file {
	int64_t type;
	char *path, *checksum_type, *checksum;
	int64_t size, timestamp;
};

struct wire_repomd {
	int64_t date;
	struct wire_list files;
};

static const struct wire_field file_fields[] = {
	FIELD(wire_file, type, WIRE_INT, REPOMD_TYPES - 1, 0, NULL),
	FIELD(wire_file, path, WIRE_STRING, URL_MAX, 0, NULL),
	FIELD(wire_file, checksum_type, WIRE_STRING, HASH_MAX, 0, NULL),
	FIELD(wire_file, checksum, WIRE_STRING, HASH_MAX, 0, NULL),
	FIELD(wire_file, size, WIRE_INT, NUMBER_MAX, 0, NULL),
	FIELD(wire_file, timestamp, WIRE_INT, NUMBER_MAX, 0, NULL),
	END,
};
static const struct wire_message file_message = { "repomd file", sizeof(struct wire_file), file_fields };

static const struct wire_field repomd_fields[] = {
	FIELD(wire_repomd, date, WIRE_INT, NUMBER_MAX, 0, NULL),
	FIELD(wire_repomd, files, WIRE_OBJECTS, 0, REPOMD_TYPES, &file_message),
	END,
};
static const struct wire_message repomd_message = { "repomd", sizeof(struct wire_repomd), repomd_fields };

static int read_repomd(void *arg, void *ctx, struct err *err)
{
	const struct buf *text = ctx;
	struct wire_repomd *ret = arg;
	struct repomd r = { 0 };

	if (repomd_parse(buf_str(text), text->n, &r, err) < 0)
		return -1;
	ret->date = r.date;
	for (size_t i = 0; i < REPOMD_TYPES; i++) {
		const struct repomd_file *f = &r.files[i];

		if (!f->path)
			continue;
		struct wire_file *to = wire_list_add(&file_message, &ret->files);
		*to = (struct wire_file){ (int64_t)i, xstrdup(f->path), xstrdup(f->checksum_type),
					  xstrdup(f->checksum), f->size, f->timestamp };
	}
	repomd_clear(&r);
	return 0;
}

int locked_repomd(const struct buf *text, struct repomd *ret, struct err *err)
{
	struct wire_repomd r = { 0 };

	if (locked_call(&repomd_message, read_repomd, (void *)(uintptr_t)text, &r, err) < 0)
		return -1;
	repomd_clear(ret);
	ret->date = r.date;
	for (size_t i = 0; i < r.files.n; i++) {
		struct wire_file *f = wire_list_at(&file_message, &r.files, i);
		struct repomd_file *to = &ret->files[f->type];

		if (to->path)
			continue;
		*to = (struct repomd_file){ steal_ptr(&f->path), steal_ptr(&f->checksum_type), steal_ptr(&f->checksum),
					    f->size, f->timestamp };
	}
	wire_clear(&repomd_message, &r);
	if (repomd_check(ret, err) == 0)
		return 0;
	repomd_clear(ret);
	return -1;
}
