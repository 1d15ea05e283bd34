/* plugin.c - see plugin.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "clock.h"
#include "fd.h"
#include "log.h"
#include "plugin.h"

#define PLUGIN_FD   3
#define KILL_AFTER  5	/* s between SIGTERM and SIGKILL */
#define CLOSE_AFTER 2	/* s an idle plugin gets to see EOF and exit */
#define LOG_LINE    4096
#define LOG_LINES   10000	/* of stderr per process; then it is dropped */

struct plugin {
	struct event_base *base;
	char *name;
	const struct plugin_callbacks *cb;
	void *arg;
	pid_t pid;			/* 0: reaped, with STATUS */
	int status;
	struct rusage usage;
	bool eof;			/* it closed its end */
	int fd;				/* -1: closed */
	int log_fd;
	struct event *ev_read, *ev_write, *ev_log, *ev_child, *ev_timer, *ev_deliver;
	struct buf in, out, log;
	size_t log_lines;
	struct msg_hello hello;
	bool greeted;

	char *method;			/* running request, NULL: none */
	int64_t id;
	struct plugin_limits limits;
	uint64_t deadline, silent_at;	/* clock_ms(); 0: none */
	uint64_t kill_at;		/* SIGKILL then; 0: not asked yet */
	size_t received;

	bool stopping;			/* plugin_stop() was called */
	struct err failure;		/* why it is dead; code ok: alive */
	struct json_object *result;	/* delivered by ev_deliver */
	struct err error;
	struct msg_error details;
	bool has_details;
};

const struct msg_hello *plugin_hello(const struct plugin *p)
{
	return p->greeted ? &p->hello : NULL;
}

pid_t plugin_pid(const struct plugin *p)
{
	return p->pid;
}

/* --- the child ---------------------------------------------------------- */

/* Ours alone: nothing of the agent's environment but the operator's proxies
 * reaches a program that parses hostile bytes. */
static char **build_environment(const char *bundle)
{
	static const char *const fixed[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LC_ALL=C.UTF-8",
		"HOME=/root",
		"TERM=dumb",
		"DEBIAN_FRONTEND=noninteractive",
		"OPENSSL_CONF=/dev/null",
	};
	static const char *const kept[] = { "http_proxy", "https_proxy", "no_proxy", "ftp_proxy",
					    "all_proxy",  "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY" };
	struct strv env = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		strv_push(&env, fixed[i]);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (getenv(kept[i]))
			strv_take(&env, xasprintf("%s=%s", kept[i], getenv(kept[i])));
	strv_take(&env, xasprintf("STOPGAP_BUNDLE=%s", bundle));
	strv_take(&env, NULL);
	return env.v;
}

/* Between fork and exec: only what is async-signal-safe. */
_noreturn_ static void child(const char *path, char *const *env, int sock, int logfd)
{
	char *argv[] = { (char *)(uintptr_t)path, NULL };
	sigset_t none;

	/* under memory pressure the updater goes first, never the service */
	cleanup_fd int adj = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (adj >= 0)
		(void)!write(adj, "1000", 4);
	(void)setpriority(PRIO_PROCESS, 0, 10);
	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setsid();		/* a Ctrl-C at the agent is not one at dpkg */
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	/* move both out of the way of 0-3 first: they may already be there */
	sock = fcntl(sock, F_DUPFD, 10);
	logfd = fcntl(logfd, F_DUPFD, 10);
	if (sock < 0 || logfd < 0 || (null >= 0 && dup2(null, 0) < 0) || dup2(logfd, 1) < 0 || dup2(logfd, 2) < 0 ||
	    dup2(sock, PLUGIN_FD) < 0)
		_exit(126);
	close_from(PLUGIN_FD + 1);
	(void)execve(path, argv, env);
	static const char msg[] = "cannot be executed\n";
	(void)!write(2, msg, sizeof(msg) - 1);
	_exit(127);
}

/* --- endings ------------------------------------------------------------ */

