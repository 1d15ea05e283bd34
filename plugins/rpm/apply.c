/* apply.c - installing the plan, set by set, and judging by the database (session.h). */
#include <stdio.h>
#include "census.h"
#include "children.h"
#include "clock.h"
#include "conffiles.h"
#include "fd.h"
#include "journal.h"
#include "serve.h"
#include "trans.h"
#include "childwatch.h"

#define LOCK_RETRIES 20

struct outcome {
	bool begun;
	enum code code; /* why it failed; CODE_OK: no reason is known */
	char *detail;
};

struct apply {
	struct session *s;
	struct msg_apply *ret;
	struct outcome *of; /* one per package of the plan */
	char *log;
	int64_t done, total; /* steps */
	struct err aborted; /* why no further set was begun */
};

static void on_progress(const char *package, void *ctx)
{
	struct apply *a = ctx;

	a->done += a->done < a->total;
	struct msg_progress p = { .phase = (char *)(uintptr_t) "apply",
				  .done = a->done,
				  .total = a->total,
				  .item = (char *)(uintptr_t)package };
	plugin_event("progress", &msg_progress, &p);
}

static void note(struct apply *a, size_t i, enum code code, char *detail)
{
	struct outcome *o = &a->of[i];

	if (o->code == CODE_OK) {
		o->code = code;
		o->detail = detail;
	} else {
		free(detail);
	}
}

static enum code code_of(const struct trans_item *it, const char *text)
{
	if (it->timeout)
		return CODE_SCRIPT_TIMEOUT;
	if (it->script_failed)
		return CODE_SCRIPT_FAILED;
	if (strstr(text, "No space left") || strstr(text, "more space needed"))
		return CODE_NO_SPACE;
	return CODE_UNPACK_FAILED;
}

/* What the child said about each package. */
static void take_words(struct apply *a, struct trans *t, const size_t *index)
{
	for (size_t i = 0; i < t->n; i++) {
		struct trans_item *it = &t->items[i];
		const char *text = it->detail.n ? it->detail.s : buf_str(&t->output);

		for (size_t k = 0; k < it->warnings.n; k++)
			reason_add(&a->ret->alarms, CODE_SCRIPT_FAILED, "%s: %s; see %s", it->warnings.v[k],
				   it->said.n ? it->said.s : "it said nothing", a->log);
		if (it->timeout || it->script_failed || it->problem || it->detail.n)
			note(a, index[i], code_of(it, text),
			     it->said.n ? xasprintf("%s\n%s", text, it->said.s) : xstrdup(text));
	}
}

/* Others may hold rpm's lock between our look and the child's: then again. */
static int run_locked(struct apply *a, struct trans *t, struct err *err)
{
	uint64_t end = clock_ms() + (uint64_t)a->s->settings->lock_timeout * 1000;

	for (int i = 0; i < LOCK_RETRIES; i++) {
		if (trans_wait_for_lock(a->s, err) < 0 || trans_run(t, err) < 0)
			return -1;
		if (t->end != TRANS_LOCKED)
			return 0;
		if (clock_ms() >= end)
			break;
	}
	(void)err_set(err, CODE_LOCKED, 0,
		      "rpm's lock in '%s' is taken again and again; let the others finish, then try again",
		      a->s->db.dir);
	err->retryable = true;
	return -1;
}

/* The packages of a set that are still to be done. */
static size_t collect(const struct apply *a, size_t set, struct trans_item *items, size_t *index)
{
	size_t n = 0;

	for (size_t i = 0; i < a->s->n_plan; i++) {
		const struct package *p = &a->s->plan[i];

		if (p->set != set || a->of[i].code != CODE_OK)
			continue;
		items[n] = (struct trans_item){ .name = p->name, .arch = p->arch, .evr = p->evr, .file = p->file };
		index[n++] = i;
	}
	return n;
}

/* A transaction with a problem does not begin, so the rest is tried without the
 * packages that stand in its way; those that need them are its next problem. */
static int apply_set(struct apply *a, size_t set, struct err *err)
{
	cleanup_free struct trans_item *items = xcalloc(a->s->n_plan + 1, sizeof(*items));
	cleanup_free size_t *index = xcalloc(a->s->n_plan + 1, sizeof(*index));
	size_t n;

	while ((n = collect(a, set, items, index))) {
		struct trans t = {
			.s = a->s, .items = items, .n = n, .log = a->log, .progress = on_progress, .ctx = a
		};
		size_t blamed = 0;
		int r;

		r = journal_write(a->s, items, n, err);
		if (r == 0)
			r = run_locked(a, &t, err);
		if (r == 0) {
			for (size_t i = 0; i < n; i++) {
				a->of[index[i]].begun |= t.end == TRANS_DONE;
				blamed += items[i].problem;
			}
			take_words(a, &t, index);
			for (size_t i = 0; i < n && t.end == TRANS_PROBLEMS && !blamed; i++)
				note(a, index[i], CODE_UNPACK_FAILED, xstrdup(buf_str(&t.output)));
		}
		enum trans_end end = t.end;
		trans_clear(&t);
		if (r < 0)
			return -1;
		if (end == TRANS_DONE)
			break;
	}
	return 0;
}

static int apply_sets(struct apply *a, struct err *err)
{
	for (size_t i = 0; i < a->s->n_sets; i++) {
		if (plugin_stop_requested()) {
			a->ret->stopped = true;
			break;
		}
		if (apply_set(a, i, err) < 0)
			return -1;
	}
	return 0;
}

