/* The host's cache: what comes out is what was named, whoever put it in, and nobody writes but the host. */
#include <errno.h>
#include <fcntl.h>
#include <sha256.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "clock.h"
#include "entershare.h"
#include "fd.h"
#include "hostcache.h"
#include "hostlists.h"
#include "hostshare.h"
#include "hosttree.h"
#include "log.h"
#include "tap.h"
#include "wire.h"

static char top[64];
static struct hostcache cache;

static void fresh(int64_t max)
{
	struct err err = ERR_INIT;

	(void)snprintf(top, sizeof(top), "/tmp/hostcache.XXXXXX");
	if (!mkdtemp(top) || hostcache_open(top, max, &cache, &err) < 0)
		exit(1);
}

static void clean(void)
{
	struct err err = ERR_INIT;

	hostcache_close(&cache);
	if (hosttree_remove(AT_FDCWD, top, &err) < 0)
		printf("# %s\n", err.msg);
}

static const char *hash_of(const char *text)
{
	static char hex[4][SHA256_DIGEST_STRING_LENGTH];
	static int turn;

	turn = (turn + 1) % 4;
	return SHA256Data((const uint8_t *)text, strlen(text), hex[turn]);
}

static char *path_of(const char *name)
{
	return xasprintf("%s/%s", top, name);
}

static void put_file(const char *name, const char *text)
{
	cleanup_free char *path = path_of(name), *dir = xstrdup(path);
	struct err err = ERR_INIT;

	*strrchr(dir, '/') = '\0';
	if (make_dirs(dir, 0755, &err) < 0)
		printf("# %s\n", err.msg);
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (write_all(fd, text, strlen(text)) < 0)
		printf("# %s: %m\n", path);
}

/* Caller frees; NULL: there is none. */
static char *text_of(const char *name)
{
	cleanup_free char *path = path_of(name);
	struct buf b = { 0 };
	struct err err = ERR_INIT;

	if (read_file(path, 1 << 20, &b, &err) < 0)
		return NULL;
	return b.n ? buf_steal(&b) : xstrdup("");
}

static int keep_as(const char *text, const char *hash, int64_t size)
{
	struct err err = ERR_INIT;

	put_file("from", text);
	cleanup_free char *path = path_of("from");
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	return hostcache_put(&cache, hash, size, fd, &err);
}

static int keep(const char *text)
{
	return keep_as(text, hash_of(text), (int64_t)strlen(text));
}

static int get(const char *hash, int64_t size)
{
	cleanup_free char *path = path_of("got");
	struct err err = ERR_INIT;

	cleanup_fd int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return hostcache_get(&cache, hash, size, fd, &err);
}

TEST(what_goes_in_comes_out)
{
	fresh(1 << 20);
	int in = keep("abc"), again = keep("abc"), out = get(hash_of("abc"), 3), none = get(hash_of("x"), 1);
	cleanup_free char *got = text_of("got");
	clean();
	EQ(in, 1);
	EQ(again, 1);
	EQ(out, 1);
	EQ(none, 0);
	STREQ(got, "");	/* opened anew for the one that is not there */
}

/* An entry says what a file is; the host looks. */
TEST(poison_is_not_kept)
{
	fresh(1 << 20);
	int other = keep_as("evil", hash_of("good"), 4), longer = keep_as("good and more", hash_of("good"), 4),
	    shorter = keep_as("go", hash_of("good"), 4), path = keep_as("x", "../../../tmp/x", 1),
	    upper = keep_as("x", "ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789", 1);
	int out = get(hash_of("good"), 4);
	clean();
	EQ(other, 0);
	EQ(longer, 0);
	EQ(shorter, 0);
	EQ(path, 0);
	EQ(upper, 0);
	EQ(out, 0);
}

TEST(what_rots_is_dropped)
{
	fresh(1 << 20);
	(void)keep("good");
	cleanup_free char *name = xasprintf("cache/%s", hash_of("good"));
	put_file(name, "evil");
	int out = get(hash_of("good"), 4);
	cleanup_free char *left = text_of(name);
	clean();
	EQ(out, 0);
	OK(!left);
}

TEST(a_link_is_not_followed)
{
	fresh(1 << 20);
	put_file("secret", "good");
	cleanup_free char *from = path_of("secret"), *to = xasprintf("%s/cache/%s", top, hash_of("good"));
	int made = symlink(from, to), out = get(hash_of("good"), 4);
	clean();
	EQ(made, 0);
	EQ(out, 0);
}

