/* cgroup_read() on the recorded trees of tests/cases/cgroup. */
#include "lines.h"
#include "cgroup.h"

static struct cgroup_room read_tree(const char *name)
{
	cleanup_free char *root = xasprintf(STOPGAP_TOP "/tests/cases/cgroup/%s", name);
	struct cgroup_room room;

	cgroup_read(root, &room);
	return room;
}

/* Docker without a cgroup namespace: the path is the host's, only its end is mounted. */
TEST(version_1)
{
	struct cgroup_room r = read_tree("v1");

	EQ(r.memory_limit, 268435456);
	EQ(r.memory_left, 268435456 - (200000000 - 30000000 - 20000000));
	EQ(r.pids_limit, 100);
	EQ(r.pids_left, 95);
}

/* The parent is tighter than the group. */
TEST(version_2)
{
	struct cgroup_room r = read_tree("v2");

	EQ(r.memory_limit, 104857600);
	EQ(r.memory_left, 104857600 - (100000000 - 50000000));
	EQ(r.pids_limit, -1);
	EQ(r.pids_left, -1);
}

TEST(nothing_is_no_limit)
{
	struct cgroup_room r = read_tree("nowhere");

	EQ(r.memory_left, -1);
	EQ(r.pids_left, -1);
}
TAP_MAIN
