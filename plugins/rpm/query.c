/* query.c - what the agent asks about the rpm database (session.h). */
#include <rpm/rpmfi.h>
#include <rpm/rpmfiles.h>
#include <stdio.h>
#include <sys/stat.h>
#include "census.h"
#include "clock.h"
#include "journal.h"
#include "session.h"

/* --- state -------------------------------------------------------------------------- */

static void describe(const struct session *s, const struct census *c, struct msg_database *ret)
{
	size_t n = census_duplicates(c);

	ret->packages = (int64_t)(c->n - n);
	ret->state = xstrdup(n || journal_exists(s) ? "interrupted" : "clean");
	if (n)
		ret->detail = xasprintf("%zu packages are installed in two versions: a transaction was cut off", n);
	else if (journal_exists(s))
		ret->detail = xstrdup("a transaction of stopgap was cut off");
}

/* Of "[epoch:]version-release" the version; caller frees. */
static char *version_of(const char *evr)
{
	const char *colon = strchr(evr, ':'), *v = colon ? colon + 1 : evr, *dash = strrchr(v, '-');

	return xstrndup(v, dash ? (size_t)(dash - v) : strlen(v));
}

int session_database(const struct session *s, struct msg_database *ret, char **manager, struct err *err)
{
	cleanup_census struct census c = { 0 };
	const struct census_package *rpm;
	struct err e = ERR_INIT;

	if (census_take(&s->db, true, &c, &e) == 0) {
		describe(s, &c, ret);
	} else if (e.code == CODE_DATABASE_BROKEN) {
		ret->state = xstrdup("broken");
		ret->detail = xstrdup(e.msg);
	} else {
		*err = e;
		return -1;
	}
	rpm = census_find(&c, "rpm", NULL);
	cleanup_free char *version = rpm ? version_of(rpm->evr) : NULL;
	*manager = xasprintf("rpm%s%s (%s)", version ? " " : "", strna(version), rpmdb_kind_name(s->db.kind));
	return 0;
}

int session_verify(const struct session *s, const struct msg_verify_params *in, struct msg_verify *ret, struct err *err)
{
	cleanup_census struct census c = { 0 };

	if (census_take(&s->db, true, &c, err) < 0)
		return -1;
	for (size_t i = 0; i < in->packages.n; i++) {
		const struct msg_package *w = wire_list_at(&msg_package, &in->packages, i);
		const struct census_package *p = census_find(&c, w->package, w->arch);
		struct msg_failure *f;

		if (p && rpmdb_evr_compare(p->evr, w->version) >= 0 &&
		    (p == c.v || !census_duplicate(&c, (size_t)(p - c.v) - 1)))
			continue;
		f = wire_list_add(&msg_failure, &ret->missing);
		f->package = xstrdup(w->package);
		f->arch = xstrdup(w->arch);
		f->version = xstrdup(w->version);
		f->code = CODE_NOT_APPLIED;
		f->detail = p ? xasprintf("the database says: %s", p->evr) :
				xstrdup("the database says: not installed");
	}
	describe(s, &c, &ret->database);
	return 0;
}

/* --- owners --------------------------------------------------------------------------- */

/* A wanted path by folder and name, so that spellings of one folder are one. */
struct wanted {
	char *name;
	dev_t dev; /* of the folder */
	ino_t ino;
	size_t owner;
};

struct folder {
	bool known, there;
	dev_t dev;
	ino_t ino;
};

struct lookup {
	struct wanted *v; /* sorted by name */
	size_t n;
	struct msg_owners *ret;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct wanted *)a)->name, ((const struct wanted *)b)->name);
}

static bool folder_id(const char *path, dev_t *dev, ino_t *ino)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	*dev = st.st_dev;
	*ino = st.st_ino;
	return true;
}

static void want(struct lookup *l, const char *path, size_t owner)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *dir = slash ? xstrndup(path, slash == path ? 1 : (size_t)(slash - path)) : NULL;
	struct wanted w = { .owner = owner };

	if (!dir || !folder_id(dir, &w.dev, &w.ino))
		return;
	w.name = xstrdup(slash + 1);
	l->v[l->n++] = w;
}

static void answer(struct lookup *l, const struct wanted *w, Header h)
{
	struct msg_owner *o = wire_list_at(&msg_owner, &l->ret->owners, w->owner);
	uint64_t time = headerGetNumber(h, RPMTAG_INSTALLTIME);
	char installed[TIME_TEXT_MAX];

	if (o->package)
		return;
	time_format((int64_t)time, installed);
	o->installed = time ? xstrdup(installed) : NULL;
	o->package = xstrdup(headerGetString(h, RPMTAG_NAME));
	o->arch = xstrdup(strna(headerGetString(h, RPMTAG_ARCH)));
	o->version = rpmdb_evr(h);
}

static bool search_header(Header h, unsigned offset _unused_, void *ctx)
{
	struct lookup *l = ctx;
	rpmfiles files = rpmfilesNew(NULL, h, RPMTAG_BASENAMES, RPMFI_NOHEADER | RPMFI_FLAGS_FILETRIGGER);
	int count = rpmfilesFC(files), dirs = rpmfilesDC(files);
	cleanup_free struct folder *folders = xcalloc((size_t)(dirs > 0 ? dirs : 0) + 1, sizeof(*folders));

	for (int i = 0; i < count; i++) {
		struct wanted key = { .name = (char *)(uintptr_t)rpmfilesBN(files, i) };
		struct wanted *w = l->n && key.name ? bsearch(&key, l->v, l->n, sizeof(*l->v), by_name) : NULL;
		int d = rpmfilesDI(files, i);

		if (!w || d < 0 || d >= dirs)
			continue;
		struct folder *f = &folders[d];
		if (!f->known) {
			f->known = true;
			f->there = folder_id(rpmfilesDN(files, d), &f->dev, &f->ino);
		}
		while (w > l->v && streq(w[-1].name, key.name))
			w--;
		for (; f->there && w < l->v + l->n && streq(w->name, key.name); w++)
			if (w->dev == f->dev && w->ino == f->ino)
				answer(l, w, h);
	}
	(void)rpmfilesFree(files);
	return true;
}

int session_owner(const struct session *s, const struct msg_owner_params *in, struct msg_owners *ret, struct err *err)
{
	struct lookup l = { .ret = ret };
	int r;

	l.v = xcalloc(in->paths.n + 1, sizeof(*l.v));
	for (size_t i = 0; i < in->paths.n; i++) {
		struct msg_owner *o = wire_list_add(&msg_owner, &ret->owners);

		o->path = xstrdup(in->paths.v[i]);
		want(&l, in->paths.v[i], i);
	}
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), by_name);
	r = rpmdb_each(&s->db, false, search_header, &l, err);
	for (size_t i = 0; i < l.n; i++)
		free(l.v[i].name);
	free(l.v);
	return r;
}
