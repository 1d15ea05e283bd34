/* transown.c - the transaction with our own librpm (trans.h). */
#include <fcntl.h>
#include <rpm/rpmcli.h>
#include <rpm/rpmdb.h>
#include <rpm/rpmlib.h>
#include <rpm/rpmlog.h>
#include <rpm/rpmprob.h>
#include <rpm/rpmtag.h>
#include <stdio.h>
#include "fd.h"
#include "trans.h"
#include "childwatch.h"

#define QUOTE_MAX 1000 /* bytes of a script's output that a report has */

struct own {
	const struct trans *t;
	rpmts ts;
	FD_t open; /* the package being installed */
	off_t script; /* where the output of the running script begins in the log */
};

/* One line; hostile bytes are escaped, so that it stays one. */
static void say(const char *word, const char *package, const char *text)
{
	cleanup_buf struct buf b = { 0 };

	buf_puts(&b, word);
	if (package)
		buf_printf(&b, " %s", package);
	if (text) {
		buf_putc(&b, ' ');
		buf_put_escaped(&b, text, strcspn(text, "\n"), 2000);
	}
	buf_putc(&b, '\n');
	(void)write_all(WATCH_STATUS_FD, b.s, b.n);
}

static int on_log(rpmlogRec rec, rpmlogCallbackData data _unused_)
{
	const char *text = rpmlogRecMessage(rec);
	bool error = rpmlogRecPriority(rec) <= RPMLOG_ERR;

	(void)dprintf(STDERR_FILENO, "%s: %s", error ? "error" : "warning", text);
	if (error && strstr(text, "transaction lock"))
		say("locked", NULL, NULL);
	else if (error)
		say("error", NULL, text);
	return 0;
}

static char *label(Header h)
{
	return xasprintf("%s.%s", strna(headerGetString(h, RPMTAG_NAME)), strna(headerGetString(h, RPMTAG_ARCH)));
}

/* The end of what the script that failed has written. */
static void quote_script(const struct own *o, const char *name)
{
	cleanup_fd int fd = open(o->t->log, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	off_t end = lseek(STDOUT_FILENO, 0, SEEK_END);
	off_t from = end - o->script > QUOTE_MAX ? end - QUOTE_MAX : o->script;
	char text[QUOTE_MAX + 1];
	ssize_t n = fd < 0 ? -1 : pread(fd, text, QUOTE_MAX, from);

	if (n <= 0)
		return;
	text[n] = '\0';
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
		if (*line)
			say("said", name, line);
}

static void *on_event(const void *arg, const rpmCallbackType what, const rpm_loff_t amount, const rpm_loff_t total,
		      fnpyKey key, rpmCallbackData data)
{
	struct own *o = data;
	Header h = (Header)(uintptr_t)arg;
	cleanup_free char *name = h ? label(h) : NULL;

	switch ((int)what) {
	case RPMCALLBACK_INST_OPEN_FILE:
		o->open = Fopen(key, "r.ufdio");
		if (!o->open || Ferror(o->open)) {
			if (o->open)
				(void)Fclose(o->open);
			o->open = NULL;
		}
		return o->open;
	case RPMCALLBACK_INST_CLOSE_FILE:
		if (o->open)
			(void)Fclose(o->open);
		o->open = NULL;
		break;
	case RPMCALLBACK_INST_STOP:
	case RPMCALLBACK_UNINST_STOP:
		say("step", name ? name : "?", NULL);
		break;
	case RPMCALLBACK_SCRIPT_START:
		say("script", name ? name : "?", NULL);
		o->script = lseek(STDOUT_FILENO, 0, SEEK_END);
		break;
	case RPMCALLBACK_SCRIPT_ERROR:
		quote_script(o, name ? name : "?");
		/* TOTAL is 0 for a script whose failure stops nothing */
		say(total ? "failed" : "warning", name ? name : "?", rpmTagGetName((rpmTagVal)amount));
		break;
	default:
		break;
	}
	return NULL;
}

/* "foo-1-2.x86_64" of a problem, as name.arch when it is one of ours. */
static const char *blame(const struct trans *t, const char *nevra, char **ret)
{
	for (size_t i = 0; nevra && i < t->n; i++) {
		const struct trans_item *it = &t->items[i];
		size_t n = strlen(it->name);

		if (strncmp(nevra, it->name, n) != 0 || nevra[n] != '-' || !ends_with(nevra, it->arch))
			continue;
		cleanup_free char *whole = xasprintf("%s-%s.%s", it->name, it->evr, it->arch);
		if (streq(nevra, whole))
			return *ret = xasprintf("%s.%s", it->name, it->arch);
	}
	return NULL;
}

static size_t say_problems(const struct own *o)
{
	rpmps ps = rpmtsProblems(o->ts);
	rpmpsi psi = rpmpsInitIterator(ps);
	rpmProblem p;
	size_t n = 0;

	while ((p = rpmpsiNext(psi))) {
		char *text = rpmProblemString(p);
		cleanup_free char *name = NULL;

		/* a file conflict names the installed package second */
		if (!blame(o->t, rpmProblemGetPkgNEVR(p), &name))
			(void)blame(o->t, rpmProblemGetAltNEVR(p), &name);
		say("problem", name ? name : "?", text);
		(void)dprintf(STDERR_FILENO, "problem: %s\n", text);
		free(text);
		n++;
	}
	(void)rpmpsFreeIterator(psi);
	(void)rpmpsFree(ps);
	return n;
}

static int add_files(struct own *o)
{
	for (size_t i = 0; i < o->t->n; i++) {
		const struct trans_item *it = &o->t->items[i];
		cleanup_free char *name = xasprintf("%s.%s", it->name, it->arch);
		FD_t fd = Fopen(it->file, "r.ufdio");
		Header h = NULL;
		rpmRC rc = fd && !Ferror(fd) ? rpmReadPackageFile(o->ts, fd, it->file, &h) : RPMRC_FAIL;

		if (fd)
			(void)Fclose(fd);
		if (rc != RPMRC_OK && rc != RPMRC_NOKEY && rc != RPMRC_NOTTRUSTED) {
			say("problem", name, "the package file cannot be read");
			return -1;
		}
		if (rpmtsAddInstallElement(o->ts, h, it->file, 1, NULL) != 0) {
			say("problem", name, "librpm does not take the package");
			(void)headerFree(h);
			return -1;
		}
		(void)headerFree(h);
	}
	return 0;
}

static int add_rows(struct own *o)
{
	for (size_t i = 0; i < o->t->n; i++) {
		const struct trans_item *it = &o->t->items[i];
		rpmdbMatchIterator mi = rpmtsInitIterator(o->ts, RPMDBI_NAME, it->name, 0);
		Header h;

		while ((h = rpmdbNextIterator(mi))) {
			cleanup_free char *evr = rpmdb_evr(h);

			if (streq(evr, it->evr) && streq(strna(headerGetString(h, RPMTAG_ARCH)), it->arch))
				(void)rpmtsAddEraseElement(o->ts, h, (int)headerGetInstance(h));
		}
		(void)rpmdbFreeIterator(mi);
	}
	return 0;
}

static rpmtransFlags flags_of(const struct trans *t)
{
	static const struct {
		const char *word;
		rpmtransFlags flag;
	} words[] = { { "nodocs", RPMTRANS_FLAG_NODOCS },
		      { "nocontexts", RPMTRANS_FLAG_NOCONTEXTS },
		      { "nocaps", RPMTRANS_FLAG_NOCAPS },
		      { "noscripts", RPMTRANS_FLAG_NOSCRIPTS },
		      { "notriggers", RPMTRANS_FLAG_NOTRIGGERS } };
	rpmtransFlags flags = RPMTRANS_FLAG_NOPLUGINS;

	if (t->verb == TRANS_FORGET)
		return flags | RPMTRANS_FLAG_JUSTDB | RPMTRANS_FLAG_NOSCRIPTS | RPMTRANS_FLAG_NOTRIGGERS |
		       _noTransScripts | _noTransTriggers;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strv_contains(&t->s->repos.tsflags, words[i].word))
			flags |= words[i].flag;
	if (rpmExpandNumeric("%{?_excludedocs}"))
		flags |= RPMTRANS_FLAG_NODOCS;
	return flags;
}

