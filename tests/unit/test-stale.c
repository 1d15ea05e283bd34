/* From processes and owners to the report: whose file, from which version to which, what it fixed. */
#include "stale.h"
#include "tap.h"

#define BOOT 1000000LL

static struct procscan scan;
static struct owners now, before;
static struct report rep;

static void begin(void)
{
	procscan_clear(&scan);
	owners_clear(&now);
	owners_clear(&before);
	report_clear(&rep);
	scan.boot_ms = BOOT * 1000;
}

/* A process that started SECONDS after boot. */
static struct scan_process *process(pid_t pid, int64_t seconds)
{
	scan.v = xrealloc(scan.v, scan.n + 1, sizeof(*scan.v));
	struct scan_process *p = &scan.v[scan.n++];
	*p = (struct scan_process){ .pid = pid,
				    .ppid = 1,
				    .start = seconds * sysconf(_SC_CLK_TCK),
				    .comm = "food",
				    .exe = xstrdup("/usr/sbin/food"),
				    .cmdline = xstrdup("food -d") };
	return p;
}

static void own(struct owners *o, const char *path, const char *package, const char *version, const char *installed)
{
	struct wire_list l = { 0 };
	struct msg_owner *m = wire_list_add(&msg_owner, &l);

	m->path = xstrdup(path);
	m->package = xstrdup(package);
	m->arch = xstrdup("amd64");
	m->version = xstrdup(version);
	m->installed = xstrdup(installed);
	owners_add(o, &l);
}

static struct ledger_update *updated(const char *package, const char *from, const char *to, int64_t seconds,
				     const char *cve)
{
	struct msg_update u = { .package = (char *)(uintptr_t)package,
				.arch = (char *)(uintptr_t) "amd64",
				.installed = (char *)(uintptr_t)from,
				.candidate = (char *)(uintptr_t)to };

	strv_push(&u.cves, cve);
	struct ledger_update *l = ledger_add(&rep.ledger, &u, BOOT + seconds);
	strv_clear(&u.cves);
	return l;
}

static void judge(bool named)
{
	const struct stale_input in = {
		.scan = &scan, .now = &now, .before = &before, .named = named, .etc = STOPGAP_TOP "/tests/data/etc"
	};

	stale_judge(&in, &rep);
}

static const struct find_reason *reason(size_t p, size_t i)
{
	const struct find_process *f = wire_list_at(&find_process, &rep.stale, p);

	return wire_list_at(&find_reason, &f->reasons, i);
}

TEST(a_library_its_package_both_versions_and_what_they_fixed)
{
	begin();
	procscan_add_reason(process(7, 10), SCAN_LIBRARY, "/usr/lib/libssl.so.3");
	own(&now, "/usr/lib/libssl.so.3", "libssl3", "3.0.22", "2026-11-23T21:56:50Z");
	updated("libssl3", "3.0.20", "3.0.22", 50, "CVE-2026-1");
	judge(true);
	EQ(rep.stale.n, 1);
	const struct find_process *p = wire_list_at(&find_process, &rep.stale, 0);
	EQ(p->pid, 7);
	STREQ(p->user, "root");
	STREQ(p->started, "1970-01-12T13:46:50Z");
	const struct find_reason *r = reason(0, 0);
	STREQ(r->package, "libssl3");
	STREQ(r->from, "3.0.20");
	STREQ(r->to, "3.0.22");
	STREQ(r->evidence, "library");
	EQ(r->cves.n, 1);
}

TEST(somebody_elses_update_has_its_new_version_only)
{
	begin();
	procscan_add_reason(process(7, 10), SCAN_EXECUTABLE, "/usr/sbin/food");
	own(&now, "/usr/sbin/food", "food", "2.0", "2026-11-23T21:56:50Z");
	judge(true);
	STREQ(reason(0, 0)->package, "food");
	STREQ(reason(0, 0)->from, NULL);
	STREQ(reason(0, 0)->to, "2.0");
}