static void add_failure(struct apply *a, size_t i, enum code code, char *detail)
{
	const struct package *p = &a->s->plan[i];
	struct msg_failure *f = wire_list_add(&msg_failure, &a->ret->failed);

	f->package = xstrdup(p->name);
	f->arch = xstrdup(p->arch);
	f->version = xstrdup(p->evr);
	f->code = code;
	f->detail = detail;
}

/* What the database says now, whatever librpm said before. An older row beside
 * the new one is not done. */
static void judge(struct apply *a, const struct census *c, size_t i)
{
	const struct package *p = &a->s->plan[i];
	const struct census_package *now = census_find(c, p->name, p->arch);
	const struct outcome *o = &a->of[i];
	bool twice = now && now > c->v && census_duplicate(c, (size_t)(now - c->v) - 1);

	if (now && !twice && rpmdb_evr_compare(now->evr, p->evr) >= 0) {
		struct msg_package *done = wire_list_add(&msg_package, &a->ret->applied);

		done->package = xstrdup(p->name);
		done->arch = xstrdup(p->arch);
		done->version = xstrdup(now->evr);
		return;
	}
	const char *state = !now ? "not installed" : twice ? "installed twice" : now->evr;
	if (o->code != CODE_OK)
		add_failure(a, i, o->code, xasprintf("the database says: %s; %s", state, strna(o->detail)));
	else if (!o->begun && a->aborted.code != CODE_OK)
		add_failure(a, i, a->aborted.code, xasprintf("not begun: %s", a->aborted.msg));
	else if (o->begun || !a->ret->stopped) /* asked to stop, it just stays pending */
		add_failure(a, i, CODE_NOT_APPLIED, xasprintf("the database says: %s; see %s", state, a->log));
}

static void judge_all(struct apply *a)
{
	cleanup_census struct census c = { 0 };
	struct err err = ERR_INIT;

	if (census_take(&a->s->db, false, &c, &err) == 0) {
		for (size_t i = 0; i < a->s->n_plan; i++)
			judge(a, &c, i);
		if (!census_duplicates(&c))
			journal_remove(a->s);
		return;
	}
	for (size_t i = 0; i < a->s->n_plan; i++)
		add_failure(a, i, err.code, xstrdup(err.msg));
}

static void remove_files(const struct session *s)
{
	if (journal_exists(s))
		return; /* repair needs them */
	for (size_t i = 0; i < s->n_plan; i++)
		if (s->plan[i].file)
			(void)unlink(s->plan[i].file);
}

/* Somebody else may have worked since the plan was made. */
static int still_as_planned(const struct session *s, struct err *err)
{
	cleanup_census struct census c = { 0 };

	if (census_take(&s->db, false, &c, err) < 0)
		return -1;
	for (size_t i = 0; i < s->n_plan; i++) {
		const struct package *p = &s->plan[i];
		const struct census_package *now = census_find(&c, p->name, p->installed ? p->arch : NULL);

		/* noarch may become an architecture's, and the reverse */
		if (!now && p->installed)
			now = census_find(&c, p->name, NULL);
		if (streq(now ? now->evr : "", strna(p->installed)) ||
		    (!p->installed && !census_find(&c, p->name, p->arch)))
			continue;
		(void)err_set(
			err, CODE_DIGEST_MISMATCH, 0,
			"package '%s' was changed by somebody else since the plan was made (%s, now %s): run stopgap once again",
			p->name, p->installed ? p->installed : "not installed", now ? now->evr : "not installed");
		err->retryable = true;
		return -1;
	}
	return 0;
}

static int check_ready(const struct session *s, const struct msg_digest *in, struct err *err)
{
	if (!s->digest || !streq(s->digest, in->digest))
		return err_set(err, CODE_DIGEST_MISMATCH, 0, "apply of another plan than the last one");
	for (size_t i = 0; i < s->n_plan; i++)
		if (!s->plan[i].verified)
			return err_set(err, CODE_DIGEST_MISMATCH, 0, "package '%s' was not fetched and verified",
				       s->plan[i].name);
	return 0;
}

int session_apply(struct session *s, const struct msg_digest *in, struct msg_apply *ret, struct err *err)
{
	struct apply a = { .s = s, .ret = ret, .aborted = ERR_INIT, .total = 2 * (int64_t)s->n_plan };
	struct conffiles conffiles = { 0 };
	struct children before;
	int r;

	if (check_ready(s, in, err) < 0 || trans_wait_for_lock(s, err) < 0 || still_as_planned(s, err) < 0)
		return -1;
	a.log = watch_log_path(s->settings->state_dir, "apply.log", err);
	if (!a.log)
		return -1;
	a.of = xcalloc(s->n_plan + 1, sizeof(*a.of));
	conffiles_note(s, &conffiles);
	children_begin(&before);
	r = apply_sets(&a, &a.aborted);
	s->stale = true;
	s->facts = false;
	children_left(&before, &ret->left_behind);
	conffiles_settle(s, &conffiles, &ret->conffiles);
	bool begun = false;
	for (size_t i = 0; i < s->n_plan; i++)
		begun |= a.of[i].begun || a.of[i].code != CODE_OK;
	if (r == 0 || begun) {
		judge_all(&a);
		ret->log = xstrdup(a.log);
		remove_files(s);
		r = 0;
	} else {
		journal_remove(s);
		*err = a.aborted;
	}
	conffiles_clear(&conffiles);
	children_clear(&before);
	for (size_t i = 0; i < s->n_plan; i++)
		free(a.of[i].detail);
	free(a.of);
	free(a.log);
	return r;
}
