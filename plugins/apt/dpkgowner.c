/* dpkgowner.c - which package owns a path.
 *
 * Reads every info/NAME.list once and looks each line up among the wanted
 * paths: the lists are some megabytes, the paths a few hundred.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include "clock.h"
#include "dpkg.h"
#include "dpkgdb.h"
#include "fd.h"

#define LIST_MAX (32UL * 1024 * 1024)
#define DIVERSION_MAX (4UL * 1024 * 1024)

/* One spelling of a wanted path. */
struct wanted {
	char *path;
	size_t owner; /* index into the answer */
	char *only, *except; /* packages a diversion names, NULL: any, none */
	struct wanted *next; /* same bucket */
};

struct lookup {
	struct wanted **buckets;
	size_t mask;
	struct msg_owners *ret;
	const struct dpkgdb *db;
};

static size_t hash(const char *s, size_t n)
{
	uint64_t h = 1469598103934665603ULL; /* FNV-1a */

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 1099511628211ULL;
	return (size_t)(h ^ (h >> 32));
}

static void want(struct lookup *l, char *path, size_t owner, const char *only, const char *except)
{
	struct wanted **b = &l->buckets[hash(path, strlen(path)) & l->mask], *w = xcalloc(1, sizeof(*w));

	*w = (struct wanted){
		.path = path, .owner = owner, .only = xstrdup(only), .except = xstrdup(except), .next = *b
	};
	*b = w;
}

/* /lib is a link to usr/lib, or was when the package was built: each is tried,
 * as far as this root has the link. */
static char *alias(const char *path)
{
	static const char *const dirs[] = { "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libo32", "/libx32" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		char target[32];
		size_t n = strlen(dirs[i]);
		bool in_usr = starts_with(path, "/usr") && starts_with(path + 4, dirs[i]) && path[4 + n] == '/';
		bool in_root = starts_with(path, dirs[i]) && path[n] == '/';

		if (!in_usr && !in_root)
			continue;
		ssize_t k = readlink(dirs[i], target, sizeof(target) - 1);
		if (k <= 0)
			return NULL;
		target[k] = '\0';
		const char *t = target + (target[0] == '/');
		if (!starts_with(t, "usr") || !streq(t + 3, dirs[i]))
			return NULL;
		return in_usr ? xstrdup(path + 4) : xasprintf("/usr%s", path);
	}
	return NULL;
}

/* The file at a diverted path belongs to the diverting package; everyone
 * else's file of that name lies at the other path. */
struct diversion {
	const char *from, *to, *package;
};

struct diversions {
	struct buf text;
	struct diversion *v;
	size_t n;
};

static void read_diversions(struct diversions *ret)
{
	struct err ignored = ERR_INIT;
	char *save = NULL;

	if (read_file(DPKGDB_DIR "/diversions", DIVERSION_MAX, &ret->text, &ignored) < 0 || !ret->text.n)
		return;
	for (char *from = strtok_r(ret->text.s, "\n", &save); from; from = strtok_r(NULL, "\n", &save)) {
		char *to = strtok_r(NULL, "\n", &save), *package = strtok_r(NULL, "\n", &save);

		if (!package)
			break;
		ret->v = xrealloc(ret->v, ret->n + 1, sizeof(*ret->v));
		ret->v[ret->n++] = (struct diversion){ from, to, package };
	}
}

static void want_spelling(struct lookup *l, const struct diversions *d, char *path, size_t owner)
{
	for (size_t i = 0; i < d->n; i++) {
		if (streq(d->v[i].to, path)) {
			want(l, xstrdup(d->v[i].from), owner, NULL, d->v[i].package);
			free(path);
			return;
		}
		if (streq(d->v[i].from, path)) {
			want(l, path, owner, d->v[i].package, NULL);
			return;
		}
	}
	want(l, path, owner, NULL, NULL);
}

/* dpkg writes a package's file list anew with each unpacking. */
static void found(struct lookup *l, const struct wanted *w, const char *package, const char *arch, time_t unpacked)
{
	struct msg_owner *o = wire_list_at(&msg_owner, &l->ret->owners, w->owner);
	const struct dpkgdb_package *p = dpkgdb_find(l->db, package, arch);
	char installed[TIME_TEXT_MAX];

	if (o->package || (w->only && !streq(w->only, package)) || (w->except && streq(w->except, package)) || !p ||
	    p->status <= DPKGDB_CONFIG_FILES)
		return;
	o->package = xstrdup(p->name);
	o->arch = xstrdup(p->arch);
	o->version = xstrdup(p->version);
	time_format(unpacked, installed);
	o->installed = xstrdup(installed);
}

static void search_list(struct lookup *l, int dir, char *file)
{
	cleanup_buf struct buf b = { 0 };
	struct err ignored = ERR_INIT;
	struct stat st;
	char *arch;

	if (read_file_at(dir, file, LIST_MAX, &b, &ignored) < 0 || fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	file[strlen(file) - strlen(".list")] = '\0';
	arch = strchr(file, ':');
	if (arch)
		*arch++ = '\0';
	for (char *p = b.s, *end = b.n ? b.s + b.n : b.s; p && p < end;) {
		char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = nl ? (size_t)(nl - p) : (size_t)(end - p);

		for (struct wanted *w = l->buckets[hash(p, n) & l->mask]; w; w = w->next)
			if (strlen(w->path) == n && memcmp(w->path, p, n) == 0)
				found(l, w, file, arch, st.st_mtime);
		p = nl ? nl + 1 : NULL;
	}
}

static int search_lists(struct lookup *l, struct err *err)
{
	DIR *d = opendir(DPKGDB_DIR "/info");

	if (!d)
		return err_set(err, CODE_IO, errno, "open folder '%s/info'", DPKGDB_DIR);
	for (struct dirent *e; (e = readdir(d));)
		if (ends_with(e->d_name, ".list"))
			search_list(l, dirfd(d), e->d_name);
	(void)closedir(d);
	return 0;
}

static void free_wanted(struct lookup *l)
{
	for (size_t i = 0; i <= l->mask; i++) {
		for (struct wanted *w = l->buckets[i], *next; w; w = next) {
			next = w->next;
			free(w->path);
			free(w->only);
			free(w->except);
			free(w);
		}
	}
	free(l->buckets);
}

int dpkg_owner(const struct msg_owner_params *in, struct msg_owners *ret, struct err *err)
{
	cleanup_dpkgdb struct dpkgdb db = { 0 };
	struct diversions d = { 0 };
	struct lookup l = { .ret = ret, .db = &db, .mask = 255 };
	int r;

	if (dpkgdb_read("", &db, err) < 0)
		return -1;
	while (l.mask < 4 * in->paths.n)
		l.mask = 2 * l.mask + 1;
	l.buckets = xcalloc(l.mask + 1, sizeof(struct wanted *));
	read_diversions(&d);
	for (size_t i = 0; i < in->paths.n; i++) {
		struct msg_owner *o = wire_list_add(&msg_owner, &ret->owners);
		char *other = alias(in->paths.v[i]);

		o->path = xstrdup(in->paths.v[i]);
		want_spelling(&l, &d, xstrdup(in->paths.v[i]), i);
		if (other)
			want_spelling(&l, &d, other, i);
	}
	r = search_lists(&l, err);
	free_wanted(&l);
	buf_clear(&d.text);
	free(d.v);
	return r;
}
