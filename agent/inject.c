/* inject.c - see inject.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include "inject.h"
#include "util.h"

#define DEPTH_MAX 8

/* What a bundle consists of: nothing else that lies beside it is brought along. */
static const char *const parts[] = { "stopgap", "guard", "lib", "libexec", "methods", "plugins", "share" };
/* What only one plugin needs. */
static const struct {
	const char *folder, *name, *plugin;
} special[] = {
	{ "plugins", "stopgap-apt", "apt" }, { "plugins", "apt-key", "apt" },	  { "libexec", "stopgap-apt", "apt" },
	{ "plugins", "stopgap-rpm", "rpm" }, { "libexec", "stopgap-rpm", "rpm" },
};

static bool wanted(const char *folder, const char *name, const char *plugin)
{
	for (size_t i = 0; i < ARRAY_SIZE(special); i++)
		if (streq(special[i].folder, folder) && streq(special[i].name, name))
			return plugin && streq(special[i].plugin, plugin);
	return !streq(folder, "methods") || (plugin && streq(plugin, "apt"));
}

static int copy_data(int from, int to, const char *name, struct err *err)
{
	for (;;) {
		ssize_t n = sendfile(to, from, NULL, 1 << 30);

		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return err_set(err, errno == ENOSPC ? CODE_NO_SPACE : CODE_IO, errno, "copy '%s' of the bundle",
				       name);
	}
}

static int copy_link(int from, int to, const char *name, struct err *err)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(from, name, text, sizeof(text) - 1);

	if (n < 0)
		return err_set(err, CODE_IO, errno, "read the link '%s' of the bundle", name);
	text[n] = '\0';
	if (symlinkat(text, to, name) < 0)
		return err_set(err, CODE_IO, errno, "copy the link '%s' of the bundle", name);
	return 0;
}

/* Ids may be unmapped in there, so everybody may read. */
static int copy_file(int from, int to, const char *name, const struct stat *st, struct err *err)
{
	cleanup_fd int in = openat(from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	cleanup_fd int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (in < 0 || out < 0)
		return err_set(err, CODE_IO, errno, "copy '%s' of the bundle", name);
	if (copy_data(in, out, name, err) < 0)
		return -1;
	if (fchmod(out, st->st_mode & 0111 ? 0755 : 0644) < 0)
		return err_set(err, CODE_IO, errno, "copy '%s' of the bundle", name);
	return 0;
}

static int copy_entry(int from, int to, const char *folder, const char *name, const char *plugin, int depth,
		      struct err *err);

static int copy_folder(int from, int to, const char *name, const char *plugin, int depth, struct err *err)
{
	if (depth > DEPTH_MAX)
		return err_set(err, CODE_IO, 0, "the bundle's folder '%s' is too deep", name);
	if (mkdirat(to, name, 0755) < 0)
		return err_set(err, CODE_IO, errno, "copy the folder '%s' of the bundle", name);
	int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	cleanup_fd int out = openat(to, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = in < 0 ? NULL : fdopendir(in);
	int rc = 0;
	if (!dir || out < 0 || fchmod(out, 0755) < 0) {
		if (dir)
			(void)closedir(dir);
		return err_set(err, CODE_IO, errno, "copy the folder '%s' of the bundle", name);
	}
	for (struct dirent *d; rc == 0 && (d = readdir(dir));)
		if (!streq(d->d_name, ".") && !streq(d->d_name, "..") && wanted(name, d->d_name, plugin))
			rc = copy_entry(in, out, name, d->d_name, plugin, depth, err);
	(void)closedir(dir);
	return rc;
}

static int copy_entry(int from, int to, const char *folder, const char *name, const char *plugin, int depth,
		      struct err *err)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		/* a bundle without this part */
		if (errno == ENOENT && !*folder)
			return 0;
		return err_set(err, CODE_IO, errno, "look at '%s' of the bundle", name);
	}
	switch (st.st_mode & S_IFMT) {
	case S_IFDIR:
		return copy_folder(from, to, name, plugin, depth + 1, err);
	case S_IFLNK:
		return copy_link(from, to, name, err);
	case S_IFREG:
		return copy_file(from, to, name, &st, err);
	default:
		return err_set(err, CODE_IO, 0, "'%s' of the bundle is neither file, folder nor link", name);
	}
}