static void set_trust(const struct own *o)
{
	const struct session *s = o->t->s;
	bool strict = s->settings->require_signed;
	rpmKeyring all = rpmKeyringNew();

	/* each file was verified with the keys of its own repository; this is
	 * librpm's own look, just before it changes anything */
	for (size_t i = 0; i < s->n_sources; i++) {
		const struct keys *keys = &s->sources[i].keys;

		for (size_t k = 0; k < keys->n; k++)
			if (keys->v[k].state == KEY_GOOD)
				trust_add_key(all, &keys->v[k]);
	}
	(void)rpmtsSetKeyring(o->ts, all);
	(void)rpmKeyringFree(all);
	/* repair has no sources: it goes by files that were verified when they were noted */
	(void)rpmtsSetVfyLevel(o->ts, strict && s->n_sources ? RPMSIG_VERIFIABLE_TYPE : RPMSIG_DIGEST_TYPE);
}

int trans_own(const struct trans *t)
{
	struct own o = { .t = t };
	rpmprobFilterFlags ignore = t->verb == TRANS_REPLACE ? RPMPROB_FILTER_REPLACEPKG : RPMPROB_FILTER_NONE;
	FD_t out = fdDup(STDOUT_FILENO);
	int rc;

	(void)rpmlogSetCallback(on_log, NULL);
	trans_set_macros();
	o.ts = rpmtsCreate();
	(void)rpmtsSetRootDir(o.ts, "/");
	(void)rpmtsSetFlags(o.ts, flags_of(t));
	(void)rpmtsSetNotifyCallback(o.ts, on_event, &o);
	(void)rpmtsSetNotifyStyle(o.ts, 0);
	rpmtsSetScriptFd(o.ts, out);
	set_trust(&o);
	if ((t->verb == TRANS_FORGET ? add_rows(&o) : add_files(&o)) < 0)
		return 1;
	if (t->verb != TRANS_FORGET) {
		(void)rpmtsCheck(o.ts);
		if (say_problems(&o))
			return 1;
		(void)rpmtsOrder(o.ts);
	}
	rpmtsClean(o.ts);
	rc = rpmtsRun(o.ts, NULL, ignore);
	if (rc > 0)
		(void)say_problems(&o);
	(void)rpmtsFree(o.ts);
	return rc ? 1 : 0;
}