static void used(const char *text, int64_t when)
{
	cleanup_free char *path = xasprintf("%s/cache/%s", top, hash_of(text));
	const struct timespec t[2] = { { .tv_sec = when }, { .tv_sec = when } };

	(void)utimensat(AT_FDCWD, path, t, 0);
}

TEST(the_least_recently_used_goes)
{
	fresh(10);
	int large = keep("12345678901");
	(void)keep("aaaa");
	(void)keep("bbbb");
	(void)keep("cccc");
	used("aaaa", 1000);
	used("bbbb", 2000);
	used("cccc", 3000);
	int use = get(hash_of("aaaa"), 4);
	hostcache_trim(&cache);
	int a = get(hash_of("aaaa"), 4), b = get(hash_of("bbbb"), 4), c = get(hash_of("cccc"), 4);
	clean();
	EQ(large, 0);
	EQ(use, 1);
	EQ(a, 1);
	EQ(b, 0);
	EQ(c, 1);
}

TEST(one_fetches)
{
	fresh(1 << 20);
	int a = hostcache_leases(&cache), b = hostcache_leases(&cache);
	bool first = hostcache_lease(a, hash_of("x")), second = hostcache_lease(b, hash_of("x")),
	     other = hostcache_lease(b, hash_of("y"));
	hostcache_release(a, hash_of("x"));
	bool released = hostcache_lease(b, hash_of("x")), taken = hostcache_lease(a, hash_of("x"));
	(void)close(b);
	bool closed = hostcache_lease(a, hash_of("x")), none = hostcache_lease(-1, hash_of("x"));
	(void)close(a);
	clean();
	OK(first && !second && other && released && !taken && closed && none);
}

/* --- entries ----------------------------------------------------------------------------- */

static struct hostshare *enter(const char *name, int *fd, int64_t wait)
{
	cleanup_free char *path = path_of(name);
	struct err err = ERR_INIT;

	if (make_dirs(path, 0755, &err) < 0)
		printf("# %s\n", err.msg);
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return hostshare_begin(&cache, *fd, 1234, 4321, hash_of("image"), wait);
}

static enum hostshare_answer say(struct hostshare *s, const char *text)
{
	struct json_object *o = NULL;
	struct err err = ERR_INIT;

	if (wire_parse(text, strlen(text), &o, &err) < 0) {
		printf("# %s\n", err.msg);
		return HOSTSHARE_NOT_MINE;
	}
	enum hostshare_answer a = hostshare_line(s, o, &err);
	json_object_put(o);
	if (a == HOSTSHARE_REFUSED)
		printf("# %s\n", err.msg);
	return a;
}

static enum hostshare_answer want(struct hostshare *s, const char *file, const char *content)
{
	cleanup_free char *line = xasprintf("{\"want\":[{\"file\":\"%s\",\"sha256\":\"%s\",\"size\":%zu}]}", file,
					    hash_of(content), strlen(content));

	return say(s, line);
}

#define DEB "apt/archives/p_1_amd64.deb"

TEST(the_second_entry_gets_what_the_first_fetched)
{
	int a, b;
	struct stat st = { 0 };

	fresh(1 << 20);
	struct hostshare *one = enter("one", &a, 5), *two = enter("two", &b, 5);
	enum hostshare_answer first = want(one, DEB, "deb"), second = want(two, DEB, "deb"),
			      still = hostshare_again(two);
	put_file("one/" DEB, "deb");
	enum hostshare_answer fetched = say(one, "{\"fetched\":true}"), again = hostshare_again(two);
	cleanup_free char *got = text_of("two/" DEB), *file = path_of("two/" DEB);
	(void)stat(file, &st);
	int64_t bytes = hostshare_bytes(two);
	hostshare_end(one, false);
	hostshare_end(two, false);
	(void)close(a), (void)close(b);
	clean();
	EQ(first, HOSTSHARE_GO);
	EQ(second, HOSTSHARE_BUSY);
	EQ(still, HOSTSHARE_BUSY);
	EQ(fetched, HOSTSHARE_GO);
	EQ(again, HOSTSHARE_GO);
	STREQ(got, "deb");
	EQ(bytes, 3);
	EQ(st.st_uid, 1234);
	EQ(st.st_gid, 4321);
	EQ(st.st_mode & 07777, 0644);
}

/* Its plan changed: what it has stays, though nobody else has it. */
TEST(what_an_entry_has_stays)
{
	int a;

	fresh(1 << 20);
	struct hostshare *one = enter("one", &a, 5);
	(void)want(one, DEB, "deb");
	put_file("one/" DEB, "deb");
	enum hostshare_answer again = want(one, DEB, "deb");
	cleanup_free char *still = text_of("one/" DEB);
	hostshare_end(one, false);
	(void)close(a);
	clean();
	EQ(again, HOSTSHARE_GO);
	STREQ(still, "deb");
}

