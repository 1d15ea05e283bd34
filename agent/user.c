/* user.c - see user.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include "user.h"
#include "util.h"

#define LINE_BYTES 4096		/* a longer line is passed over */
#define FILE_MAX   (16u << 20)
#define ID_MAX	   (UINT32_MAX - 1)	/* 2^32-1 means "unchanged" to the kernel */

/* A file read line by line into itself. */
struct lines {
	int fd;
	size_t at, n, total;
	char buf[LINE_BYTES];
};

static int lines_open(struct lines *l, const char *etc, const char *name, struct err *err)
{
	char path[512];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", etc, name);
	l->at = l->n = l->total = 0;
	l->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (l->fd < 0)
		return errno == ENOENT ? 0 : err_set(err, CODE_IO, errno, "open '%s'", path);
	if (fstat(l->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)close(steal_fd(&l->fd));
		return err_set(err, CODE_IO, 0, "read '%s': not a regular file", path);
	}
	return 0;
}

/* More bytes behind those that are there. False: end of file, or enough read. */
static bool lines_fill(struct lines *l)
{
	memmove(l->buf, l->buf + l->at, l->n - l->at);
	l->n -= l->at;
	l->at = 0;
	if (l->fd < 0 || l->total >= FILE_MAX)
		return false;
	ssize_t k = read(l->fd, l->buf + l->n, sizeof(l->buf) - 1 - l->n);
	if (k <= 0)
		return false;
	l->n += (size_t)k;
	l->total += (size_t)k;
	return true;
}

static char *lines_next(struct lines *l)
{
	bool skip = false;

	for (;;) {
		char *nl = memchr(l->buf + l->at, '\n', l->n - l->at);

		if (nl) {
			char *line = l->buf + l->at;

			*nl = '\0';
			l->at = (size_t)(nl - l->buf) + 1;
			if (!skip)
				return line;
			skip = false;
		} else if (l->n - l->at == sizeof(l->buf) - 1) {
			skip = true;	/* too long: dropped as it comes */
			l->at = l->n;
		} else if (!lines_fill(l)) {
			char *line = l->buf + l->at;

			if (skip || l->n == l->at)
				return NULL;
			l->buf[l->n] = '\0';
			l->at = l->n;
			return line;
		}
	}
}

static void lines_close(struct lines *l)
{
	closep(&l->fd);
}

/* Cut LINE at its colons; returns the number of fields, at most MAX. */
static size_t fields(char *line, char **f, size_t max)
{
	size_t n = 0;

	while (line && n < max)
		f[n++] = strsep(&line, ":");
	return n;
}

static bool all_digits(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == '\0';
}

static int take_id(const char *s, const char *what, uint32_t *ret, struct err *err)
{
	uint64_t n;

	if (parse_u64(s, ID_MAX, &n) < 0)
		return err_set(err, CODE_USAGE, 0, "'%s' is not a %s id of 0 to %u", s, what, (unsigned)ID_MAX);
	*ret = (uint32_t)n;
	return 0;
}

/* The passwd entry of NAME, or of the number in RET when NAME is NULL; the name
 * of the user into LOGIN ("" when there is none). 1: found. */
static int find_user(const char *etc, const char *name, struct user_ids *ret, char *login, size_t size, struct err *err)
{
	struct lines l;
	uint64_t uid, gid;
	char *line, *f[7];
	int found = 0;

	*login = '\0';
	if (lines_open(&l, etc, "passwd", err) < 0)
		return -1;
	while ((line = lines_next(&l))) {
		if (fields(line, f, 7) < 6 || parse_u64(f[2], ID_MAX, &uid) < 0 || parse_u64(f[3], ID_MAX, &gid) < 0)
			continue;
		if (uid == 0 && !*ret->root_home)
			(void)snprintf(ret->root_home, sizeof(ret->root_home), "%s", f[5]);
		if (found || (name ? !streq(f[0], name) : uid != ret->uid) || strlen(f[0]) >= size)
			continue;
		found = 1;
		ret->uid = (uid_t)uid;
		ret->gid = (gid_t)gid;
		(void)snprintf(ret->home, sizeof(ret->home), "%s", *f[5] ? f[5] : "/");
		(void)snprintf(login, size, "%s", f[0]);
	}
	lines_close(&l);
	return found;
}

