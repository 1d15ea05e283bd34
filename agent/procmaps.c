/* procmaps.c - see procmaps.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include "procmaps.h"

int procmaps_open(struct procmaps *m, int dirfd)
{
	procmaps_close(m);
	m->fd = openat(dirfd, "maps", O_RDONLY | O_CLOEXEC);
	if (m->fd < 0)
		return -1;
	m->open = m->first = m->guess = true;
	m->text = m->all = false;
	m->count = m->pos = m->end = m->len = 0;
	m->q = (struct sys_procmap_query){
		.size = sizeof(m->q), .query_flags = SYS_PROCMAP_NEXT | SYS_PROCMAP_FILE | SYS_PROCMAP_EXECUTABLE
	};
	return 0;
}

void procmaps_want_data(struct procmaps *m)
{
	m->all = true;
	m->q.query_flags &= ~(uint64_t)SYS_PROCMAP_EXECUTABLE;
}

void procmaps_close(struct procmaps *m)
{
	if (m->open)
		(void)close(m->fd);
	m->open = false;
}

static int query(struct procmaps *m, bool with_name)
{
	m->q.vma_name_addr = with_name ? (uint64_t)(uintptr_t)m->name : 0;
	m->q.vma_name_size = with_name ? PATH_MAX : 0;
	if (sys_procmap_query(m->fd, &m->q) < 0)
		return -1;
	if (with_name && m->q.vma_name_size == 0)
		m->name[0] = '\0';
	return 0;
}

/* The same, with the name. A name that is too long is none. */
static int query_named(struct procmaps *m)
{
	if (query(m, true) == 0) {
		m->len = m->q.vma_name_size ? m->q.vma_name_size - 1 : 0;
		return 0;
	}
	if (errno != ENAMETOOLONG)
		return -1;
	m->name[0] = '\0';
	m->len = 0;
	return query(m, false);
}

/* A name costs as much as another call. Code is of another file each time; among
 * all mappings that is so after a writable one, a library's last. A wrong guess
 * costs a call, and harms nothing. */
static int next_query(struct procmaps *m, struct mapping *ret)
{
	bool named = m->guess;

	if ((named ? query_named(m) : query(m, false)) < 0)
		return errno == ENOENT ? 0 : -1;
	uint64_t dev = makedev(m->q.dev_major, m->q.dev_minor);
	bool same = !m->first && dev == m->dev && m->q.inode == m->ino;

	if (!named && !same) {
		m->q.query_addr = m->q.vma_start;
		if (query_named(m) < 0)
			return errno == ENOENT ? 0 : -1;
		dev = makedev(m->q.dev_major, m->q.dev_minor);
	}
	m->dev = dev;
	m->ino = m->q.inode;
	m->q.query_addr = m->q.vma_end;
	m->guess = !m->all || (m->q.vma_flags & SYS_PROCMAP_WRITABLE);
	m->first = false;
	*ret = (struct mapping){ .dev = m->dev,
				 .ino = m->ino,
				 .exec = m->q.vma_flags & SYS_PROCMAP_EXECUTABLE,
				 .shared = m->q.vma_flags & SYS_PROCMAP_SHARED,
				 .again = same && !named,
				 .name = m->name,
				 .len = m->len };
	return 1;
}

static bool take_hex(const char **p, const char *end, char stop, uint64_t *ret)
{
	const char *s = *p;

	*ret = 0;
	for (; s < end && *s != stop; s++) {
		int digit = *s >= '0' && *s <= '9' ? *s - '0' : *s >= 'a' && *s <= 'f' ? *s - 'a' + 10 : -1;

		if (digit < 0 || *ret >> 60)
			return false;
		*ret = *ret << 4 | (uint64_t)digit;
	}
	if (s == *p || s >= end)
		return false;
	*p = s + 1;
	return true;
}

static bool take_decimal(const char **p, const char *end, uint64_t *ret)
{
	const char *s = *p;

	*ret = 0;
	for (; s < end && *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(*ret, 10, ret) || __builtin_add_overflow(*ret, (uint64_t)(*s - '0'), ret))
			return false;
	if (s == *p || (s < end && *s != ' '))
		return false;
	*p = s;
	return true;
}