/* One that dies, and one that hangs, hold nobody up. */
TEST(a_dead_entry_holds_nobody_up)
{
	int a, b, c;

	fresh(1 << 20);
	struct hostshare *one = enter("one", &a, 5), *two = enter("two", &b, 5), *three = enter("three", &c, 0);
	(void)want(one, DEB, "deb");
	enum hostshare_answer waits = want(two, DEB, "deb"), late = want(three, DEB, "deb");
	hostshare_end(one, false);
	enum hostshare_answer goes = hostshare_again(two);
	hostshare_end(two, false);
	hostshare_end(three, false);
	(void)close(a), (void)close(b), (void)close(c);
	clean();
	EQ(waits, HOSTSHARE_BUSY);
	EQ(late, HOSTSHARE_GO);
	EQ(goes, HOSTSHARE_GO);
}

TEST(lies_of_an_entry)
{
	static const char *const lines[] = {
		"{\"want\":[{\"file\":\"../../etc/x\",\"sha256\":\"%s\",\"size\":1}]}",
		"{\"want\":[{\"file\":\"apt/archives/../../x\",\"sha256\":\"%s\",\"size\":1}]}",
		"{\"want\":[{\"file\":\"apt/archives/a/b\",\"sha256\":\"%s\",\"size\":1}]}",
		"{\"want\":[{\"file\":\"/etc/passwd\",\"sha256\":\"%s\",\"size\":1}]}",
		"{\"want\":[{\"file\":\"apt/archives/.x\",\"sha256\":\"%s\",\"size\":1}]}",
		"{\"want\":[{\"file\":\"apt/archives/\",\"sha256\":\"%s\",\"size\":1}]}",
		"{\"want\":[{\"file\":\"apt/archives/x\",\"sha256\":\"%sx\",\"size\":1}]}",
		"{\"want\":[{\"file\":\"apt/archives/x\",\"sha256\":\"%s\",\"size\":99999999999}]}",
		"{\"want\":[{\"file\":\"apt/archives/x\",\"sha256\":\"%s\",\"size\":-1}]}",
		"{\"want\":\"%s\"}",
		"{\"lists\":[7,\"%s\"]}",
	};
	enum hostshare_answer answers[ARRAY_SIZE(lines)];
	int a;

	fresh(1 << 20);
	struct hostshare *one = enter("one", &a, 5);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		cleanup_buf struct buf line = { 0 };
		const char *at = strstr(lines[i], "%s");

		buf_append(&line, lines[i], (size_t)(at - lines[i]));
		buf_printf(&line, "%s%s", hash_of("x"), at + 2);
		answers[i] = say(one, line.s);
	}
	enum hostshare_answer other = say(one, "{\"event\":\"progress\"}");
	hostshare_end(one, true);
	(void)close(a);
	clean();
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (answers[i] != HOSTSHARE_REFUSED)
			FAIL("line %zu is taken", i);
	EQ(other, HOSTSHARE_NOT_MINE);
}

/* What an entry shows as fetched: another's content, a link out of its folder, a FIFO. */
TEST(what_was_fetched_is_looked_at)
{
	int a;

	fresh(1 << 20);
	put_file("secret", "deb");
	struct hostshare *one = enter("one", &a, 5);
	cleanup_free char *file = path_of("one/" DEB), *secret = path_of("secret");
	int kept[3];
	for (int i = 0; i < 3; i++) {
		(void)want(one, DEB, "deb");
		put_file("one/" DEB, "evl");
		if (i)
			(void)unlink(file);
		if ((i == 1 && symlink(secret, file) < 0) || (i == 2 && mkfifo(file, 0666) < 0))
			printf("# %m\n");
		(void)say(one, "{\"fetched\":true}");
		kept[i] = get(hash_of("deb"), 3);
		(void)unlink(file);
	}
	hostshare_end(one, false);
	(void)close(a);
	clean();
	EQ(kept[0], 0);
	EQ(kept[1], 0);
	EQ(kept[2], 0);
}

