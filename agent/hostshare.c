/* hostshare.c - see hostshare.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "clock.h"
#include "hostlists.h"
#include "hostshare.h"
#include "hosttree.h"
#include "log.h"
#include "syscalls.h"

#define NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-+~%:^"

struct hostshare {
	const struct hostcache *cache;
	int state_fd;
	uid_t uid;
	gid_t gid;
	char *group;
	uint64_t until;		/* clock_ms() */
	int64_t wait, bytes;
	int leases;
	struct hostline said;	/* want in the order of hashes; lists */
	size_t next;		/* of want: those before are dealt with */
	bool *had;		/* of want: it came from the cache */
};

struct hostshare *hostshare_begin(const struct hostcache *c, int state_fd, uid_t uid, gid_t gid, const char *group,
				  int64_t wait)
{
	struct hostshare *s = xcalloc(1, sizeof(*s));
	struct err err = ERR_INIT;

	*s = (struct hostshare){ .cache = c,
				 .state_fd = state_fd,
				 .uid = uid,
				 .gid = gid,
				 .group = xstrdup(group),
				 .wait = wait,
				 .leases = hostcache_leases(c) };
	int64_t n = group ? hostlists_seed(c, group, state_fd, uid, gid, &err) : 0;
	if (n < 0)
		log_warning("repository lists from the cache: %s, ignoring", err.msg);
	else
		s->bytes = n;
	return s;
}

/* --- what is wanted -------------------------------------------------------------------- */

static const char *name_of(const char *path)
{
	static const char *const folders[] = { "apt/archives/", "rpm/packages/" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (starts_with(path, folders[i])) {
			const char *name = path + strlen(folders[i]);

			return *name && *name != '.' && !name[strspn(name, NAME_LETTERS)] && strlen(name) < 256 ? name :
														  NULL;
		}
	return NULL;
}

static int by_hash(const void *a, const void *b)
{
	return strcmp(((const struct msg_archive *)a)->sha256, ((const struct msg_archive *)b)->sha256);
}

static int check_wants(const struct wire_list *want, struct err *err)
{
	int64_t room = HOSTSHARE_BYTES;

	for (size_t i = 0; i < want->n; i++) {
		const struct msg_archive *a = wire_list_at(&msg_archive, want, i);

		if (!hostcache_is_hash(a->sha256) || !name_of(a->file))
			return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "the entry wants '%.300s' as '%.80s'", a->file,
				       a->sha256);
		if (a->size > room)
			return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "the entry wants more than %lld bytes",
				       (long long)HOSTSHARE_BYTES);
		room -= a->size;
	}
	return 0;
}

/* A folder of the entry's tmpfs, made when it is missing. */
static int open_folder(const struct hostshare *s, int at, const char *name)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
					   RESOLVE_NO_XDEV };
	bool made = mkdirat(at, name, 0755) == 0;
	int fd = sys_openat2(at, name, &how);

	if (fd >= 0 && made && fchown(fd, s->uid, s->gid) < 0)
		log_debug("give '%s' to the container: %m, ignoring", name);
	return fd;
}

/* The folder of PATH, which has passed name_of(). */
static int open_parent(const struct hostshare *s, const char *path)
{
	cleanup_free char *top = xstrndup(path, strcspn(path, "/"));
	const char *below = path + strlen(top) + 1;
	cleanup_free char *folder = xstrndup(below, strcspn(below, "/"));

	cleanup_fd int at = open_folder(s, s->state_fd, top);
	return at < 0 ? -1 : open_folder(s, at, folder);
}

/* From the cache into the entry's folder: a new file of the container's root. */
static bool put(struct hostshare *s, const struct msg_archive *a)
{
	const char *name = name_of(a->file);
	cleanup_free char *tmp = xasprintf("%s.new", name);
	struct err err = ERR_INIT;
	bool ok = false;

	cleanup_fd int dir = open_parent(s, a->file);
	if (dir < 0)
		return false;
	/* what it has fetched itself stays when the cache has nothing */
	(void)unlinkat(dir, tmp, 0);
	cleanup_fd int to = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = to < 0 ? 0 : hostcache_get(s->cache, a->sha256, a->size, to, &err);
	if (r < 0)
		log_warning("%s, ignoring", err.msg);
	ok = r > 0 && fchown(to, s->uid, s->gid) == 0 && fchmod(to, 0644) == 0 && renameat(dir, tmp, dir, name) == 0;
	if (to >= 0 && !ok)
		(void)unlinkat(dir, tmp, 0);
	if (ok)
		s->bytes += a->size;
	return ok;
}

