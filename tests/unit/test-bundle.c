/* Where the bundle is, and what a launched program gets. */
#include <errno.h>
#include <sys/stat.h>
#include "bundle.h"
#include "launch.h"
#include "util.h"
#include "tap.h"

static bool is_in(const char *program, const char *bundle)
{
	char buf[PATH_MAX];

	if (bundle_of_program(program, buf, sizeof(buf)) < 0)
		return bundle == NULL;
	if (bundle && streq(buf, bundle))
		return true;
	printf("# '%s' is in '%s'\n", program, buf);
	return false;
}

TEST(the_agent_is_at_the_top)
{
	OK(is_in("/stopgap/stopgap", "/stopgap"));
	OK(is_in("/a b/stopgap", "/a b"));
	OK(is_in("/usr/lib/stopgap/stopgap", "/usr/lib/stopgap"));
}

TEST(a_launched_program_is_below_it)
{
	OK(is_in("/stopgap/libexec/http", "/stopgap"));
	OK(is_in("/stopgap/lib/" BUNDLE_LOADER, "/stopgap"));
}

TEST(a_folder_named_lib_is_not_always_the_bundles)
{
	OK(is_in("/opt/lib/stopgap", "/opt/lib"));
	OK(is_in("/opt/mylib/" BUNDLE_LOADER, "/opt/mylib"));
	OK(is_in("/opt/xlibexec/stopgap", "/opt/xlibexec"));
}

TEST(without_a_folder_there_is_no_bundle)
{
	OK(is_in("/stopgap", NULL));
	OK(is_in("/libexec/http", NULL));
	OK(is_in("stopgap", NULL));
	OK(is_in("./x/stopgap", NULL));
	OK(is_in("", NULL));
}

TEST(a_path_that_does_not_fit_is_refused)
{
	char buf[4];

	EQ(bundle_of_program("/abc/x", buf, sizeof(buf)), -1);
	EQ(bundle_of_program("/ab/x", buf, sizeof(buf)), 0);
	STREQ(buf, "/ab");
}

TEST(this_program_finds_its_own_folder)
{
	char buf[PATH_MAX];
	struct err e = ERR_INIT;

	EQ(bundle_find(buf, sizeof(buf), &e), 0);
	OK(buf[0] == '/' && ends_with(buf, "/tests/unit"));
}

static const char *const dropped[] = { "LD_PRELOAD=/x",
				       "LD_AUDIT=/x",
				       "LD_LIBRARY_PATH=/x",
				       "LD_=",
				       "GCONV_PATH=/x",
				       "GLIBC_TUNABLES=x",
				       "MALLOC_TRACE=/x",
				       "LOCPATH=/x",
				       "LANG=C",
				       "LC_ALL=de",
				       "LANGUAGE=de",
				       "OPENSSL_CONF=/x",
				       "OPENSSL_ENGINES=/x",
				       "P11_KIT_STRICT=1",
				       "GNUTLS_SYSTEM_PRIORITY_FILE=/x",
				       "SSLKEYLOGFILE=/x",
				       "HOSTALIASES=/x",
				       "TZDIR=/x",
				       "GNUPGHOME=/x",
				       "GETCONF_DIR=/x" };
static const char *const kept[] = { "PATH=/bin",	 "http_proxy=x", "LDX=1", "LANGUAGES=x", "TMPDIR=/x",
				    "LOCPATHS=",	 "HOME=/root",	 "",	  "=",		 "XLD_PRELOAD=1",
				    "STOPGAP_BUNDLE=/x", "TZ=UTC" };

TEST(variables_that_steer_a_library_are_dropped_and_no_other)
{
	cleanup_strv struct strv all = { 0 };
	char *env[ARRAY_SIZE(dropped) + ARRAY_SIZE(kept) + 1] = { NULL };
	size_t left = 0;

	for (size_t i = 0; i < ARRAY_SIZE(dropped); i++) {
		strv_push(&all, dropped[i]);
		if (i < ARRAY_SIZE(kept))
			strv_push(&all, kept[i]);
	}
	memcpy(env, all.v, all.n * sizeof(*env));
	launch_clean_environ(env);
	for (; env[left]; left++)
		STREQ(env[left], kept[left]);
	EQ(left, ARRAY_SIZE(kept));
}

static char no_arguments[] = "x";
static char *const argv_x[] = { no_arguments, NULL };

TEST(only_plain_names_are_launched)
{
	static const char *const names[] = { "", ".", "..", "../x", "a/b", "/bin/sh", ".hidden" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct err e = ERR_INIT;

		EQ(launch_exec("/nonexistent", names[i], argv_x, &e), -1);
		OK(strstr(e.msg, "not the name of a program"));
	}
}

TEST(what_is_missing_is_named)
{
	struct err e = ERR_INIT;

	EQ(launch_exec("/nonexistent", "http", argv_x, &e), -1);
	EQ(e.errnum, ENOENT);
	OK(strstr(e.msg, "'libexec/http' is missing from the bundle '/nonexistent'"));
}

TEST(a_path_that_the_loader_would_split_is_refused)
{
	static const char *const paths[] = { "/a:b", "/a;b", "/$ORIGIN" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct err e = ERR_INIT;

		EQ(launch_exec(paths[i], "http", argv_x, &e), -1);
		OK(strstr(e.msg, "cannot be used under a path with"));
	}
}

TAP_MAIN
