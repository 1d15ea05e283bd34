/* The database reader: whole, cut off, interrupted and hostile databases. */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include "lines.h"
#include "dpkgdb.h"

#define STANZA(n, status, version) \
	"Package: " n "\nStatus: " status "\nMaintainer: x\nArchitecture: amd64\nVersion: " version \
	"\nConffiles:\n /etc/" n " d41d8cd98f00b204e9800998ecf8427e\nDescription: about " n "\n more\n .\n last\n\n"
#define TWO STANZA("bash", "install ok installed", "5.2-1") STANZA("zlib1g", "install ok installed", "1:1.2.13-1")

static char root[64];

static int remove_one(const char *path, const struct stat *st _unused_, int type _unused_, struct FTW *at _unused_)
{
	return remove(path);
}

static int remove_root(void)
{
	return root[0] ? nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS) : 0;
}

/* A fresh root with this status file. */
static void make_root(const char *status)
{
	struct err err = ERR_INIT;

	OK(remove_root() == 0);
	(void)snprintf(root, sizeof(root), "/tmp/test-dpkgdb-XXXXXX");
	OK(mkdtemp(root) != NULL);
	cleanup_free char *updates = xasprintf("%s/var/lib/dpkg/updates", root);
	cleanup_free char *info = xasprintf("%s/var/lib/dpkg/info", root);
	cleanup_free char *path = xasprintf("%s/var/lib/dpkg/status", root);
	OK(make_dirs(updates, 0755, &err) == 0);
	OK(make_dirs(info, 0755, &err) == 0);
	OK(!status || replace_file(path, 0644, status, strlen(status), &err) == 0);
}

static void add_file(const char *name, const char *text)
{
	cleanup_free char *path = xasprintf("%s/var/lib/dpkg/%s", root, name);
	struct err err = ERR_INIT;

	OK(replace_file(path, 0644, text, strlen(text), &err) == 0);
}

/* "clean", "interrupted: WHAT" or "broken: WHY" with the root taken out; caller frees. */
static char *state(void)
{
	cleanup_dpkgdb struct dpkgdb db = { 0 };
	cleanup_buf struct buf detail = { 0 };
	struct err err = ERR_INIT;

	if (dpkgdb_read(root, &db, &err) < 0) {
		const char *msg = strstr(err.msg, "/var/lib/dpkg");

		return xasprintf("%s: %s", code_name(err.code), msg ? msg : err.msg);
	}
	if (dpkgdb_interrupted(&db, &detail))
		return xasprintf("interrupted: %s", buf_str(&detail));
	return xstrdup("clean");
}

#define STATE(want) \
	do { \
		cleanup_free char *s_ = state(); \
		STREQ(s_, want); \
	} while (0)
#define STATE_HAS(want) \
	do { \
		cleanup_free char *s_ = state(); \
		HAS(s_, want); \
	} while (0)

TEST(whole)
{
	cleanup_dpkgdb struct dpkgdb db = { 0 };
	struct err err = ERR_INIT;

	make_root(TWO STANZA("gone", "deinstall ok config-files", "1"));
	EQ(dpkgdb_read(root, &db, &err), 0);
	EQ(db.n, 3);
	EQ(db.installed, 2);
	STREQ(dpkgdb_find(&db, "bash", "amd64")->version, "5.2-1");
	STREQ(dpkgdb_find(&db, "zlib1g", NULL)->version, "1:1.2.13-1");
	OK(dpkgdb_find(&db, "bash", "all") != NULL);
	OK(dpkgdb_find(&db, "bash", "i386") == NULL);
	OK(dpkgdb_find(&db, "bas", NULL) == NULL);
	OK(dpkgdb_at_version(dpkgdb_find(&db, "bash", ""), "5.2"));
	OK(!dpkgdb_at_version(dpkgdb_find(&db, "bash", ""), "5.3"));
	OK(!dpkgdb_at_version(dpkgdb_find(&db, "gone", ""), "1"));
	STATE("clean");
}

TEST(empty_is_clean_without_packages)
{
	make_root("");
	STATE("clean");
}
TEST(empty_with_file_lists)
{
	make_root("");
	add_file("info/bash.list", "/bin/bash\n");
	STATE_HAS("database_broken: /var/lib/dpkg/status is empty, but 1 packages have file lists; restore it from");
}

