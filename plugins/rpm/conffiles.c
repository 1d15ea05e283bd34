/* conffiles.c - see conffiles.h. */
#include <rpm/rpmfi.h>
#include <rpm/rpmfiles.h>
#include <stdio.h>
#include <sys/stat.h>
#include "conffiles.h"
#include "serve.h"

#define FILES_MAX 100000

struct notes {
	const struct session *s;
	struct conffiles *ret;
};

/* Of a regular file, else 0: a link there is not rpm's. */
static int64_t time_of(const char *path, const char *suffix)
{
	cleanup_free char *name = xasprintf("%s%s", path, suffix);
	struct stat st;

	if (lstat(name, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	return st.st_ctim.tv_sec * 1000000000LL + st.st_ctim.tv_nsec;
}

static void note_header(struct notes *n, Header h, size_t package)
{
	rpmfiles files = rpmfilesNew(NULL, h, RPMTAG_BASENAMES, RPMFI_FLAGS_QUERY);
	int count = rpmfilesFC(files);

	for (int i = 0; i < count && n->ret->n < FILES_MAX; i++) {
		if (!(rpmfilesFFlags(files, i) & RPMFILE_CONFIG))
			continue;
		char *path = rpmfilesFN(files, i);
		if (n->ret->n % 64 == 0)
			n->ret->v = xrealloc(n->ret->v, n->ret->n + 64, sizeof(*n->ret->v));
		n->ret->v[n->ret->n++] = (struct conffile){ .package = package,
							    .path = xstrdup(path),
							    .rpmnew = time_of(path, ".rpmnew"),
							    .rpmsave = time_of(path, ".rpmsave") };
		free(path);
	}
	(void)rpmfilesFree(files);
}

static bool look(Header h, unsigned offset _unused_, void *ctx)
{
	struct notes *n = ctx;
	const char *name = strna(headerGetString(h, RPMTAG_NAME)), *arch = strna(headerGetString(h, RPMTAG_ARCH));

	for (size_t i = 0; i < n->s->n_plan; i++) {
		const struct package *p = &n->s->plan[i];

		if (streq(p->name, name) && streq(p->arch, arch))
			note_header(n, h, i);
	}
	return true;
}

void conffiles_note(const struct session *s, struct conffiles *ret)
{
	struct notes n = { s, ret };
	struct err ignored = ERR_INIT;

	(void)rpmdb_each(&s->db, false, look, &n, &ignored);
}

static void turn_round(const char *path)
{
	cleanup_free char *new = xasprintf("%s.rpmnew", path), *save = xasprintf("%s.rpmsave", path);

	if (rename(path, new) < 0 || rename(save, path) < 0)
		plugin_log(LOG_WARNING, "'%s' was replaced and could not be put back; the old one is '%s': %m", path,
			   save);
}

void conffiles_settle(const struct session *s, const struct conffiles *c, struct wire_list *kept)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct conffile *f = &c->v[i];
		int64_t new = time_of(f->path, ".rpmnew"), save = time_of(f->path, ".rpmsave");
		bool saved = save && save != f->rpmsave && time_of(f->path, "");

		if (saved)
			turn_round(f->path);
		if (!saved && (!new || new == f->rpmnew))
			continue;
		struct msg_conffile *m = wire_list_add(&msg_conffile, kept);
		m->package = xstrdup(s->plan[f->package].name);
		m->path = xstrdup(f->path);
	}
}

void conffiles_clear(struct conffiles *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->v[i].path);
	free(c->v);
	*c = (struct conffiles){ 0 };
}
