/* fake.c - a plugin that plays a script, well or badly.
 *
 * What the tests say about the agent they say through this program: it knows
 * no package system, answers what its script says, and breaks the protocol in
 * every way a broken or hostile plugin could. plugins/fake/README describes the
 * script; without one it behaves and has nothing to update.
 *
 * It is written on the base alone, not on plugin_main(): the loop that always
 * answers once is the very thing it must be able not to do.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include "clock.h"
#include "digest.h"
#include "fd.h"
#include "messages.h"

#define AGENT_FD   3
#define SCRIPT_MAX (64 * 1024 * 1024)
#define LIE	   "00000000000000000000000000000000000000000000000000000000deadbeef"

struct section {
	char *method;		/* "start", "hello", "eof", "term" or a method */
	uint64_t nth;		/* this request of the method; 0: every other */
	struct strv lines;
};

static struct {
	const char *name;		/* stopgap-NAME */
	struct section *sections;
	size_t n_sections;
	int log_fd;
	bool ignore_term, stay;
	volatile sig_atomic_t term;

	/* the request being answered */
	int64_t id;
	const char *method;
	struct json_object *params;
	struct strv seen;		/* methods so far, to count the nth */

	/* the plan as it was sent */
	struct wire_list updates;	/* msg_update */
	uint64_t kept;
} self = { .log_fd = -1 };

static void play(const struct section *s);

/* --- record ------------------------------------------------------------- */

static void record(const char *s, size_t n)
{
	cleanup_buf struct buf b = { 0 };

	if (self.log_fd < 0)
		return;
	buf_append(&b, s, n);
	buf_putc(&b, '\n');
	(void)write_all(self.log_fd, b.s, b.n);
}

_noreturn_ static void end(int status, const char *why)
{
	record(why, strlen(why));
	_exit(status);
}

_noreturn_ static void bad_script(const char *what, const char *line)
{
	(void)fprintf(stderr, "stopgap-%s: script: %s: '%s'\n", self.name, what, line);
	end(99, "# bad script");
}

/* --- sending ------------------------------------------------------------ */

static void on_term(int sig _unused_)
{
	self.term = 1;
}

static const struct section *section_find(const char *method, uint64_t nth)
{
	const struct section *any = NULL;

	for (size_t i = 0; i < self.n_sections; i++) {
		if (!streq(self.sections[i].method, method))
			continue;
		if (self.sections[i].nth == nth)
			return &self.sections[i];
		if (!self.sections[i].nth)
			any = &self.sections[i];
	}
	return any;
}

/* A SIGTERM that came: play its section and exit, or stay when told to. */
static void check_term(void)
{
	if (!self.term)
		return;
	self.term = 0;
	if (self.ignore_term) {
		record("# term ignored", 14);
		return;
	}
	const struct section *s = section_find("term", 0);
	if (s) {
		self.ignore_term = true;
		play(s);
		if (self.stay)
			return;
	}
	end(0, "# term");
}

/* A "term" section that stays ends the pause: it has answered. */
static void pause_ms(uint64_t ms)
{
	for (uint64_t end_at = clock_ms() + ms; clock_ms() < end_at && !self.stay;) {
		(void)poll(NULL, 0, 10);
		check_term();
	}
}

static void put(const char *s, size_t n)
{
	while (n > 0) {
		ssize_t k = write(AGENT_FD, s, n);

		check_term();
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			end(1, "# nobody reads");
		s += k;
		n -= (size_t)k;
	}
}

/* --- lines -------------------------------------------------------------- */

/* Remember an update event as sent, for @digest and the answer to apply. */
static void note_event(const char *s, size_t n)
{
	struct json_object *obj = NULL, *name = NULL;
	struct msg_update u = { 0 };
	struct err e = ERR_INIT;

	if (!memmem(s, n, "\"event\"", 7) || wire_parse(s, n, &obj, &e) < 0)
		return;
	if (json_object_object_get_ex(obj, "event", &name)) {
		if (streq(json_object_get_string(name), "kept_back"))
			self.kept++;
		else if (streq(json_object_get_string(name), "update") && wire_decode(&msg_update, obj, &u, &e) >= 0)
			*(struct msg_update *)wire_list_add(&msg_update, &self.updates) = u;
	}
	json_object_put(obj);
}

