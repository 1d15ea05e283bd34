/* tests/cases/hoststate/NAME.case, one test each: an entry that leaves things behind. Then what no text can say.
 *
 *	host PATH TEXT		the host has this in the container's folder
 *	file PATH TEXT		the entry leaves a file ("\n" is a newline)
 *	mode PATH OCTAL		sparse PATH BYTES	fifo PATH	link PATH TARGET	socket PATH
 *	many FOLDER COUNT	empty files		deep COUNT	folders in folders
 *	name HEX		a file of that name
 *	take ok|CODE		the host takes it back
 *	is PATH TEXT		gone PATH		expected in the container's folder
 *	perm PATH OCTAL		expected
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "cases.h"
#include "clock.h"
#include "hostdates.h"
#include "hoststate.h"
#include "hosttree.h"

static char host[64], left[64];

static void fresh(void)
{
	(void)snprintf(host, sizeof(host), "/tmp/hoststate.XXXXXX");
	(void)snprintf(left, sizeof(left), "/tmp/hostleft.XXXXXX");
	if (!mkdtemp(host) || !mkdtemp(left))
		exit(1);
}

static void clean(void)
{
	struct err err = ERR_INIT;

	if (hosttree_remove(AT_FDCWD, host, &err) < 0 || hosttree_remove(AT_FDCWD, left, &err) < 0)
		printf("# %s\n", err.msg);
}

static char *unescape(const char *text)
{
	struct buf b = { 0 };

	for (; *text; text++)
		if (text[0] == '\\' && text[1] == 'n') {
			buf_putc(&b, '\n');
			text++;
		} else {
			buf_putc(&b, *text);
		}
	return b.n ? buf_steal(&b) : xstrdup("");
}

static char *make_parents(const char *top, const char *path)
{
	char *whole = xasprintf("%s/%s", top, path);
	cleanup_free char *dir = xstrdup(whole);
	struct err err = ERR_INIT;

	*strrchr(dir, '/') = '\0';
	if (make_dirs(dir, 0755, &err) < 0)
		printf("# %s\n", err.msg);
	return whole;
}

static void put(const char *top, const char *path, const char *text)
{
	cleanup_free char *whole = make_parents(top, path), *plain = unescape(strna(text));
	cleanup_fd int fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0 || write_all(fd, plain, strlen(plain)) < 0)
		printf("# %s: %m\n", whole);
}

static void put_socket(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		printf("# bind: %m\n");
}

static int put_sparse(const char *path, unsigned long n)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return ftruncate(fd, (off_t)n);
}

static void many(const char *folder, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++) {
		cleanup_free char *path = xasprintf("%s/%lu", folder, i);

		put(left, path, "");
	}
}

static void deep(unsigned long n)
{
	struct buf path = { 0 };

	while (n--)
		buf_puts(&path, "d/");
	buf_puts(&path, "x");
	put(left, path.s, "");
	buf_clear(&path);
}

static void put_name(const char *hex)
{
	char name[128] = "";

	for (size_t i = 0; hex[2 * i] && i < sizeof(name) - 1; i++) {
		const char byte[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		name[i] = (char)strtoul(byte, NULL, 16);
	}
	put(left, name, "");
}

/* A line that lays something out; false: it is none. */
static bool lay_out(const char *word, const char *path, const char *rest)
{
	unsigned long n = strtoul(strna(rest), NULL, streq(word, "mode") ? 8 : 10);

	if (streq(word, "host")) {
		put(host, path, rest);
	} else if (streq(word, "file")) {
		put(left, path, rest);
	} else if (streq(word, "many")) {
		many(path, n);
	} else if (streq(word, "deep")) {
		deep(strtoul(path, NULL, 10));
	} else if (streq(word, "name")) {
		put_name(path);
	} else if (streq(word, "mode") || streq(word, "sparse") || streq(word, "fifo") || streq(word, "link") ||
		   streq(word, "socket")) {
		cleanup_free char *whole = make_parents(left, path);

		if (streq(word, "socket"))
			put_socket(whole);
		else if ((streq(word, "mode") && chmod(whole, (mode_t)n) < 0) ||
			 (streq(word, "fifo") && mkfifo(whole, 0666) < 0) ||
			 (streq(word, "link") && symlink(rest, whole) < 0) ||
			 (streq(word, "sparse") && put_sparse(whole, n) < 0))
			printf("# %s %s: %m\n", word, path);
	} else {
		return false;
	}
	return true;
}