/* Folders and files that lead out of the entry's tmpfs: the host writes nothing there. */
TEST(links_lead_nowhere)
{
	int a, b;

	fresh(1 << 20);
	(void)keep("deb");
	put_file("outside/x", "");
	put_file("one/apt/x", "");
	put_file("two/apt/archives/x", "");
	put_file("victim", "untouched");
	cleanup_free char *outside = path_of("outside"), *archives = path_of("one/apt/archives"),
			  *deb = path_of("two/" DEB), *victim = path_of("victim");
	bool made = symlink(outside, archives) == 0 && symlink(victim, deb) == 0;
	struct hostshare *one = enter("one", &a, 5), *two = enter("two", &b, 5);
	enum hostshare_answer folder = want(one, DEB, "deb"), file = want(two, DEB, "deb");
	cleanup_free char *leaked = text_of("outside/p_1_amd64.deb"), *still = text_of("victim"),
			  *got = text_of("two/" DEB);
	hostshare_end(one, false);
	hostshare_end(two, false);
	(void)close(a), (void)close(b);
	clean();
	OK(made);
	EQ(folder, HOSTSHARE_GO);
	EQ(file, HOSTSHARE_GO);
	OK(!leaked);
	STREQ(still, "untouched");
	STREQ(got, "deb");
}

/* What an entry writes, byte by byte: its lines are taken out and answered, the rest is its report. */
TEST(lines_ahead_of_a_report)
{
	static const char said[] =
		"{\"lists\":[]}\n{\"want\":[]}\n{\"fetched\":true}\n{\n  \"want\":1\n}\n{\"fetched\":true}\n";
	struct buf out = { 0 };
	char answers[256] = "";
	int a, pair[2];

	fresh(1 << 20);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		FAIL("socketpair: %s", strerror(errno));
	struct entershare e = { .share = enter("one", &a, 5), .name = "one" };
	for (size_t i = 0; said[i]; i++) {
		buf_putc(&out, said[i]);
		entershare_take(&e, &out, pair[0]);
	}
	ssize_t n = recv(pair[1], answers, sizeof(answers) - 1, MSG_DONTWAIT);
	cleanup_free char *report = buf_steal(&out);
	hostshare_end(e.share, false);
	(void)close(a), (void)close(pair[0]), (void)close(pair[1]);
	clean();
	GE(n, 0);
	STREQ(answers, "{\"go\":true}\n{\"go\":true}\n");
	STREQ(report, "{\n  \"want\":1\n}\n{\"fetched\":true}\n");
}

/* One that asks without end, and never reads: it is not waited for, and what is too much is its report. */
TEST(lines_without_end)
{
	struct buf out = { 0 };
	int a, pair[2];

	fresh(1 << 20);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		FAIL("socketpair: %s", strerror(errno));
	log_setup("test", LOG_ERROR, LOG_TEXT);
	struct entershare e = { .share = enter("one", &a, 5), .name = "one" };
	for (int i = 0; i < 10000; i++) {
		buf_puts(&out, i % 2 ? "{\"fetched\":true}\n" : "{\"want\":[{}]}\n");
		entershare_take(&e, &out, pair[0]);
	}
	size_t left = out.n;
	buf_clear(&out);
	hostshare_end(e.share, false);
	(void)close(a), (void)close(pair[0]), (void)close(pair[1]);
	clean();
	GE(left, (size_t)100000);
	EQ(e.lines, ENTERSHARE_LINES);
}

/* --- lists --------------------------------------------------------------------------------- */

#define RELEASE                                       \
	"-----BEGIN PGP SIGNED MESSAGE-----\n"        \
	"Hash: SHA512\n"                              \
	"\n"                                          \
	"Origin: Debian\n"                            \
	"Date: Thu, 26 Nov 2020 01:00:00 UTC\n"       \
	"SHA256:\n ...\n"                             \
	"-----BEGIN PGP SIGNATURE-----\n"
#define RELEASE_DATE 1606352400

