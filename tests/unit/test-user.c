/* --user, on tests/cases/user: SPEC → uid gid groups home, or the reason why not. */
#include <sys/stat.h>
#include "lines.h"
#include "user.h"

#define ETC STOPGAP_TOP "/tests/cases/user/etc"

static char *resolve(const char *etc, const char *spec)
{
	struct user_ids u = { .uid = 77 };
	struct err err = ERR_INIT;
	cleanup_buf struct buf b = { 0 };

	if (user_resolve(etc, spec, &u, &err) < 0) {
		if (u.uid != 77)
			return xstrdup("touched the result of a failure");
		return xasprintf("%s %s", code_name(err.code), err.msg);
	}
	buf_printf(&b, "%u %u", u.uid, u.gid);
	for (size_t i = 0; i < u.n_groups; i++)
		buf_printf(&b, "%c%u", i ? ',' : ' ', u.groups[i]);
	buf_printf(&b, " %s", u.home);
	return buf_steal(&b);
}

TEST(specs)
{
	cleanup_free char *text = lines_read("user/specs");
	char *p = text;

	for (char *line; (line = lines_next(&p));) {
		char *want = strstr(line, " -> ");

		if (!want)
			FAIL("not a case: %s", line);
		*want = '\0';
		want += 4;
		cleanup_free char *got = resolve(ETC, line);
		if (starts_with(want, "refused ") ? !starts_with(got, "usage ") || !strstr(got, want + 8) :
						    !streq(got, want))
			FAIL("'%s' is %s, expected %s", line, got, want);
	}
}

TEST(empty)
{
	cleanup_free char *got = resolve(ETC, "");

	OK(starts_with(got, "usage "));
}

TEST(no_files)
{
	cleanup_free char *number = resolve("/nonexistent", "1000:7"), *name = resolve("/nonexistent", "www");

	STREQ(number, "1000 7 7 /");
	OK(starts_with(name, "usage ") && strstr(name, "no user 'www'"));
}

/* What a container can put in place of the files: a pipe without a writer, lines and files without an end. */
TEST(hostile_files)
{
	char dir[] = "/tmp/test-user.XXXXXX", path[64];
	struct err err = ERR_INIT;
	cleanup_buf struct buf b = { 0 };

	OK(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/passwd", dir);
	EQ(mkfifo(path, 0600), 0);
	cleanup_free char *pipe = resolve(dir, "www");
	HAS(pipe, "not a regular file");
	EQ(unlink(path), 0);

	for (int i = 0; i < 5000; i++)
		buf_puts(&b, "x");
	buf_puts(&b, ":x:0:0::/root:\nwww:x:33:33::/var/www:");	/* the last line is not ended */
	EQ(replace_file(path, 0600, b.s, b.n, &err), 0);
	cleanup_free char *after = resolve(dir, "www");
	STREQ(after, "33 33 33 /var/www");

	EQ(truncate(path, 64 << 20), 0);
	cleanup_free char *zeros = resolve(dir, "nobody");
	HAS(zeros, "no user 'nobody'");
	EQ(unlink(path), 0);
	EQ(rmdir(dir), 0);
}

TEST(groups_of_the_socket)
{
	struct err err = ERR_INIT;
	gid_t gid = 77;

	EQ(user_group(STOPGAP_TOP "/tests/data/etc", "adm", &gid, &err), 0);
	EQ(gid, 4);
	EQ(user_group(STOPGAP_TOP "/tests/data/etc", "12", &gid, &err), 0);
	EQ(gid, 12);
	static const char *const bad[] = { "", "-1", "nobody's", "4294967295", "1 2", "../x" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (user_group(STOPGAP_TOP "/tests/data/etc", bad[i], &gid, &err) == 0)
			FAIL("'%s' is taken", bad[i]);
		EQ(err.code, CODE_CONFIG);
		EQ(gid, 12);
	}
}

TEST(the_name_of_a_user_or_else_the_number)
{
	cleanup_free char *root = user_name(STOPGAP_TOP "/tests/data/etc", 0);
	cleanup_free char *web = user_name(STOPGAP_TOP "/tests/data/etc", 33);
	cleanup_free char *none = user_name(STOPGAP_TOP "/tests/data/etc", 4711);
	cleanup_free char *no_file = user_name("/nonexistent", 7);

	STREQ(root, "root");
	STREQ(web, "www-data");
	STREQ(none, "4711");
	STREQ(no_file, "7");
}

TAP_MAIN
