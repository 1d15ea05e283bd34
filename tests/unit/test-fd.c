/* Files: bounded reads, atomic replacement, folders, descriptors. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "fd.h"
#include "tap.h"

static char dir[] = "/tmp/stopgap-test-fd.XXXXXX";

__attribute__((constructor)) static void make_folder(void)
{
	const char *tmp = getenv("TMPDIR");

	if (tmp && chdir(tmp) < 0)
		abort();
	if (!mkdtemp(tmp ? memmove(dir, dir + 5, sizeof(dir) - 5) : dir) || chdir(dir) < 0)
		abort();
}

__attribute__((destructor)) static void remove_folder(void)
{
	static const char *const files[] = { "file", "fifo", "link", "a/b/c", "a/b", "a", "full" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		(void)remove(files[i]);
	if (chdir("..") == 0)
		(void)rmdir(dir);
}

static int count_files(void)
{
	DIR *d = opendir(".");
	int n = 0;

	while (d && readdir(d))
		n++;
	(void)closedir(d);
	return n - 2;
}

TEST(replace_writes_a_whole_file_and_leaves_no_other)
{
	struct err e = ERR_INIT;
	cleanup_buf struct buf b = { 0 };
	struct stat st;

	EQ(replace_file("file", 0640, "first", 5, &e), 0);
	EQ(replace_file("file", 0600, "second", 6, &e), 0);
	EQ(read_file("file", 100, &b, &e), 0);
	STREQ(buf_str(&b), "second");
	EQ(stat("file", &st), 0);
	EQ(st.st_mode & 07777, 0600);
	EQ(count_files(), 1);
	EQ(e.code, CODE_OK);
}

TEST(replace_survives_a_leftover_and_follows_no_link)
{
	struct err e = ERR_INIT;
	cleanup_buf struct buf b = { 0 };

	EQ(symlink("/dev/null", "file.new"), 0);	/* an interrupted or hostile predecessor */
	EQ(replace_file("file", 0600, "third", 5, &e), 0);
	EQ(read_file("file", 100, &b, &e), 0);
	STREQ(buf_str(&b), "third");
	EQ(count_files(), 1);
}

TEST(readers_see_the_old_file_or_the_new_one)
{
	static char one[4096], two[4096];
	struct err e = ERR_INIT;
	int status = 0;

	memset(one, '1', sizeof(one));
	memset(two, '2', sizeof(two));
	EQ(replace_file("file", 0600, one, sizeof(one), &e), 0);
	pid_t pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 200; i++)
			if (replace_file("file", 0600, i % 2 ? one : two, sizeof(one), &e) < 0)
				_exit(1);
		_exit(0);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		cleanup_buf struct buf b = { 0 };

		EQ(read_file("file", 8192, &b, &e), 0);
		EQ(b.n, sizeof(one));
		EQ(b.s[0], b.s[4095]);
	}
	EQ(status, 0);
}

TEST(replace_reports_where_it_failed)
{
	struct err e = ERR_INIT;

	EQ(replace_file("missing/file", 0600, "x", 1, &e), -1);
	EQ(e.code, CODE_IO);
	STREQ(e.msg, "create 'missing/file.new': No such file or directory");
	EQ(mkdir("a", 0700), 0);
	EQ(replace_file("a", 0600, "x", 1, &e), -1);	/* a folder stands there */
	HAS(e.msg, "rename 'a.new' to 'a'");
	EQ(access("a.new", F_OK), -1);
	EQ(rmdir("a"), 0);
}

TEST(read_is_bounded)
{
	struct err e = ERR_INIT;
	cleanup_buf struct buf b = { 0 }, c = { 0 };

	EQ(replace_file("file", 0600, "12345", 5, &e), 0);
	EQ(read_file("file", 5, &b, &e), 0);
	EQ(read_file("file", 4, &c, &e), -1);
	EQ(e.code, CODE_IO);
	STREQ(e.msg, "read 'file': larger than 4 bytes");
	EQ(read_file("/dev/zero", 100, &c, &e), -1);

	EQ(truncate("file", 1LL << 40), 0);
	EQ(read_file("file", 1 << 20, &c, &e), -1);
	STREQ(e.msg, "read 'file': larger than 1048576 bytes");
	EQ(c.n, 0); /* not a byte of it was kept */
}

TEST(read_appends)
{
	struct err e = ERR_INIT;
	cleanup_buf struct buf b = { 0 };

	buf_puts(&b, "before ");
	EQ(replace_file("file", 0600, "after", 5, &e), 0);
	EQ(read_file("file", 5, &b, &e), 0);
	STREQ(b.s, "before after");
}