/* TEXT with @words replaced; COUNTER is @n, ID is @id. */
static void expand(struct buf *out, const char *text, int64_t id, uint64_t counter)
{
	char digest[DIGEST_TEXT_MAX];

	while (*text) {
		const char *at = strchr(text, '@');

		if (!at) {
			buf_puts(out, text);
			return;
		}
		buf_append(out, text, (size_t)(at - text));
		text = at + 1;
		if (starts_with(text, "digest")) {
			plan_digest(&self.updates, digest);
			buf_puts(out, digest), text += 6;
		} else if (starts_with(text, "lie")) {
			buf_puts(out, LIE), text += 3;
		} else if (starts_with(text, "count")) {
			buf_printf(out, "%zu", self.updates.n), text += 5;
		} else if (starts_with(text, "kept")) {
			buf_printf(out, "%llu", (unsigned long long)self.kept), text += 4;
		} else if (starts_with(text, "name")) {
			buf_puts(out, self.name), text += 4;
		} else if (starts_with(text, "id")) {
			buf_printf(out, "%lld", (long long)id), text += 2;
		} else if (starts_with(text, "n")) {
			buf_printf(out, "%llu", (unsigned long long)counter), text += 1;
		} else if (*text == '[') {
			const char *colon = strchr(text, ':'), *close = strstr(text, "@]");

			if (!colon || !close || colon > close)
				bad_script("@[N:TEXT@] expected", text);
			uint64_t n = strtoull(text + 1, NULL, 10);
			cleanup_free char *item = xstrndup(colon + 1, (size_t)(close - colon - 1));
			for (uint64_t i = 0; i < n; i++) {
				if (i)
					buf_putc(out, ',');
				expand(out, item, id, i);
			}
			text = close + 2;
		} else {
			buf_putc(out, '@');
		}
	}
}

static void put_line(const char *text, int64_t id)
{
	cleanup_buf struct buf b = { 0 };

	expand(&b, text, id, 0);
	note_event(buf_str(&b), b.n);
	buf_putc(&b, '\n');
	put(b.s, b.n);
}

/* The first half of a line, a pause, and with WHOLE the rest. */
static void put_half(const char *text, bool whole)
{
	cleanup_buf struct buf b = { 0 };

	expand(&b, text, self.id, 0);
	buf_putc(&b, '\n');
	put(b.s, b.n / 2);
	if (!whole)
		return;
	pause_ms(200);
	note_event(b.s, b.n - 1);
	put(b.s + b.n / 2, b.n - b.n / 2);
}

static void put_flood(const char *arg)
{
	cleanup_buf struct buf b = { 0 };
	char *text;
	uint64_t n = strtoull(arg, &text, 10);

	while (*text == ' ')
		text++;
	for (uint64_t i = 0; i < n; i++) {
		size_t start = b.n;

		expand(&b, text, self.id, i);
		note_event(buf_str(&b) + start, b.n - start);
		buf_putc(&b, '\n');
		if (b.n > 65536 || i + 1 == n) {
			put(b.s, b.n);
			buf_reset(&b);
		}
	}
}

static void put_bytes(uint64_t n)
{
	char chunk[65536];

	memset(chunk, 'x', sizeof(chunk));
	while (n > 0) {
		size_t k = n < sizeof(chunk) ? (size_t)n : sizeof(chunk);

		put(chunk, k);
		n -= k;
	}
}

static void put_raw(const char *hex)
{
	for (; *hex; hex++) {
		char digits[3] = { hex[0], hex[0] ? hex[1] : '\0' };

		if (isspace((unsigned char)*hex))
			continue;
		if (!isxdigit((unsigned char)digits[0]) || !isxdigit((unsigned char)digits[1]))
			bad_script("pairs of hex digits expected", hex);
		char byte = (char)strtoul(digits, NULL, 16);
		put(&byte, 1);
		hex++;
	}
}

static void put_deep(uint64_t n)
{
	cleanup_buf struct buf b = { 0 };

	buf_printf(&b, "{\"id\":%lld,\"result\":{\"x\":", (long long)self.id);
	for (uint64_t i = 0; i < n; i++)
		buf_putc(&b, '[');
	for (uint64_t i = 0; i < n; i++)
		buf_putc(&b, ']');
	buf_puts(&b, "}}\n");
	put(b.s, b.n);
}

/* --- behaving ----------------------------------------------------------- */

static void put_event(const char *name, const struct msg_update *u)
{
	struct json_object *obj = wire_encode(&msg_update, u);
	cleanup_buf struct buf b = { 0 };

	json_object_object_add(obj, "event", json_object_new_string(name));
	json_object_object_add(obj, "id", json_object_new_int64(self.id));
	wire_put(&b, obj);
	json_object_put(obj);
	note_event(b.s, b.n - 1);
	put(b.s, b.n);
}