static void arm_timer(struct plugin *p)
{
	uint64_t at = 0, now = clock_ms();
	const uint64_t candidates[] = { p->kill_at, p->method ? p->deadline : 0, p->method ? p->silent_at : 0 };

	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++)
		if (candidates[i] && (!at || candidates[i] < at))
			at = candidates[i];
	if (!at) {
		(void)event_del(p->ev_timer);
		return;
	}
	uint64_t ms = at > now ? at - now : 0;
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000) * 1000 };
	(void)event_add(p->ev_timer, &tv);
}

static void terminate(struct plugin *p)
{
	if (!p->pid || p->kill_at)
		return;
	(void)kill(p->pid, SIGTERM);
	p->kill_at = clock_ms() + KILL_AFTER * 1000;
	arm_timer(p);
}

static void close_channel(struct plugin *p)
{
	if (p->fd < 0)
		return;
	(void)event_del(p->ev_read);
	(void)event_del(p->ev_write);
	(void)close(p->fd);
	p->fd = -1;
}

/* The running request is over. Callers see it from the event loop. */
static void finish(struct plugin *p)
{
	free(steal_ptr(&p->method));
	p->deadline = p->silent_at = 0;
	arm_timer(p);
	event_active(p->ev_deliver, 0, 0);
}

/* The plugin itself is at fault: it is ended and says nothing any more. */
static void fail(struct plugin *p, const struct err *why)
{
	if (p->failure.code != CODE_OK)
		return;
	p->failure = *why;
	(void)err_wrap(&p->failure, "plugin '%s'%s%s", p->name, p->method ? ", method " : "", strna(p->method));
	close_channel(p);
	terminate(p);
	if (p->method) {
		p->error = p->failure;
		finish(p);
	}
}

static void deliver(evutil_socket_t fd _unused_, short what _unused_, void *arg)
{
	struct plugin *p = arg;
	struct json_object *result = steal_ptr(&p->result);
	struct err error = p->error;
	struct msg_error details = p->details;
	bool has = p->has_details;

	p->error = ERR_INIT;
	p->details = (struct msg_error){ 0 };
	p->has_details = false;
	if (p->cb->done)
		p->cb->done(p->arg, result, result ? NULL : &error, has ? &details : NULL);
	json_object_put(result);
	wire_clear(&msg_error, &details);
}

static void plugin_free(struct plugin *p)
{
	struct event *const events[] = { p->ev_read, p->ev_write, p->ev_log, p->ev_child, p->ev_timer, p->ev_deliver };

	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (events[i])
			event_free(events[i]);
	closep(&p->fd);
	closep(&p->log_fd);
	buf_clear(&p->in);
	buf_clear(&p->out);
	buf_clear(&p->log);
	wire_clear(&msg_hello, &p->hello);
	wire_clear(&msg_error, &p->details);
	json_object_put(p->result);
	free(p->method);
	free(p->name);
	free(p);
}

/* --- what the plugin sends ----------------------------------------------- */

static int take_hello(struct plugin *p, struct json_object *hello, struct err *err)
{
	if (p->greeted)
		return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "a second hello");
	if (wire_decode(&msg_hello, hello, &p->hello, err) < 0)
		return -1;
	if (p->hello.protocol != PROTOCOL_VERSION)
		return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "speaks protocol %lld, this agent speaks %d",
			       (long long)p->hello.protocol, PROTOCOL_VERSION);
	p->greeted = true;
	return 0;
}

static int take_answer(struct plugin *p, struct json_object *line, struct err *err)
{
	struct json_object *id = NULL, *result = NULL, *error = NULL, *event = NULL;

	if (!p->method)
		return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "a line that nobody asked for");
	if (!json_object_object_get_ex(line, "id", &id) || !json_object_is_type(id, json_type_int) ||
	    json_object_get_int64(id) != p->id)
		return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "an answer to another request than %lld",
			       (long long)p->id);
	(void)json_object_object_get_ex(line, "event", &event);
	(void)json_object_object_get_ex(line, "result", &result);
	(void)json_object_object_get_ex(line, "error", &error);
	if (!!event + !!result + !!error != 1)
		return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "a line needs exactly one of event, result and error");
	if (event) {
		if (!json_object_is_type(event, json_type_string))
			return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "an event without a name");
		return p->cb->event(p->arg, json_object_get_string(event), line, err);
	}
	if (error) {
		if (wire_decode(&msg_error, error, &p->details, err) < 0)
			return -1;
		p->has_details = true;
		(void)err_set(&p->error, p->details.code, 0, "%s", p->details.message);
		p->error.retryable = p->details.retryable;
	} else {
		if (!json_object_is_type(result, json_type_object))
			return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "a result that is not an object");
		p->result = json_object_get(result);
	}
	finish(p);
	return 0;
}

