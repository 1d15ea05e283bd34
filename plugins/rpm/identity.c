/* identity.c - is a package file the package that was planned? (session.h)
 *
 * The plan is made from the metadata, and rpm goes by the file's header. Both
 * may be trusted and not belong together: any package of the same key has a good
 * signature, and metadata is often vouched for by its transport alone.
 */
#include <rpm/rpmds.h>
#include <rpm/rpmlib.h>
#include <rpm/rpmts.h>
#include <solv/queue.h>
#include <solv/solvable.h>
#include "session.h"

/* "0:1-2" is "1-2". */
static const char *without_epoch_0(const char *evr)
{
	return starts_with(evr, "0:") ? evr + 2 : evr;
}

static Header read_header(const char *file)
{
	rpmts ts = rpmtsCreate();
	FD_t fd = Fopen(file, "r.ufdio");
	Header h = NULL;

	/* its signature and digests are verified */
	(void)rpmtsSetVSFlags(ts, (rpmVSFlags)(_RPMVSF_NOSIGNATURES | _RPMVSF_NODIGESTS));
	if (fd && !Ferror(fd) && rpmReadPackageFile(ts, fd, file, &h) != RPMRC_OK) {
		(void)headerFree(h);
		h = NULL;
	}
	if (fd)
		(void)Fclose(fd);
	(void)rpmtsFree(ts);
	return h;
}

static Solvable *find_solvable(const struct session *s, const struct package *p)
{
	Pool *pool = s->pool;
	Id name = pool_str2id(pool, p->name, 0), evr = pool_str2id(pool, p->evr, 0),
	   arch = pool_str2id(pool, p->arch, 0), id;
	Solvable *x;

	if (!s->sources[p->source].repo)
		return NULL;
	FOR_REPO_SOLVABLES(s->sources[p->source].repo, id, x)
	if (x->name == name && x->evr == evr && x->arch == arch)
		return x;
	return NULL;
}

/* What the metadata says that it takes the place of: "bar < 9". */
static void known_obsoletes(const struct session *s, const struct package *p, struct strv *ret)
{
	Solvable *x = find_solvable(s, p);
	Queue q;

	if (!x)
		return;
	queue_init(&q);
	(void)solvable_lookup_deparray(x, SOLVABLE_OBSOLETES, &q, 0);
	for (int i = 0; i < q.count; i++)
		strv_push(ret, pool_dep2str(s->pool, q.elements[i]));
	queue_free(&q);
}

/* One that the metadata does not have would remove what nobody approved. */
static int check_obsoletes(const struct session *s, const struct package *p, Header h, struct err *err)
{
	/* by the bits for less, greater and equal */
	static const char *const operators[] = { "", "<", ">", "<>", "=", "<=", ">=", "<=>" };
	cleanup_strv struct strv known = { 0 };
	rpmds ds = rpmdsNew(h, RPMTAG_OBSOLETENAME, 0);
	int r = 0;

	known_obsoletes(s, p, &known);
	while (r == 0 && rpmdsNext(ds) >= 0) {
		const char *evr = strna(rpmdsEVR(ds));
		unsigned sense = (unsigned)rpmdsFlags(ds);
		size_t op = (sense & RPMSENSE_LESS ? 1U : 0) | (sense & RPMSENSE_GREATER ? 2U : 0) |
			    (sense & RPMSENSE_EQUAL ? 4U : 0);
		cleanup_free char *text =
			*evr ? xasprintf("%s %s %s", rpmdsN(ds), operators[op], without_epoch_0(evr)) :
			       xstrdup(rpmdsN(ds));

		if (!strv_contains(&known, text))
			r = err_set(err, CODE_HASH_MISMATCH, 0,
				    "the package takes the place of '%s', which the metadata does not say", text);
	}
	(void)rpmdsFree(ds);
	return r;
}

int package_check(const struct session *s, const struct package *p, struct err *err)
{
	Header h = read_header(p->file);
	char *evr = h ? headerGetAsString(h, RPMTAG_EVR) : NULL;
	const char *name = h ? strna(headerGetString(h, RPMTAG_NAME)) : "",
		   *arch = h ? strna(headerGetString(h, RPMTAG_ARCH)) : "";
	int r = 0;

	if (!h || !evr)
		r = err_set(err, CODE_HASH_MISMATCH, 0, "the package's header cannot be read");
	else if (!streq(name, p->name) || !streq(without_epoch_0(evr), without_epoch_0(p->evr)) ||
		 !streq(arch, p->arch))
		r = err_set(err, CODE_HASH_MISMATCH, 0, "the file is %s-%s.%s, and the metadata calls it %s-%s.%s",
			    name, evr, arch, p->name, p->evr, p->arch);
	else
		r = check_obsoletes(s, p, h, err);
	free(evr);
	(void)headerFree(h);
	return r;
}