TEST(what_is_no_regular_file_is_refused_and_never_waited_for)
{
	static const char *const paths[] = { "fifo", ".", "/dev/null", "link" };
	struct err e = ERR_INIT;

	EQ(mkfifo("fifo", 0600), 0);
	EQ(symlink("fifo", "link"), 0);
	(void)alarm(5);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		cleanup_buf struct buf b = { 0 };

		err_clear(&e);
		EQ(read_file(paths[i], 100, &b, &e), -1);
		HAS(e.msg, "not a regular file");
		EQ(b.n, 0);
	}
	(void)alarm(0);
	EQ(remove("fifo") + remove("link"), 0);
	EQ(read_file("nothing", 100, &(struct buf){ 0 }, &e), -1);
	STREQ(e.msg, "open 'nothing': No such file or directory");
}

TEST(read_file_at_starts_at_the_folder)
{
	struct err e = ERR_INIT;
	cleanup_buf struct buf b = { 0 };
	cleanup_fd int dfd = open("/proc/sys/kernel", O_PATH | O_DIRECTORY | O_CLOEXEC);

	EQ(read_file_at(dfd, "ostype", 100, &b, &e), 0);	/* a file of size 0 with content */
	STREQ(buf_str(&b), "Linux\n");
}

TEST(folders_are_made_with_their_parents)
{
	struct err e = ERR_INIT;
	struct stat st;

	EQ(make_dirs("a/b/c", 0700, &e), 0);
	EQ(make_dirs("a/b/c", 0700, &e), 0);
	EQ(make_dirs("a/b//c/", 0700, &e), 0);
	EQ(stat("a/b", &st), 0);
	EQ(st.st_mode & 0777, 0755);
	EQ(stat("a/b/c", &st), 0);
	EQ(st.st_mode & 0777, 0700);
	EQ(make_dirs("/", 0700, &e), 0);
	EQ(e.code, CODE_OK);
}

TEST(a_file_in_the_place_of_a_folder_is_an_error)
{
	struct err e = ERR_INIT;

	EQ(replace_file("file", 0600, "x", 1, &e), 0);
	EQ(make_dirs("file", 0700, &e), -1);
	STREQ(e.msg, "create folder 'file': Not a directory");
	err_clear(&e);
	EQ(make_dirs("file/below", 0700, &e), -1);
	STREQ(e.msg, "create folder 'file': Not a directory");
	err_clear(&e);
	EQ(make_dirs("", 0700, &e), -1);
	EQ(e.code, CODE_IO);
}

TEST(write_all_writes_through_a_small_pipe)
{
	int p[2], status = 0;
	static char data[300000];
	size_t total = 0;
	char chunk[777];

	EQ(pipe2(p, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(write_all(p[1], data, sizeof(data)) == 0 ? 0 : 1);
	(void)close(p[1]);
	for (ssize_t n; (n = read(p[0], chunk, sizeof(chunk))) > 0;)
		total += (size_t)n;
	(void)close(p[0]);
	EQ(waitpid(pid, &status, 0), pid);
	EQ(status, 0);
	EQ(total, sizeof(data));
}

TEST(write_all_reports_a_full_disk_and_a_closed_pipe)
{
	cleanup_fd int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	int p[2];

	EQ(write_all(full, "x", 1), -1);
	EQ(errno, ENOSPC);
	EQ(pipe2(p, O_CLOEXEC), 0);
	(void)close(p[0]);
	(void)signal(SIGPIPE, SIG_IGN);
	EQ(write_all(p[1], "x", 1), -1);
	EQ(errno, EPIPE);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)close(p[1]);
}

TEST(nonblocking_reads_do_not_wait)
{
	int p[2];
	char c;

	EQ(pipe2(p, O_CLOEXEC), 0);
	EQ(set_nonblock(p[0]), 0);
	EQ(read(p[0], &c, 1), -1);
	EQ(errno, EAGAIN);
	EQ(set_nonblock(-1), -1);
	(void)close(p[0]);
	(void)close(p[1]);
}

TEST(close_from_leaves_the_lower_ones)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)dup2(0, 10);
		(void)dup2(0, 11);
		(void)dup2(0, 500);
		close_from(11);
		_exit(fcntl(10, F_GETFD) >= 0 && fcntl(11, F_GETFD) < 0 && fcntl(500, F_GETFD) < 0 ? 0 : 1);
	}
	EQ(waitpid(pid, &status, 0), pid);
	EQ(status, 0);
}

TAP_MAIN
