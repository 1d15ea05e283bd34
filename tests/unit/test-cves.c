/* The list of vulnerabilities: order, counts, exit codes, text; and the whitelist. */
#include "cves.h"
#include "report.h"
#include "tap.h"
#include "whitelist.h"

static void add(struct cves *c, const char *cve, const char *package, const char *urgency, const char *remote, bool fix)
{
	struct msg_cve *m = wire_list_add(&msg_cve, &c->found);

	m->cve = xstrdup(cve);
	m->package = xstrdup(package);
	m->arch = xstrdup("amd64");
	m->installed = xstrdup("1-1");
	m->urgency = xstrdup(urgency);
	m->remote = xstrdup(remote);
	m->fix_available = fix;
	m->fixed = fix ? xstrdup("1-2") : NULL;
}

static void some(struct cves *c)
{
	*c = (struct cves){ .error = ERR_INIT };
	add(c, "CVE-2026-2", "b", NULL, "no", false);
	add(c, "CVE-2026-2", "a", "low", "no", true);
	add(c, "CVE-2026-10", "a", "low", "no", true);
	add(c, "CVE-2025-9", "a", "low", "no", true);
	add(c, "CVE-2020-1", "z", "low", "yes", true);
	add(c, "CVE-2020-1", "z", "medium", "unknown", true);
	add(c, "CVE-2020-1", "z", "high", "no", true);
	add(c, "CVE-2026-1", "a", "high", "yes", false);
	add(c, "CVE-2026-2", "a", NULL, "no", false);
	cves_sort(c);
}

TEST(order)
{
	struct cves c;
	cleanup_buf struct buf b = { 0 };

	some(&c);
	for (size_t i = 0; i < c.found.n; i++) {
		const struct msg_cve *m = wire_list_at(&msg_cve, &c.found, i);

		buf_printf(&b, "%s %s %s\n", m->cve, m->package, strna(m->urgency));
	}
	cves_clear(&c);
	STREQ(buf_str(&b),
	      "CVE-2020-1 z high\nCVE-2020-1 z medium\nCVE-2020-1 z low\nCVE-2026-10 a low\nCVE-2026-2 a low\n"
	      "CVE-2025-9 a low\nCVE-2026-1 a high\nCVE-2026-2 a \nCVE-2026-2 b \n");
}

TEST(exit_codes)
{
	struct cves c;

	some(&c);
	EQ(cves_exit(&c), EXIT_PENDING);
	cves_clear(&c);
	c = (struct cves){ .error = ERR_INIT };
	EQ(cves_exit(&c), EXIT_DONE);
	add(&c, "CVE-1", "a", "high", "yes", false);
	EQ(cves_exit(&c), EXIT_DONE);
	reason_add(&c.blocked, CODE_BUSY, "x");
	EQ(cves_exit(&c), EXIT_BLOCKED);
	(void)err_set(&c.error, CODE_FEED_FAILED, 0, "x");
	EQ(cves_exit(&c), EXIT_FAILED);
	(void)err_set(&c.error, CODE_CONFIG, 0, "x");
	EQ(cves_exit(&c), EXIT_USAGE);
	cves_clear(&c);
}

TEST(counts_in_json)
{
	struct cves c;
	struct json_object *o, *counts = NULL, *v = NULL;

	some(&c);
	c.whitelisted = 3;
	o = cves_json(&c);
	OK(json_object_object_get_ex(o, "counts", &counts));
	cleanup_free char *text = xstrdup(json_object_to_json_string_ext(counts, JSON_C_TO_STRING_PLAIN));
	OK(json_object_object_get_ex(o, "cves", &v));
	size_t n = json_object_array_length(v);
	json_object_put(o);
	cves_clear(&c);
	EQ(n, 9);
	STREQ(text,
	      "{\"total\":9,\"fix_available\":6,\"no_fix\":3,\"vulnerabilities\":5,\"packages\":3,\"whitelisted\":3,"
	      "\"high\":2,\"medium\":1,\"low\":4,\"unassigned\":2}");
}

