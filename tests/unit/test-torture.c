/* Every call fails once: reading and writing of configuration, state, history and reports with the k-th call of the
 * kernel failing, or the program ending at the k-th allocation, as it does without memory (alloc.h), for every k.  The
 * linker puts the functions below in place of the C library's.
 *
 * What must hold: an operation that says it worked has the whole result; one that fails says why, and what was there
 * before is still there, whole; nothing crashes, no descriptor is left open, and the next try works.
 *
 * rows: C4 C5
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "alloc.h"
#include "config.h"
#include "fd.h"
#include "history.h"
#include "report.h"
#include "statefile.h"
#include "tap.h"
#include "wire.h"

#define SHORT -1 /* in place of an error: one byte */

/* ------------------------------------------------------------------------------------------------ the faults */

static bool fail_memory; /* else calls of the kernel */
static int fail_with;
static long countdown; /* 0: none fails any more */

static bool due(bool memory)
{
	return memory == fail_memory && countdown > 0 && --countdown == 0;
}

static bool due_error(void)
{
	if (fail_with == SHORT || !due(false))
		return false;
	errno = fail_with;
	return true;
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
	va_list ap;

	va_start(ap, flags);
	mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return due_error() ? -1 : __real_open64(path, flags, mode);
}

int __real_openat64(int dfd, const char *path, int flags, ...);
int __wrap_openat64(int dfd, const char *path, int flags, ...);
int __wrap_openat64(int dfd, const char *path, int flags, ...)
{
	return due_error() ? -1 : __real_openat64(dfd, path, flags);
}

int __real_fstat64(int fd, struct stat64 *st);
int __wrap_fstat64(int fd, struct stat64 *st);
int __wrap_fstat64(int fd, struct stat64 *st)
{
	return due_error() ? -1 : __real_fstat64(fd, st);
}

ssize_t __real_read(int fd, void *p, size_t n);
ssize_t __wrap_read(int fd, void *p, size_t n);
ssize_t __wrap_read(int fd, void *p, size_t n)
{
	if (fail_with == SHORT && n > 1 && due(false))
		n = 1;
	return due_error() ? -1 : __real_read(fd, p, n);
}

ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n)
{
	if (fail_with == SHORT && n > 1 && due(false))
		n = 1;
	return due_error() ? -1 : __real_write(fd, p, n);
}

/* No power is lost here: what counts is whether the failure is seen. */
int __wrap_fsync(int fd);
int __wrap_fsync(int fd _unused_)
{
	return due_error() ? -1 : 0;
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
	return due_error() ? -1 : __real_rename(from, to);
}

void *__wrap_malloc(size_t n)
{
	if (due(true))
		out_of_memory();
	return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	if (due(true))
		out_of_memory();
	return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	if (due(true))
		out_of_memory();
	return __real_realloc(p, n);
}

char *__wrap_strdup(const char *s)
{
	if (due(true))
		out_of_memory();
	return __real_strdup(s);
}

/* -------------------------------------------------------------------------------------------- the operations */

static char dir[] = "/tmp/stopgap-test-torture.XXXXXX";

