/* The reports of past runs: bounds, order, torn lines. */
#include <fcntl.h>
#include <sys/stat.h>
#include "fd.h"
#include "history.h"
#include "tap.h"
#include "wire.h"

static char dir[] = "/tmp/stopgap-test-history.XXXXXX";

__attribute__((constructor)) static void make_folder(void)
{
	const char *tmp = getenv("TMPDIR");

	if (tmp && chdir(tmp) < 0)
		abort();
	if (!mkdtemp(tmp ? memmove(dir, dir + 5, sizeof(dir) - 5) : dir))
		abort();
}

static char *file(void)
{
	return xasprintf("%s/history.jsonl", dir);
}

__attribute__((destructor)) static void remove_folder(void)
{
	cleanup_free char *path = file();

	(void)unlink(path);
	(void)rmdir(dir);
}

static void begin(void)
{
	cleanup_free char *path = file();

	(void)unlink(path);
}

static int append(int64_t id, int64_t max)
{
	struct json_object *o = json_object_new_object();
	struct err err = ERR_INIT;

	json_object_object_add(o, "run", json_object_new_int64(id));
	int r = history_append(dir, o, max, &err);
	json_object_put(o);
	return r;
}

/* "3 2 1": the runs that are there, newest first. */
static char *runs(int64_t limit)
{
	struct json_object *all = NULL;
	struct buf b = { 0 };
	struct err err = ERR_INIT;

	if (history_json(dir, limit, &all, &err) < 0)
		return xstrdup(err.msg);
	struct json_object *parsed = json_tokener_parse(json_object_to_json_string(all));
	for (size_t i = 0; i < json_object_array_length(parsed); i++) {
		struct json_object *n = NULL;

		(void)json_object_object_get_ex(json_object_array_get_idx(parsed, i), "run", &n);
		buf_printf(&b, "%s%lld", i ? " " : "", (long long)json_object_get_int64(n));
	}
	json_object_put(parsed);
	json_object_put(all);
	return b.s ? buf_steal(&b) : xstrdup("");
}

static void write_raw(const char *text, bool anew)
{
	cleanup_free char *path = file();
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (anew ? O_TRUNC : O_APPEND), 0600);

	if (write_all(fd, text, strlen(text)) < 0)
		abort();
}

TEST(no_file_is_no_runs)
{
	begin();
	cleanup_free char *none = runs(10);
	STREQ(none, "");
}

TEST(newest_first_and_no_more_than_asked_for)
{
	begin();
	for (int64_t i = 1; i <= 5; i++)
		EQ(append(i, 100), 0);
	cleanup_free char *all = runs(100), *two = runs(2);
	STREQ(all, "5 4 3 2 1");
	STREQ(two, "5 4");
	struct stat st;
	cleanup_free char *path = file();
	EQ(stat(path, &st), 0);
	EQ(st.st_mode & 0777, 0600);
}

TEST(never_more_than_the_maximum)
{
	begin();
	for (int64_t i = 1; i <= 50; i++) {
		EQ(append(i, 8), 0);
		cleanup_free char *all = runs(100);
		size_t n = 1;

		for (const char *p = all; (p = strchr(p, ' ')); p++)
			n++;
		LE(n, 8);
		cleanup_free char *first = xstrndup(all, strcspn(all, " ")), *want = xasprintf("%lld", (long long)i);
		STREQ(first, want);
	}
}

TEST(a_maximum_of_one_keeps_the_last)
{
	begin();
	EQ(append(1, 1), 0);
	EQ(append(2, 1), 0);
	cleanup_free char *all = runs(10);
	STREQ(all, "2");
}

TEST(zero_keeps_nothing)
{
	begin();
	EQ(append(1, 0), 0);
	cleanup_free char *all = runs(10);
	STREQ(all, "");
}

TEST(a_line_that_a_crash_cut_is_passed_over)
{
	begin();
	EQ(append(1, 10), 0);
	write_raw("{\"run\":2,\"mo", false);
	EQ(append(3, 10), 0);
	cleanup_free char *all = runs(10);
	STREQ(all, "3 1");
}

TEST(rubbish_is_passed_over)
{
	write_raw("\n\nnot json\n[1]\n{\"run\":7}\n\377\376\n{\"run\":8}\n", true);
	cleanup_free char *all = runs(10);
	STREQ(all, "8 7");
}

TEST(a_file_past_every_bound_is_begun_anew)
{
	cleanup_free char *path = file();

	begin();
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	EQ(ftruncate(fd, 3L * HISTORY_BYTES_MAX), 0);
	EQ(append(1, 10), 0);
	cleanup_free char *all = runs(10);
	STREQ(all, "1");
}

TEST(a_link_is_not_followed)
{
	cleanup_free char *path = file(), *other = xasprintf("%s/other", dir);

	begin();
	cleanup_fd int fd = open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	EQ(symlink("other", path), 0);
	EQ(append(1, 10), -1);
	struct stat st;
	EQ(fstat(fd, &st), 0);
	EQ(st.st_size, 0);
	(void)unlink(other);
}

TAP_MAIN