static int old_kernel(const char *what, struct err *err)
{
	if (errno == ENOSYS)
		return err_set(err, CODE_ENTER_FAILED, 0, "host mode needs Linux 5.8 or newer");
	return err_set(err, CODE_IO, errno, "%s a file system in memory", what);
}

/* OPTIONS is NULL-terminated pairs. The mount, and in FS what changes it later. */
static int new_tmpfs(const char *const *options, int *fs, struct err *err)
{
	cleanup_fd int ctx = fsopen("tmpfs", FSOPEN_CLOEXEC);

	if (ctx < 0)
		return old_kernel("make", err);
	(void)fsconfig(ctx, FSCONFIG_SET_STRING, "source", "stopgap", 0);
	for (; options[0]; options += 2)
		if (fsconfig(ctx, FSCONFIG_SET_STRING, options[0], options[1], 0) < 0)
			return old_kernel("set up", err);
	if (fsconfig(ctx, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return old_kernel("make", err);
	int mount = fsmount(ctx, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (mount < 0)
		return old_kernel("mount", err);
	*fs = steal_fd(&ctx);
	return mount;
}

static void close_fd(int *fd)
{
	closep(fd);
	*fd = -1;
}

static int make_bundle(const struct inject_spec *spec, struct err *err)
{
	static const char *const options[] = { "mode", "0755", NULL };
	struct mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY };
	cleanup_fd int fs = -1, from = open(spec->bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (from < 0)
		return err_set(err, CODE_IO, errno, "open the bundle '%s'", spec->bundle);
	cleanup_fd int mount = new_tmpfs(options, &fs, err);
	if (mount < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (copy_entry(from, mount, "", parts[i], spec->plugin, 0, err) < 0)
			return -1;
	if (mkdirat(mount, INJECT_STATE, 0755) < 0)
		return err_set(err, CODE_IO, errno, "make the folder for the state");
	cleanup_fd int config = openat(mount, INJECT_CONFIG, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (config < 0)
		return err_set(err, CODE_IO, errno, "make an empty configuration file");
	close_fd(&config);
	/* the file system; and this mount of it, which kernels before Linux 5.12 cannot any more */
	(void)mount_setattr(mount, "", AT_EMPTY_PATH, &read_only, sizeof(read_only));
	if (fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
	    fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
		return old_kernel("make read-only", err);
	return steal_fd(&mount);
}

static int make_state(const struct inject_spec *spec, struct err *err)
{
	char uid[24], gid[24], size[24];
	const char *const options[] = {
		"mode", "0711", "uid", uid, "gid", gid, "size", size, "nr_inodes", "65536", NULL
	};
	cleanup_fd int fs = -1;

	(void)snprintf(uid, sizeof(uid), "%u", spec->uid);
	(void)snprintf(gid, sizeof(gid), "%u", spec->gid);
	(void)snprintf(size, sizeof(size), "%llu", (unsigned long long)spec->state_max);
	return new_tmpfs(options, &fs, err);
}

int inject_make(const struct inject_spec *spec, struct inject *ret, struct err *err)
{
	mode_t mask = umask(022);

	*ret = (struct inject){ .bundle = -1, .state = -1 };
	ret->bundle = make_bundle(spec, err);
	if (ret->bundle >= 0)
		ret->state = make_state(spec, err);
	(void)umask(mask);
	if (ret->state >= 0)
		return 0;
	inject_clear(ret);
	return -1;
}

void inject_clear(struct inject *in)
{
	closep(&in->bundle);
	closep(&in->state);
	*in = (struct inject){ .bundle = -1, .state = -1 };
}