TEST(missing_status)
{
	make_root(NULL);
	STATE_HAS("database_broken: /var/lib/dpkg/status': No such file");
}
TEST(missing_database)
{
	struct err err = ERR_INIT;
	struct dpkgdb db;

	EQ(dpkgdb_read("/nowhere/at/all", &db, &err), -1);
	EQ(err.code, CODE_NO_PACKAGE_MANAGER);
}

/* Cut at every byte: never clean, except between two entries (one package of
 * two is too few to tell) and between the last lines of the last description. */
TEST(cut_anywhere)
{
	static const char text[] = TWO;
	size_t first = strlen(STANZA("bash", "install ok installed", "5.2-1"));
	size_t described = (size_t)(strstr(text, "about zlib1g") - text);

	for (size_t n = 1; n < sizeof(text) - 2; n++) {
		cleanup_free char *part = xstrndup(text, n);

		make_root(part);
		add_file("info/bash.list", "/bin/bash\n");
		add_file("info/zlib1g:amd64.list", "/lib/libz.so.1\n");
		if (n == first || (n > described && text[n - 1] == '\n'))
			continue;
		cleanup_free char *s = state();
		if (!starts_with(s, "database_broken: "))
			FAIL("cut after %zu bytes: %s", n, s);
	}
}

TEST(remedy_names_the_backup)
{
	make_root("Package: a\nStat");
	add_file("status-old", TWO);
	STATE_HAS("the file ends in the middle of a line; restore it from /");
	STATE_HAS("/var/lib/dpkg/status-old (cp -p) or from the image");
}

TEST(last_blank_line_missing_but_whole)
{
	cleanup_free char *text = xstrndup(TWO, strlen(TWO) - 1);

	make_root(text);
	add_file("info/bash.list", "/bin/bash\n");
	STATE("clean");
}

TEST(fifo_is_refused)
{
	cleanup_free char *path = NULL;

	make_root(NULL);
	path = xasprintf("%s/var/lib/dpkg/status", root);
	OK(mkfifo(path, 0644) == 0);
	STATE_HAS("database_broken: /var/lib/dpkg/status': not a regular file");
}

TEST(huge_sparse_file_is_refused)
{
	cleanup_free char *path = NULL;

	make_root(TWO);
	path = xasprintf("%s/var/lib/dpkg/status", root);
	OK(truncate(path, 1LL << 40) == 0);
	STATE_HAS("database_broken: ");
}

