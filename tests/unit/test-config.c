/* The configuration: types, precedence, origins, and what is refused with which words. */
#include "config.h"
#include "tap.h"

static char *const no_environment[] = { NULL };

/* Parse TEXT as file "f". Returns the error's message, or NULL; caller frees. */
static char *parse(const char *text, struct config *c)
{
	struct err err = ERR_INIT;

	config_defaults(c);
	if (config_parse(c, "f", text, strlen(text), &err) == 0)
		return NULL;
	return xstrdup(err.code == CODE_CONFIG ? err.msg : "wrong code");
}

#define REFUSED(text, ...)                                            \
	do {                                                          \
		struct config c_;                                     \
		cleanup_free char *msg_ = parse(text, &c_);           \
		static const char *const parts_[] = { __VA_ARGS__ };  \
		config_clear(&c_);                                    \
		OK(msg_ != NULL);                                     \
		for (size_t i_ = 0; i_ < ARRAY_SIZE(parts_); i_++)    \
			HAS(msg_, parts_[i_]);                        \
	} while (0)

TEST(defaults)
{
	struct config c;

	config_defaults(&c);
	EQ(c.updates.policy, POLICY_SECURITY);
	EQ(c.schedule.interval, 6 * 3600);
	EQ(c.trust.max_metadata_age, 14 * 86400);
	EQ(c.network.max_bytes, 2LL << 30);
	EQ(c.report.socket_mode, 0600);
	STREQ(c.report.state_dir, "/var/lib/stopgap");
	EQ(c.restart.stop_signal, 0);
	EQ(c.restart.budget.count, 3);
	EQ(c.restart.budget.period, 3600);
	STREQ(c.health.command, NULL);
	OK(c.trust.require_signed && !c.trust.accept_expired && c.updates.allow_new);
	config_clear(&c);
}

TEST(values)
{
	struct config c;
	cleanup_free char *msg = parse("# a comment\n; another\n\n[updates]\npolicy = all\nmin_age=2d\n"
				       "deny = linux-.*  mysql\ndeny=vim\norigins=origin=Debian,label=Debian-Security\n"
				       "[network]\nmax_bytes=500M\nproxy=http://proxy:3128 ;not a comment\n",
				       &c);

	STREQ(msg, NULL);
	EQ(c.updates.policy, POLICY_ALL);
	EQ(c.updates.min_age, 2 * 86400);
	EQ(c.updates.deny.n, 3);
	STREQ(c.updates.deny.v[2], "vim");
	EQ(c.updates.origins.n, 1);
	STREQ(c.updates.origins.v[0], "origin=Debian,label=Debian-Security");
	EQ(c.network.max_bytes, 500LL << 20);
	STREQ(c.network.proxy, "http://proxy:3128 ;not a comment");
	config_clear(&c);
}

TEST(restart_and_schedule)
{
	struct config c;
	cleanup_free char *msg = parse("[restart]\nstop_signal=RTMIN+3\nbudget=10/1d\n[schedule]\n"
				       "window=Mon-Fri 22:00-04:00 +02:00; Sat 02:00-05:00\n[health]\n"
				       "command=curl -fs 'http://localhost/a b'\n",
				       &c);
	cleanup_buf struct buf text = { 0 };

	STREQ(msg, NULL);
	EQ(c.restart.budget.count, 10);
	STREQ(c.schedule.window, "Mon-Fri 22:00-04:00 +02:00; Sat 02:00-05:00");
	config_text(&c, &text);
	HAS(buf_str(&text), "restart.stop_signal = SIGRTMIN+3 ");
	HAS(buf_str(&text), "restart.budget = 10/86400s ");
	HAS(buf_str(&text), "health.command = curl -fs 'http://localhost/a b' ");
	config_clear(&c);
}

TEST(crlf_and_no_newline_at_the_end)
{
	struct config c;
	cleanup_free char *msg = parse("[updates]\r\nmin_age=3h", &c);

	STREQ(msg, NULL);
	EQ(c.updates.min_age, 3 * 3600);
	config_clear(&c);
}

TEST(long_lines)
{
	struct config c;
	cleanup_buf struct buf text = { 0 };

	buf_puts(&text, "[updates]\ndeny=");
	for (int i = 0; i < 6000; i++)
		buf_printf(&text, "package%04d ", i);	/* longer than 64 KiB */
	cleanup_free char *msg = parse(buf_str(&text), &c);
	config_clear(&c);
	HAS(msg, "f:2: line longer than 65536 bytes");
	text.s[10 + 5 + 60000] = '\0';
	cleanup_free char *second = parse(buf_str(&text), &c);
	STREQ(second, NULL);
	OK(c.updates.deny.n > 4000);
	config_clear(&c);
}

