/* The plugin's loop: a forked plugin_main() at the end of a socketpair. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "fd.h"
#include "serve.h"
#include "tap.h"

/* --- a plugin whose answers depend on what it is asked --------------------- */

static int op_probe(const struct msg_settings *in, struct msg_probe *ret, struct err *err _unused_)
{
	ret->applicable = true;
	ret->manager = xasprintf("test in %s", in->state_dir);
	return 0;
}

static int op_refresh(const struct msg_refresh_params *in, struct msg_refresh *ret, struct err *err)
{
	struct wire_list record = { 0 };
	struct msg_repository *r;

	if (streq(in->scope, "plain"))
		return 0;
	r = wire_list_add(&msg_repository, streq(in->scope, "fail") ? &record : &ret->repositories);
	r->uri = xstrdup("http://mirror.example/x");
	if (streq(in->scope, "fail")) {
		plugin_error_repositories(&record);
		err->retryable = true;
		(void)err_set(err, CODE_EXPIRED, 0, "the Release file\nexpired");
		err->retryable = true;
		return -1;
	}
	if (streq(in->scope, "record-then-success")) {
		r = wire_list_add(&msg_repository, &record);
		r->uri = xstrdup("http://mirror.example/stale-record");
		plugin_error_repositories(&record);
	}
	return 0;
}

static int op_plan(const struct msg_plan_params *in, struct msg_plan *ret, struct err *err)
{
	if (streq(in->policy, "silent-failure"))
		return -1;
	if (streq(in->policy, "events")) {
		struct msg_update u = { .package = (char *)(uintptr_t) "p\x1b[2J", .arch = (char *)(uintptr_t) "all" };

		plugin_event("update", &msg_update, &u);
		plugin_log(LOG_INFO, "line one\n%s", "line two");
		plugin_log(LOG_INFO, "%s", "");
		for (int i = 0; i <= 1000; i++) {
			struct msg_progress p = { .phase = (char *)(uintptr_t) "plan", .done = i, .total = 1000 };
			plugin_event("progress", &msg_progress, &p);
		}
	}
	(void)err;
	ret->count = 1;
	ret->digest = xstrdup("d");
	return 0;
}

static int op_apply(const struct msg_digest *in, struct msg_apply *ret, struct err *err)
{
	if (streq(in->digest, "huge")) {
		for (int i = 0; i < 100; i++) {
			struct msg_failure *f = wire_list_add(&msg_failure, &ret->failed);

			f->package = xstrdup("p");
			f->code = CODE_SCRIPT_FAILED;
			f->detail = xasprintf("%016000d", i);
		}
		return 0;
	}
	if (streq(in->digest, "work")) {	/* until told to stop */
		struct msg_progress p = { .phase = (char *)(uintptr_t) "apply", .done = 1, .total = 1 };

		plugin_event("progress", &msg_progress, &p);
		for (int i = 0; i < 1000 && !plugin_stop_requested(); i++)
			(void)poll(NULL, 0, 10);
		ret->stopped = plugin_stop_requested();
		ret->log = xstrdup("finished");
		(void)write_all(9, "done", 4);	/* the test's own channel */
		return 0;
	}
	return err_set(err, CODE_DIGEST_MISMATCH, 0, "no plan '%s'", in->digest);
}

/* What a program that the plugin starts would find. */
static int op_repair(struct msg_repair *ret, struct err *err)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)execl("/bin/sh", "sh", "-c",
			    "[ ! -e /proc/self/fd/3 ] && grep -q '^SigIgn:\t0*$' /proc/self/status && "
			    "grep -q '^SigBlk:\t0*$' /proc/self/status",
			    (char *)NULL);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) < 0 || status != 0)
		return err_set(err, CODE_INTERNAL, 0, "a child inherits fd 3, an ignored or a blocked signal");
	ret->repaired = true;
	return 0;
}

static const struct plugin_ops ops = { .name = "test",
				       .probe = op_probe,
				       .refresh = op_refresh,
				       .plan = op_plan,
				       .apply = op_apply,
				       .repair = op_repair };

/* --- the agent's end ------------------------------------------------------ */

static struct {
	pid_t pid;
	int fd;			/* the socket */
	int channel;		/* what the plugin writes to its fd 9 */
	struct buf in;
} plugin;