TEST(broken_entries)
{
	static const struct {
		const char *text, *what;
	} cases[] = {
		{ "Package: a\nPackage: b\n\n", "status:2: the field Package is not one package name" },
		{ "Package: A b\n\n", "status:1: the field Package" },
		{ "Package: ../x\n\n", "status:1: the field Package" },
		{ "Status: install ok installed\nVersion: 1\n\n", "status:3: an entry without the field Package" },
		{ "Package: a\nStatus: install ok installed\n\n", "status:3: an entry without the field Version" },
		{ "Package: a\nStatus: install ok\n\n", "three words" },
		{ "Package: a\nStatus: install ok installed now\n\n", "three words" },
		{ "Package: a\nStatus: install fine installed\n\n", "unknown word" },
		{ "Package: a\nStatus: install ok instaled\n\n", "unknown word" },
		{ "Package: a\nVersion: 1 2\n\n", "not one word" },
		{ "Package: a\nVersion: \033[31m\n\n", "not one word" },
		{ " continued\n\n", "status:1: a continued line continues nothing" },
		{ "Package: a\n \n\n", "a blank line within an entry" },
		{ "Package a\n\n", "status:1: not a field" },
		{ ": a\n\n", "status:1: not a field" },
		{ "-x: a\n\n", "status:1: not a field" },
		{ "two words: a\n\n", "status:1: not a field" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		make_root(cases[i].text);
		STATE_HAS(cases[i].what);
		STATE_HAS("database_broken: ");
	}
}

TEST(nul_bytes)
{
	cleanup_free char *path = NULL;
	cleanup_fd int fd = -1;

	make_root(TWO);
	path = xasprintf("%s/var/lib/dpkg/status", root);
	fd = open(path, O_WRONLY);
	OK(pwrite(fd, "\0\0\0", 3, 10) == 3);
	STATE_HAS("the file has NUL bytes");
}

TEST(interrupted)
{
	make_root(STANZA("a", "install ok unpacked", "1") STANZA("b", "install ok half-configured", "1")
			  STANZA("c", "install reinstreq half-installed", "1")
				  STANZA("d", "install ok triggers-pending", "1")
					  STANZA("e", "install ok triggers-awaited", "1")
						  STANZA("f", "hold ok installed", "1"));
	STATE("interrupted: a is unpacked, b is half-configured, c is half-installed and must be unpacked again, d is "
	      "triggers-pending, e is triggers-awaited");
}

TEST(journal_replaces_entries)
{
	cleanup_dpkgdb struct dpkgdb db = { 0 };
	struct err err = ERR_INIT;

	make_root(TWO);
	add_file("updates/0000", STANZA("bash", "install ok half-configured", "5.2-1"));
	add_file("updates/0001", STANZA("bash", "install ok unpacked", "5.3-1"));
	add_file("updates/tmp.i", "#padded\n");
	EQ(dpkgdb_read(root, &db, &err), 0);
	EQ(db.n, 2);
	EQ(db.journal, 2);
	STREQ(dpkgdb_find(&db, "bash", NULL)->version, "5.3-1");
	EQ(dpkgdb_find(&db, "bash", NULL)->status, DPKGDB_UNPACKED);
	STATE("interrupted: dpkg was cut off with 2 changes in /var/lib/dpkg/updates, bash is unpacked");
}

TEST(broken_journal)
{
	make_root(TWO);
	add_file("updates/0003", "Package: bash\nVers");
	STATE_HAS("database_broken: /var/lib/dpkg/updates/0003:2: the file ends in the middle of a line");
}

TEST(two_architectures)
{
	cleanup_dpkgdb struct dpkgdb db = { 0 };
	struct err err = ERR_INIT;

	make_root("Package: z\nStatus: install ok installed\nArchitecture: i386\nVersion: 1\nDescription: z\n\n"
		  "Package: z\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nDescription: z\n\n"
		  "Package: y\nStatus: install ok installed\nArchitecture: all\nVersion: 2\nDescription: y\n\n");
	EQ(dpkgdb_read(root, &db, &err), 0);
	STREQ(dpkgdb_find(&db, "z", "i386")->arch, "i386");
	STREQ(dpkgdb_find(&db, "z", "amd64")->arch, "amd64");
	STREQ(dpkgdb_find(&db, "y", "amd64")->arch, "all");
	OK(dpkgdb_find(&db, "z", "armhf") == NULL);
}

/* PACKAGE of version 1-1 with the line LINE: "source version". */
#define SOURCE(line, want)                                                                                        \
	do {                                                                                                      \
		cleanup_dpkgdb struct dpkgdb db = { 0 };                                                          \
		struct err err = ERR_INIT;                                                                        \
		make_root("Package: p\n" line "Status: install ok installed\nVersion: 1-1\nDescription: z\n\n");   \
		EQ(dpkgdb_read(root, &db, &err), 0);                                                              \
		cleanup_free char *got = xasprintf("%s %s", db.packages[0].source, db.packages[0].source_version); \
		STREQ(got, want);                                                                                 \
	} while (0)

TEST(source_package)
{
	SOURCE("", "p 1-1");
	SOURCE("Source: other\n", "other 1-1");
	SOURCE("Source: other (2:3-4)\n", "other 2:3-4");
	/* what makes no sense is no reason to distrust the rest */
	SOURCE("Source:\n", "p 1-1");
	SOURCE("Source: (1)\n", "p 1-1");
	SOURCE("Source: other (\n", "p 1-1");
	SOURCE("Source: other ()\n", "p 1-1");
	SOURCE("Source: other (1 2)\n", "p 1-1");
	SOURCE("Source: ../x\n", "p 1-1");
}

TEST(cleans_up)
{
	EQ(remove_root(), 0);
}
TAP_MAIN
