/* rpmdb.c - see rpmdb.h. */
#include <fcntl.h>
#include <rpm/rpmdb.h>
#include <rpm/rpmkeyring.h>
#include <rpm/rpmlib.h>
#include <rpm/rpmlog.h>
#include <rpm/rpmmacro.h>
#include <rpm/rpmver.h>
#include <stdio.h>
#include <sys/stat.h>
#include "log.h"
#include "rpmdb.h"
#include "serve.h"

/* Where a database may be, the newest convention first; /var/lib/rpm is often a link to it. */
static const char *const dirs[] = { "/usr/lib/sysimage/rpm", "/var/lib/rpm" };

static const struct {
	const char *file;
	enum rpmdb_kind kind;
} kinds[] = {
	{ "rpmdb.sqlite", RPMDB_SQLITE },
	{ "Packages.db", RPMDB_NDB },
	{ "Packages", RPMDB_BDB },
};

const char *rpmdb_kind_name(enum rpmdb_kind kind)
{
	static const char *const names[] = { "none", "sqlite", "bdb", "ndb" };

	return names[kind];
}

static bool same_folder(const char *root, const char *a, const char *b)
{
	cleanup_free char *pa = xasprintf("%s%s", root, a), *pb = xasprintf("%s%s", root, b);
	struct stat sa, sb;

	return stat(pa, &sa) == 0 && stat(pb, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

int rpmdb_find(const char *root, struct rpmdb_where *ret, struct err *err)
{
	cleanup_buf struct buf found = { 0 };
	size_t n = 0;

	*ret = (struct rpmdb_where){ RPMDB_NONE, NULL };
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (i && same_folder(root, dirs[0], dirs[i]))
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
			cleanup_free char *path = xasprintf("%s%s/%s", root, dirs[i], kinds[k].file);
			struct stat st;

			if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
				continue;
			buf_printf(&found, "%s%s/%s", n ? " and " : "", dirs[i], kinds[k].file);
			if (!n++)
				*ret = (struct rpmdb_where){ kinds[k].kind, dirs[i] };
		}
	}
	if (!n)
		return err_set(err, CODE_NO_PACKAGE_MANAGER, 0, "the container has no rpm database");
	if (n > 1)
		return err_set(
			err, CODE_UNSUPPORTED_DATABASE, 0,
			"the container has more than one rpm database (%s), and which of them counts is not known; remove the stale one",
			found.s);
	return 0;
}

static bool damaged; /* librpm passed over a header, and only its message says so */

/* librpm's own messages are log text. */
static int on_rpm_log(rpmlogRec rec, rpmlogCallbackData data _unused_)
{
	damaged |= strstr(rpmlogRecMessage(rec), "rpmdbNextIterator: skipping") != NULL;
	cleanup_free char *text = escape_text(rpmlogRecMessage(rec), 1000);

	log_msg(rpmlogRecPriority(rec) <= RPMLOG_ERR ? LOG_WARNING : LOG_INFO, "rpm: %s", text);
	return 0;
}

static void set_macro(const char *name, const char *value)
{
	/* below what a macro file could define, nothing: ours were read alone */
	(void)rpmPushMacro(NULL, name, NULL, value, RMIL_CMDLINE);
}

/* librpm takes lists of globs, divided by colons and quoted as in a shell, with
 * macros in them; the bundle may lie at any path. */
static char *quoted(const char *path)
{
	struct buf b = { 0 };

	for (const char *p = path; *p; p++) {
		if (strchr("*?[]{}~\\", *p))
			buf_puts(&b, "\\\\\\");
		else if (strchr(" \t\"'", *p))
			buf_puts(&b, "\\");
		else if (*p == '%')
			buf_putc(&b, '%');
		buf_putc(&b, *p);
	}
	return buf_steal(&b);
}