static void start_plugin(void)
{
	int sv[2], ch[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0 || pipe2(ch, O_CLOEXEC) < 0)
		abort();
	plugin.pid = fork();
	if (plugin.pid == 0) {
		int out = fcntl(ch[1], F_DUPFD, 20), sock = fcntl(sv[1], F_DUPFD, 20);
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		(void)dup2(null, STDERR_FILENO);
		for (int fd = 3; fd < 20; fd++)
			(void)close(fd);
		(void)dup2(sock, PLUGIN_FD);
		(void)dup3(out, 9, O_CLOEXEC);
		(void)close(sock);
		(void)close(out);
		_exit(plugin_main(&ops));
	}
	(void)close(sv[1]);
	(void)close(ch[1]);
	plugin.fd = sv[0];
	plugin.channel = ch[0];
}

static void send_text(const char *s)
{
	if (send(plugin.fd, s, strlen(s), MSG_NOSIGNAL) != (ssize_t)strlen(s))
		abort();
}

/* The next line within five seconds, or NULL at EOF or then; caller frees. */
static char *receive(void)
{
	char chunk[65536];

	for (;;) {
		const char *nl = plugin.in.n ? memchr(plugin.in.s, '\n', plugin.in.n) : NULL;
		struct pollfd p = { .fd = plugin.fd, .events = POLLIN };

		if (nl) {
			char *line = xstrndup(plugin.in.s, (size_t)(nl - plugin.in.s));
			buf_consume(&plugin.in, strlen(line) + 1);
			return line;
		}
		if (poll(&p, 1, 5000) != 1)
			return NULL;
		ssize_t n = read(plugin.fd, chunk, sizeof(chunk));
		if (n <= 0)
			return NULL;
		buf_append(&plugin.in, chunk, (size_t)n);
	}
}

/* Wait for the end: the wait status, or -1 when it does not come in five seconds. */
static int end_plugin(void)
{
	int status = -1;

	if (plugin.fd >= 0)
		(void)close(plugin.fd);
	for (int i = 0; i < 500 && waitpid(plugin.pid, &status, WNOHANG) == 0; i++) {
		status = -1;
		(void)poll(NULL, 0, 10);
	}
	if (status == -1) {
		(void)kill(plugin.pid, SIGKILL);
		(void)waitpid(plugin.pid, NULL, 0);
	}
	(void)close(plugin.channel);
	buf_clear(&plugin.in);
	return status;
}

#define ANSWER(want_)                               \
	do {                                        \
		cleanup_free char *got_ = receive(); \
		STREQ(got_, want_);                 \
	} while (0)
#define ANSWER_HAS(part_)                           \
	do {                                        \
		cleanup_free char *got_ = receive(); \
		HAS(got_, part_);                   \
	} while (0)

#define PROBE                                                                                        \
	"{\"id\":1,\"method\":\"probe\",\"params\":{\"state_dir\":\"/s\",\"require_signed\":true,"   \
	"\"accept_expired\":false,\"max_metadata_age\":0,\"timeout\":1,\"stall\":1,\"max_bytes\":1," \
	"\"lock_timeout\":0,\"script_timeout\":1}}\n"

static void start_probed(void)
{
	start_plugin();
	send_text("{\"hello\":{\"protocol\":[1]}}\n" PROBE);
	ANSWER_HAS("{\"hello\":");
	ANSWER_HAS("{\"id\":1,\"result\":");
}

/* --- cases ---------------------------------------------------------------- */

TEST(hello_lists_the_methods_it_has)
{
	start_plugin();
	send_text("{\"hello\":{\"protocol\":[2,1]}}\n");
	ANSWER("{\"hello\":{\"protocol\":1,\"plugin\":\"test\",\"version\":\"" PACKAGE_VERSION
	       "\",\"capabilities\":[\"probe\",\"refresh\",\"plan\",\"apply\",\"repair\"]}}");
	EQ(end_plugin(), 0);
}

TEST(an_agent_that_speaks_another_version_is_left)
{
	static const char *const hellos[] = { "{\"hello\":{\"protocol\":[2]}}\n", "{\"hello\":{\"protocol\":1}}\n",
					      "{\"hello\":{}}\n", "{\"hello\":[]}\n", "{\"hello\":null}\n" };

	for (size_t i = 0; i < ARRAY_SIZE(hellos); i++) {
		start_plugin();
		send_text(hellos[i]);
		OK(receive() == NULL);
		EQ(WEXITSTATUS(end_plugin()), 1);
	}
}

