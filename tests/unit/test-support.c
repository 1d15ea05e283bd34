/* What the plugin found about support, as alarms and as JSON (agent/support.h). */
#include "support.h"
#include "tap.h"

static void add(struct msg_support *s, const char *source, const char *package, const char *state, const char *since,
		const char *detail)
{
	struct msg_support_package *p = wire_list_add(&msg_support_package, &s->packages);

	s->known = true;
	p->source = xstrdup(source);
	p->package = xstrdup(package);
	p->arch = xstrdup("amd64");
	p->version = xstrdup("1-1");
	p->state = xstrdup(state);
	p->since = xstrdup(since);
	p->detail = xstrdup(detail);
}

static char *alarms_text(const struct msg_support *s)
{
	struct wire_list alarms = { 0 };
	struct buf b = { 0 };

	support_alarms(s, &alarms);
	for (size_t i = 0; i < alarms.n; i++) {
		const struct msg_reason *r = wire_list_at(&msg_reason, &alarms, i);

		buf_printf(&b, "%s: %s\n", code_name(r->code), r->detail);
	}
	wire_list_clear(&msg_reason, &alarms);
	return b.n ? buf_steal(&b) : xstrdup("");
}

TEST(nothing_is_no_alarm)
{
	struct msg_support s = { .known = true };
	cleanup_free char *text = alarms_text(&s);

	STREQ(text, "");
	EQ(support_count(&s, "ended"), 0);
}

TEST(one_alarm_per_source)
{
	struct msg_support s = { 0 };

	add(&s, "pdns", "pdns-backend", "ended", "2025-10-01", "No support upstream");
	add(&s, "binutils", "binutils", "limited", NULL, "Only for trusted content");
	add(&s, "pdns", "pdns-server", "ended", "2025-10-01", "No support upstream");
	add(&s, NULL, "lonely", "limited", NULL, NULL);
	add(&s, "later", "later", "ending", "2030-01-01", "soon");
	/* support of one source may have ended and be limited: two tables, two alarms */
	add(&s, "binutils", "binutils", "ended", "2020-01-01", NULL);
	cleanup_free char *text = alarms_text(&s);
	EQ(support_count(&s, "ended"), 3);
	EQ(support_count(&s, "ending"), 1);
	EQ(support_count(&s, "limited"), 2);
	wire_clear(&msg_support, &s);
	STREQ(text, "package_unsupported: pdns (pdns-backend, pdns-server) gets no security updates since 2025-10-01: "
		    "No support upstream\n"
		    "package_limited: binutils (binutils) is supported only in part: Only for trusted content\n"
		    "package_limited: lonely (lonely) is supported only in part\n"
		    "package_unsupported: binutils (binutils) gets no security updates since 2020-01-01\n");
	EQ(code_class(CODE_PACKAGE_UNSUPPORTED), CLASS_ALARM);
	EQ(code_class(CODE_PACKAGE_LIMITED), CLASS_ALARM);
}

TEST(many_packages_are_counted)
{
	struct msg_support s = { 0 };

	for (int i = 0; i < 8; i++) {
		cleanup_free char *name = xasprintf("p%d", i);

		add(&s, "src", name, "limited", NULL, "x");
	}
	cleanup_free char *text = alarms_text(&s);
	wire_clear(&msg_support, &s);
	STREQ(text, "package_limited: src (p0, p1, p2, p3, p4 and 3 more) is supported only in part: x\n");
}

TEST(as_json)
{
	struct msg_support s = { 0 };

	add(&s, "pdns", "pdns-server", "ended", "2025-10-01", "No \"support\"\n\033[31m");
	struct json_object *o = support_json(&s);
	wire_clear(&msg_support, &s);
	cleanup_free char *text = xstrdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
	STREQ(text, "{\"known\":true,\"packages\":[{\"package\":\"pdns-server\",\"arch\":\"amd64\",\"version\":\"1-1\","
		    "\"source\":\"pdns\",\"state\":\"ended\",\"since\":\"2025-10-01\","
		    "\"detail\":\"No \\\"support\\\"\\\\x0a\\\\x1b[31m\"}]}");
}

TAP_MAIN