enum hostshare_answer hostshare_again(struct hostshare *s)
{
	struct wire_list *want = &s->said.want;

	for (; s->next < want->n; s->next++) {
		const struct msg_archive *a = wire_list_at(&msg_archive, want, s->next);

		s->had[s->next] = put(s, a);
		if (s->had[s->next])
			continue;
		if (!hostcache_lease(s->leases, a->sha256)) {
			if (clock_ms() < s->until)
				return HOSTSHARE_BUSY;
			continue;
		}
		/* whoever had the lease may have brought it meanwhile */
		s->had[s->next] = put(s, a);
		if (s->had[s->next])
			hostcache_release(s->leases, a->sha256);
	}
	return HOSTSHARE_GO;
}

static enum hostshare_answer take_wants(struct hostshare *s, struct hostline *l, struct err *err)
{
	if (check_wants(&l->want, err) < 0)
		return HOSTSHARE_REFUSED;
	wire_list_clear(&msg_archive, &s->said.want);
	s->said.want = l->want;
	l->want = (struct wire_list){ 0 };
	qsort(s->said.want.v, s->said.want.n, msg_archive.size, by_hash);
	free(s->had);
	s->had = xcalloc(s->said.want.n, sizeof(bool));
	s->next = 0;
	s->until = clock_ms() + (uint64_t)s->wait * 1000;
	return hostshare_again(s);
}

/* --- what is there --------------------------------------------------------------------- */

static void take_fetched(struct hostshare *s)
{
	struct err err = ERR_INIT;
	int64_t size;

	for (size_t i = 0; i < s->said.want.n; i++) {
		const struct msg_archive *a = wire_list_at(&msg_archive, &s->said.want, i);

		if (s->had[i])
			continue;
		cleanup_fd int from = hosttree_open(s->state_fd, a->file, &size, &err);
		if (from >= 0 && hostcache_put(s->cache, a->sha256, a->size, from, &err) < 0)
			log_warning("%s, ignoring", err.msg);
		hostcache_release(s->leases, a->sha256);
	}
	hostcache_trim(s->cache);
}

enum hostshare_answer hostshare_line(struct hostshare *s, struct json_object *line, struct err *err)
{
	struct hostline l = { 0 };
	enum hostshare_answer answer = HOSTSHARE_TAKEN;

	if (!json_object_object_get_ex(line, "want", NULL) && !json_object_object_get_ex(line, "lists", NULL) &&
	    !json_object_object_get_ex(line, "fetched", NULL))
		return HOSTSHARE_NOT_MINE;
	if (wire_decode(&hostline, line, &l, err) < 0)
		return HOSTSHARE_REFUSED;
	if (l.want.n) {
		answer = take_wants(s, &l, err);
	} else if (l.fetched) {
		take_fetched(s);
		answer = HOSTSHARE_GO;
	} else if (l.lists.n) {
		strv_clear(&s->said.lists);
		s->said.lists = l.lists;
		l.lists = (struct strv){ 0 };
	} else if (!json_object_object_get_ex(line, "lists", NULL)) {
		answer = HOSTSHARE_GO;
	}
	wire_clear(&hostline, &l);
	return answer;
}

struct json_object *hostshare_go(void)
{
	struct hostline l = { .go = true };

	return wire_encode(&hostline, &l);
}

void hostshare_end(struct hostshare *s, bool keep)
{
	struct err err = ERR_INIT;

	if (!s)
		return;
	if (keep && s->group && hostlists_keep(s->cache, s->group, s->state_fd, &s->said.lists, &err) < 0)
		log_warning("keep repository lists: %s, ignoring", err.msg);
	closep(&s->leases);
	wire_clear(&hostline, &s->said);
	free(s->had);
	free(s->group);
	free(s);
}

int64_t hostshare_bytes(const struct hostshare *s)
{
	return s->bytes;
}
