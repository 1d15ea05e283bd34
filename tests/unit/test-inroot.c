/* inroot: no link leads out of the root, with openat2() and without. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "inroot.h"
#include "lines.h"

static char top[] = "/tmp/inroot.XXXXXX";

static void link_to(const char *name, const char *text)
{
	cleanup_free char *path = xasprintf("%s/root/%s", top, name);

	if (symlink(text, path) < 0)
		printf("# %s: %s\n", path, strerror(errno));
}

static void make_file(const char *name)
{
	cleanup_free char *path = xasprintf("%s/%s", top, name);

	(void)close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void make_folder(const char *name)
{
	cleanup_free char *path = xasprintf("%s/%s", top, name);

	(void)mkdir(path, 0700);
}

static void make_tree(void)
{
	if (!mkdtemp(top))
		return;
	make_folder("root");
	make_folder("root/usr");
	make_folder("root/usr/lib");
	make_file("outside");
	make_file("root/usr/lib/x");
	link_to("lib", "usr/lib");
	link_to("absolute", "/usr/lib");
	link_to("up", "../../../../..");
	link_to("out", "../outside");
	link_to("abs-out", "/../outside");
	link_to("loop", "loop");
	link_to("usr/back", "../usr/../lib/../../usr/lib/./x");
	link_to("usr/inner", "/usr/lib/x");
	link_to("chain", "/usr/back");
	link_to("self-root", "/proc/self/root/etc/passwd");
}

/* The inode of what PATH is, or minus errno. */
static long at(int (*open_it)(int, const char *), const char *path)
{
	cleanup_free char *root = xasprintf("%s/root", top);
	cleanup_fd int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = open_it(dir, path);
	struct stat st;

	return fd < 0 ? -errno : fstat(fd, &st) < 0 ? -1 : (long)st.st_ino;
}

static long inode(const char *name)
{
	cleanup_free char *path = xasprintf("%s/%s", top, name);
	struct stat st;

	return stat(path, &st) < 0 ? -errno : (long)st.st_ino;
}

TEST(both_ways)
{
	int (*const ways[])(int, const char *) = { inroot_open, inroot_walk };

	make_tree();
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		long x = inode("root/usr/lib/x");

		EQ(at(ways[i], "/usr/lib/x"), x);
		EQ(at(ways[i], "usr//lib/./x"), x);
		EQ(at(ways[i], "/lib/x"), x);
		EQ(at(ways[i], "/absolute/x"), x);
		EQ(at(ways[i], "/usr/back"), x);
		EQ(at(ways[i], "/chain"), x);
		EQ(at(ways[i], "/usr/inner"), x);
		EQ(at(ways[i], "/../../usr/lib/../lib/x"), x);
		EQ(at(ways[i], "/up/usr/lib/x"), x);
		EQ(at(ways[i], "/"), inode("root"));
		EQ(at(ways[i], "/up"), inode("root"));
		EQ(at(ways[i], "/out"), -ENOENT);
		EQ(at(ways[i], "/abs-out"), -ENOENT);
		EQ(at(ways[i], "/../outside"), -ENOENT);
		EQ(at(ways[i], "/self-root"), -ENOENT);
		EQ(at(ways[i], "/loop"), -ELOOP);
		EQ(at(ways[i], "/usr/lib/x/y"), -ENOTDIR);
	}
}

TEST(long_paths)
{
	cleanup_free char *path = xmalloc(8192);

	memset(path, 'a', 8191);
	path[8191] = '\0';
	EQ(at(inroot_open, path), -ENAMETOOLONG);
	EQ(at(inroot_walk, path), -ENAMETOOLONG);
	for (size_t i = 0; i < 4094; i += 2)
		memcpy(path + i, "./", 3);
	EQ(at(inroot_walk, path), inode("root"));
}

TEST(clean_up)
{
	static const char *const names[] = { "lib",	 "absolute",  "up",    "out",	    "abs-out",	"loop",
					     "usr/back", "usr/inner", "chain", "self-root", "usr/lib/x" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_free char *path = xasprintf("%s/root/%s", top, names[i]);

		EQ(unlink(path), 0);
	}
	static const char *const folders[] = { "root/usr/lib", "root/usr", "root" };
	cleanup_free char *outside = xasprintf("%s/outside", top);
	EQ(unlink(outside), 0);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		cleanup_free char *path = xasprintf("%s/%s", top, folders[i]);

		EQ(rmdir(path), 0);
	}
	EQ(rmdir(top), 0);
}
TAP_MAIN
