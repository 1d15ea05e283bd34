/* What earlier runs did: whose file it was, what a process missed, what is carried. */
#include "fd.h"
#include "ledger.h"
#include "tap.h"

static char dir[] = "/tmp/stopgap-test-ledger.XXXXXX";

__attribute__((constructor)) static void make_folder(void)
{
	const char *tmp = getenv("TMPDIR");

	if (tmp && chdir(tmp) < 0)
		abort();
	if (!mkdtemp(tmp ? memmove(dir, dir + 5, sizeof(dir) - 5) : dir))
		abort();
}

__attribute__((destructor)) static void remove_folder(void)
{
	cleanup_free char *path = xasprintf("%s/ledger.json", dir);

	(void)unlink(path);
	(void)rmdir(dir);
}

static struct ledger_update *add(struct ledger *l, const char *package, const char *from, const char *to, int64_t time,
				 const char *cve)
{
	struct msg_update u = { .package = (char *)(uintptr_t)package,
				.arch = (char *)(uintptr_t) "amd64",
				.installed = (char *)(uintptr_t)from,
				.candidate = (char *)(uintptr_t)to };

	strv_push(&u.cves, cve);
	struct ledger_update *n = ledger_add(l, &u, time);
	strv_clear(&u.cves);
	return n;
}

static struct find_reason explain(const struct ledger *l, const char *package, int64_t started)
{
	struct find_reason r = { .package = xstrdup(package), .arch = xstrdup("amd64") };

	ledger_explain(l, started, &r);
	return r;
}

TEST(a_process_missed_every_update_since_it_started)
{
	struct ledger l = { 0 };

	add(&l, "libssl3", "1", "2", 100, "CVE-1");
	add(&l, "libssl3", "2", "3", 200, "CVE-2");
	add(&l, "nginx", "8", "9", 200, "CVE-9");
	struct find_reason old = explain(&l, "libssl3", 50), between = explain(&l, "libssl3", 150),
			   fresh = explain(&l, "libssl3", 250);
	STREQ(old.from, "1");
	STREQ(old.to, "3");
	EQ(old.cves.n, 2);
	STREQ(between.from, "2");
	STREQ(between.to, "3");
	EQ(between.cves.n, 1);
	STREQ(fresh.from, NULL);
	EQ(ledger_last(&l), 200);
	wire_clear(&find_reason, &old);
	wire_clear(&find_reason, &between);
	wire_clear(&find_reason, &fresh);
	ledger_clear(&l);
}

TEST(of_many_updates_the_oldest_are_joined)
{
	struct ledger l = { 0 };

	for (int i = 0; i < 40; i++) {
		cleanup_free char *from = xasprintf("%d", i), *to = xasprintf("%d", i + 1),
				  *cve = xasprintf("CVE-%d", i);

		add(&l, "a", from, to, i, cve);
	}
	LE(l.updates.n, 8);
	struct find_reason r = explain(&l, "a", 0);
	STREQ(r.from, "0");
	STREQ(r.to, "40");
	EQ(r.cves.n, 40);
	wire_clear(&find_reason, &r);
	ledger_clear(&l);
}

TEST(a_file_that_is_gone_still_has_its_package)
{
	struct ledger l = { 0 };

	ledger_add_file(add(&l, "libfoo1", "1", "2", 10, "CVE-1"), "/usr/lib/libfoo.so.1.0.1");
	const struct ledger_update *u = ledger_owner(&l, "/usr/lib/libfoo.so.1.0.1");
	OK(u);
	STREQ(u->package, "libfoo1");
	EQ(ledger_owner(&l, "/usr/lib/other") != NULL, false);
	ledger_clear(&l);
}

TEST(what_is_carried_is_each_package_once)
{
	struct ledger l = { 0 };
	cleanup_strv struct strv carried = { 0 };

	add(&l, "a", "1", "2", 1, "CVE-1");
	add(&l, "ab", "1", "5", 1, "CVE-1");
	add(&l, "a", "2", "3", 2, "CVE-2");
	ledger_carried(&l, &carried);
	EQ(carried.n, 2);
	STREQ(carried.v[0], "a=3");
	STREQ(carried.v[1], "ab=5");
	ledger_clear(&l);
}

TEST(it_is_read_back_in_the_same_container_only)
{
	struct container here = { .host = (char *)(uintptr_t) "web", .id = (char *)(uintptr_t) "aa" };
	struct container copy = { .host = (char *)(uintptr_t) "web", .id = (char *)(uintptr_t) "bb" };
	struct container other = { .host = (char *)(uintptr_t) "db" };
	struct err err = ERR_INIT;
	struct ledger l, back;

	ledger_read(dir, &here, &l);
	EQ(l.updates.n, 0);
	add(&l, "a", "1", "2", 7, "CVE-1");
	l.health = xstrdup("healthy");
	EQ(ledger_save(&l, dir, &err), 0);
	ledger_clear(&l);
	ledger_read(dir, &here, &back);
	EQ(back.updates.n, 1);
	STREQ(back.health, "healthy");
	ledger_clear(&back);
	ledger_read(dir, &copy, &back);
	EQ(back.updates.n, 0);
	STREQ(back.id, "bb");
	ledger_clear(&back);
	ledger_read(dir, &other, &back);
	EQ(back.updates.n, 0);
	ledger_clear(&back);
}

TEST(a_damaged_file_is_nothing)
{
	static const char *const texts[] = { "", "{", "[]", "{\"host\":\"web\",\"updates\":7}",
					     "{\"host\":\"web\",\"updates\":[{\"package\":\"\"}]}" };
	struct container c = { .host = (char *)(uintptr_t) "web" };
	cleanup_free char *path = xasprintf("%s/ledger.json", dir);
	struct err err = ERR_INIT;
	struct ledger l;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		EQ(replace_file(path, 0600, texts[i], strlen(texts[i]), &err), 0);
		ledger_read(dir, &c, &l);
		EQ(l.updates.n, 0);
		STREQ(l.host, "web");
		ledger_clear(&l);
	}
}

TAP_MAIN
