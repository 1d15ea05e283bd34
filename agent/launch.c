/* launch.c - see launch.h. */
#include <errno.h>
#include <stdio.h>
#include "bundle.h"
#include "launch.h"
#include "util.h"

/* A name ending in an underscore drops all that begin with it. TMPDIR stays:
 * libapt's methods share a private one with their parent. */
static const char *const dropped[] = {
	/* the loader and the C library: what ld.so itself drops for set-user-ID programs, and more */
	"LD_", "GLIBC_", "GCONV_", "MALLOC_", "GETCONF_DIR", "HOSTALIASES", "LOCALDOMAIN", "LOCPATH", "NIS_PATH",
	"NLSPATH", "RESOLV_HOST_CONF", "RES_OPTIONS", "TZDIR",
	/* messages come as the sources have them: no catalogue is read, and they can be compared */
	"LANG", "LANGUAGE", "LC_",
	/* configuration, modules and key logs of the TLS and OpenPGP libraries */
	"OPENSSL_", "GNUTLS_", "P11_", "SSLKEYLOGFILE", "GNUPGHOME", "LIBGCRYPT_"
};

static bool is_dropped(const char *var)
{
	for (size_t i = 0; i < ARRAY_SIZE(dropped); i++) {
		size_t n = strlen(dropped[i]);

		if (strncmp(var, dropped[i], n) == 0 && (dropped[i][n - 1] == '_' || var[n] == '='))
			return true;
	}
	return false;
}

void launch_clean_environ(char **environ_)
{
	char **to = environ_;

	for (char **from = environ_; *from; from++)
		if (!is_dropped(*from))
			*to++ = *from;
	*to = NULL;
}

static int path_in(char *buf, size_t n, const char *bundle, const char *rest, const char *name, struct err *err)
{
	int len = snprintf(buf, n, "%s%s%s", bundle, rest, name);

	if (len < 0 || (size_t)len >= n)
		return err_set(err, CODE_IO, ENAMETOOLONG, "start '%s' from the bundle '%s'", name, bundle);
	return 0;
}

static int check_present(const char *path, const char *bundle, struct err *err)
{
	if (access(path, F_OK) == 0)
		return 0;
	if (errno != ENOENT)
		return err_set(err, CODE_IO, errno, "look up '%s'", path);
	(void)err_set(err, CODE_IO, 0, "'%s' is missing from the bundle '%s'; install or mount the whole bundle",
		      path + strlen(bundle) + 1, bundle);
	err->errnum = ENOENT;
	return -1;
}

/* Our own lock themselves in where they have to; Debian's are not asked (plugins/confine/preload.c). */
static bool is_ours(const char *name)
{
	return starts_with(name, "stopgap-") || streq(name, "apt-key");
}

int launch_exec(const char *bundle, const char *name, char *const *argv, struct err *err)
{
	char loader[PATH_MAX], lib[PATH_MAX], program[PATH_MAX], lock[PATH_MAX];
	char inhibit_cache[] = "--inhibit-cache", library_path[] = "--library-path", argv0[] = "--argv0";
	char preload[] = "--preload", confine[] = BUNDLE_CONFINE; /* by its name alone: a path may not have blanks */
	char *args[LAUNCH_ARGS_MAX + 10];
	size_t n = 0;

	if (!*name || *name == '.' || strchr(name, '/'))
		return err_set(err, CODE_IO, 0, "'%s' is not the name of a program of the bundle", name);
	/* the loader splits its path at these and expands $ORIGIN and the like */
	if (strpbrk(bundle, ":;$"))
		return err_set(err, CODE_IO, 0,
			       "the bundle '%s' cannot be used under a path with ':', ';' or '$'; move it", bundle);
	if (path_in(loader, sizeof(loader), bundle, "/lib/", BUNDLE_LOADER, err) < 0 ||
	    path_in(lib, sizeof(lib), bundle, "/lib", "", err) < 0 ||
	    path_in(program, sizeof(program), bundle, "/libexec/", name, err) < 0 ||
	    path_in(lock, sizeof(lock), bundle, "/lib/", BUNDLE_CONFINE, err) < 0)
		return -1;
	/* the loader would go on without the lock */
	if (check_present(program, bundle, err) < 0 || check_present(loader, bundle, err) < 0 ||
	    (!is_ours(name) && check_present(lock, bundle, err) < 0))
		return -1;

	args[n++] = loader;
	args[n++] = inhibit_cache;
	args[n++] = library_path;
	args[n++] = lib;
	if (!is_ours(name)) {
		args[n++] = preload;
		args[n++] = confine;
	}
	args[n++] = argv0;
	args[n++] = argv[0];
	args[n++] = program;
	for (size_t i = 1; argv[i]; i++) {
		if (i > LAUNCH_ARGS_MAX)
			return err_set(err, CODE_IO, 0, "start '%s': more than %d arguments", name, LAUNCH_ARGS_MAX);
		args[n++] = argv[i];
	}
	args[n] = NULL;

	launch_clean_environ(environ);
	(void)execve(loader, args, environ);
	return err_set(err, CODE_IO, errno, "start '%s' with '%s' (is this another architecture, or mounted noexec?)",
		       program, loader);
}

int launch_main(const char *name, int argc, char **argv)
{
	char bundle[PATH_MAX];
	struct err err = ERR_INIT;

	if (argc < 1)
		(void)err_set(&err, CODE_IO, 0, "start '%s' without an argv[0]", name);
	else if (bundle_find(bundle, sizeof(bundle), &err) == 0)
		(void)launch_exec(bundle, name, argv, &err);
	(void)dprintf(STDERR_FILENO, "stopgap: %s\n", err.msg);
	return err.errnum == ENOENT ? 127 : 126;
}
