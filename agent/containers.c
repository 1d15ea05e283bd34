/* containers.c - see containers.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include "cgroupid.h"
#include "containers.h"
#include "containerid.h"
#include "fd.h"
#include "procread.h"

#define CGROUP_MAX 65536 /* bytes of /proc/PID/cgroup */
#define SMALL_FILE 4096
#define NONE ((size_t)-1)
#define KTHREAD 0x00200000 /* PF_KTHREAD of the kernel */

/* A process that is not the host's. */
struct proc {
	pid_t pid, ppid;
	uint64_t start, mntns, pidns;
	uint64_t dev, ino; /* of its root folder */
	size_t ids; /* in struct walk */
};

struct host_member {
	pid_t pid;
	uint64_t start;
	size_t of; /* in the list of containers; NONE: an engine's helper in one */
};

/* What is known of a container beside its public part. */
struct place {
	struct cgroup_id outer;
	uint64_t dev, ino;
	pid_t ppid;
	size_t around; /* the container that it is in; NONE: the host */
};

struct walk {
	const char *root;
	int proc; /* ROOT/proc */
	uint64_t mntns, pidns, dev, ino; /* the host's */
	struct buf host_cgroup;
	struct proc *v;
	size_t n, cap;
	struct cgroup_ids *ids; /* each different one, mostly */
	size_t n_ids, cap_ids;
	struct buf last_cgroup; /* of ids[n_ids - 1] */
	struct place *places; /* one per container */
};

static void walk_clear(struct walk *w)
{
	closep(&w->proc);
	buf_clear(&w->host_cgroup);
	buf_clear(&w->last_cgroup);
	free(w->v);
	free(w->ids);
	free(w->places);
}

/* The inode of a namespace, "mnt:[4026531840]"; 0: not ours to know. */
static uint64_t namespace_of(int dir, const char *name)
{
	char text[64];
	ssize_t n = readlinkat(dir, name, text, sizeof(text) - 1);
	char *open, *close;
	uint64_t ret;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	open = strstr(text, ":[");
	close = open ? strchr(open, ']') : NULL;
	if (!close)
		return 0;
	*close = '\0';
	return parse_u64(open + 2, UINT64_MAX, &ret) < 0 ? 0 : ret;
}

static void root_of(int dir, uint64_t *dev, uint64_t *ino)
{
	struct statx st;

	/* nothing is asked of a file system in user space, which could keep us waiting */
	if (statx(dir, "root", AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_INO, &st) < 0) {
		*dev = *ino = 0;
		return;
	}
	*dev = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
	*ino = st.stx_ino;
}

/* The namespaces of the host: those of its first process or, for a user who may not see them, our own. */
static int read_host(struct walk *w, struct err *err)
{
	static const char *const names[] = { "1", "self" };
	cleanup_free char *path = xasprintf("%s/proc", w->root);
	struct err ignored = ERR_INIT;

	w->proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->proc < 0)
		return err_set(err, CODE_IO, errno, "open '%s'", path);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_fd int dir = openat(w->proc, names[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (dir < 0 || !(w->mntns = namespace_of(dir, "ns/mnt")))
			continue;
		w->pidns = namespace_of(dir, "ns/pid");
		root_of(dir, &w->dev, &w->ino);
		(void)read_file_at(dir, "cgroup", CGROUP_MAX, &w->host_cgroup, &ignored);
		return 0;
	}
	return err_set(err, CODE_IO, 0, "read the namespaces of '%s/1': no /proc here: mount it", path);
}

/* What the path of its cgroup says; the processes of a container come one after the other, mostly. */
static size_t ids_of(struct walk *w, int dir)
{
	cleanup_buf struct buf text = { 0 };
	struct err ignored = ERR_INIT;

	(void)read_file_at(dir, "cgroup", CGROUP_MAX, &text, &ignored);
	if (w->n_ids && streq(buf_str(&text), buf_str(&w->last_cgroup)))
		return w->n_ids - 1;
	if (w->n_ids == w->cap_ids) {
		w->cap_ids = w->cap_ids ? 2 * w->cap_ids : 16;
		w->ids = xrealloc(w->ids, w->cap_ids, sizeof(*w->ids));
	}
	cgroup_ids_read(buf_str(&text), buf_str(&w->host_cgroup), &w->ids[w->n_ids]);
	buf_reset(&w->last_cgroup);
	buf_append(&w->last_cgroup, buf_str(&text), text.n);
	return w->n_ids++;
}

