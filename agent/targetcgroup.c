/* targetcgroup.c - where the container is in the hierarchies of cgroups (target.h). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include "fd.h"
#include "hostproc.h"
#include "target.h"

#define TEXT_MAX (1024 * 1024)

/* Is WORD one of the words of LIST, by commas? */
static bool listed(const char *list, const char *word, size_t n)
{
	for (const char *p = list;; p++) {
		size_t k = strcspn(p, ",\n ");

		if (k == n && strncmp(p, word, n) == 0)
			return true;
		p += k;
		if (*p != ',')
			return false;
	}
}

/* The mount of one hierarchy among LINES of mountinfo, a writable copy: its mount point and root. CONTROLLERS is the
 * second field of /proc/PID/cgroup, "" for version 2. */
static bool find_mount(char *lines, const char *controllers, char **point, char **root)
{
	bool v2 = !*controllers;

	for (char *line; (line = strsep(&lines, "\n"));) {
		char *dash = strstr(line, " - "), *save = NULL, *field[5] = { NULL };
		size_t n = 0;

		if (!dash)
			continue;
		*dash = '\0';
		char *type = dash + 3, *options = strrchr(type, ' ');
		if (!options || !(v2 ? starts_with(type, "cgroup2 ") : starts_with(type, "cgroup ")) ||
		    (!v2 && !listed(options + 1, controllers, strcspn(controllers, ","))))
			continue;
		for (char *w = strtok_r(line, " ", &save); w && n < 5; w = strtok_r(NULL, " ", &save))
			field[n++] = w;
		if (n < 5)
			continue;
		*root = field[3];
		*point = field[4];
		return true;
	}
	return false;
}

/* The folder of PATH in the hierarchy of CONTROLLERS; -1 with errno, ENOENT: that is not mounted here. */
static int open_folder(const char *mountinfo, const char *controllers, const char *path)
{
	cleanup_free char *copy = xstrdup(mountinfo);
	char *point, *root;

	if (!find_mount(copy, controllers, &point, &root)) {
		errno = ENOENT;
		return -1;
	}
	/* we are below a cgroup namespace, or a part of the hierarchy is mounted */
	size_t n = streq(root, "/") ? 0 : strlen(root);
	if (n && (strncmp(path, root, n) != 0 || (path[n] && path[n] != '/'))) {
		errno = EXDEV;
		return -1;
	}
	cleanup_free char *folder = xasprintf("%s%s", point, path + n);
	if (strstr(folder, "/..")) {
		errno = EXDEV;
		return -1;
	}
	return open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* The line of OURS for the same hierarchy as LINE has the same path. */
static bool same_place(const char *ours, const char *line)
{
	size_t n = strlen(line);

	for (const char *p = ours; p && *p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, line, n) == 0 && (p[n] == '\n' || !p[n]))
			return true;
	}
	return false;
}

static int add_folder(struct target *t, const char *mountinfo, char *line, struct err *err)
{
	char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!path || path[1] != '/')
		return err_set(err, CODE_ENTER_FAILED, 0, "its cgroup cannot be read");
	*controllers++ = '\0';
	*path++ = '\0';
	cleanup_fd int dir = open_folder(mountinfo, controllers, path);
	/* a hierarchy that is mounted nowhere here restricts nothing that an engine here has set */
	if (dir < 0 && errno == ENOENT)
		return 0;
	if (dir < 0 || t->n_cgroups == TARGET_CGROUPS_MAX) {
		cleanup_free char *name = escape_text(path, 200);

		return err_set(err, CODE_ENTER_FAILED, dir < 0 ? errno : 0, "open its cgroup '%s' of '%s'", name,
			       controllers);
	}
	t->cgroups[t->n_cgroups++] = steal_fd(&dir);
	return 0;
}

int target_read_cgroups(struct target *t, struct err *err)
{
	cleanup_buf struct buf its = { 0 }, ours = { 0 }, mountinfo = { 0 };
	char path[64];

	(void)snprintf(path, sizeof(path), "%d/cgroup", (int)t->pid);
	if (hostproc_read(t->proc, path, TEXT_MAX, &its, err) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "%d/cgroup", (int)getpid());
	if (hostproc_read(t->proc, path, TEXT_MAX, &ours, err) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "%d/mountinfo", (int)getpid());
	if (hostproc_read(t->proc, path, 16 * TEXT_MAX, &mountinfo, err) < 0)
		return -1;
	cleanup_free char *copy = buf_steal(&its);
	char *rest = copy;
	for (char *line; (line = strsep(&rest, "\n"));)
		if (*line && !same_place(buf_str(&ours), line) && add_folder(t, buf_str(&mountinfo), line, err) < 0)
			return -1;
	return 0;
}

static bool says(int dir, const char *file, const char *word)
{
	cleanup_buf struct buf text = { 0 };
	struct err ignored = ERR_INIT;

	return read_file_at(dir, file, TEXT_MAX, &text, &ignored) == 0 && strstr(buf_str(&text), word);
}

bool target_frozen(const struct target *t)
{
	for (size_t i = 0; i < t->n_cgroups; i++)
		if (says(t->cgroups[i], "freezer.state", "FR") || says(t->cgroups[i], "cgroup.events", "frozen 1"))
			return true;
	return false;
}