/* Is NAME one of the words of LIST, which are separated by commas? */
static bool member(char *list, const char *name)
{
	for (char *w; (w = strsep(&list, ","));)
		if (streq(w, name))
			return true;
	return false;
}

/* With GROUP: its id into RET->gid. Without: add the groups that have LOGIN. */
static int find_groups(const char *etc, const char *group, const char *login, struct user_ids *ret, struct err *err)
{
	struct lines l;
	uint64_t gid;
	char *line, *f[4];
	int found = 0;

	if (lines_open(&l, etc, "group", err) < 0)
		return -1;
	while (!found && (line = lines_next(&l))) {
		if (fields(line, f, 4) < 4 || parse_u64(f[2], ID_MAX, &gid) < 0)
			continue;
		if (group && streq(f[0], group)) {
			ret->gid = (gid_t)gid;
			found = 1;
		} else if (!group && gid != ret->gid && ret->n_groups < USER_GROUPS_MAX && member(f[3], login)) {
			ret->groups[ret->n_groups++] = (gid_t)gid;
		}
	}
	lines_close(&l);
	return found;
}

static int take_group(const char *etc, const char *group, struct user_ids *ret, struct err *err)
{
	if (all_digits(group))
		return take_id(group, "group", &ret->gid, err);
	int found = find_groups(etc, group, NULL, ret, err);
	if (found == 0)
		return err_set(err, CODE_USAGE, 0, "no group '%s' in %s/group; name one that is, or its number", group,
			       etc);
	return found < 0 ? -1 : 0;
}

int user_resolve(const char *etc, const char *spec, struct user_ids *ret, struct err *err)
{
	struct user_ids u = { .home = "/" };
	const char *colon = strchr(spec, ':'), *group = colon ? colon + 1 : NULL;
	size_t n = colon ? (size_t)(colon - spec) : strlen(spec);
	char user[64], login[64];

	if (n == 0 || n >= sizeof(user) || (group && !*group) || *spec == '-' || (group && *group == '-'))
		return err_set(err, CODE_USAGE, 0, "--user '%s': expected USER or USER:GROUP, names or numbers", spec);
	memcpy(user, spec, n);
	user[n] = '\0';
	bool number = all_digits(user);
	if (number && take_id(user, "user", &u.uid, err) < 0)
		return err_wrap(err, "--user");
	int found = find_user(etc, number ? NULL : user, &u, login, sizeof(login), err);
	if (found < 0)
		return -1;
	if (!found && !number)
		return err_set(err, CODE_USAGE, 0, "--user: no user '%s' in %s/passwd", user, etc);
	if (group && take_group(etc, group, &u, err) < 0)
		return err_wrap(err, "--user");
	u.groups[u.n_groups++] = u.gid;
	if (!group && *login && find_groups(etc, NULL, login, &u, err) < 0)
		return -1;
	*ret = u;
	return 0;
}

int user_group(const char *etc, const char *name, gid_t *ret, struct err *err)
{
	struct user_ids u = { 0 };

	if (take_group(etc, name, &u, err) < 0) {
		if (err->code == CODE_USAGE)
			err->code = CODE_CONFIG;
		return -1;
	}
	*ret = u.gid;
	return 0;
}

char *user_name(const char *etc, uid_t uid)
{
	struct user_ids u = { .uid = uid };
	struct err ignored = ERR_INIT;
	char login[64];

	if (find_user(etc, NULL, &u, login, sizeof(login), &ignored) > 0 && *login)
		return xstrdup(login);
	return xasprintf("%u", (unsigned)uid);
}