TEST(dates_of_a_release)
{
	static const struct {
		const char *text;
		int64_t date;
	} cases[] = {
		{ RELEASE, RELEASE_DATE },
		{ "Date: Thu, 26 Nov 2020 01:00:00 UTC\n" RELEASE, -1 },	/* before what is signed */
		{ "\n" RELEASE, -1 },
		{ "Origin: x\nDate: Thu, 26 Nov 2020 01:00:00 UTC\n", -1 },	/* not signed in this form */
		{ "-----BEGIN PGP SIGNED MESSAGE-----\nDate: Thu, 26 Nov 2020 01:00:00 UTC\n\nOrigin: x\n\n", -1 },
		{ "-----BEGIN PGP SIGNED MESSAGE-----\n\nDate: Thu, 26 Nov 2020 01:00:00 UTC\n"
		  "date: Thu, 26 Nov 2026 01:00:00 UTC\n\n",
		  -1 },
		{ "-----BEGIN PGP SIGNED MESSAGE-----\n\nDate: Thu, 26 Foo 2020 01:00:00 UTC\n", -1 },
		{ "-----BEGIN PGP SIGNED MESSAGE-----\n\nDate: Thu, 26 Nov 2020 01:00:00 +0200\n", -1 },
		{ "-----BEGIN PGP SIGNED MESSAGE-----\n\nOrigin: x\n\nDate: Thu, 26 Nov 2020 01:00:00 UTC\n", -1 },
		{ "", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		EQ(hostlists_date(cases[i].text, strlen(cases[i].text)), cases[i].date);
}

/* The next container of the image starts from them, and the server is asked for what is newer than the signed Date. */
TEST(lists_for_the_next)
{
	int a, b, c;
	struct stat st = { 0 };

	fresh(1 << 20);
	struct hostshare *one = enter("one", &a, 5);
	put_file("one/apt/lists/r_InRelease", RELEASE);
	put_file("one/apt/lists/r_Packages", "Package: x\n");
	put_file("one/apt/lists/private_Packages", "secret");
	put_file("one/apt/pkgcache.bin", "evil");
	put_file("one/ledger.json", "evil");
	(void)say(
		one,
		"{\"lists\":[\"apt/lists/r_InRelease\",\"apt/lists/r_Packages\",\"ledger.json\",\"apt/lists/../pkgcache.bin\"]}");
	hostshare_end(one, true);
	put_file("three/apt/x", "");	/* has a state already */
	struct hostshare *two = enter("two", &b, 5), *three = enter("three", &c, 5);
	int64_t seeded = hostshare_bytes(two), none = hostshare_bytes(three);
	cleanup_free char *release = text_of("two/apt/lists/r_InRelease"),
			  *packages = text_of("two/apt/lists/r_Packages"),
			  *private = text_of("two/apt/lists/private_Packages"), *bin = text_of("two/apt/pkgcache.bin"),
			  *ledger = text_of("two/ledger.json"), *file = path_of("two/apt/lists/r_InRelease");
	(void)stat(file, &st);
	hostshare_end(two, false);
	hostshare_end(three, false);
	(void)close(a), (void)close(b), (void)close(c);
	clean();
	STREQ(release, RELEASE);
	STREQ(packages, "Package: x\n");
	OK(!private && !bin && !ledger);
	EQ(seeded, (int64_t)strlen(RELEASE "Package: x\n"));
	EQ(none, 0);
	EQ(st.st_mtime, RELEASE_DATE + HOSTLISTS_SLACK);
	EQ(st.st_uid, 1234);
}

TEST(lists_of_a_failed_entry_are_nobodys)
{
	int a, b;

	fresh(1 << 20);
	struct hostshare *one = enter("one", &a, 5);
	put_file("one/apt/lists/r_InRelease", RELEASE);
	(void)say(one, "{\"lists\":[\"apt/lists/r_InRelease\"]}");
	hostshare_end(one, false);
	struct hostshare *two = enter("two", &b, 5);
	int64_t seeded = hostshare_bytes(two);
	hostshare_end(two, false);
	(void)close(a), (void)close(b);
	clean();
	EQ(seeded, 0);
}

TEST(who_shares_an_image)
{
	static const char mounts[] = "1 0 0:1 / / rw - overlay overlay rw,lowerdir=/l/%s:/l/2,upperdir=/u/1\n"
				     "2 1 0:2 / /proc rw - proc proc rw\n";
	char *groups[5];

	fresh(1 << 20);
	for (int i = 0; i < 3; i++) {
		cleanup_free char *name = xasprintf("%d/mountinfo", i);
		cleanup_buf struct buf text = { 0 };
		const char *at = strstr(mounts, "%s");

		buf_append(&text, mounts, (size_t)(at - mounts));
		buf_printf(&text, "%s%s", i == 2 ? "9" : "1", at + 2);
		put_file(name, text.s);
	}
	put_file("3/mountinfo", "1 0 0:1 / / rw - ext4 /dev/x rw\n");
	for (int i = 0; i < 4; i++)
		groups[i] = hostlists_group(top, i, NULL);
	groups[4] = hostlists_group(top, 3, "sha256:abc");
	bool same = groups[0] && groups[1] && streq(groups[0], groups[1]),
	     other = groups[2] && !streq(groups[0], groups[2]);
	bool none = !groups[3], named = groups[4] && hostcache_is_hash(groups[4]);
	for (int i = 0; i < 5; i++)
		free(groups[i]);
	clean();
	OK(same && other && none && named);
}

TAP_MAIN