static char *path_of(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void put(const char *name, const char *text)
{
	cleanup_free char *path = path_of(name);
	struct err err = ERR_INIT;

	if (replace_file(path, 0600, text, strlen(text), &err) < 0)
		abort();
}

/* "" when it is not there. */
static char *get(const char *name)
{
	cleanup_free char *path = path_of(name);
	struct buf b = { 0 };
	struct err err = ERR_INIT;

	if (read_file(path, 1 << 20, &b, &err) < 0) {
		buf_clear(&b);
		return xstrdup("");
	}
	return b.n ? buf_steal(&b) : xstrdup("");
}

static const char conf[] = "[updates]\npolicy=all\nallow=a.*\nallow=b\n[network]\ntimeout=7m\n";
static const char *const old_line = "{\"run\":1,\"result\":\"ok\"}\n";

static void remove_all(void)
{
	static const char *const names[] = { "conf", "last.json", "last.json.new", "history.jsonl",
					     "history.jsonl.new" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_free char *path = path_of(names[i]);

		(void)unlink(path);
	}
}

static void fresh(void)
{
	remove_all();
	put("conf", conf);
	put("last.json", old_line);
	put("history.jsonl", old_line);
}

/* The operation says that it worked: has it? */
static bool config_op(struct err *err, bool *whole)
{
	cleanup_free char *path = path_of("conf");
	char *const env[] = { NULL };
	const struct strv sets = { 0 };
	struct config c = { 0 };

	if (config_load(path, env, &sets, &c, err) < 0)
		return false;
	*whole = c.updates.allow.n == 2 && streq(c.updates.allow.v[1], "b") && c.network.timeout == 420;
	config_clear(&c);
	return true;
}

static bool read_op(struct err *err, bool *whole)
{
	struct json_object *o = NULL, *run;

	if (state_read(dir, "last.json", &o, err) < 0)
		return false;
	*whole = json_object_object_length(o) == 2 && json_object_object_get_ex(o, "run", &run) &&
		 json_object_get_int64(run) == 1;
	json_object_put(o);
	return true;
}

static void make_report(struct report *r)
{
	report_init(r, MODE_ONCE, "command");
	report_alarm(r, CODE_TRUST_LOWERED, "an alarm with '%s' in it", "text");
	for (int i = 0; i < 3; i++) {
		struct msg_update *u = wire_list_add(&msg_update, &r->applied);

		u->package = xasprintf("package%d", i);
		u->arch = xstrdup("amd64");
		u->installed = xstrdup("1");
		u->candidate = xstrdup("2");
		strv_push(&u->cves, "CVE-2026-1");
	}
	struct msg_failure *f = wire_list_add(&msg_failure, &r->failed);
	f->package = xstrdup("broken");
	f->code = CODE_SCRIPT_FAILED;
	f->detail = xstrdup("it failed");
}

/* The document that a run without faults has written, but for its times. */
static char *expected;

static bool has_report(const char *text)
{
	return expected && strlen(text) == strlen(expected) && strstr(text, "\"code\":\"script_failed\"") &&
	       strstr(text, "package2") && strstr(text, "\"code\":\"trust_lowered\"");
}

static bool report_op(struct err *err, bool *whole)
{
	struct report r;
	long k = countdown;

	/* what it says of this machine is none of the report's writing */
	countdown = 0;
	make_report(&r);
	free(steal_ptr(&r.container.id));
	countdown = k;
	r.time = 1000000000;
	r.start_ms = r.end_ms = 1;
	bool ok = report_save(&r, dir, 100, err) == 0;
	k = countdown;
	countdown = 0;
	report_clear(&r);
	if (!ok)
		return false;
	cleanup_free char *last = get("last.json"), *history = get("history.jsonl");
	*whole = !expected ||
		 (has_report(last) && starts_with(history, old_line) && has_report(history + strlen(old_line)));
	countdown = k;
	return true;
}

/* After a failure: is each file the old one, or the whole new one? */
static bool nothing_lost(void)
{
	cleanup_free char *last = get("last.json"), *history = get("history.jsonl"), *config = get("conf");
	struct err err = ERR_INIT;
	bool whole = false;

	if (!streq(config, conf) || (!streq(last, old_line) && !has_report(last)) || !starts_with(history, old_line))
		return false;
	/* the next one works, and is a line by itself whatever was torn before */
	if (!report_op(&err, &whole))
		return false;
	cleanup_free char *after = get("history.jsonl");
	const char *end = after + strlen(after) - strlen(expected);
	return has_report(end) && end[-1] == '\n';
}

/* ------------------------------------------------------------------------------------------------- the torture */

enum { WORKED = 0, REFUSED = 1, NOT_WHOLE = 40, LEAKED, NO_REASON, NO_FAULT = 50 };

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static int in_child(bool (*op)(struct err *, bool *), long k)
{
	struct err err = ERR_INIT;
	bool whole = true;
	int before = count_fds();
	long left;

	/* "out of memory" is no news */
	if (fail_memory) {
		cleanup_fd int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		(void)dup2(null, STDERR_FILENO);
	}
	countdown = k;
	bool ok = op(&err, &whole);
	left = countdown;
	countdown = 0;
	if (count_fds() != before)
		return LEAKED;
	if (!ok)
		return err.code == CODE_OK || !err.msg[0] ? NO_REASON : REFUSED;
	return !whole ? NOT_WHOLE : left > 0 ? NO_FAULT : WORKED;
}

/* All k until none is left to fail. Returns how many failed. */
static long torture(bool (*op)(struct err *, bool *), bool memory, int with, char **why)
{
	for (long k = 1; k < 100000; k++) {
		int status;

		fresh();
		fail_memory = memory;
		fail_with = with;
		pid_t pid = fork();
		if (pid == 0)
			_exit(in_child(op, k));
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			abort();
		int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
		if (code == NO_FAULT)
			return k - 1;
		if (code != WORKED && code != REFUSED) {
			*why = xasprintf("call %ld: %s (%d)", k,
					 code == NOT_WHOLE ? "it says that it worked, and the result is not whole" :
					 code == LEAKED	   ? "a descriptor is left open" :
					 code == NO_REASON ? "no reason is given" :
							     "it crashed",
					 code);
			return -1;
		}
		if (code == REFUSED && !nothing_lost()) {
			*why = xasprintf("call %ld: what was there before is lost, or the next try fails", k);
			return -1;
		}
	}
	*why = xstrdup("it never ends");
	return -1;
}

static void begin(void)
{
	static bool made;
	struct err err = ERR_INIT;
	bool whole;

	if (made)
		return;
	made = true;
	if (!mkdtemp(dir))
		abort();
	fresh();
	if (!report_op(&err, &whole))
		abort();
	expected = get("last.json");
}

__attribute__((destructor)) static void remove_folder(void)
{
	remove_all();
	(void)rmdir(dir);
}

static const struct {
	const char *name;
	bool (*op)(struct err *, bool *);
} ops[] = { { "configuration", config_op }, { "state", read_op }, { "report", report_op } };

static const struct {
	const char *name;
	int with;
} faults[] = { { "EIO", EIO },	     { "ENOSPC", ENOSPC }, { "EINTR", EINTR },
	       { "EMFILE", EMFILE }, { "EACCES", EACCES }, { "a short count", SHORT } };

TEST(C4_every_call_of_the_kernel_fails_once)
{
	begin();
	for (size_t o = 0; o < ARRAY_SIZE(ops); o++)
		for (size_t f = 0; f < ARRAY_SIZE(faults); f++) {
			cleanup_free char *why = NULL;
			long n = torture(ops[o].op, false, faults[f].with, &why);

			if (n < (faults[f].with == SHORT ? 1 : 3))
				FAIL("%s, %s: %s (%ld calls)", ops[o].name, faults[f].name, why ? why : "too few calls",
				     n);
		}
}

TEST(C5_every_allocation_fails_once)
{
	begin();
	for (size_t o = 0; o < ARRAY_SIZE(ops); o++) {
		cleanup_free char *why = NULL;
		long n = torture(ops[o].op, true, 0, &why);

		if (n < 5)
			FAIL("%s: %s (%ld allocations)", ops[o].name, why ? why : "too few allocations", n);
	}
}

TAP_MAIN