TEST(each_request_has_one_answer_in_order)
{
	start_plugin();
	send_text("{\"hello\":{\"protocol\":[1]}}\n" PROBE
		  "{\"id\":2,\"method\":\"refresh\",\"params\":{\"scope\":\"plain\"}}\n"
		  "{\"id\":3,\"method\":\"plan\",\"params\":{\"policy\":\"security\"}}\n"
		  "{\"id\":4,\"method\":\"apply\",\"params\":{\"digest\":\"d\"}}\n");
	ANSWER_HAS("{\"hello\":");
	ANSWER("{\"id\":1,\"result\":{\"applicable\":true,\"manager\":\"test in /s\",\"distribution\":{\"id\":\"\","
	       "\"version\":\"\"},\"database\":{\"packages\":0,\"state\":\"\"},\"blocked\":[],\"alarms\":[]}}");
	ANSWER("{\"id\":2,\"result\":{\"repositories\":[],\"alarms\":[],\"security_source\":false,\"bytes\":0}}");
	ANSWER("{\"id\":3,\"result\":{\"count\":1,\"kept_back\":0,\"digest\":\"d\",\"download\":0,\"disk\":0,"
	       "\"incomplete\":false}}");
	ANSWER("{\"id\":4,\"error\":{\"code\":\"digest_mismatch\",\"message\":\"no plan 'd'\",\"retryable\":false}}");
	(void)shutdown(plugin.fd, SHUT_WR);
	OK(receive() == NULL);
	EQ(end_plugin(), 0);
}

TEST(a_failure_carries_its_record_and_only_its_own)
{
	start_probed();
	send_text("{\"id\":2,\"method\":\"refresh\",\"params\":{\"scope\":\"fail\"}}\n");
	ANSWER("{\"id\":2,\"error\":{\"code\":\"expired\",\"message\":\"the Release file\\\\x0aexpired\",\"retryable\":true,"
	       "\"repositories\":[{\"uri\":\"http://mirror.example/x\",\"suite\":\"\",\"security\":false,\"signed_by\":\"\","
	       "\"trust\":\"\",\"date\":\"\",\"age\":0,\"transport\":\"\",\"state\":\"\"}]}}");
	send_text("{\"id\":3,\"method\":\"refresh\",\"params\":{\"scope\":\"record-then-success\"}}\n");
	ANSWER_HAS("{\"id\":3,\"result\":");
	send_text("{\"id\":4,\"method\":\"apply\",\"params\":{\"digest\":\"d\"}}\n");
	ANSWER("{\"id\":4,\"error\":{\"code\":\"digest_mismatch\",\"message\":\"no plan 'd'\",\"retryable\":false}}");
	EQ(end_plugin(), 0);
}

TEST(a_failure_without_a_reason_is_still_an_answer)
{
	start_probed();
	send_text("{\"id\":2,\"method\":\"plan\",\"params\":{\"policy\":\"silent-failure\"}}\n");
	ANSWER("{\"id\":2,\"error\":{\"code\":\"internal\",\"message\":\"no reason given\",\"retryable\":false}}");
	EQ(end_plugin(), 0);
}

TEST(bad_params_are_answered_and_the_session_goes_on)
{
	static const char *const bad[] = {
		"{\"id\":2,\"method\":\"plan\",\"params\":{\"policy\":7}}\n",
		"{\"id\":2,\"method\":\"plan\",\"params\":{}}\n",
		"{\"id\":2,\"method\":\"plan\",\"params\":[]}\n",
		"{\"id\":2,\"method\":\"plan\",\"params\":null}\n",
		"{\"id\":2,\"method\":\"plan\"}\n",
	};

	start_probed();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		send_text(bad[i]);
		ANSWER_HAS("{\"id\":2,\"error\":{\"code\":\"plugin_protocol\",\"message\":\"message 'msg_plan_params'");
	}
	send_text("{\"id\":3,\"method\":\"plan\",\"params\":{\"policy\":\"security\"}}\n");
	ANSWER_HAS("{\"id\":3,\"result\":");
	EQ(end_plugin(), 0);
}

TEST(methods_it_lacks_and_methods_too_early_are_errors)
{
	start_plugin();
	send_text("{\"id\":1,\"method\":\"plan\",\"params\":{\"policy\":\"security\"}}\n");
	ANSWER_HAS("{\"id\":1,\"error\":{\"code\":\"plugin_protocol\",\"message\":\"method 'plan' before 'probe'\"");
	send_text(PROBE "{\"id\":2,\"method\":\"verify\",\"params\":{\"packages\":[]}}\n"
			"{\"id\":3,\"method\":\"no\\nsuch\",\"params\":{}}\n");
	ANSWER_HAS("{\"id\":1,\"result\":");
	ANSWER_HAS(
		"{\"id\":2,\"error\":{\"code\":\"unsupported\",\"message\":\"the test plugin has no method 'verify'\"");
	ANSWER_HAS("{\"id\":3,\"error\":{\"code\":\"unsupported\"");
	EQ(end_plugin(), 0);
}

