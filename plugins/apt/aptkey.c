/* aptkey.c - stands in for apt-key, which libapt's gpgv method runs and newer releases no longer have.
 *
 *	apt-key --quiet --readonly [--keyring FILE]... verify --status-fd N SIGNATURE DATA
 *
 * Runs as _apt, in a container that need have neither gpgv nor a shell. The
 * keyrings are the given ones, else those of the configuration that libapt
 * left in $APT_CONFIG; they are merged into one temporary file beside libapt's
 * own, and the bundle's gpgv does the rest. Its status lines go to libapt
 * untouched, and its exit code too; ours begin with [APTKEY:], as libapt expects.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include "bundle.h"
#include "fd.h"
#include "keyring.h"
#include "launch.h"

#define EXIT_INTERNAL 111	/* what libapt takes for "gpgv could not be run" */
#define CONFIG_MAX (4U << 20)
#define MERGED_MAX (16U << 20)
#define PARTS_MAX 1024		/* files of trusted.gpg.d */

struct request {
	struct strv keyrings;	/* --keyring, in their order */
	struct strv gpgv;	/* what gpgv gets: options, signature, data */
	int status_fd;
};

struct keys {
	struct buf merged;	/* packets */
	struct strv keyboxes;	/* files that gpgv reads itself */
	struct strv missing;	/* files that were named and cannot be used */
	int status_fd;
};

static void say(int status_fd, const char *kind, const char *text)
{
	(void)dprintf(STDERR_FILENO, "%c: %s\n", *kind, text);
	if (status_fd >= 0)
		(void)dprintf(status_fd, "[APTKEY:] %s %s\n", kind, text);
}

static void warn(int status_fd, const char *fmt, ...) _printf_(2, 3);
static void warn(int status_fd, const char *fmt, ...)
{
	char text[2048], *shown;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	shown = escape_text(text, sizeof(text)); /* a file name must not forge a status line */
	say(status_fd, "WARNING", shown);
	free(shown);
}

static int fail(int status_fd, const struct err *err)
{
	cleanup_free char *shown = escape_text(err->msg, sizeof(err->msg));

	say(status_fd, "ERROR", shown);
	return EXIT_INTERNAL;
}

/* ---------------------------------------------------------------------------------------------- command line */

static int parse_verify(char **argv, struct request *r, struct err *err)
{
	for (; *argv; argv++) {
		uint64_t fd;

		if (streq(*argv, "--status-fd") && argv[1]) {
			if (parse_u64(argv[1], INT16_MAX, &fd) < 0)
				return err_set(err, CODE_USAGE, 0, "apt-key: '%s' is not a file descriptor", argv[1]);
			r->status_fd = (int)fd;
			strv_push(&r->gpgv, *argv);
			strv_push(&r->gpgv, *++argv);
		} else if (starts_with(*argv, "--weak-digest")) {
			strv_push(&r->gpgv, *argv);
			if (streq(*argv, "--weak-digest") && argv[1])
				strv_push(&r->gpgv, *++argv);
		} else if (**argv == '-') {
			/* from Acquire::gpgv::Options: --keyring or --homedir there would bring other keys */
			warn(r->status_fd, "the option '%s' for gpgv is refused; remove it from Acquire::gpgv::Options",
			     *argv);
		} else {
			strv_push(&r->gpgv, *argv);
		}
	}
	return 0;
}

static int parse(char **argv, struct request *r, struct err *err)
{
	while (*++argv) {
		if (streq(*argv, "--keyring") && argv[1])
			strv_push(&r->keyrings, *++argv);
		else if (streq(*argv, "verify"))
			return parse_verify(argv + 1, r, err);
		else if (!streq(*argv, "--quiet") && !streq(*argv, "--readonly"))
			break;
	}
	return err_set(err, CODE_USAGE, 0,
		       "apt-key: '%s' is not supported; this one can only verify signatures for stopgap",
		       *argv ? *argv : "no command");
}

/* ---------------------------------------------------------------------------------------- libapt's configuration */

/* The value of NAME in libapt's dump of its configuration, lines `NAME "VALUE";`. Caller frees; NULL if unset. */
static char *config_value(const struct buf *dump, const char *name)
{
	size_t n = strlen(name);
	char *found = NULL;

	for (const char *line = buf_str(dump), *end; (end = strchr(line, '\n')); line = end + 1) {
		if (strncasecmp(line, name, n) != 0 || strncmp(line + n, " \"", 2) != 0 ||
		    end - line < (ptrdiff_t)n + 4 || strncmp(end - 2, "\";", 2) != 0)
			continue;
		free(found);
		found = xstrndup(line + n + 2, (size_t)(end - 2 - (line + n + 2)));
	}
	return found;
}

