/* watchproc.c - see watchproc.h. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include "syscalls.h"
#include "util.h"
#include "watchproc.h"

#define SPACES_MAX 65536

struct space {
	uint64_t inode, lowest;	/* process */
};

struct spaces {
	struct space *v;
	size_t n;
};

static void add(struct spaces *s, uint64_t inode, uint64_t pid)
{
	/* the newest first: those of one container come together */
	for (size_t i = s->n; i > 0; i--)
		if (s->v[i - 1].inode == inode) {
			if (pid < s->v[i - 1].lowest)
				s->v[i - 1].lowest = pid;
			return;
		}
	if (s->n >= SPACES_MAX)
		return;
	if ((s->n & (s->n - 1)) == 0)
		s->v = xrealloc(s->v, s->n ? 2 * s->n : 1, sizeof(*s->v));
	s->v[s->n++] = (struct space){ inode, pid };
}

/* The process of the folder NAME; others of /proc are no numbers. */
static void add_process(struct spaces *s, int proc, const char *name)
{
	char path[300], text[64], *end;
	uint64_t pid, inode;

	if (parse_u64(name, INT32_MAX, &pid) < 0)
		return;
	(void)snprintf(path, sizeof(path), "%s/ns/mnt", name);
	ssize_t n = readlinkat(proc, path, text, sizeof(text) - 1);
	if (n <= 0)	/* it has ended */
		return;
	text[n] = '\0';
	if (!starts_with(text, "mnt:[") || !(end = strchr(text, ']')))
		return;
	*end = '\0';
	if (parse_u64(text + 5, UINT64_MAX, &inode) == 0)
		add(s, inode, pid);
}

static uint64_t mix(uint64_t h)
{
	h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdULL;
	h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53ULL;
	return h ^ (h >> 33);
}

uint64_t watchproc_signature(const char *proc)
{
	_Alignas(struct dirent64) char room[32768];
	struct spaces s = { 0 };
	uint64_t all = 0;
	long n;

	cleanup_fd int fd = open(proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	while ((n = sys_getdents64(fd, room, sizeof(room))) > 0)
		for (long i = 0; i < n;) {
			const struct dirent64 *e = (const void *)(room + i);

			add_process(&s, fd, e->d_name);
			i += e->d_reclen;
		}
	for (size_t i = 0; i < s.n; i++)
		all += mix(s.v[i].inode + mix(s.v[i].lowest));
	free(s.v);
	return all;
}
