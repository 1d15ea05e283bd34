/* Programs on the event loop: every way they end, and what they are given. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "clock.h"
#include "command.h"
#include "fd.h"
#include "health.h"
#include "tap.h"

struct ended {
	struct event_base *base;
	int calls;
	struct command_result r;
	char *output, *text;
};

static void on_done(void *arg, const struct command_result *r)
{
	struct ended *e = arg;
	cleanup_buf struct buf text = { 0 };

	e->calls++;
	e->r = *r;
	e->output = xstrndup(r->output, r->n);
	command_describe(r, &text);
	e->text = xstrdup(buf_str(&text));
	(void)event_base_loopbreak(e->base);
}

static struct event_base *base;

/* Run SPEC to its end; the caller frees RET's strings with ended_clear(). */
static void run_spec(const struct command_spec *spec, struct ended *ret)
{
	struct err err = ERR_INIT;

	if (!base)
		base = event_base_new();
	*ret = (struct ended){ .base = base };
	if (command_start(base, spec, on_done, ret, NULL, &err) < 0) {
		ret->text = xstrdup(err.msg);
		return;
	}
	(void)event_base_dispatch(base);
	/* a second call would come now */
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
}

static void sh(const char *script, int64_t timeout, struct ended *ret)
{
	char *const argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char *)(uintptr_t)script, NULL };
	const struct command_spec spec = { .argv = argv, .envp = command_environment, .timeout = timeout };

	run_spec(&spec, ret);
}

static void ended_clear(struct ended *e)
{
	free(e->output);
	free(e->text);
}
#define cleanup_ended _cleanup_(ended_clear)

TEST(exit_status_and_output)
{
	cleanup_ended struct ended e;

	sh("echo one; echo two >&2; exit 7", 10, &e);
	EQ(e.calls, 1);
	EQ(e.r.end, COMMAND_EXITED);
	EQ(e.r.status, 7);
	OK(!command_ok(&e.r));
	STREQ(e.output, "one\ntwo\n");
	STREQ(e.text, "exit status 7: two");
}

TEST(success_without_output)
{
	cleanup_ended struct ended e;

	sh(":", 10, &e);
	OK(command_ok(&e.r));
	STREQ(e.output, "");
	STREQ(e.text, "exit status 0");
}

TEST(ended_by_a_signal)
{
	cleanup_ended struct ended e;

	sh("kill -SEGV $$", 10, &e);
	EQ(e.r.end, COMMAND_SIGNALED);
	EQ(e.r.status, SIGSEGV);
	STREQ(e.text, "ended by SIGSEGV");
}

TEST(hostile_output_is_escaped)
{
	cleanup_ended struct ended e;

	sh("printf 'a\\nb \\033[2Jc\\377\\n\\n'; exit 1", 10, &e);
	STREQ(e.text, "exit status 1: b \\x1b[2Jc\\xff");
}

TEST(not_there)
{
	char *const argv[] = { (char[]){ "no-such-program" }, NULL };
	char *const path[] = { (char[]){ "/nowhere/no-such-program" }, NULL };
	struct command_spec spec = { .argv = argv, .envp = command_environment, .timeout = 10 };
	cleanup_ended struct ended e, f;

	run_spec(&spec, &e);
	EQ(e.r.end, COMMAND_NOT_RUN);
	EQ(e.r.status, ENOENT);
	STREQ(e.text, "cannot be executed: No such file or directory");
	spec.argv = path;
	run_spec(&spec, &f);
	EQ(f.r.end, COMMAND_NOT_RUN);
	EQ(f.calls, 1);
}

/* Of several places in PATH: past what is not there or no program, and never the working directory. */
TEST(search)
{
	char folder[] = "/tmp/t.command.XXXXXX";
	OK(mkdtemp(folder) != NULL);
	cleanup_free char *one = xasprintf("%s/one", folder), *two = xasprintf("%s/two", folder);
	cleanup_free char *bad = xasprintf("%s/prog", one), *good = xasprintf("%s/prog", two);
	cleanup_free char *path = xasprintf("PATH=:%s/none:%s:%s", folder, one, two);
	cleanup_free char *only_bad = xasprintf("PATH=%s:%s/none", one, folder);
	char *const argv[] = { (char[]){ "prog" }, NULL };
	char *envp[] = { path, NULL };
	const struct command_spec spec = { .argv = argv, .envp = envp, .timeout = 10 };
	struct err err = ERR_INIT;
	cleanup_ended struct ended e, f;

	(void)mkdir(one, 0755);
	(void)mkdir(two, 0755);
	EQ(replace_file(bad, 0644, "#!/bin/sh\n", 10, &err), 0);
	EQ(replace_file(good, 0755, "#!/bin/sh\necho good\n", 20, &err), 0);
	run_spec(&spec, &e);
	envp[0] = only_bad;
	run_spec(&spec, &f);
	(void)unlink(bad);
	(void)unlink(good);
	(void)rmdir(one);
	(void)rmdir(two);
	(void)rmdir(folder);
	STREQ(e.output, "good\n");
	EQ(f.r.end, COMMAND_NOT_RUN);
	EQ(f.r.status, EACCES);
}