/* FOLDER/PATH with no empty component, as libapt writes it; takes PATH. */
static char *join(const char *folder, char *path)
{
	char *joined = xasprintf("%s/%s", folder, path), *to = joined;

	for (const char *from = joined; *from; from++)
		if (*from != '/' || to == joined || to[-1] != '/')
			*to++ = *from;
	*to = '\0';
	free(path);
	return joined;
}

/* As libapt finds files: a relative value is below its parents', all of it below RootDir. NULL if there is none. */
static char *config_path(const struct buf *dump, const char *name, const char *fallback)
{
	char *path = config_value(dump, name);

	if (!path)
		path = xstrdup(fallback);
	if (!*path || streq(path, "/dev/null")) {
		free(path);
		return NULL;
	}
	cleanup_free char *etc = config_value(dump, "Dir::Etc");
	cleanup_free char *dir = config_value(dump, "Dir");
	cleanup_free char *root = config_value(dump, "RootDir");
	if (*path != '/')
		path = join(etc ? etc : "etc/apt", path);
	if (*path != '/')
		path = join(dir ? dir : "", path);
	return root && *root ? join(root, path) : path;
}

static void read_config(struct buf *ret, int status_fd)
{
	const char *file = getenv("APT_CONFIG");
	struct err err = ERR_INIT;

	if (file && read_file(file, CONFIG_MAX, ret, &err) < 0)
		warn(status_fd, "%s, using apt's defaults", err.msg);
}

/* -------------------------------------------------------------------------------------------------- keyrings */

static void ignore_keyring(struct keys *k, const char *file, const char *why)
{
	strv_push(&k->missing, file);
	warn(k->status_fd, "The key(s) in the keyring %s are ignored as %s.", file, why);
}

