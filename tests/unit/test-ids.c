/* Users and groups out of files that anybody may have written. */
#include <sys/stat.h>
#include "fd.h"
#include "ids.h"
#include "tap.h"

static char *root;

static void put(const char *file, const char *text, size_t n)
{
	cleanup_free char *etc = xasprintf("%s/etc", root), *path = xasprintf("%s/etc/%s", root, file);
	struct err err = ERR_INIT;

	if (make_dirs(etc, 0755, &err) < 0 || replace_file(path, 0644, text, n, &err) < 0)
		abort();
}

static void put_text(const char *file, const char *text)
{
	put(file, text, strlen(text));
}

static int64_t group(const char *name)
{
	struct err err = ERR_INIT;
	gid_t g = 4242;
	int r = ids_group(root, name, &g, &err);

	if (r < 0 && (err.code != CODE_CONFIG || g != 4242 || !strstr(err.msg, "group '")))
		return -2;
	return r < 0 ? -1 : (int64_t)g;
}

/* UID:GID, or the message. */
static char *user(const char *name)
{
	struct err err = ERR_INIT;
	uid_t u = 4242;
	gid_t g = 4242;

	if (ids_user(root, name, &u, &g, &err) < 0)
		return err.code == CODE_CONFIG && u == 4242 && g == 4242 ? xstrdup(err.msg) : xstrdup("wrong failure");
	return xasprintf("%u:%u", u, g);
}

#define USER_IS(name, want)                             \
	do {                                            \
		cleanup_free char *got = user(name);    \
		STREQ(got, want);                       \
	} while (0)
#define USER_FAILS(name, want)                          \
	do {                                            \
		cleanup_free char *got = user(name);    \
		HAS(got, want);                         \
	} while (0)

static const char groups[] = "root:x:0:\nadm:x:4:syslog,me\n\nbroken\nshort:x\nbad:x:-1:\nhuge:x:4294967295:\n:x:9:\n"
			     "+nis:x:7:\nadm:x:5:\nwww-data:x:33:";
static const char users[] = "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:34:a:b:c:d:e\nbad:x:5:x::/:\nshort:x:6\n"
			    "nine:x:9:90:::\n1000:x:77:78:::\n:x:8:8:::\n";

TEST(groups_by_name)
{
	put_text("group", groups);
	EQ(group("root"), 0);
	EQ(group("adm"), 4);
	EQ(group("www-data"), 33);
	EQ(group("+nis"), 7);
}

TEST(names_that_are_no_group)
{
	static const char *const none[] = { "",	    "nobody", "broken", "short", "bad",
					    "huge", "adm:x",  "Root",	"root ", "syslog" };

	put_text("group", groups);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		if (group(none[i]) != -1)
			FAIL("'%s' is %" PRId64, none[i], group(none[i]));
}

TEST(numbers_need_no_file)
{
	put_text("group", "12:x:99:\n");
	EQ(group("0"), 0);
	EQ(group("12"), 12);
	EQ(group("4294967294"), 4294967294);
	EQ(group("4294967295"), -1);
	EQ(group("-1"), -1);
	EQ(group("+1"), -1);
	EQ(group("99999999999999999999"), -1);
}

TEST(users_by_name_and_number)
{
	put_text("passwd", users);
	USER_IS("root", "0:0");
	USER_IS("www-data", "33:34");
	USER_IS("33", "33:34");
	USER_IS("9", "9:90");
	/* a number is a number, even where a user is named so */
	USER_IS("1000", "1000:0");
	USER_IS("4294967294", "4294967294:0");
}

TEST(names_that_are_no_user)
{
	put_text("passwd", users);
	USER_FAILS("nobody", "user 'nobody': not in ");
	USER_FAILS("bad", "not in ");
	USER_FAILS("short", "not in ");
	USER_FAILS("", "not in ");
	USER_FAILS("4294967295", "not a user number");
}

TEST(a_file_with_a_nul_ends_there)
{
	static const char text[] = "a:x:1:\n\0b:x:2:\n";

	put("group", text, sizeof(text) - 1);
	EQ(group("a"), 1);
	EQ(group("b"), -1);
}

TEST(no_file)
{
	cleanup_free char *passwd = xasprintf("%s/etc/passwd", root), *file = xasprintf("%s/etc/group", root);

	(void)unlink(passwd);
	(void)unlink(file);
	EQ(group("root"), -1);
	USER_FAILS("root", "user 'root': open ");
	USER_IS("7", "7:0");
}

TEST(a_fifo_or_a_flood_is_refused)
{
	cleanup_free char *path = xasprintf("%s/etc/group", root), *flood = xmalloc(2 << 20);

	EQ(mkfifo(path, 0644), 0);
	EQ(group("root"), -1);
	(void)unlink(path);
	memset(flood, 'x', 2 << 20);
	put("group", flood, 2 << 20);
	EQ(group("root"), -1);
	(void)unlink(path);
}

int main(void)
{
	char template[] = "/tmp/sg-ids.XXXXXX";

	root = mkdtemp(template);
	int r = root ? tap_main() : 1;
	static const char *const left[] = { "etc/passwd", "etc/group", "etc", "" };
	for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
		cleanup_free char *path = xasprintf("%s/%s", root, left[i]);

		(void)remove(path);
	}
	return r;
}