TEST(environment_is_what_was_given)
{
	char *const argv[] = { (char[]){ "env" }, NULL };
	char *const envp[] = { (char[]){ "PATH=/usr/bin" }, (char[]){ "STOPGAP_RESULT=ok" }, NULL };
	const struct command_spec spec = { .argv = argv, .envp = envp, .timeout = 10 };
	cleanup_ended struct ended e;

	(void)setenv("SECRET", "hunter2", 1);
	run_spec(&spec, &e);
	STREQ(e.output, "PATH=/usr/bin\nSTOPGAP_RESULT=ok\n");
}

TEST(input)
{
	char *const argv[] = { (char[]){ "wc" }, (char[]){ "-c" }, NULL };
	cleanup_buf struct buf text = { 0 };
	cleanup_ended struct ended e, f, g;

	for (int i = 0; i < 300000; i++)	/* more than a pipe holds */
		buf_putc(&text, 'a');
	struct command_spec spec = {
		.argv = argv, .envp = command_environment, .timeout = 10, .input = buf_str(&text), .input_n = text.n
	};
	run_spec(&spec, &e);
	STREQ(e.output, "300000\n");
	char *const again[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ "wc -c </dev/stdin" }, NULL };
	spec.argv = again;
	run_spec(&spec, &f);
	STREQ(f.output, "300000\n");
	/* nobody has to read it */
	char *const nobody[] = { (char[]){ "true" }, NULL };
	spec.argv = nobody;
	run_spec(&spec, &g);
	OK(command_ok(&g.r));
	spec.input_n = COMMAND_INPUT_MAX + 1;
	cleanup_ended struct ended h;
	run_spec(&spec, &h);
	EQ(h.calls, 0);
	HAS(h.text, "make its input");
}

TEST(no_input_is_end_of_file)
{
	cleanup_ended struct ended e;

	sh("cat; readlink /proc/self/fd/0", 10, &e);
	STREQ(e.output, "/dev/null\n");
}

TEST(output_is_bounded)
{
	char *const argv[] = { (char[]){ "sh" }, (char[]){ "-c" },
			       (char[]){ "head -c 3000000 /dev/zero | tr '\\0' x; exit 3" }, NULL };
	const struct command_spec spec = {
		.argv = argv, .envp = command_environment, .timeout = 20, .output_max = 1000
	};
	cleanup_ended struct ended e;

	run_spec(&spec, &e);
	EQ(e.r.status, 3);
	EQ(e.r.n, 1000);
	OK(e.r.cut);
}

TEST(a_flood_ends_at_the_deadline)
{
	cleanup_ended struct ended e;

	sh("exec yes", 1, &e);
	EQ(e.r.end, COMMAND_TIMEOUT);
	EQ(e.r.n, COMMAND_OUTPUT_MAX);
}

/* Signals that are blocked or ignored here, descriptors without CLOEXEC, the folder: none of it is the program's. */
TEST(clean_process)
{
	char *const argv[] = { (char[]){ "grep" }, (char[]){ "-E" }, (char[]){ "SigBlk|SigIgn" },
			       (char[]){ "/proc/self/status" }, NULL }; /* not by sh, which clears its mask */
	const struct command_spec spec = { .argv = argv, .envp = command_environment, .timeout = 10 };
	cleanup_ended struct ended e, f;
	sigset_t set, old;
	int leak = open("/dev/null", O_RDONLY); /* on purpose without CLOEXEC */

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &set, &old);
	(void)signal(SIGPIPE, SIG_IGN);
	sh("pwd; ls -m /proc/$$/fd; "
	   "read -r a b c d e sid rest </proc/self/stat; [ $sid = $$ ] && echo own session",
	   10, &e);
	run_spec(&spec, &f);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)close(leak);
	STREQ(e.output, "/\n0, 1, 2\nown session\n");
	STREQ(f.output, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST(priority_of_a_service)
{
	char *const argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ "cat /proc/self/oom_score_adj; nice" },
			       NULL };
	struct command_spec spec = { .argv = argv, .envp = command_environment, .timeout = 10 };
	cleanup_ended struct ended e, f;
	cleanup_fd int adj = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	EQ(write_all(adj, "1000", 4), 0);
	(void)setpriority(PRIO_PROCESS, 0, 10);
	run_spec(&spec, &e);
	spec.for_service = true;
	run_spec(&spec, &f);
	(void)write_all(adj, "0", 1);
	(void)setpriority(PRIO_PROCESS, 0, 0);
	STREQ(e.output, "1000\n10\n");
	STREQ(f.output, "0\n0\n");
}