/* The agent's denial of PACKAGE among the params of plan, or NULL. */
static const struct msg_denial *denial_of(const struct msg_plan_params *p, const char *package)
{
	for (size_t i = 0; i < p->denials.n; i++) {
		const struct msg_denial *d = wire_list_at(&msg_denial, &p->denials, i);

		if (streq(d->package, package))
			return d;
	}
	return NULL;
}

/* "PACKAGE INSTALLED CANDIDATE [ORIGIN [SUITE]]": an update as apt would offer
 * it. With HEED the agent's denials are followed, without they are not. CODE
 * (or CODE_OK) keeps it back. */
static void put_update(const char *arg, bool heed, enum code code)
{
	char package[128], installed[128], candidate[128];
	char origin[128] = "Debian:Debian-Security", suite[128] = "bookworm-security";
	struct msg_plan_params p = { 0 };
	struct err e = ERR_INIT;

	if (sscanf(arg, "%127s %127s %127s %127s %127s", package, installed, candidate, origin, suite) < 3)
		bad_script("PACKAGE INSTALLED CANDIDATE expected", arg);
	struct msg_update u = { .package = package,
				.arch = (char *)(uintptr_t) "amd64",
				.installed = streq(installed, "-") ? NULL : installed,
				.candidate = candidate,
				.origin = origin,
				.suite = suite,
				.security = ends_with(suite, "-security"),
				.size = 1000,
				.reason = (char *)(uintptr_t) "security update" };
	if (heed && wire_decode(&msg_plan_params, self.params, &p, &e) >= 0) {
		const struct msg_denial *d = denial_of(&p, package);

		if (d)
			u.kept_back = d->reason;
	}
	if (code != CODE_OK)
		u.kept_back.code = code;
	put_event(u.kept_back.code == CODE_OK ? "update" : "kept_back", &u);
	wire_clear(&msg_plan_params, &p);
}

/* Fetch and apply are for the plan that was sent, and no other. */
static bool digest_agrees(void)
{
	struct msg_digest in = { 0 };
	struct err e = ERR_INIT;
	char digest[DIGEST_TEXT_MAX];

	if (wire_decode(&msg_digest, self.params, &in, &e) < 0)
		return false;
	plan_digest(&self.updates, digest);
	bool same = streq(in.digest, digest);
	wire_clear(&msg_digest, &in);
	return same;
}

static void answer_apply(void)
{
	struct msg_apply ret = { 0 };
	struct json_object *obj = json_object_new_object();
	cleanup_buf struct buf b = { 0 };

	for (size_t i = 0; i < self.updates.n; i++) {
		const struct msg_update *u = wire_list_at(&msg_update, &self.updates, i);
		struct msg_package *p = wire_list_add(&msg_package, &ret.applied);

		p->package = xstrdup(u->package);
		p->arch = xstrdup(u->arch);
		p->version = xstrdup(u->candidate);
	}
	json_object_object_add(obj, "id", json_object_new_int64(self.id));
	json_object_object_add(obj, "result", wire_encode(&msg_apply, &ret));
	wire_put(&b, obj);
	put(b.s, b.n);
	json_object_put(obj);
	wire_clear(&msg_apply, &ret);
}