TEST(a_file_whose_name_is_gone_has_the_owner_it_had)
{
	begin();
	procscan_add_reason(process(7, 10), SCAN_LIBRARY, "/usr/lib/libcurl.so.4.8.0");
	own(&before, "/usr/lib/libcurl.so.4.8.0", "libcurl4", "7.88", "2026-01-01T00:00:00Z");
	updated("libcurl4", "7.88", "7.89", 50, "CVE-2026-2");
	judge(true);
	STREQ(reason(0, 0)->package, "libcurl4");
	STREQ(reason(0, 0)->from, "7.88");
	STREQ(reason(0, 0)->to, "7.89");
}

TEST(an_earlier_runs_update_is_remembered)
{
	begin();
	procscan_add_reason(process(7, 10), SCAN_LIBRARY, "/usr/lib/libcurl.so.4.8.0");
	ledger_add_file(updated("libcurl4", "7.88", "7.89", 50, "CVE-2026-2"), "/usr/lib/libcurl.so.4.8.0");
	judge(true);
	STREQ(reason(0, 0)->package, "libcurl4");
	STREQ(reason(0, 0)->to, "7.89");
}

TEST(a_file_that_nobody_owns_is_a_reason_without_a_package)
{
	begin();
	procscan_add_reason(process(7, 10), SCAN_LIBRARY, "/opt/app/lib.so");
	judge(true);
	EQ(rep.stale.n, 1);
	STREQ(reason(0, 0)->package, NULL);
}

TEST(a_script_is_old_when_its_package_was_unpacked_after_the_start)
{
	begin();
	strv_push(&process(7, 10)->scripts, "/usr/bin/tool");
	strv_push(&process(8, 100)->scripts, "/usr/bin/tool");
	/* 50 seconds after boot */
	own(&now, "/usr/bin/tool", "tool", "2", "1970-01-12T13:47:30Z");
	judge(true);
	EQ(rep.stale.n, 1);
	EQ(((struct find_process *)wire_list_at(&find_process, &rep.stale, 0))->pid, 7);
	STREQ(reason(0, 0)->evidence, "script");
}

TEST(what_cannot_be_read_is_never_fresh_once_something_was_updated)
{
	begin();
	process(7, 10)->unreadable = "no permission";
	process(8, 100)->unreadable = "no permission";
	judge(true);
	EQ(report_stale(&rep), false);
	updated("libssl3", "1", "2", 50, "CVE-2026-1");
	judge(true);
	EQ(rep.stale.n, 0);
	EQ(rep.unreadable.n, 2);
	EQ(((struct find_unreadable *)wire_list_at(&find_unreadable, &rep.unreadable, 0))->outdated, true);
	EQ(((struct find_unreadable *)wire_list_at(&find_unreadable, &rep.unreadable, 1))->outdated, false);
	EQ(report_stale(&rep), true);
}

TEST(running_files_of_no_package)
{
	begin();
	strv_push(&scan.running, "/opt/app/server");
	strv_push(&scan.running, "/usr/sbin/food");
	own(&now, "/usr/sbin/food", "food", "2.0", "2026-11-23T21:56:50Z");
	judge(true);
	EQ(rep.unmanaged.n, 1);
	STREQ(((struct find_unmanaged *)wire_list_at(&find_unmanaged, &rep.unmanaged, 0))->file, "/opt/app/server");
	judge(false);
	EQ(rep.unmanaged.n, 0);
}

TEST(each_path_is_asked_for_once)
{
	cleanup_strv struct strv paths = { 0 };

	begin();
	strv_push(&scan.running, "/usr/sbin/food");
	strv_push(&process(7, 10)->scripts, "/usr/bin/tool");
	procscan_add_reason(process(8, 10), SCAN_LIBRARY, "/usr/lib/a.so");
	procscan_add_reason(process(9, 10), SCAN_LIBRARY, "/usr/lib/a.so");
	stale_paths(&scan, &paths);
	EQ(paths.n, 3);
}

int main(void)
{
	int r = tap_main();

	begin();
	return r;
}