static int take_line(struct plugin *p, struct json_object *line, struct err *err)
{
	struct json_object *hello = NULL;

	if (json_object_object_get_ex(line, "hello", &hello))
		return take_hello(p, hello, err);
	if (!p->greeted)
		return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "a line before the hello");
	return take_answer(p, line, err);
}

static void send_more(struct plugin *p)
{
	while (p->fd >= 0 && p->out.n) {
		ssize_t n = send(p->fd, p->out.s, p->out.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			/* EPIPE shows as EOF on the read side, with the reason */
			if (errno == EAGAIN)
				(void)event_add(p->ev_write, NULL);
			return;
		}
		buf_consume(&p->out, (size_t)n);
	}
}

static void on_write(evutil_socket_t fd _unused_, short what _unused_, void *arg)
{
	send_more(arg);
}

/* It is reaped: its exit status is the reason, unless our own signal ended it. */
static void fail_dead(struct plugin *p)
{
	struct err why = ERR_INIT;
	int sig = WIFSIGNALED(p->status) ? WTERMSIG(p->status) : 0;

	if (p->eof && (sig == SIGTERM || sig == SIGKILL))
		(void)err_set(&why, CODE_PLUGIN_DIED, 0, "closed the channel without an answer");
	else if (sig)
		(void)err_set(&why, CODE_PLUGIN_DIED, 0, "ended by signal %d (%s)", sig, strsignal(sig));
	else
		(void)err_set(&why, CODE_PLUGIN_DIED, 0, "ended with status %d%s", WEXITSTATUS(p->status),
			      WEXITSTATUS(p->status) == 127 ? " (it cannot be executed)" : "");
	fail(p, &why);
}

/* Whoever closes the channel is over. Its exit status is the better reason, so
 * that is waited for: at once if it is dying, else after our signals. */
static void take_eof(struct plugin *p)
{
	(void)event_del(p->ev_read);
	p->eof = true;
	if (!p->pid)
		fail_dead(p);
	else
		terminate(p);
}

static void on_read(evutil_socket_t fd _unused_, short what _unused_, void *arg)
{
	struct plugin *p = arg;
	struct err err = ERR_INIT;
	char chunk[65536];

	ssize_t n = recv(p->fd, chunk, sizeof(chunk), 0);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		take_eof(p);
		return;
	}
	p->received += (size_t)n;
	if (p->method && p->received > p->limits.bytes) {
		(void)err_set(&err, CODE_PLUGIN_PROTOCOL, 0, "an answer of more than %zu bytes", p->limits.bytes);
		fail(p, &err);
		return;
	}
	buf_append(&p->in, chunk, (size_t)n);
	for (;;) {
		struct json_object *line = NULL;
		int r = p->fd < 0 ? 0 : wire_next(&p->in, &line, &err);

		if (r == 0)
			break;
		if (r > 0) {
			r = take_line(p, line, &err);
			json_object_put(line);
		}
		if (r < 0) {
			fail(p, &err);
			return;
		}
	}
	if (p->method && p->limits.silence) {
		p->silent_at = clock_ms() + (uint64_t)p->limits.silence * 1000;
		arm_timer(p);
	}
}

/* stderr of the plugin: one log line each, escaped, bounded. */
static void on_log(evutil_socket_t fd, short what _unused_, void *arg)
{
	struct plugin *p = arg;
	char chunk[8192];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		(void)event_del(p->ev_log);
		return;
	}
	buf_append(&p->log, chunk, (size_t)n);
	for (;;) {
		const char *nl = p->log.n ? memchr(p->log.s, '\n', p->log.n) : NULL;

		if (!nl && p->log.n < LOG_LINE)
			return;
		size_t len = nl ? (size_t)(nl - p->log.s) : LOG_LINE;
		if (p->log_lines++ < LOG_LINES)
			log_info("%s: %.*s", p->name, (int)len, p->log.s);
		buf_consume(&p->log, len + (nl != NULL));
	}
}