static bool take_perms(const char **p, const char *end, struct mapping *ret)
{
	const char *s = *p;

	if (end - s < 5 || (s[0] != 'r' && s[0] != '-') || (s[1] != 'w' && s[1] != '-') ||
	    (s[2] != 'x' && s[2] != '-') || (s[3] != 's' && s[3] != 'p') || s[4] != ' ')
		return false;
	ret->exec = s[2] == 'x';
	ret->shared = s[3] == 's';
	*p = s + 5;
	return true;
}

int procmaps_parse(const char *line, size_t n, struct mapping *ret, char *name, size_t size)
{
	const char *p = line, *end = line + n;
	uint64_t skip, major, minor;

	*ret = (struct mapping){ 0 };
	if (!take_hex(&p, end, '-', &skip) || !take_hex(&p, end, ' ', &skip) || !take_perms(&p, end, ret) ||
	    !take_hex(&p, end, ' ', &skip) || !take_hex(&p, end, ':', &major) || !take_hex(&p, end, ' ', &minor) ||
	    !take_decimal(&p, end, &ret->ino) || major > UINT32_MAX || minor > UINT32_MAX)
		return -1;
	ret->dev = makedev((unsigned)major, (unsigned)minor);
	while (p < end && *p == ' ')
		p++;
	if (ret->ino == 0 || p == end)
		return 0;
	/* the kernel escapes the newline alone, and no backslash */
	for (; p < end; p++) {
		if (!*p || ret->len + 1 >= size)
			return -1;
		if (end - p >= 4 && memcmp(p, "\\012", 4) == 0) {
			name[ret->len++] = '\n';
			p += 3;
		} else {
			name[ret->len++] = *p;
		}
	}
	name[ret->len] = '\0';
	ret->name = name;
	return 1;
}

/* Move the rest to the front and read on. 1: more, 0: end, -1. */
static int fill(struct procmaps *m)
{
	memmove(m->buf, m->buf + m->pos, m->end - m->pos);
	m->end -= m->pos;
	m->pos = 0;
	if (m->end == sizeof(m->buf)) {
		errno = EBADMSG;
		return -1;
	}
	for (;;) {
		ssize_t k = read(m->fd, m->buf + m->end, sizeof(m->buf) - m->end);

		if (k < 0 && errno == EINTR)
			continue;
		if (k > 0)
			m->end += (size_t)k;
		return k > 0 ? 1 : (int)k;
	}
}

/* The text of memory that is gone just ends: is the first byte still there? */
static int text_end(struct procmaps *m)
{
	char c;

	if (m->pos < m->end)
		errno = EBADMSG;
	else if (pread(m->fd, &c, 1, 0) == 1)
		return 0;
	else
		errno = ESRCH;
	return -1;
}

static int next_text(struct procmaps *m, struct mapping *ret)
{
	for (;;) {
		char *line = m->buf + m->pos, *nl = memchr(line, '\n', m->end - m->pos);
		int rc;

		if (!nl) {
			rc = fill(m);
			if (rc <= 0)
				return rc < 0 ? -1 : text_end(m);
			continue;
		}
		m->pos += (size_t)(nl - line) + 1;
		if (++m->count > PROCMAPS_MAX) {
			errno = E2BIG;
			return -1;
		}
		rc = procmaps_parse(line, (size_t)(nl - line), ret, m->name, sizeof(m->name));
		if (rc > 0)
			return 1;
		if (rc < 0) {
			errno = EBADMSG;
			return -1;
		}
	}
}

int procmaps_next(struct procmaps *m, struct mapping *ret)
{
	if (!m->text) {
		int rc = next_query(m, ret);

		/* ENOTTY: the call is unknown here; EPERM, ENOSYS: a profile refuses it */
		if (rc >= 0 || !m->first || (errno != ENOTTY && errno != EPERM && errno != ENOSYS && errno != EINVAL)) {
			if (rc > 0 && ++m->count > PROCMAPS_MAX) {
				errno = E2BIG;
				return -1;
			}
			return rc;
		}
		m->text = true;
	}
	return next_text(m, ret);
}
