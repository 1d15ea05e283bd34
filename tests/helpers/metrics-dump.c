/* metrics-dump FORMAT WHAT   the exposition of a made-up container, for tests.
 *
 * FORMAT: text, openmetrics.  WHAT: empty (no run yet), full, hostile (bytes that no label should have, 300 repositories),
 * many (three containers). */
#include <stdio.h>
#include "metrics.h"

#define NOW 1767323045 /* 2026-01-02T03:04:05Z */

static char *text(const char *s)
{
	return xstrdup(s);
}

static void add_update(struct wire_list *l, const char *package, enum code kept, const char *cve)
{
	struct msg_update *u = wire_list_add(&msg_update, l);

	u->package = text(package);
	u->arch = text("amd64");
	u->candidate = text("2");
	u->security = true;
	u->kept_back.code = kept;
	if (cve)
		strv_push(&u->cves, cve);
}

static void add_repository(struct report *r, const char *uri, const char *suite, bool security, enum code error)
{
	struct msg_repository *m = wire_list_add(&msg_repository, &r->repositories);

	m->uri = text(uri);
	m->suite = text(suite);
	m->security = security;
	m->date = text("2026-01-02T02:04:05Z");
	m->valid_until = text("2026-01-09T02:04:05Z");
	m->state = text(error == CODE_OK ? "new" : "failed");
	m->error.code = error;
}

static void fill(struct report *r, bool hostile)
{
	static const char odd[] = "a\n\"b\\c\033[2J\xff\xfe\u202e\r{}=,# x";

	report_init(r, MODE_ONCE, "schedule");
	r->time = NOW - 100;
	r->probed = r->refreshed = r->planned = r->security_source = true;
	r->plugin = text(hostile ? odd : "apt");
	r->plugin_version = text("1.0");
	r->plugin_max_rss = 11000000;
	r->bytes = 2500000;
	r->probe.distribution.id = text(hostile ? odd : "debian");
	r->probe.distribution.version = text("11");
	r->probe.distribution.codename = text("bullseye");
	r->probe.distribution.end_of_life = text(hostile ? odd : "2026-08-31");
	r->probe.distribution.support = text(hostile ? "ended" : "lts");
	r->probe.database.packages = 120;
	r->probe.database.state = text("clean");
	add_repository(r, hostile ? odd : "http://user:secret@deb.example/debian-security",
		       hostile ? odd : "bullseye-security", true, CODE_OK);
	add_repository(r, "http://deb.example/debian", "bullseye", false, hostile ? CODE_EXPIRED : CODE_OK);
	add_repository(r, "http://deb.example/debian", "bullseye", false, CODE_OK);
	for (int i = 0; hostile && i < 300; i++) {
		cleanup_free char *suite = xasprintf("suite%d", i);

		add_repository(r, "https://u:p@w@deb.example/@x", suite, false, CODE_OK);
	}
	add_update(&r->applied, "libc6", CODE_OK, "CVE-2026-1");
	add_update(&r->applied, "libc-bin", CODE_OK, "CVE-2026-1");
	add_update(&r->pending, "openssl", CODE_OK, NULL);
	add_update(&r->kept_back, "vim", CODE_HOLD, NULL);
	add_update(&r->kept_back, "nano", CODE_HOLD, NULL);
	ledger_add(&r->ledger,
		   &(struct msg_update){ .package = (char *)(uintptr_t) "libc6",
					 .arch = (char *)(uintptr_t) "amd64",
					 .candidate = (char *)(uintptr_t) "2" },
		   1);
	report_alarm(r, CODE_CONFFILE_KEPT, "/etc/foo");
	report_alarm(r, CODE_CONFFILE_KEPT, "/etc/bar");
	report_block(r, CODE_NO_SPACE, "of %s", odd);
	report_finish(r);
	r->start_ms = 1000;
	r->end_ms = 3500;
}

int main(int argc, char **argv)
{
	struct metrics_state state = { .runs = { 3 }, .applied = 7, .failed = 1, .restarts = 2, .bytes = 1 };
	struct metrics_snapshot m[3];
	cleanup_buf struct buf out = { 0 };
	struct report r;

	if (argc != 3)
		return 2;
	bool hostile = streq(argv[2], "hostile"), empty = streq(argv[2], "empty"), many = streq(argv[2], "many");
	fill(&r, hostile);
	if (!empty)
		metrics_account(&state, &r);
	for (int i = 0; i < 3; i++)
		m[i] = (struct metrics_snapshot){
			.container = many ? (const char *const[]){ "web", "db\"1", "new" }[i] : NULL,
			.name = "web",
			.image = hostile ? "im\nage\xff" : "debian:11",
			.last = empty || i == 2 ? NULL : &r,
			.state = &state,
			.now = NOW,
			.started = NOW - 86400,
			.next_run = empty ? 0 : NOW + 3600,
			.scanned_processes = empty ? -1 : 12,
			.stale_processes = empty ? -1 : 2,
			.unreadable_processes = empty ? -1 : 1,
			.unmanaged_files = empty ? -1 : 0,
			.unsupported_packages = empty ? -1 : 3,
			.unfixed_cves = empty ? -1 : 4,
		};
	metrics_write(m, many ? 3 : 1, streq(argv[1], "openmetrics"), &out);
	fputs(buf_str(&out), stdout);
	report_clear(&r);
	return 0;
}