int rpmdb_setup(const struct rpmdb_where *w, struct err *err)
{
	cleanup_free char *share = plugin_bundle() ? xasprintf("%s/share/rpm", plugin_bundle()) :
						     xstrdup("/usr/lib/rpm");
	cleanup_free char *q = quoted(share), *rc = xasprintf("%s/rpmrc", q);
	static char *files;

	(void)setenv("RPM_CONFIGDIR", share, 1);
	(void)rpmlogSetCallback(on_rpm_log, NULL);
	(void)rpmSetVerbosity(RPMLOG_WARNING);
	/* macro files can hold shell commands and turn verification off */
	files = xasprintf("%s/macros:%s/platform/%%{_target}/macros", q, q);
	macrofiles = files;
	if (rpmReadConfigFiles(rc, NULL) != 0)
		return err_set(err, CODE_INTERNAL, 0, "read librpm's configuration in '%s'; reinstall the bundle",
			       share);
	set_macro("_dbpath", w->dir ? w->dir : "/nonexistent");
	set_macro("_db_backend", w->kind == RPMDB_BDB ? "bdb_ro" : "sqlite");
	set_macro("__plugindir", "/nonexistent");
	set_macro("_pkgverify_level", "all");
	set_macro("_pkgverify_flags", "0x0");
	return 0;
}

rpmts rpmdb_ts(bool checked)
{
	rpmts ts = rpmtsCreate();
	rpmKeyring none = rpmKeyringNew();

	(void)rpmtsSetRootDir(ts, "/");
	/* signatures of installed headers are not asked for: their keys may be gone */
	(void)rpmtsSetVSFlags(ts, _RPMVSF_NOSIGNATURES | (checked ? 0 : _RPMVSF_NODIGESTS));
	(void)rpmtsSetKeyring(ts, none);
	(void)rpmKeyringFree(none);
	return ts;
}

static int librpm_each(const struct rpmdb_where *w, bool checked, rpmdb_each_fn *fn, void *ctx, struct err *err)
{
	rpmts ts = rpmdb_ts(checked);
	rpmdbMatchIterator mi;
	Header h;

	damaged = false;
	if (rpmtsOpenDB(ts, O_RDONLY) != 0) {
		(void)rpmtsFree(ts);
		return err_set(err, CODE_DATABASE_BROKEN, 0,
			       "librpm cannot open the %s database in '%s'; try 'rpm --rebuilddb' in the container",
			       rpmdb_kind_name(w->kind), w->dir);
	}
	mi = rpmtsInitIterator(ts, RPMDBI_PACKAGES, NULL, 0);
	while ((h = rpmdbNextIterator(mi)))
		if (!fn(h, headerGetInstance(h), ctx))
			break;
	(void)rpmdbFreeIterator(mi);
	(void)rpmtsFree(ts);
	if (damaged)
		return err_set(
			err, CODE_DATABASE_BROKEN, 0,
			"the %s database in '%s' has damaged headers; restore it, or reinstall the packages that 'rpm -qa' no longer lists",
			rpmdb_kind_name(w->kind), w->dir);
	return 0;
}

int rpmdb_each(const struct rpmdb_where *w, bool checked, rpmdb_each_fn *fn, void *ctx, struct err *err)
{
	cleanup_free char *path = NULL;

	if (w->kind != RPMDB_NDB)
		return librpm_each(w, checked, fn, ctx, err);
	path = xasprintf("%s/Packages.db", w->dir);
	return ndb_each(path, fn, ctx, err);
}

char *rpmdb_evr(Header h)
{
	char *evr = headerGetAsString(h, RPMTAG_EVR), *ret = xstrdup(evr);

	free(evr);
	return ret;
}

int rpmdb_evr_compare(const char *a, const char *b)
{
	rpmver x = rpmverParse(a), y = rpmverParse(b);
	int r = x && y ? rpmverCmp(x, y) : strcmp(a, b);

	(void)rpmverFree(x);
	(void)rpmverFree(y);
	return r;
}
