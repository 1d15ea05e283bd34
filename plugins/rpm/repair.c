/* repair.c - what an interrupted transaction left is finished (session.h).
 *
 * rpm writes a new row when a package's files are in place, and erases the old
 * one at the end of the transaction: killed between, both are there. Where our
 * journal still has the files, the transaction is run again, which also puts
 * right a package that was cut off in the middle, and its scripts. A duplicate of
 * somebody else's making loses its older row, and no file.
 */
#include <dirent.h>
#include <stdio.h>
#include "census.h"
#include "journal.h"
#include "serve.h"
#include "trans.h"
#include "childwatch.h"

static int run(const struct session *s, enum trans_verb verb, struct trans_item *items, size_t n, const char *log,
	       struct buf *output, struct err *err)
{
	struct trans t = { .s = s, .verb = verb, .items = items, .n = n, .log = log };
	int r = trans_wait_for_lock(s, err);

	if (r == 0)
		r = trans_run(&t, err);
	if (r == 0 && t.end == TRANS_LOCKED) {
		r = err_set(err, CODE_LOCKED, 0, "somebody else took rpm's lock in '%s'; try again", s->db.dir);
		err->retryable = true;
	}
	for (size_t i = 0; i < n; i++)
		if (items[i].detail.n)
			buf_printf(output, "%s%s", output->n ? "\n" : "", items[i].detail.s);
	if (t.output.n)
		buf_printf(output, "%s%s", output->n ? "\n" : "", t.output.s);
	trans_clear(&t);
	return r;
}

/* rpm writes PATH;0123abcd and renames it. */
static bool is_leftover(const char *name)
{
	size_t n = strlen(name);

	return n > 9 && name[n - 9] == ';' && strspn(name + n - 8, "0123456789abcdef") == 8;
}

static size_t sweep_folder(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	if (!d)
		return 0;
	for (struct dirent *e; (e = readdir(d));)
		n += is_leftover(e->d_name) && unlinkat(dirfd(d), e->d_name, 0) == 0;
	(void)closedir(d);
	return n;
}

struct sweep {
	const struct journal *j;
	struct strv dirs;
};

static bool collect_folders(Header h, unsigned offset _unused_, void *ctx)
{
	struct sweep *s = ctx;
	const char *name = strna(headerGetString(h, RPMTAG_NAME));
	struct rpmtd_s td;

	for (size_t i = 0; i < s->j->n; i++) {
		if (!streq(s->j->v[i].name, name) || !headerGet(h, RPMTAG_DIRNAMES, &td, HEADERGET_MINMEM))
			continue;
		while (rpmtdNext(&td) >= 0)
			if (!strv_contains(&s->dirs, rpmtdGetString(&td)))
				strv_push(&s->dirs, rpmtdGetString(&td));
		rpmtdFreeData(&td);
	}
	return true;
}

/* Files that were being written when the transaction was killed. */
static void sweep(const struct session *s, const struct journal *j, struct msg_repair *ret)
{
	struct sweep sw = { .j = j };
	struct err ignored = ERR_INIT;
	size_t n = 0;

	(void)rpmdb_each(&s->db, false, collect_folders, &sw, &ignored);
	for (size_t i = 0; i < sw.dirs.n; i++)
		n += sweep_folder(sw.dirs.v[i]);
	if (n)
		strv_take(&ret->actions,
			  xasprintf("%zu files that were cut off while they were written were removed", n));
	strv_clear(&sw.dirs);
}

static int finish_journal(const struct session *s, struct msg_repair *ret, struct buf *output, struct err *err)
{
	struct journal j = { 0 };
	int r = 0;

	journal_read(s, &j);
	if (j.n) {
		cleanup_free struct trans_item *items = xcalloc(j.n, sizeof(*items));

		for (size_t i = 0; i < j.n; i++)
			items[i] = (struct trans_item){
				.name = j.v[i].name, .arch = j.v[i].arch, .evr = j.v[i].evr, .file = j.v[i].file
			};
		r = run(s, TRANS_REPLACE, items, j.n, ret->log, output, err);
		if (r == 0)
			strv_take(&ret->actions,
				  xasprintf("the interrupted transaction of %zu packages was run again", j.n));
		if (r == 0)
			sweep(s, &j, ret);
	}
	journal_clear(&j);
	return r;
}

static int forget_duplicates(const struct session *s, struct msg_repair *ret, struct buf *output, struct err *err)
{
	cleanup_census struct census c = { 0 };
	cleanup_free struct trans_item *items = NULL;
	size_t n = 0;

	if (census_take(&s->db, false, &c, err) < 0)
		return -1;
	items = xcalloc(c.n + 1, sizeof(*items));
	for (size_t i = 0; i < c.n; i++)
		if (census_duplicate(&c, i))
			items[n++] = (struct trans_item){ .name = c.v[i].name, .arch = c.v[i].arch, .evr = c.v[i].evr };
	if (!n)
		return 0;
	if (run(s, TRANS_FORGET, items, n, ret->log, output, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		strv_take(
			&ret->actions,
			xasprintf(
				"the older row of %s (%s), which is installed in a newer version, was erased from the rpm database",
				items[i].name, items[i].evr));
	return 0;
}

/* What is still there twice, or was in the journal and did not come in. */
static int judge(const struct session *s, struct msg_repair *ret, const struct buf *output, struct err *err)
{
	cleanup_census struct census c = { 0 };

	if (census_take(&s->db, false, &c, err) < 0)
		return -1;
	for (size_t i = 0; i < c.n; i++) {
		struct msg_failure *f;

		if (!census_duplicate(&c, i))
			continue;
		f = wire_list_add(&msg_failure, &ret->failed);
		f->package = xstrdup(c.v[i].name);
		f->arch = xstrdup(c.v[i].arch);
		f->version = xstrdup(c.v[i].evr);
		f->code = CODE_NOT_APPLIED;
		f->detail = xasprintf("it is installed twice, also in version %s; the output: %s", c.v[i + 1].evr,
				      buf_str(output));
	}
	ret->repaired = ret->failed.n == 0;
	return 0;
}

int session_repair(struct session *s, struct msg_repair *ret, struct err *err)
{
	cleanup_buf struct buf output = { 0 };

	ret->log = watch_log_path(s->settings->state_dir, "repair.log", err);
	if (!ret->log)
		return -1;
	s->stale = true;
	s->facts = false;
	if (finish_journal(s, ret, &output, err) < 0 || forget_duplicates(s, ret, &output, err) < 0 ||
	    judge(s, ret, &output, err) < 0)
		return -1;
	if (ret->repaired)
		journal_remove(s);
	return 0;
}