TEST(events_carry_the_id_and_progress_is_thinned)
{
	int progress = 0;

	start_probed();
	send_text("{\"id\":7,\"method\":\"plan\",\"params\":{\"policy\":\"events\"}}\n");
	ANSWER("{\"package\":\"p\\\\x1b[2J\",\"arch\":\"all\",\"candidate\":\"\",\"origin\":\"\",\"suite\":\"\",\"security\":false,"
	       "\"advisories\":[],\"cves\":[],\"size\":0,\"event\":\"update\",\"id\":7}");
	ANSWER("{\"level\":\"info\",\"message\":\"line one\\\\x0aline two\",\"event\":\"log\",\"id\":7}");
	ANSWER("{\"level\":\"info\",\"message\":\"\",\"event\":\"log\",\"id\":7}");
	for (;;) {
		cleanup_free char *line = receive();

		OK(line != NULL);
		if (starts_with(line, "{\"id\":7,\"result\":"))
			break;
		HAS(line, "\"event\":\"progress\",\"id\":7}");
		progress++;
		if (strstr(line, "\"done\":1000,"))
			progress += 100;
	}
	GE(progress, 101);	/* the last one came */
	LE(progress, 120);
	EQ(end_plugin(), 0);
}

TEST(an_answer_too_long_for_a_line_becomes_an_error)
{
	start_probed();
	send_text("{\"id\":2,\"method\":\"apply\",\"params\":{\"digest\":\"huge\"}}\n");
	ANSWER_HAS(
		"{\"id\":2,\"error\":{\"code\":\"internal\",\"message\":\"the answer is longer than 1048576 bytes\"");
	EQ(end_plugin(), 0);
}

TEST(lines_that_are_no_requests_end_the_session)
{
	static const char *const lines[] = { "nonsense\n",
					     "[]\n",
					     "{}\n",
					     "{\"id\":\"1\",\"method\":\"plan\"}\n",
					     "{\"id\":1}\n",
					     "{\"id\":1,\"method\":5}\n",
					     "\n" };

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		start_plugin();
		send_text(lines[i]);
		OK(receive() == NULL);
		EQ(WEXITSTATUS(end_plugin()), 1);
	}
}

TEST(eof_ends_it_even_in_the_middle_of_a_line)
{
	start_probed();
	send_text("{\"id\":2,\"met");
	EQ(end_plugin(), 0);
}

TEST(an_agent_that_leaves_unread_answers_behind_is_eof_too)
{
	struct pollfd p;

	start_plugin();
	send_text("{\"hello\":{\"protocol\":[1]}}\n");
	p = (struct pollfd){ .fd = plugin.fd, .events = POLLIN };
	EQ(poll(&p, 1, 5000), 1);
	EQ(end_plugin(), 0);
}

TEST(sigterm_between_requests_ends_it)
{
	for (int i = 0; i < 50; i++) {	/* also when it comes just before the wait */
		start_plugin();
		send_text("{\"hello\":{\"protocol\":[1]}}\n");
		ANSWER_HAS("{\"hello\":");
		(void)kill(plugin.pid, SIGTERM);
		OK(receive() == NULL);
		EQ(end_plugin(), 0);
	}
}

TEST(sigterm_during_a_request_lets_it_answer_first)
{
	start_probed();
	send_text("{\"id\":2,\"method\":\"apply\",\"params\":{\"digest\":\"work\"}}\n");
	ANSWER_HAS("progress");
	(void)kill(plugin.pid, SIGTERM);
	ANSWER("{\"id\":2,\"result\":{\"applied\":[],\"failed\":[],\"conffiles\":[],\"left_behind\":[],\"log\":\"finished\","
	       "\"again\":false,\"stopped\":true}}");
	/* then the agent asks what is true now */
	send_text("{\"id\":3,\"method\":\"plan\",\"params\":{\"policy\":\"security\"}}\n");
	ANSWER_HAS("{\"id\":3,\"result\":");
	EQ(end_plugin(), 0);
}

TEST(a_request_goes_to_its_end_when_the_agent_is_gone)
{
	char text[8] = "";
	int channel;

	start_probed();
	send_text("{\"id\":2,\"method\":\"apply\",\"params\":{\"digest\":\"work\"}}\n");
	ANSWER_HAS("progress");
	(void)close(plugin.fd);
	plugin.fd = -1;
	channel = plugin.channel;
	EQ(read(channel, text, sizeof(text)), 4);	/* no SIGPIPE, no early exit */
	STREQ(text, "done");
	EQ(end_plugin(), 0);
}

TEST(programs_it_starts_inherit_nothing)
{
	start_probed();
	send_text("{\"id\":2,\"method\":\"repair\",\"params\":{}}\n");
	ANSWER("{\"id\":2,\"result\":{\"repaired\":true,\"actions\":[],\"failed\":[]}}");
	EQ(end_plugin(), 0);
}

TAP_MAIN