/* What a good plugin says to the method when its script is silent. */
static void answer_well(const char *method)
{
	static const struct {
		const char *method, *line;
	} answers[] = {
		{ "hello",
		  "{\"hello\":{\"protocol\":1,\"plugin\":\"@name\",\"version\":\"1\",\"capabilities\":"
		  "[\"probe\",\"refresh\",\"plan\",\"fetch\",\"apply\",\"owner\",\"repair\",\"verify\",\"support\",\"feed\"]}}" },
		{ "probe", "{\"id\":@id,\"result\":{\"applicable\":true,\"manager\":\"fake 1\",\"distribution\":"
			   "{\"id\":\"debian\",\"version\":\"12\",\"codename\":\"bookworm\","
			   "\"name\":\"Debian GNU/Linux 12 (bookworm)\",\"support\":\"supported\"},"
			   "\"database\":{\"packages\":100,\"state\":\"clean\"},\"blocked\":[],\"alarms\":[]}}" },
		{ "refresh",
		  "{\"id\":@id,\"result\":{\"repositories\":[{\"uri\":\"http://mirror.example/debian-security\","
		  "\"suite\":\"bookworm-security\",\"codename\":\"bookworm-security\",\"origin\":\"Debian\","
		  "\"label\":\"Debian-Security\",\"security\":true,"
		  "\"signed_by\":\"0123456789ABCDEF0123456789ABCDEF01234567\",\"trust\":\"signed\","
		  "\"date\":\"2026-11-20T10:00:00Z\",\"age\":3600,\"transport\":\"http\",\"state\":\"new\"}],"
		  "\"alarms\":[],\"security_source\":true,\"bytes\":1000}}" },
		{ "plan", "{\"id\":@id,\"result\":{\"count\":@count,\"kept_back\":@kept,\"digest\":\"@digest\","
			  "\"download\":1000,\"disk\":0,\"incomplete\":false}}" },
		{ "fetch", "{\"id\":@id,\"result\":{\"bytes\":1000,\"failed\":[]}}" },
		{ "owner", "{\"id\":@id,\"result\":{\"owners\":[]}}" },
		{ "repair", "{\"id\":@id,\"result\":{\"repaired\":false,\"actions\":[]}}" },
		{ "verify",
		  "{\"id\":@id,\"result\":{\"missing\":[],\"database\":{\"packages\":100,\"state\":\"clean\"}}}" },
		{ "support", "{\"id\":@id,\"result\":{\"known\":true,\"packages\":[]}}" },
		{ "feed",
		  "{\"id\":@id,\"result\":{\"count\":0,\"uri\":\"http://tracker.example/bookworm\","
		  "\"suite\":\"bookworm\",\"transport\":\"http\",\"state\":\"new\",\"age\":0,\"bytes\":1000}}" },
	};

	if ((streq(method, "fetch") || streq(method, "apply")) && !digest_agrees()) {
		put_line("{\"id\":@id,\"error\":{\"code\":\"digest_mismatch\",\"message\":\"not the last plan\"}}",
			 self.id);
		return;
	}
	if (streq(method, "apply")) {
		answer_apply();
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		if (streq(answers[i].method, method)) {
			put_line(answers[i].line, self.id);
			return;
		}
	}
	put_line("{\"id\":@id,\"error\":{\"code\":\"unsupported\",\"message\":\"no such method\"}}", self.id);
}

/* --- the script --------------------------------------------------------- */

/* A child that outlives the plugin and keeps its socket open. */
static void leave_child(uint64_t ms)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)setsid();
		(void)signal(SIGTERM, SIG_IGN);
		(void)poll(NULL, 0, (int)ms);
		_exit(0);
	}
	cleanup_free char *s = xasprintf("# child %d", (int)pid);
	record(s, strlen(s));
}

static void play_line(const char *line)
{
	size_t n = strcspn(line, " ");
	cleanup_free char *verb = xstrndup(line, n);
	const char *arg = line + n + (line[n] == ' ');

	if (*line == '{')
		put_line(line, self.id);
	else if (streq(verb, "well"))
		answer_well(self.method);
	else if (streq(verb, "update"))
		put_update(arg, true, CODE_OK);
	else if (streq(verb, "insist"))
		put_update(arg, false, CODE_OK);
	else if (streq(verb, "hold"))
		put_update(arg, false, CODE_HOLD);
	else if (streq(verb, "half"))
		put_half(arg, true);
	else if (streq(verb, "cut"))
		put_half(arg, false);
	else if (streq(verb, "twice"))
		put_line(arg, self.id), put_line(arg, self.id);
	else if (streq(verb, "wrong-id"))
		put_line(arg, self.id + 1000);
	else if (streq(verb, "flood"))
		put_flood(arg);
	else if (streq(verb, "bytes"))
		put_bytes(strtoull(arg, NULL, 10));
	else if (streq(verb, "raw"))
		put_raw(arg);
	else if (streq(verb, "deep"))
		put_deep(strtoull(arg, NULL, 10));
	else if (streq(verb, "stderr"))
		(void)fprintf(stderr, "%s\n", arg);
	else if (streq(verb, "child"))
		leave_child(strtoull(arg, NULL, 10));
	else if (streq(verb, "sleep"))
		pause_ms(strtoull(arg, NULL, 10));
	else if (streq(verb, "ignore-term"))
		self.ignore_term = true;
	else if (streq(verb, "stay"))
		self.stay = true;
	else if (streq(verb, "eof"))
		(void)close(AGENT_FD);
	else if (streq(verb, "hang"))
		while (!self.stay)
			pause_ms(1000);
	else if (streq(verb, "signal"))
		(void)signal((int)strtol(arg, NULL, 10), SIG_DFL), (void)raise((int)strtol(arg, NULL, 10));
	else if (streq(verb, "die"))
		end((int)strtol(arg, NULL, 10), "# die");
	else
		bad_script("unknown verb", line);
}