TEST(refused)
{
	REFUSED("[updates]\npolicy=everything\n", "f:2", "[updates] policy", "'everything'", "security all");
	REFUSED("[update]\n", "f:1", "[update]", "updates, schedule");
	REFUSED("[updates]\npolcy=all\n", "f:2", "'polcy'", "policy, origins");
	REFUSED("[updates]\nmin_age=soon\n", "f:2", "min_age", "'soon'", "6h");
	REFUSED("[updates]\nmin_age=99999999999999999999s\n", "f:2", "min_age");
	REFUSED("[updates]\nallow_new=perhaps\n", "yes or no");
	REFUSED("[updates]\ndeny=lib(\n", "f:2", "'lib('", "extended regular");
	REFUSED("[updates]\nmin_age=1h\nmin_age=2h\n", "f:3", "given twice", "f:2");
	REFUSED("policy=all\n", "f:1", "before the first [section]");
	REFUSED("[updates]\njust words\n", "f:2", "neither [section] nor key=value");
	REFUSED("[updates\n", "f:1", "[name]");
	REFUSED("[updates]\ndeny=a\n  b\n", "f:3", "indented", "repeat a list's key");
	REFUSED("[report]\nstate_dir=relative\n", "f:2", "absolute path");
	REFUSED("[report]\nsocket_mode=0999\n", "f:2", "octal");
	REFUSED("[report]\nhistory=-1\n", "f:2", "whole number");
	REFUSED("[network]\nmax_bytes=1T\n", "f:2", "500M");
	REFUSED("[updates]\norigins=\xff\xfe\n", "f:2", "UTF-8");
	REFUSED("[schedule]\nwindow=2am-5am\n", "f:2", "[schedule] window", "'2am-5am'", "Mon-Fri 22:00-04:00 +02:00");
	REFUSED("[restart]\nstop_signal=SIGNOPE\n", "f:2", "stop_signal = 'SIGNOPE'", "SIGTERM, QUIT, 15 or RTMIN+3");
	REFUSED("[restart]\nbudget=3\n", "f:2", "budget = '3'", "3/1h");
	REFUSED("[restart]\nnever=ngin(\n", "f:2", "'ngin('", "of names");
	REFUSED("[health]\ncommand=curl 'http://localhost\n", "f:2", "command", "not closed", "without a shell");
	REFUSED("[hooks]\nbefore=a \\\n", "f:2", "before", "backslash");
	REFUSED("[hooks]\nafter='' a\n", "f:2", "after", "without a name");
}

TEST(nul_byte)
{
	struct config c;
	struct err err = ERR_INIT;

	config_defaults(&c);
	EQ(config_parse(&c, "f", "[updates]\nmin_age=1\0h\n", 22, &err), -1);
	HAS(err.msg, "f:2: NUL byte");
	config_clear(&c);
}

TEST(precedence_and_origin)
{
	struct config c;
	struct err err = ERR_INIT;
	char *const env[] = { (char *)(uintptr_t) "STOPGAP_UPDATES_MIN_AGE=2h",
			      (char *)(uintptr_t) "STOPGAP_UPDATES_DENY=a b\nc",
			      (char *)(uintptr_t) "STOPGAP_NETWORK_STALL=5s", NULL };
	cleanup_strv struct strv sets = { 0 };
	cleanup_buf struct buf text = { 0 };

	strv_push(&sets, "network.stall=7s");
	strv_push(&sets, "restart.never=postgres.*");
	strv_push(&sets, "restart.never=redis.*");
	EQ(config_load(STOPGAP_TOP "/tests/data/some.conf", env, &sets, &c, &err), 0);
	EQ(c.updates.min_age, 2 * 3600);
	EQ(c.updates.deny.n, 3);	/* the environment replaces the file's list */
	EQ(c.network.stall, 7);
	EQ(c.network.timeout, 90);	/* from the file */
	EQ(c.restart.never.n, 2);
	config_text(&c, &text);
	HAS(buf_str(&text), "updates.min_age = 7200s    (environment STOPGAP_UPDATES_MIN_AGE)");
	HAS(buf_str(&text), "network.stall = 7s    (command line --set)");
	HAS(buf_str(&text), "some.conf:5)");
	HAS(buf_str(&text), "schedule.interval = 21600s    (default)");
	config_clear(&c);
}

TEST(bad_sets)
{
	static const char *const bad[] = { "updates", "updates.policy", "updates=all", "nothing.here=1",
					   "updates.min_age=x" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct config c;
		struct err err = ERR_INIT;
		cleanup_strv struct strv sets = { 0 };

		strv_push(&sets, bad[i]);
		EQ(config_load(STOPGAP_TOP "/tests/data/empty.conf", no_environment, &sets, &c, &err), -1);
		EQ(err.code, CODE_CONFIG);
		HAS(err.msg, bad[i]);
	}
}

TEST(a_named_file_must_exist)
{
	struct config c;
	struct err err = ERR_INIT;
	struct strv sets = { 0 };

	EQ(config_load("/nonexistent/stopgap.conf", no_environment, &sets, &c, &err), -1);
	EQ(err.code, CODE_CONFIG);
	HAS(err.msg, "/nonexistent/stopgap.conf");
}

TAP_MAIN