/* --- time and death ------------------------------------------------------- */

static void on_timer(evutil_socket_t fd _unused_, short what _unused_, void *arg)
{
	struct plugin *p = arg;
	uint64_t now = clock_ms();
	struct err why = ERR_INIT;

	if (p->kill_at && now >= p->kill_at) {
		if (p->pid)
			(void)kill(p->pid, SIGKILL);
		p->kill_at = 0;
	}
	if (p->method && p->deadline && now >= p->deadline) {
		(void)err_set(&why, CODE_PLUGIN_TIMEOUT, 0, "no answer within %lld s", (long long)p->limits.deadline);
		fail(p, &why);
	} else if (p->method && p->silent_at && now >= p->silent_at) {
		(void)err_set(&why, CODE_PLUGIN_TIMEOUT, 0, "silent for %lld s", (long long)p->limits.silence);
		fail(p, &why);
	}
	arm_timer(p);
}

static void on_child(evutil_socket_t fd _unused_, short what _unused_, void *arg)
{
	struct plugin *p = arg;

	if (p->pid && wait4(p->pid, &p->status, WNOHANG, &p->usage) == p->pid) {
		p->pid = 0;
		p->kill_at = 0;
		arm_timer(p);
		/* its last lines may still be in the socket; EOF follows them,
		 * unless a child of its own keeps the other end open */
		while (p->fd >= 0 && p->method && !p->eof) {
			char c;

			if (recv(p->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
				break;
			on_read(p->fd, EV_READ, p);
		}
		if (p->method || !p->stopping)
			fail_dead(p);
	}
	if (!p->pid && p->stopping) {
		const struct plugin_callbacks *cb = p->cb;
		void *cb_arg = p->arg;
		int64_t rss = (int64_t)p->usage.ru_maxrss * 1024;

		plugin_free(p);
		if (cb->gone)
			cb->gone(cb_arg, rss);
	}
}

/* --- the calls --------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Only which is asked first: a guess that is wrong costs the start of a process. */
static bool looks_like_rpm(void)
{
	static const char *const folders[] = { "/usr/lib/sysimage/rpm", "/var/lib/rpm" };
	bool found = false;

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		found |= access(folders[i], F_OK) == 0;
	return found && access("/var/lib/dpkg/status", F_OK) < 0;
}

static void put_first(struct strv *paths, const char *name)
{
	for (size_t i = 0; i < paths->n; i++) {
		char *path = paths->v[i];

		if (!ends_with(path, name))
			continue;
		memmove(paths->v + 1, paths->v, i * sizeof(*paths->v));
		paths->v[0] = path;
	}
}

int plugin_list(const char *bundle, struct strv *ret, struct err *err)
{
	cleanup_free char *folder = xasprintf("%s/plugins", bundle);
	DIR *d = opendir(folder);

	if (!d)
		return err_set(
			err, CODE_PLUGIN_MISSING, errno,
			"open '%s' (run stopgap from its bundle; where the bundle was replaced on the host, restart the container to mount the new one)",
			folder);
	for (struct dirent *e; (e = readdir(d));)
		if (starts_with(e->d_name, "stopgap-"))
			strv_take(ret, xasprintf("%s/%s", folder, e->d_name));
	(void)closedir(d);
	if (!ret->n)
		return err_set(err, CODE_PLUGIN_MISSING, 0, "no plugin 'stopgap-*' in '%s'", folder);
	qsort(ret->v, ret->n, sizeof(*ret->v), by_text);
	if (looks_like_rpm())
		put_first(ret, "/stopgap-rpm");
	return 0;
}

int plugin_start(struct event_base *base, const struct plugin_spec *spec, const struct plugin_callbacks *cb, void *arg,
		 struct plugin **ret, struct err *err)
{
	int sv[2] = { -1, -1 }, lp[2] = { -1, -1 };

	if (access(spec->path, X_OK) < 0)
		return err_set(err, CODE_PLUGIN_MISSING, errno, "plugin '%s': '%s'", spec->name, spec->path);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0 || pipe2(lp, O_CLOEXEC) < 0) {
		(void)err_set(err, CODE_IO, errno, "plugin '%s': socketpair", spec->name);
		closep(&sv[0]);
		closep(&sv[1]);
		return -1;
	}
	char **env = build_environment(spec->bundle);
	pid_t pid = fork();
	if (pid == 0)
		child(spec->path, env, sv[1], lp[1]);
	int e = errno;
	for (char **v = env; *v; v++)
		free(*v);
	free(env);
	(void)close(sv[1]);
	(void)close(lp[1]);
	if (pid < 0) {
		(void)close(sv[0]);
		(void)close(lp[0]);
		return err_set(err, CODE_IO, e, "plugin '%s': fork", spec->name);
	}
	struct plugin *p = xcalloc(1, sizeof(*p));
	*p = (struct plugin){ .base = base,
			      .name = xstrdup(spec->name),
			      .cb = cb,
			      .arg = arg,
			      .pid = pid,
			      .fd = sv[0],
			      .log_fd = lp[0],
			      .failure = ERR_INIT,
			      .error = ERR_INIT };
	(void)set_nonblock(p->fd);
	(void)set_nonblock(p->log_fd);
	p->ev_read = event_new(base, p->fd, EV_READ | EV_PERSIST, on_read, p);
	p->ev_write = event_new(base, p->fd, EV_WRITE, on_write, p);
	p->ev_log = event_new(base, p->log_fd, EV_READ | EV_PERSIST, on_log, p);
	p->ev_child = evsignal_new(base, SIGCHLD, on_child, p);
	p->ev_timer = evtimer_new(base, on_timer, p);
	p->ev_deliver = event_new(base, -1, 0, deliver, p);
	if (!p->ev_read || !p->ev_write || !p->ev_log || !p->ev_child || !p->ev_timer || !p->ev_deliver)
		out_of_memory();
	(void)event_add(p->ev_read, NULL);
	(void)event_add(p->ev_log, NULL);
	(void)event_add(p->ev_child, NULL);
	/* it may have ended before anybody listened */
	event_active(p->ev_child, EV_SIGNAL, 1);
	buf_printf(&p->out, "{\"hello\":{\"protocol\":[%d]}}\n", PROTOCOL_VERSION);
	send_more(p);
	*ret = p;
	return 0;
}

void plugin_request(struct plugin *p, const char *method, struct json_object *params, struct plugin_limits limits)
{
	struct json_object *line = json_object_new_object();
	uint64_t now = clock_ms();

	p->method = xstrdup(method);
	p->id++;
	p->received = 0;
	p->limits = limits;
	if (!p->limits.bytes)
		p->limits.bytes = WIRE_PLAN_MAX;
	p->deadline = limits.deadline ? now + (uint64_t)limits.deadline * 1000 : 0;
	p->silent_at = limits.silence ? now + (uint64_t)limits.silence * 1000 : 0;
	json_object_object_add(line, "id", json_object_new_int64(p->id));
	json_object_object_add(line, "method", json_object_new_string(method));
	json_object_object_add(line, "params", params ? params : json_object_new_object());
	if (p->failure.code != CODE_OK) {
		p->error = p->failure;
		finish(p);
	} else if (p->greeted && !strv_contains(&p->hello.capabilities, method)) {
		(void)err_set(&p->error, CODE_UNSUPPORTED, 0, "plugin '%s' has no method '%s'", p->name, method);
		finish(p);
	} else {
		wire_put(&p->out, line);
		send_more(p);
		arm_timer(p);
	}
	json_object_put(line);
}

void plugin_finish_early(struct plugin *p)
{
	if (p->pid)
		(void)kill(p->pid, SIGTERM);
}

void plugin_stop(struct plugin *p)
{
	p->stopping = true;
	close_channel(p);
	if (p->pid && !p->kill_at)
		p->kill_at = clock_ms() + CLOSE_AFTER * 1000;
	arm_timer(p);
	event_active(p->ev_child, EV_SIGNAL, 1);	/* once; with 0 calls a signal event calls nobody */
}