static char *content(const char *path)
{
	cleanup_free char *whole = xasprintf("%s/%s", host, path);
	struct buf b = { 0 };
	struct err err = ERR_INIT;

	if (read_file(whole, 1 << 20, &b, &err) < 0)
		return NULL;
	return b.n ? buf_steal(&b) : xstrdup("");
}

static long mode_of(const char *path)
{
	cleanup_free char *whole = xasprintf("%s/%s", host, path);
	struct stat st;

	return lstat(whole, &st) < 0 ? -1 : (long)(st.st_mode & 07777);
}

static const char *take(void)
{
	struct err err = ERR_INIT;

	cleanup_fd int fd = open(left, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (hoststate_take(host, fd, &err) == 0)
		return "ok";
	printf("# %s\n", err.msg);
	return code_name(err.code);
}

static void run_case(void)
{
	cleanup_free char *text = case_text();
	int checks = 0;

	fresh();
	for (char *next = text, *line; (line = strsep(&next, "\n"));) {
		cleanup_free char *shown = xstrdup(line);
		char *word = strsep(&line, " "), *path = line ? strsep(&line, " ") : NULL;

		if (!*word || *word == '#' || (path && lay_out(word, path, line)))
			continue;
		cleanup_free char *have = NULL, *want = unescape(strna(line));
		if (streq(word, "take"))
			have = xstrdup(take()), free(want), want = xstrdup(path);
		else if (streq(word, "is"))
			have = content(path);
		else if (streq(word, "gone"))
			have = mode_of(path) < 0 ? xstrdup("") : xstrdup("there");
		else if (streq(word, "perm"))
			have = xasprintf("%lo", (unsigned long)mode_of(path));
		else
			FAIL("'%s': what is that", shown);
		if (!have || !streq(have, want))
			FAIL("'%s': it is '%s'", shown, strna(have));
		checks++;
	}
	clean();
	OK(checks > 0);
}

static int fill(struct err *err)
{
	cleanup_fd int fd = open(left, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return hoststate_fill(host, fd, 1234, 4321, err);
}

/* The entry's files are its root's, which may be any user here. */
static void fill_gives_away(void)
{
	struct err err = ERR_INIT;
	struct stat st = { 0 }, top = { 0 };

	case_next = case_next->next;
	fresh();
	put(host, "entry/apt/dates", "1 2 3 - k\\n");
	put(host, "last.json", "{}");
	int r = fill(&err);
	cleanup_free char *file = xasprintf("%s/apt/dates", left), *other = xasprintf("%s/last.json", left);
	cleanup_free char *lock = xasprintf("%s/lock", left);
	bool host_file = access(other, F_OK) == 0, locked = access(lock, F_OK) == 0;
	(void)stat(file, &st);
	(void)stat(left, &top);
	clean();
	EQ(r, 0);
	EQ(st.st_uid, 1234);
	EQ(st.st_gid, 4321);
	EQ(st.st_mode & 07777, 0644);
	EQ(top.st_uid, 1234);
	OK(!host_file);
	OK(locked);
}

/* libapt and the signer's record go by the time of a file. */
static void times_stay(void)
{
	const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	const struct timespec future[2] = { { .tv_sec = 1LL << 40 }, { .tv_sec = 1LL << 40 } };
	struct stat a = { 0 }, b = { 0 };

	case_next = case_next->next;
	fresh();
	put(left, "a", "x");
	put(left, "b", "x");
	cleanup_fd int fd = open(left, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)utimensat(fd, "a", old, 0);
	(void)utimensat(fd, "b", future, 0);
	const char *r = take();
	cleanup_fd int dir = open(host, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)fstatat(dir, "entry/a", &a, 0);
	(void)fstatat(dir, "entry/b", &b, 0);
	clean();
	STREQ(r, "ok");
	EQ(a.st_mtime, 1000);
	LE(b.st_mtime, clock_wall());
}

/* Known suites stay though an entry names a thousand others, and no date is of the future. */
static void dates_are_bounded(void)
{
	struct buf new = { 0 }, all = { 0 };
	int64_t now = 2000000000;

	case_next = case_next->next;
	for (int i = 0; i < 2 * HOSTDATES_MAX; i++)
		buf_printf(&new, "5 0 0 - suite%d\n", i);
	buf_puts(&new, "9999999999 0 0 - mine\n");
	hostdates_join("7 1 2 ABCD mine\n", new.s, now, &all);
	size_t lines = 0;
	for (const char *s = all.s; (s = strchr(s, '\n')); s++)
		lines++;
	bool kept = starts_with(all.s, "7 1 2 ABCD mine\n");
	buf_clear(&new);
	buf_clear(&all);
	EQ(lines, HOSTDATES_MAX);
	OK(kept);
}

static void ids(void)
{
	static const char *const bad[] = { "", ".", "..", ".x", "a/b", "../x", "a b", "a\n", "\xc3\xa9" };
	cleanup_free char *good = hoststate_dir("/s", "lxc:0123abc_D.e-f");

	case_next = case_next->next;
	STREQ(good, "/s/containers/lxc:0123abc_D.e-f");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cleanup_free char *dir = hoststate_dir("/s", bad[i]);

		if (dir)
			FAIL("'%s' is taken for an id", bad[i]);
	}
	char long_id[210] = "";
	memset(long_id, 'a', 201);
	cleanup_free char *too_long = hoststate_dir("/s", long_id);
	OK(!too_long);
}

static void set_age(const char *path, int64_t age)
{
	const struct timespec t[2] = { { .tv_sec = clock_wall() - age }, { .tv_sec = clock_wall() - age } };
	cleanup_free char *whole = xasprintf("%s/containers/%s", host, path);

	(void)utimensat(AT_FDCWD, whole, t, 0);
}

/* Gone and old goes; gone and young, alive and old stay. */
static void sweep(void)
{
	cleanup_strv struct strv alive = { 0 };

	case_next = case_next->next;
	fresh();
	put(host, "containers/old/last.json", "{}");
	put(host, "containers/old/entry/apt/lists/x", "");
	put(host, "containers/young/last.json", "{}");
	put(host, "containers/alive/last.json", "{}");
	set_age("old/last.json", HOSTSTATE_FORGET + 5);
	set_age("alive/last.json", HOSTSTATE_FORGET + 5);
	strv_push(&alive, "alive");
	int n = hoststate_sweep(host, &alive, HOSTSTATE_FORGET);
	long gone = mode_of("containers/old"), young = mode_of("containers/young"),
	     living = mode_of("containers/alive");
	struct err err = ERR_INIT;
	int r = hoststate_forget(host, "young", &err), none = hoststate_forget(host, "young", &err),
	    bad = hoststate_forget(host, "..", &err);
	long forgotten = mode_of("containers/young");
	clean();
	EQ(n, 1);
	EQ(gone, -1);
	NE(young, -1);
	NE(living, -1);
	EQ(r, 0);
	EQ(none, 0);
	EQ(bad, -1);
	EQ(forgotten, -1);
}

/* The host writes the report; the ledger is the entry's, under the host's name for it. */
static void record(void)
{
	struct report r;
	struct err err = ERR_INIT;
	struct ledger l = { 0 };

	case_next = case_next->next;
	fresh();
	put(host, "entry/ledger.json",
	    "{\"host\":\"inside\",\"id\":\"liar\",\"updates\":[{\"package\":\"p\",\"arch\":\"\",\"to\":\"2\",\"time\":5,\"cves\":[]}]}\\n");
	put(host, "entry/last.json", "{\"forged\":1}\\n");
	report_init(&r, MODE_ONCE, "host");
	container_clear(&r.container);
	r.container = (struct container){ .id = xstrdup("real"), .engine = "docker", .host = xstrdup("h") };
	report_finish(&r);
	int rc = hoststate_record(host, &r, 10, &err);
	ledger_read(host, &r.container, &l);
	cleanup_free char *last = content("last.json"), *history = content("history.jsonl"),
			  *metrics = content("metrics.json");
	size_t n = l.updates.n;
	ledger_clear(&l);
	report_clear(&r);
	clean();
	EQ(rc, 0);
	EQ(n, 1);
	OK(last && strstr(last, "\"real\"") && !strstr(last, "forged"));
	OK(last && strstr(last, "\"p=2\"")); /* what would be lost with the container */
	OK(history && metrics);
}

/* A name is given again to another container: it gets nothing of the first one's but how fresh the metadata was. */
static void another_of_that_name(void)
{
	static const char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct err err = ERR_INIT;
	int r[4];
	long kept[3];

	case_next = case_next->next;
	fresh();
	r[0] = hoststate_claim(host, "runc:web", 5, &err);
	put(host, "entry/apt/dates", "7 1 2 - k\\n");
	put(host, "entry/apt/lists/x", "forged");
	r[1] = hoststate_claim(host, "runc:web", 5, &err);
	kept[0] = mode_of("entry/apt/lists/x");
	r[2] = hoststate_claim(host, "runc:web", 6, &err);
	kept[1] = mode_of("entry/apt/lists/x");
	cleanup_free char *dates = content("entry/apt/dates");
	r[3] = hoststate_claim(host, id, 6, &err);
	put(host, "entry/apt/lists/x", "own");
	r[3] |= hoststate_claim(host, id, 7, &err);
	kept[2] = mode_of("entry/apt/lists/x");
	clean();
	for (size_t i = 0; i < ARRAY_SIZE(r); i++)
		EQ(r[i], 0);
	NE(kept[0], -1);
	EQ(kept[1], -1);
	NE(kept[2], -1);
	STREQ(dates, "7 1 2 - k\n");
}

/* What was a file when it was looked at may be something else when it is opened. */
static void opened_late(void)
{
	static const char *const names[] = { "link", "fifo", "folder", "../outside", "folder/../link" };
	struct err err = ERR_INIT;
	int64_t size = 0;
	enum code codes[ARRAY_SIZE(names)];

	case_next = case_next->next;
	fresh();
	lay_out("file", "target", "x");
	lay_out("link", "link", "target");
	lay_out("fifo", "fifo", NULL);
	lay_out("file", "folder/x", "");
	cleanup_fd int dir = open(left, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		codes[i] = CODE_OK;
		if (hosttree_open(dir, names[i], &size, &err) < 0)
			codes[i] = err.code;
	}
	cleanup_fd int good = hosttree_open(dir, "target", &size, &err);
	clean();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		EQ(codes[i], CODE_STATE_REFUSED);
	GE(good, 0);
	EQ(size, 1);
}

int main(void)
{
	add_cases("hoststate", run_case);
	add_test("fill gives the files to the container's root", fill_gives_away);
	add_test("times stay, none is in the future", times_stay);
	add_test("another container of that name", another_of_that_name);
	add_test("what is opened late", opened_late);
	add_test("dates are bounded", dates_are_bounded);
	add_test("ids that are no path", ids);
	add_test("what is gone is forgotten", sweep);
	add_test("the host writes the report", record);
	return cases_main();
}