/* The process behind DIR, if it is not one of the host. */
static void look_at(struct walk *w, int dir, pid_t pid)
{
	struct proc p = { .pid = pid };
	struct proc_identity id;

	/* of the kernel's own threads kdevtmpfs has a mount namespace */
	if (proc_identity_read(dir, &id) < 0 || (id.flags & KTHREAD))
		return;
	/* the namespaces of an ended first thread are gone, while others may go on */
	cleanup_fd int thread = id.state == 'Z' ? procread_thread(dir, pid, &id) : -1;
	int from = thread < 0 ? dir : thread;
	p.ppid = id.ppid;
	p.start = (uint64_t)id.start;
	p.mntns = namespace_of(from, "ns/mnt");
	p.pidns = namespace_of(from, "ns/pid");
	if (!p.mntns || (p.mntns == w->mntns && p.pidns == w->pidns))
		return;
	root_of(from, &p.dev, &p.ino);
	p.ids = ids_of(w, from);
	/* a service with a private /tmp, or what podman runs for a user */
	if (!w->ids[p.ids].outer.id[0] && p.pidns == w->pidns && p.dev == w->dev && p.ino == w->ino)
		return;
	if (w->n == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 64;
		w->v = xrealloc(w->v, w->cap, sizeof(*w->v));
	}
	w->v[w->n++] = p;
}

