/* cgroup.c - see cgroup.h. */
#include <stdio.h>
#include "cgroup.h"
#include "fd.h"

#define NO_LIMIT (1LL << 60) /* version 1 says "no limit" with a huge number */
#define TEXT_MAX 65536

static int64_t read_number(const char *dir, const char *file)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, file);
	cleanup_buf struct buf b = { 0 };
	struct err ignored = ERR_INIT;
	uint64_t n;

	if (read_file(path, 64, &b, &ignored) < 0 || !b.n)
		return -1;
	b.s[strcspn(b.s, "\n")] = '\0';
	return parse_u64(b.s, INT64_MAX, &n) < 0 || n >= NO_LIMIT ? -1 : (int64_t)n;
}

/* The sum of some lines "NAME NUMBER" of memory.stat. */
static int64_t read_stat(const char *dir, const char *const names[2])
{
	cleanup_free char *path = xasprintf("%s/memory.stat", dir);
	cleanup_buf struct buf b = { 0 };
	struct err ignored = ERR_INIT;
	int64_t sum = 0;
	char *save = NULL;

	if (read_file(path, TEXT_MAX, &b, &ignored) < 0 || !b.n)
		return 0;
	for (char *line = strtok_r(b.s, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *blank = strchr(line, ' ');
		uint64_t n;

		if (!blank)
			continue;
		*blank = '\0';
		if ((streq(line, names[0]) || streq(line, names[1])) && parse_u64(blank + 1, NO_LIMIT, &n) == 0)
			sum += (int64_t)n;
	}
	return sum;
}

static void tighten(int64_t limit, int64_t used, int64_t *ret_limit, int64_t *ret_left)
{
	int64_t left = used < limit ? limit - used : 0;

	if (limit < 0 || used < 0 || (*ret_left >= 0 && *ret_left <= left))
		return;
	*ret_limit = limit;
	*ret_left = left;
}

struct names {
	const char *max, *current;
	const char *cache[2]; /* in memory.stat; NULL: not memory */
};

static void read_group(const char *dir, const struct names *n, int64_t *limit, int64_t *left)
{
	int64_t used = read_number(dir, n->current);

	if (used >= 0 && n->cache[0]) {
		int64_t cache = read_stat(dir, n->cache);

		used = cache < used ? used - cache : 0;
	}
	tighten(read_number(dir, n->max), used, limit, left);
}

/* BASE + PATH and each parent up to BASE. Inside a container the path is often
 * the host's, of which only the end is mounted: then BASE alone is found. */
static void read_groups(const char *base, const char *path, const struct names *n, int64_t *limit, int64_t *left)
{
	cleanup_free char *dir = xasprintf("%s%s", base, path);
	size_t min = strlen(base);

	for (;;) {
		char *slash;

		read_group(dir, n, limit, left);
		slash = strrchr(dir, '/');
		if (!slash || (size_t)(slash - dir) < min)
			return;
		*slash = '\0';
	}
}

static bool has_controller(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, name, n) == 0 && (p[n] == ',' || p[n] == '\0'))
			return true;
	}
	return false;
}

void cgroup_read(const char *root, struct cgroup_room *ret)
{
	static const struct names memory2 = { "memory.max", "memory.current", { "inactive_file", "active_file" } };
	static const struct names memory1 = { "memory.limit_in_bytes",
					      "memory.usage_in_bytes",
					      { "total_inactive_file", "total_active_file" } };
	static const struct names pids = { "pids.max", "pids.current", { NULL, NULL } };
	cleanup_free char *path = xasprintf("%s/proc/self/cgroup", root);
	cleanup_free char *base2 = xasprintf("%s/sys/fs/cgroup", root);
	cleanup_free char *memory_base = xasprintf("%s/memory", base2);
	cleanup_free char *pids_base = xasprintf("%s/pids", base2);
	cleanup_buf struct buf b = { 0 };
	struct err ignored = ERR_INIT;
	char *save = NULL;

	*ret = (struct cgroup_room){ -1, -1, -1, -1 };
	if (read_file(path, TEXT_MAX, &b, &ignored) < 0 || !b.n)
		return;
	for (char *line = strtok_r(b.s, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *list = strchr(line, ':'), *group = list ? strchr(list + 1, ':') : NULL;

		if (!group)
			continue;
		*group++ = '\0';
		list++;
		if (!*list) {
			read_groups(base2, group, &memory2, &ret->memory_limit, &ret->memory_left);
			read_groups(base2, group, &pids, &ret->pids_limit, &ret->pids_left);
		}
		if (has_controller(list, "memory"))
			read_groups(memory_base, group, &memory1, &ret->memory_limit, &ret->memory_left);
		if (has_controller(list, "pids"))
			read_groups(pids_base, group, &pids, &ret->pids_limit, &ret->pids_left);
	}
}
