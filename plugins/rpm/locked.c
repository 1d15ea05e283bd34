/* locked.c - see locked.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "clock.h"
#include "fd.h"
#include "locked.h"
#include "messages.h"
#include "serve.h"

/* No system account has it: what runs as the container's nobody cannot signal
 * it. Within the 65536 ids that user namespaces have as a rule. */
#define USER 65533
#define CALL_MS 30000 /* reading some megabytes of XML takes a tenth of a second */

static struct {
	uid_t uid;
	bool tried;
} self = { .uid = USER };

uid_t locked_user(void)
{
	return self.uid;
}

/* ------------------------------------------------------------ starting and ending */

/* Descriptors from 3 on, but for KEEP. */
static void close_others(const int *keep, size_t n)
{
	int from = 3;

	for (;;) {
		int next = -1;

		for (size_t i = 0; i < n; i++)
			if (keep[i] >= from && (next < 0 || keep[i] < next))
				next = keep[i];
		if (next < 0)
			break;
		for (; from < next; from++)
			(void)close(from);
		from = next + 1;
	}
	close_from(from);
}

_noreturn_ static void child(int out, const struct confine *c, const int *fds, size_t n_fds,
			     void (*fn)(int out, void *ctx), void *ctx)
{
	int keep[64] = { out };
	size_t n = 1;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGPIPE, SIG_DFL);
	for (size_t i = 0; i < n_fds && n < ARRAY_SIZE(keep); i++)
		keep[n++] = fds[i];
	close_others(keep, n);
	(void)confine_enter(c);
	fn(out, ctx);
	_exit(0);
}

int locked_start(struct locked *ret, enum confine_profile profile, const struct confine_path *paths, size_t n_paths,
		 const int *fds, size_t n_fds, void (*fn)(int out, void *ctx), void *ctx, struct err *err)
{
	const struct confine c = { profile, self.uid, self.uid, paths, n_paths };
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_set(err, CODE_IO, errno, "make a pipe");
	*ret = (struct locked){ .pid = fork(), .fd = p[0] };
	if (ret->pid == 0)
		child(p[1], &c, fds, n_fds, fn, ctx);
	(void)close(p[1]);
	if (ret->pid > 0)
		return 0;
	(void)close(p[0]);
	return err_set(err, CODE_IO, errno, "fork");
}

int locked_next(struct locked *l, int ms, struct json_object **ret)
{
	struct pollfd p = { .fd = l->fd, .events = POLLIN };
	struct err ignored = ERR_INIT;
	char chunk[65536];
	int r = wire_next(&l->in, ret, &ignored);

	if (r != 0)
		return r;
	if (poll(&p, 1, ms) <= 0)
		return 0;
	ssize_t n = read(l->fd, chunk, sizeof(chunk));
	if (n == 0 || (n < 0 && errno != EINTR))
		return -1;
	if (n > 0)
		buf_append(&l->in, chunk, (size_t)n);
	return wire_next(&l->in, ret, &ignored);
}

void locked_end(struct locked *l)
{
	(void)kill(l->pid, SIGKILL);
	while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
		;
	(void)close(l->fd);
	buf_clear(&l->in);
}

/* ------------------------------------------------------------ one call */

struct call {
	const struct wire_message *m;
	int (*fn)(void *ret, void *ctx, struct err *err);
	void *ctx, *ret;
};

static void answer(int out, void *arg)
{
	struct call *c = arg;
	struct err err = ERR_INIT;
	cleanup_buf struct buf line = { 0 };
	struct json_object *obj = json_object_new_object();

	if (c->fn(c->ret, c->ctx, &err) == 0) {
		json_object_object_add(obj, "result", wire_encode(c->m, c->ret));
	} else {
		struct msg_error e = { .code = err.code, .message = err.msg, .retryable = err.retryable };

		json_object_object_add(obj, "error", wire_encode(&msg_error, &e));
	}
	wire_put(&line, obj);
	(void)write_all(out, line.s, line.n);
}

static int take_answer(const struct call *c, struct json_object *obj, struct err *err)
{
	struct json_object *part;
	struct msg_error e = { 0 };
	int r = -1;

	if (json_object_object_get_ex(obj, "result", &part))
		return wire_decode(c->m, part, c->ret, err);
	if (!json_object_object_get_ex(obj, "error", &part))
		return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "a locked-in reader sent neither a result nor an error");
	if (wire_decode(&msg_error, part, &e, err) == 0) {
		r = err_set(err, e.code == CODE_OK ? CODE_INTERNAL : e.code, 0, "%s", strna(e.message));
		err->retryable = e.retryable;
	}
	wire_clear(&msg_error, &e);
	return r;
}

int locked_call(const struct wire_message *m, int (*fn)(void *ret, void *ctx, struct err *err), void *ctx, void *ret,
		struct err *err)
{
	struct call c = { m, fn, ctx, ret };
	struct locked l;
	struct json_object *obj = NULL;
	uint64_t deadline = clock_ms() + CALL_MS;
	int r = 0;

	if (locked_start(&l, CONFINE_PARSE, NULL, 0, NULL, 0, answer, &c, err) < 0)
		return -1;
	while (r == 0 && clock_ms() < deadline)
		r = locked_next(&l, 500, &obj);
	locked_end(&l);
	if (r != 1)
		return err_set(err, CODE_PLUGIN_DIED, 0, "reading what is not verified yet came to no end");
	r = take_answer(&c, obj, err);
	json_object_put(obj);
	return r;
}

/* ------------------------------------------------------------ what holds here */

static unsigned try_out(uid_t uid)
{
	const struct confine c = { CONFINE_FETCH, uid, uid, NULL, 0 };
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit((int)confine_enter(&c));
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			pid = -1;
	return pid > 0 && WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) : ~0U;
}

void locked_check(struct wire_list *alarms)
{
	unsigned missing;
	char text[512];

	if (self.tried)
		return;
	self.tried = true;
	missing = try_out(USER);
	confine_describe(missing, text, sizeof(text));
	if (missing)
		reason_add(alarms, CODE_SANDBOX_DEGRADED, "downloads run without %s", text);
	if (missing & CONFINE_NO_USER)
		self.uid = 0;
}