static void add_keyring(struct keys *k, const char *file, bool named)
{
	cleanup_buf struct buf b = { 0 };
	struct err err = ERR_INIT;

	if (read_file(file, KEYRING_MAX, &b, &err) < 0) {
		/* not to be there is no fault of a default */
		if (err.errnum == ENOENT)
			strv_push(&k->missing, file);
		else
			ignore_keyring(k, file,
				       err.errnum == EACCES ? "the file is not readable by user '_apt'" :
							      "it is not a regular file of at most 4 MiB");
		return;
	}
	if (k->merged.n + b.n > MERGED_MAX) {
		ignore_keyring(k, file, "all keyrings together are too large");
		return;
	}
	switch (keyring_format(buf_str(&b), b.n)) {
	case KEYRING_EMPTY:
		strv_push(&k->missing, file);
		break;
	case KEYRING_BINARY:
		buf_append(&k->merged, b.s, b.n);
		break;
	case KEYRING_ARMOURED:
		if (keyring_dearmour(b.s, b.n, &k->merged, &err) < 0)
			ignore_keyring(k, file, err.msg);
		break;
	case KEYRING_KEYBOX:
		/* apt-key hands a named one to gpgv, which can read it, and refuses it in trusted.gpg.d */
		if (named)
			strv_push(&k->keyboxes, file);
		else
			ignore_keyring(k, file,
				       "the file has an unsupported filetype; export its keys with gpg --export");
		break;
	case KEYRING_UNKNOWN:
		ignore_keyring(k, file, "the file has an unsupported filetype");
		break;
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_folder(struct keys *k, const char *folder)
{
	struct strv files = { 0 };
	DIR *d = opendir(folder);

	if (!d) {
		if (errno == ENOENT)
			strv_push(&k->missing, folder);
		else
			ignore_keyring(k, folder, "the folder cannot be read");
		return;
	}
	for (struct dirent *e; (e = readdir(d));) {
		if (!ends_with(e->d_name, ".gpg") && !ends_with(e->d_name, ".asc"))
			continue;
		if (files.n == PARTS_MAX) {
			warn(k->status_fd, "'%s' has more than %d keyrings, ignoring the rest", folder, PARTS_MAX);
			break;
		}
		strv_take(&files, xasprintf("%s%s%s", folder, ends_with(folder, "/") ? "" : "/", e->d_name));
	}
	(void)closedir(d);
	if (files.n)
		qsort(files.v, files.n, sizeof(*files.v), compare);
	for (size_t i = 0; i < files.n; i++)
		add_keyring(k, files.v[i], false);
	if (!files.n)
		strv_push(&k->missing, folder);
	strv_clear(&files);
}

/* The plugin looks for this word: a missing keyring is another thing than a missing key. */
static void say_missing(const struct keys *k, const struct strv *also)
{
	cleanup_buf struct buf b = { 0 };

	for (size_t i = 0; i < k->missing.n; i++)
		buf_printf(&b, "%s'%s'", i ? ", " : "", k->missing.v[i]);
	for (size_t i = 0; i < also->n; i++)
		buf_printf(&b, "%s'%s'", b.n ? ", " : "", also->v[i]);
	warn(k->status_fd,
	     "missing_keyring: no key in %s; install the package that has the repository's keyring, "
	     "such as debian-archive-keyring",
	     buf_str(&b));
}

static void collect(const struct request *r, struct keys *k)
{
	cleanup_buf struct buf dump = { 0 };
	cleanup_strv struct strv also = { 0 };

	read_config(&dump, r->status_fd);
	cleanup_free char *legacy = config_path(&dump, "Dir::Etc::trusted", "trusted.gpg");
	cleanup_free char *parts = config_path(&dump, "Dir::Etc::trustedparts", "trusted.gpg.d");
	const char *no_legacy = getenv("APT_KEY_NO_LEGACY_KEYRING");
	bool second_try = legacy && r->keyrings.n == 1 && streq(r->keyrings.v[0], legacy);

	for (size_t i = 0; i < r->keyrings.n; i++)
		add_keyring(k, r->keyrings.v[i], true);
	if (!r->keyrings.n) {
		/* libapt comes again with the old file if no key in the folder fits */
		if (legacy && !*strna(no_legacy))
			add_keyring(k, legacy, false);
		else if (legacy && access(legacy, R_OK) < 0)
			strv_push(&also, legacy);
		else
			second_try = legacy;
		if (parts)
			add_folder(k, parts);
	}
	if (!k->merged.n && !k->keyboxes.n && !second_try)
		say_missing(k, &also);
}

/* ------------------------------------------------------------------------------------------------------ gpgv */

/* A file of our own beside libapt's temporary ones; RET is its name. */
static int write_merged(const struct buf *merged, char **ret, struct err *err)
{
	const char *folder = getenv("TMPDIR");
	cleanup_free char *name = xasprintf("%s/stopgap-keyring.XXXXXX", folder && *folder ? folder : "/tmp");

	cleanup_fd int fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return err_set(err, CODE_IO, errno, "create '%s' (TMPDIR must be writable)", name);
	if (write_all(fd, buf_str(merged), merged->n) < 0) {
		(void)err_set(err, errno == ENOSPC ? CODE_NO_SPACE : CODE_IO, errno, "write '%s'", name);
		(void)unlink(name);
		return -1;
	}
	*ret = steal_ptr(&name);
	return 0;
}

static int run_gpgv(const struct request *r, const struct keys *k, const char *keyring, int *ret_status,
		    struct err *err)
{
	cleanup_strv struct strv argv = { 0 };
	char bundle[PATH_MAX];

	if (bundle_find(bundle, sizeof(bundle), err) < 0)
		return -1;
	strv_push(&argv, "gpgv-verify");
	strv_push(&argv, "--homedir");	/* nothing is read from it: every keyring has a path */
	strv_push(&argv, bundle);
	strv_push(&argv, "--keyring");
	strv_push(&argv, keyring);
	for (size_t i = 0; i < k->keyboxes.n; i++) {
		strv_push(&argv, "--keyring");
		strv_push(&argv, k->keyboxes.v[i]);
	}
	strv_push(&argv, "--ignore-time-conflict");
	for (size_t i = 0; i < r->gpgv.n; i++)
		strv_push(&argv, r->gpgv.v[i]);
	strv_take(&argv, NULL);

	pid_t pid = fork();
	if (pid < 0)
		return err_set(err, CODE_IO, errno, "fork gpgv");
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)launch_exec(bundle, "gpgv-verify", argv.v, err);
		_exit(fail(r->status_fd, err));
	}
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return err_set(err, CODE_IO, errno, "wait for gpgv");
	return 0;
}

int main(int argc _unused_, char **argv)
{
	struct request r = { .status_fd = -1 };
	struct keys k = { 0 };
	struct err err = ERR_INIT;
	cleanup_free char *keyring = NULL;
	int status, rc;

	if (parse(argv, &r, &err) < 0)
		return fail(r.status_fd, &err);
	k.status_fd = r.status_fd;
	collect(&r, &k);
	if (write_merged(&k.merged, &keyring, &err) < 0)
		return fail(r.status_fd, &err);
	rc = run_gpgv(&r, &k, keyring, &status, &err);
	(void)unlink(keyring);
	if (rc < 0)
		return fail(r.status_fd, &err);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