TEST(text)
{
	struct cves c = { .error = ERR_INIT };
	cleanup_buf struct buf b = { 0 };

	add(&c, "CVE-2026-1", "evil\033[2J", "high", "yes", true);
	add(&c, "CVE-2026-2", "b", NULL, "no", false);
	((struct msg_cve *)wire_list_at(&msg_cve, &c.found, 1))->obsolete = true;
	c.distribution.name = xstrdup("Debian\n12");
	c.feed.suite = xstrdup("bookworm");
	c.feed.state = xstrdup("stale");
	c.feed.date = xstrdup("2026-11-25T10:00:00Z");
	c.whitelisted = 1;
	reason_add(&c.feed.alarms, CODE_FEED_STALE, "old\n");
	cves_text(&c, false, &b);
	cves_clear(&c);
	STREQ(buf_str(&b),
	      "stopgap cves · Debian\\x0a12 · feed bookworm of 2026-11-25T10:00:00Z (stale)\n"
	      "  VULNERABILITY  PACKAGE      INSTALLED  FIXED IN  URGENCY  NOTES\n"
	      "  CVE-2026-1     evil\\x1b[2J  1-1        1-2       high     remote\n"
	      "  CVE-2026-2     b            1-1        -         -        obsolete\n"
	      "note: [feed_stale] old\\x0a\n"
	      "1 with a fix in bookworm, 1 without, 1 whitelisted; 'stopgap check' says which updates are to be had\n");
}

TEST(text_of_a_failure)
{
	struct cves c = { .error = ERR_INIT };
	cleanup_buf struct buf b = { 0 };

	(void)err_set(&c.error, CODE_FEED_FAILED, 0, "404\033");
	cves_text(&c, false, &b);
	STREQ(buf_str(&b), "stopgap cves · unknown distribution\nerror: [feed_failed] 404\\x1b\n");
}

/* --- the whitelist ------------------------------------------------------------ */

#define LIST "VERSION 0\nCVE-2026-1,\nCVE-2026-2,perlmagick\nTEMP-0000000-ABCDEF,a\n"

static int parse(const char *text, struct whitelist *ret, struct err *err)
{
	*ret = (struct whitelist){ 0 };
	return whitelist_parse("f", text, strlen(text), ret, err);
}

TEST(whitelist)
{
	struct whitelist w;
	struct err err = ERR_INIT;

	EQ(parse(LIST, &w, &err), 0);
	OK(whitelist_has(&w, "CVE-2026-1", "anything"));
	OK(whitelist_has(&w, "CVE-2026-2", "perlmagick"));
	OK(!whitelist_has(&w, "CVE-2026-2", "imagemagick"));
	OK(!whitelist_has(&w, "CVE-2026-2", "perlmagick2"));
	OK(!whitelist_has(&w, "CVE-2026-3", ""));
	OK(!whitelist_has(&w, "CVE-2026-1,", ""));
	whitelist_clear(&w);
	OK(!whitelist_has(&w, "CVE-2026-1", "a"));
	EQ(parse("VERSION 0\n", &w, &err), 0);
	EQ(parse("VERSION 0", &w, &err), 0);
	EQ(parse("VERSION 0\n\nCVE-1,", &w, &err), 0);
	OK(whitelist_has(&w, "CVE-1", "a"));
	whitelist_clear(&w);
}

#define REFUSED(text, where)                                             \
	do {                                                             \
		struct whitelist w;                                      \
		struct err err = ERR_INIT;                               \
		EQ(parse(text, &w, &err), -1);                           \
		EQ(err.code, CODE_CONFIG);                               \
		HAS(err.msg, where);                                     \
		EQ(w.entries.n, 0);                                      \
	} while (0)

TEST(a_broken_whitelist_is_an_error)
{
	REFUSED("", "f:1: not a whitelist");
	REFUSED("VERSION 1\n", "f:1: not a whitelist");
	REFUSED("CVE-2026-1,\n", "f:1: not a whitelist");
	REFUSED("VERSION 0\nCVE-2026-1\n", "f:2: accepted");
	REFUSED("VERSION 0\nCVE-1,\nCVE-2026-1,a,b\n", "f:3: accepted");
	REFUSED("VERSION 0\nCVE-1,\ncve-1,\n", "f:3: accepted");
	REFUSED("VERSION 0\n# comment\n", "f:2: accepted");
	REFUSED("VERSION 0\nCVE-1, a\n", "f:2: accepted");
	REFUSED("VERSION 0\r\nCVE-1,\r\n", "f:1: not a whitelist");
	REFUSED("VERSION 0\nCVE-\033,\n", "f:2: accepted");
}

TEST(a_whitelist_that_is_not_there)
{
	struct whitelist w = { 0 };
	struct err err = ERR_INIT;

	EQ(whitelist_read("/nowhere/list", &w, &err), -1);
	EQ(err.code, CODE_CONFIG);
	HAS(err.msg, "cves.whitelist: open '/nowhere/list'");
}

TAP_MAIN