static int read_all(struct walk *w, struct err *err)
{
	cleanup_fd int fd = openat(w->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *all = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!all)
		return err_set(err, CODE_IO, errno, "read '%s/proc'", w->root);
	(void)steal_fd(&fd);
	while ((e = readdir(all))) {
		char name[32];
		uint64_t pid;

		if (parse_u64(e->d_name, INT32_MAX, &pid) < 0)
			continue;
		/* most are the host's: two calls each */
		(void)snprintf(name, sizeof(name), "%d/ns/mnt", (int)pid);
		if (namespace_of(w->proc, name) == w->mntns) {
			(void)snprintf(name, sizeof(name), "%d/ns/pid", (int)pid);
			if (namespace_of(w->proc, name) == w->pidns)
				continue;
		}
		(void)snprintf(name, sizeof(name), "%d", (int)pid);
		cleanup_fd int dir = openat(w->proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir >= 0)
			look_at(w, dir, (pid_t)pid);
	}
	(void)closedir(all);
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct proc *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static int by_pid(const void *a, const void *b)
{
	const struct host_member *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static struct host_member *member_of(const struct host_containers *c, pid_t pid)
{
	struct host_member key = { .pid = pid };

	return c->n_members ? bsearch(&key, c->members, c->n_members, sizeof(key), by_pid) : NULL;
}

const struct host_container *containers_of(const struct host_containers *c, pid_t pid)
{
	const struct host_member *m = member_of(c, pid);

	return m && m->of != NONE ? &c->list[m->of] : NULL;
}

/* Is P in it: its mount namespace, or another one of the same PID namespace with the same root, such as systemd
 * makes for a service, and such as stopgap's own? */
static bool inside(const struct host_container *c, const struct place *at, const struct proc *p)
{
	return c->mntns == p->mntns || (c->pidns == p->pidns && at->dev == p->dev && at->ino == p->ino && p->ino);
}

/* The container of P, whose ids are IDS; NONE: it is the first of one that is not in the list. */
static size_t find(const struct host_containers *c, const struct walk *w, const struct proc *p,
		   const struct cgroup_ids *ids)
{
	for (size_t i = c->n; i-- > 0;)
		if (streq(w->places[i].outer.id, ids->outer.id) && inside(&c->list[i], &w->places[i], p))
			return i;
	return NONE;
}

/* The one that has claimed the outer id; NONE: none has. */
static size_t owner_of(const struct host_containers *c, const struct walk *w, const char *outer)
{
	for (size_t i = 0; *outer && i < c->n; i++)
		if (!c->list[i].nested && streq(w->places[i].outer.id, outer))
			return i;
	return NONE;
}

static char *unknown_id(const struct walk *w, const struct proc *p)
{
	return xasprintf("unknown-%llu", (unsigned long long)(p->mntns == w->mntns ? p->pidns : p->mntns));
}

static void set_id(struct host_container *c, const struct cgroup_id *id)
{
	free(c->id);
	c->id = xstrdup(id->id);
	c->engine = id->engine ? id->engine : "unknown";
	c->known = true;
	const char *name = strrchr(c->id, ':');
	free(c->name);
	c->name = name ? xstrdup(name + 1) : NULL;
}

/* A new container, of which P is the first process. OUTSIDE: the container its parent is in, or NONE. */
static size_t add(struct host_containers *c, struct walk *w, const struct proc *p, const struct cgroup_ids *ids,
		  size_t outside)
{
	size_t around = owner_of(c, w, ids->outer.id);
	struct host_container new = { .pid = p->pid, .start = p->start, .mntns = p->mntns, .pidns = p->pidns };

	if (around == NONE)
		around = outside;
	new.id = unknown_id(w, p);
	new.engine = "unknown";
	new.nested = around != NONE;
	const struct cgroup_id *id = new.nested ? &ids->inner : &ids->outer;
	if (id->id[0] && !(new.nested &&streq(id->id, w->places[around].outer.id)))
		set_id(&new, id);
	c->list = xrealloc(c->list, c->n + 1, sizeof(*c->list));
	w->places = xrealloc(w->places, c->n + 1, sizeof(*w->places));
	w->places[c->n] =
		(struct place){ .outer = ids->outer, .dev = p->dev, .ino = p->ino, .ppid = p->ppid, .around = around };
	c->list[c->n] = new;
	return c->n++;
}

/* Sort the processes into containers, the oldest first: each one's first process comes before the others. */
static void group(struct host_containers *c, struct walk *w)
{
	if (w->n)
		qsort(w->v, w->n, sizeof(*w->v), by_start);
	c->members = xcalloc(w->n + 1, sizeof(*c->members));
	c->n_members = w->n;
	for (size_t i = 0; i < w->n; i++)
		c->members[i] = (struct host_member){ .pid = w->v[i].pid, .start = w->v[i].start, .of = NONE };
	if (w->n)
		qsort(c->members, w->n, sizeof(*c->members), by_pid);
	for (size_t i = 0; i < w->n; i++) {
		const struct proc *p = &w->v[i];
		const struct cgroup_ids *ids = &w->ids[p->ids];
		struct host_member *m = member_of(c, p->pid), *parent = member_of(c, p->ppid);
		size_t of = ids->helper ? NONE : find(c, w, p, ids);

		if (of == NONE && (ids->helper || (ids->inner_helper && owner_of(c, w, ids->outer.id) != NONE)))
			continue;
		if (of == NONE)
			of = add(c, w, p, ids, parent ? parent->of : NONE);
		c->list[of].processes++;
		m->of = of;
	}
}

/* Frozen, by itself or with a group above it? */
static bool is_paused(const struct walk *w, const char *cgroup)
{
	static const struct {
		const char *controller, *mount, *file, *word;
	} files[] = {
		{ "freezer", "freezer", "freezer.state", "FR" }, /* FROZEN, FREEZING */
		{ "", ".", "cgroup.events", "\nfrozen 1" },
		{ "", "unified", "cgroup.events", "\nfrozen 1" },
		{ "", ".", "cgroup.freeze", "\n1" },
		{ "", "unified", "cgroup.freeze", "\n1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		cleanup_free char *at = cgroup_path(cgroup, files[i].controller), *path = NULL;
		cleanup_buf struct buf text = { 0 };
		struct err ignored = ERR_INIT;

		if (!at)
			continue;
		path = xasprintf("%s/sys/fs/cgroup/%s%s/%s", w->root, files[i].mount, at, files[i].file);
		if (i)
			buf_putc(&text, '\n');
		if (read_file(path, SMALL_FILE, &text, &ignored) == 0 && strstr(buf_str(&text), files[i].word))
			return true;
	}
	return false;
}

/* The rest of what is known of its first process. */
static void complete(const struct walk *w, struct host_container *c)
{
	cleanup_buf struct buf cgroup = { 0 };
	struct err ignored = ERR_INIT;
	struct proc_identity id;
	char name[32];

	(void)snprintf(name, sizeof(name), "%d", (int)c->pid);
	cleanup_fd int dir = openat(w->proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || proc_identity_read(dir, &id) < 0 || (uint64_t)id.start != c->start)
		return;
	c->userns = namespace_of(dir, "ns/user");
	c->netns = namespace_of(dir, "ns/net");
	if (read_file_at(dir, "cgroup", CGROUP_MAX, &cgroup, &ignored) == 0)
		c->paused = is_paused(w, buf_str(&cgroup));
}

static bool taken(const struct host_containers *c, const char *id)
{
	for (size_t i = 0; i < c->n; i++)
		if (streq(c->list[i].id, id))
			return true;
	return false;
}

/* Ask others where the path of the cgroup does not say it all. */
static void identify(const char *root, const struct strv *runc, struct host_containers *c, const struct walk *w)
{
	cleanup_container_states struct container_states states = { 0 };
	cleanup_free char *proc = xasprintf("%s/proc", root);

	for (size_t i = 0; i < c->n; i++) {
		struct host_container *one = &c->list[i];
		struct cgroup_id id = { 0 };

		if (one->nested || !streq(one->engine, "unknown"))
			continue;
		if (container_id_by_parent(proc, w->places[i].ppid, &id) == 0) {
			if (one->known)
				one->engine = id.engine;
			else if (id.id[0] && !taken(c, id.id))
				set_id(one, &id);
		}
		if (one->known)
			continue;
		container_states_read(root, runc, &states);
		if (container_id_by_state(&states, one->pid, one->start, &id) == 0 && !taken(c, id.id))
			set_id(one, &id);
	}
}

/* Is the id of container I another one's, too? What is on the host itself comes first, then who is older. */
static bool repeated(const struct host_containers *c, size_t i)
{
	for (size_t k = 0; k < c->n; k++)
		if (k != i && streq(c->list[k].id, c->list[i].id) && (!c->list[k].nested || k < i))
			return true;
	return false;
}

/* Inside of a container any name can be made: one that is taken is nobody's. */
static void disown_repeated(struct host_containers *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct host_container *one = &c->list[i];

		if (!one->nested || !repeated(c, i))
			continue;
		free(one->id);
		free(one->name);
		one->id = xasprintf("unknown-%llu", (unsigned long long)one->mntns);
		one->name = NULL;
		one->engine = "unknown";
		one->known = false;
	}
}

int containers_find(const char *root, const struct strv *runc, struct host_containers *ret, struct err *err)
{
	_cleanup_(walk_clear) struct walk w = { .root = root, .proc = -1 };
	struct host_containers c = { 0 };

	if (read_host(&w, err) < 0 || read_all(&w, err) < 0)
		return -1;
	group(&c, &w);
	identify(root, runc, &c, &w);
	disown_repeated(&c);
	for (size_t i = 0; i < c.n; i++) {
		complete(&w, &c.list[i]);
		if (c.list[i].nested)
			c.list[i].parent = xstrdup(c.list[w.places[i].around].id);
	}
	*ret = c;
	return 0;
}

void containers_clear(struct host_containers *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct host_container *one = &c->list[i];

		free(one->id);
		free(one->parent);
		free(one->name);
		free(one->image);
		free(one->image_id);
		strv_clear(&one->labels);
	}
	free(c->list);
	free(c->members);
	*c = (struct host_containers){ 0 };
}