static void play(const struct section *s)
{
	for (size_t i = 0; i < s->lines.n; i++)
		play_line(s->lines.v[i]);
}

static void add_section(const char *head)
{
	struct section *s;

	self.sections = xrealloc(self.sections, self.n_sections + 1, sizeof(*self.sections));
	s = &self.sections[self.n_sections++];
	*s = (struct section){ .method = xstrndup(head, strcspn(head, " ")) };
	s->nth = strtoull(head + strlen(s->method), NULL, 10);
}

static void load_script(const char *path)
{
	cleanup_buf struct buf b = { 0 };
	struct err e = ERR_INIT;

	if (read_file(path, SCRIPT_MAX, &b, &e) < 0) {
		if (access(path, F_OK) < 0)
			return;
		bad_script(e.msg, path);
	}
	for (char *line = b.s, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line += strspn(line, " \t");
		if (!*line || *line == '#')
			continue;
		if (starts_with(line, "on "))
			add_section(line + 3);
		else if (!self.n_sections)
			bad_script("a line before the first 'on METHOD'", line);
		else
			strv_push(&self.sections[self.n_sections - 1].lines, line);
	}
}

/* Play the section for METHOD; behave when there is none. */
static void answer(const char *method)
{
	uint64_t nth = 1;

	for (size_t i = 0; i < self.seen.n; i++)
		nth += streq(self.seen.v[i], method);
	strv_push(&self.seen, method);
	self.method = method;
	if (streq(method, "plan")) {
		wire_list_clear(&msg_update, &self.updates);
		self.kept = 0;
	}
	const struct section *s = section_find(method, nth);
	if (s)
		play(s);
	else
		answer_well(method);
}

static void serve(struct json_object *request)
{
	struct json_object *v = NULL;

	if (json_object_object_get_ex(request, "hello", NULL)) {
		answer("hello");
		return;
	}
	self.id = json_object_object_get_ex(request, "id", &v) ? json_object_get_int64(v) : 0;
	(void)json_object_object_get_ex(request, "params", &self.params);
	if (json_object_object_get_ex(request, "method", &v))
		answer(json_object_get_string(v));
	self.params = NULL;
}

/* A file that the test put where the agent's environment reaches: named by VAR,
 * else NAME.SUFFIX in the bundle. Caller frees. */
static char *test_file(const char *var, const char *suffix)
{
	const char *bundle = getenv("STOPGAP_BUNDLE");

	if (getenv(var))
		return xstrdup(getenv(var));
	return bundle ? xasprintf("%s/%s.%s", bundle, self.name, suffix) : NULL;
}

int main(int argc, char **argv)
{
	cleanup_buf struct buf in = { 0 };
	struct sigaction term = { .sa_handler = on_term };	/* no SA_RESTART: it must wake what waits */
	struct err e = ERR_INIT;

	(void)sigaction(SIGTERM, &term, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	const char *base = argc ? strrchr(argv[0], '/') : NULL;
	base = base ? base + 1 : argc ? argv[0] : "";
	self.name = starts_with(base, "stopgap-") ? base + 8 : "fake";

	cleanup_free char *script = test_file("STOPGAP_FAKE_SCRIPT", "script");
	cleanup_free char *log = test_file("STOPGAP_FAKE_LOG", "log");
	if (script)
		load_script(script);
	if (log)
		self.log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	cleanup_free char *started = xasprintf("# start %d", (int)getpid());
	record(started, strlen(started));
	const struct section *s = section_find("start", 0);
	if (s)
		play(s);

	for (;;) {
		struct json_object *request = NULL;
		const char *nl = in.n ? memchr(in.s, '\n', in.n) : NULL;
		char chunk[65536];

		check_term();
		if (nl)
			record(in.s, (size_t)(nl - in.s));
		int r = wire_next(&in, &request, &e);
		if (r < 0)
			end(98, e.msg);
		if (r > 0) {
			serve(request);
			json_object_put(request);
			continue;
		}
		struct pollfd p = { .fd = AGENT_FD, .events = POLLIN };
		if (poll(&p, 1, 50) <= 0)
			continue;
		ssize_t n = read(AGENT_FD, chunk, sizeof(chunk));
		if (n > 0) {
			buf_append(&in, chunk, (size_t)n);
		} else if (n == 0 || errno != EINTR) {
			s = section_find("eof", 0);
			if (s)
				play(s);
			end(0, "# eof");
		}
	}
}