TEST(timeout)
{
	cleanup_ended struct ended e;
	uint64_t t0 = clock_ms();

	sh("echo before; sleep 300", 1, &e);
	EQ(e.r.end, COMMAND_TIMEOUT);
	EQ(e.calls, 1);
	STREQ(e.output, "before\n");
	STREQ(e.text, "no end within 1 s: before");
	GE(clock_ms() - t0, 1000);
}

/* SIGTERM ignored, and a child in the background that holds the output. */
TEST(timeout_ends_the_group)
{
	cleanup_ended struct ended e;
	uint64_t pid, t0 = clock_ms();

	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	sh("trap '' TERM; sleep 300 & echo $!; while :; do sleep 300; done", 1, &e);
	EQ(e.r.end, COMMAND_TIMEOUT);
	GE(clock_ms() - t0, 3000);
	e.output[strcspn(e.output, "\n")] = '\0';
	EQ(parse_u64(e.output, INT32_MAX, &pid), 0);
	(void)waitpid((pid_t)pid, NULL, 0); /* an orphan of ours now, unless the shell saw its end */
	EQ(kill((pid_t)pid, 0), -1);
	while (waitpid(-1, NULL, 0) > 0)
		;
	(void)prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

/* The first one ends on SIGTERM, its child does not: it may not live on. */
TEST(timeout_ends_who_ignores_sigterm)
{
	cleanup_ended struct ended e;
	uint64_t pid;

	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	sh("(trap '' TERM; exec sleep 300) & echo $!; exec sleep 300", 1, &e);
	EQ(e.r.end, COMMAND_TIMEOUT);
	e.output[strcspn(e.output, "\n")] = '\0';
	EQ(parse_u64(e.output, INT32_MAX, &pid), 0);
	(void)waitpid((pid_t)pid, NULL, 0);
	EQ(kill((pid_t)pid, 0), -1);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

/* What starts a daemon is over when it has ended, though the daemon keeps its output. */
TEST(a_daemon_is_not_waited_for)
{
	cleanup_ended struct ended e;
	uint64_t pid, t0 = clock_ms();

	sh("setsid sleep 300 & echo $!", 60, &e);
	OK(command_ok(&e.r));
	OK(clock_ms() - t0 < 30000);
	e.output[strcspn(e.output, "\n")] = '\0';
	EQ(parse_u64(e.output, INT32_MAX, &pid), 0);
	EQ(kill((pid_t)pid, SIGKILL), 0); /* it is there: only a timeout ends the group */
}

static struct command *running;

static void cancel(evutil_socket_t fd _unused_, short what _unused_, void *arg _unused_)
{
	command_cancel(running);
	command_cancel(running); /* twice is once */
}

TEST(cancelled)
{
	char *const argv[] = { (char[]){ "sleep" }, (char[]){ "300" }, NULL };
	const struct command_spec spec = { .argv = argv, .envp = command_environment, .timeout = 300 };
	cleanup_ended struct ended e = { .base = base };
	struct err err = ERR_INIT;
	struct event *ev = evtimer_new(base, cancel, NULL);

	EQ(command_start(base, &spec, on_done, &e, &running, &err), 0);
	event_active(ev, 0, 0);
	(void)event_base_dispatch(base);
	event_free(ev);
	EQ(e.calls, 1);
	EQ(e.r.end, COMMAND_CANCELLED);
	STREQ(e.text, "cancelled");
}

/* Several at once: each hears of its own end. */
TEST(many)
{
	struct ended e[20] = { 0 };
	int exited = 0;

	for (size_t i = 0; i < ARRAY_SIZE(e); i++) {
		cleanup_free char *script = xasprintf("exit %zu", i);
		char *const argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, script, NULL };
		const struct command_spec spec = { .argv = argv, .envp = command_environment, .timeout = 20 };
		struct err err = ERR_INIT;

		e[i].base = base;
		EQ(command_start(base, &spec, on_done, &e[i], NULL, &err), 0);
	}
	for (int rounds = 0; exited < (int)ARRAY_SIZE(e) && rounds < 1000; rounds++) {
		(void)event_base_loop(base, EVLOOP_ONCE);
		exited = 0;
		for (size_t i = 0; i < ARRAY_SIZE(e); i++)
			exited += e[i].calls;
	}
	for (size_t i = 0; i < ARRAY_SIZE(e); i++) {
		EQ(e[i].calls, 1);
		EQ(e[i].r.status, (int)i);
		ended_clear(&e[i]);
	}
}

/* --- health ---------------------------------------------------------------- */

struct checked {
	int calls;
	struct health_result r;
	char detail[400];
};

static void on_health(void *arg, const struct health_result *r)
{
	struct checked *c = arg;

	c->calls++;
	c->r = *r;
	(void)snprintf(c->detail, sizeof(c->detail), "%s", r->detail);
	(void)event_base_loopbreak(base);
}

static struct checked check(const char *script, int64_t timeout)
{
	struct checked c = { 0 };
	cleanup_strv struct strv argv = { 0 };

	if (script) {
		strv_push(&argv, "sh");
		strv_push(&argv, "-c");
		strv_push(&argv, script);
	}
	(void)health_start(base, &argv, command_environment, timeout, on_health, &c);
	(void)event_base_dispatch(base);
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	return c;
}

TEST(healthy_at_once)
{
	struct checked c = check("echo fine", 5);

	EQ(c.calls, 1);
	EQ(c.r.state, HEALTH_HEALTHY);
	EQ(c.r.tries, 1);
	STREQ(health_name(c.r.state), "healthy");
}

TEST(healthy_after_a_while)
{
	char file[] = "/tmp/t.health.XXXXXX";
	cleanup_fd int fd = mkostemp(file, O_CLOEXEC);
	cleanup_free char *script = xasprintf("echo >>%s; [ $(wc -l <%s) -ge 3 ]", file, file);
	struct checked c = check(script, 60);

	(void)unlink(file);
	EQ(c.r.state, HEALTH_HEALTHY);
	EQ(c.r.tries, 3);
}

TEST(unhealthy_in_the_end)
{
	struct checked c = check("echo refused; exit 4", 3);

	EQ(c.calls, 1);
	EQ(c.r.state, HEALTH_UNHEALTHY);
	GE(c.r.tries, 2);
	STREQ(c.detail, "exit status 4: refused");
	STREQ(health_name(c.r.state), "unhealthy");
}

TEST(a_probe_that_hangs)
{
	struct checked c = check("sleep 300", 2);

	EQ(c.r.state, HEALTH_UNHEALTHY);
	HAS(c.detail, "no end within");
}

TEST(no_command_is_unknown)
{
	struct checked c = check(NULL, 5);

	EQ(c.r.state, HEALTH_UNKNOWN);
	EQ(c.r.tries, 0);
	STREQ(health_name(c.r.state), "unknown");
}

TEST(a_command_that_cannot_run_is_unknown)
{
	struct checked c = { 0 };
	cleanup_strv struct strv argv = { 0 };

	strv_push(&argv, "/nowhere/probe");
	(void)health_start(base, &argv, command_environment, 60, on_health, &c);
	(void)event_base_dispatch(base);
	EQ(c.calls, 1);
	EQ(c.r.state, HEALTH_UNKNOWN);
	EQ(c.r.tries, 1);
	HAS(c.detail, "cannot be executed");
}

static struct health *asking;

static void cancel_health(evutil_socket_t fd _unused_, short what _unused_, void *arg _unused_)
{
	health_cancel(asking);
}

TEST(cancelled_health)
{
	struct checked c = { 0 };
	cleanup_strv struct strv argv = { 0 };
	struct event *ev = evtimer_new(base, cancel_health, NULL);
	const struct timeval soon = { .tv_usec = 100000 };

	strv_push(&argv, "sleep");
	strv_push(&argv, "300");
	asking = health_start(base, &argv, command_environment, 300, on_health, &c);
	(void)event_add(ev, &soon);
	(void)event_base_dispatch(base);
	event_free(ev);
	EQ(c.calls, 1);
	EQ(c.r.state, HEALTH_UNKNOWN);
}

TAP_MAIN
