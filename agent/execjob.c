/* execjob.c - see execjob.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "clock.h"
#include "client.h"
#include "exechooks.h"
#include "execjob.h"
#include "execrestart.h"
#include "fd.h"
#include "hostlists.h"
#include "hoststate.h"
#include "log.h"
#include "statedir.h"
#include "syscalls.h"

#define GRACE_MS 5000 /* after the deadline, for the process that keeps it */
#define REPORT_MAX (2 * ENTER_OUTPUT_MAX)
#define STATE_MIN (64 * 1024 * 1024)

/* --- the child ------------------------------------------------------------------- */

static void inner_args(const struct options *o, struct strv *ret)
{
	static const char *const modes[] = { [VERB_ONCE] = "once", [VERB_CHECK] = "check", [VERB_SCAN] = "scan" };

	strv_push(ret, modes[o->verb]);
	strv_push(ret, "--output=json");
	if (o->dry_run)
		strv_push(ret, "--dry-run");
	if (o->level >= LOG_INFO)
		strv_push(ret, "--verbose");
	if (o->level >= LOG_DEBUG)
		strv_push(ret, "--verbose");
	if (o->level == LOG_WARNING)
		strv_push(ret, "--quiet");
}

/* What the host keeps of it, and the lock of that: one entry of a container at a time. */
static int open_state(const struct exec_job *j, const struct exec_shared *s, char **dir, int *lock, struct err *err)
{
	*dir = hoststate_of(s->config->report.state_dir, j->container);
	if (!*dir)
		return err_set(err, CODE_INTERNAL, 0, "the container's id is not fit for a file name");
	if (state_dir_lock(*dir, lock, err) < 0)
		return -1;
	return hoststate_claim(*dir, j->container->nested ? "" : j->container->id, j->container->start, err);
}

/* Where the host keeps it: the path that it had in the entry is gone. */
static void place_log(const char *dir, struct json_object *o)
{
	cleanup_free char *path = xasprintf("%s/entry/log/apply.log", dir);

	if (!json_object_object_get_ex(o, "log", NULL))
		return;
	json_object_object_del(o, "log");
	if (access(path, F_OK) == 0)
		wire_add_string(o, "log", path);
}

static void record(const struct exec_job *j, const struct exec_shared *s, const char *dir, struct json_object *o)
{
	struct err err = ERR_INIT;
	struct report r;

	if (report_read(o, &r, &err) == 0) {
		int failed = hoststate_record(dir, &r, s->config->report.history, &err);

		report_clear(&r);
		if (failed == 0)
			return;
	}
	log_warning("%s: save the report: %s, ignoring", j->name, err.msg);
}

/* One entry: MODE's run in the container whose init is PID. */
static struct json_object *enter(struct exec_job *j, const struct exec_shared *s, size_t index,
				 const struct options *mode, const struct host_container *c, const char *dir)
{
	struct target target;
	struct err err = ERR_INIT;
	struct strv args = { 0 }, env = { 0 };
	struct enter_result result;
	struct hostcache cache;

	if (target_open(c->pid, c->start, &target, &err) < 0)
		return enterreport_failure(&j->who, &err);
	inner_args(mode, &args);
	config_environment(s->config, &env);
	strv_push(&env, "STOPGAP_LINK=stdio");
	if (hostcache_open(s->config->report.state_dir, s->config->host.cache_size, &cache, &err) < 0)
		log_warning("%s; going on without it", err.msg);
	cleanup_free char *group = hostlists_group("/proc", c->pid, c->image_id);
	const struct enter_spec spec = { .target = &target,
					 .name = j->name,
					 .bundle = s->bundle,
					 .args = &args,
					 .env = &env,
					 .deadline = j->deadline,
					 .cache = &cache,
					 .group = group,
					 .share_wait = s->config->network.timeout,
					 .state_dir = dir,
					 .turns = s->turns,
					 .turn = index % ENTER_COPIES,
					 .state_max = (uint64_t)s->config->network.max_bytes + STATE_MIN };
	enter_run(&spec, &result);
	struct json_object *o = enterreport_make(&j->who, &result, &target);
	enter_result_clear(&result);
	target_clear(&target);
	hostcache_close(&cache);
	strv_clear(&args);
	strv_clear(&env);
	return o;
}

/* The whole container, by its engine, and a look at what runs then. */
static void restart_container(struct exec_job *j, const struct exec_shared *s, size_t index, const char *dir,
			      struct json_object *o)
{
	const struct strv *engines = s->opt->hosts.n ? &s->opt->hosts : &s->config->host.engines;
	const struct host_container *c = NULL;
	struct options scan = *s->inner;
	struct host_containers now;
	struct err err = ERR_INIT;

	if (!execrestart_do(s->config, engines, j->container, dir, o))
		return;
	/* its processes are others now */
	if (containers_find("", &s->config->host.runc, &now, &err) < 0)
		return;
	scan.verb = VERB_SCAN;
	scan.dry_run = false;
	if (containers_pick(&now, j->container->id, &c, &err) == 0) {
		struct json_object *after = enter(j, s, index, &scan, c, dir);

		execrestart_judge(o, after);
		json_object_put(after);
	}
	containers_clear(&now);
}

static struct json_object *work(struct exec_job *j, const struct exec_shared *s, size_t index)
{
	cleanup_free char *dir = NULL;
	cleanup_fd int lock = -1;
	struct err err = ERR_INIT;

	if (open_state(j, s, &dir, &lock, &err) < 0)
		return enterreport_failure(&j->who, &err);
	if (exechook_before(s->config, &j->who, dir, &err) < 0)
		return enterreport_failure(&j->who, &err);
	struct json_object *o = enter(j, s, index, s->inner, j->container, dir);
	if (execrestart_wanted(s->config, o))
		restart_container(j, s, index, dir, o);
	place_log(dir, o);
	record(j, s, dir, o);
	exechook_after(s->config, dir, o);
	return o;
}

_noreturn_ static void child(struct exec_job *j, const struct exec_shared *s, size_t index, int out, pid_t parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	struct json_object *o = work(j, s, index);
	const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
	_exit(write_all(out, text, strlen(text)) < 0);
}

/* --- the parent --------------------------------------------------------------------- */

static void fail(struct exec_job *j, const struct err *why)
{
	j->report = enterreport_failure(&j->who, why);
}

void execjob_start(struct exec_job *j, const struct exec_shared *s, size_t index)
{
	struct err err = ERR_INIT;
	pid_t parent = getpid();
	int ends[2];

	j->who.mode = s->inner->verb == VERB_CHECK ? MODE_CHECK :
		      s->inner->verb == VERB_SCAN  ? MODE_SCAN :
		      s->inner->dry_run		   ? MODE_DRY_RUN :
						     MODE_ONCE;
	j->who.started = clock_ms();
	j->deadline = j->who.started + (uint64_t)s->timeout * 1000;
	if (!j->container) {
		fail(j, &j->failure);
		return;
	}
	if (pipe2(ends, O_CLOEXEC) < 0) {
		(void)err_set(&err, CODE_IO, errno, "make a pipe");
		fail(j, &err);
		return;
	}
	cleanup_fd int in = ends[1];
	j->out = ends[0];
	(void)set_nonblock(j->out);
	j->child = fork();
	if (j->child == 0)
		child(j, s, index, in, parent);
	j->child_fd = j->child < 0 ? -1 : pidfd_open(j->child, 0);
	if (j->child_fd >= 0)
		return;
	(void)err_set(&err, CODE_IO, errno, "start a process");
	closep(&j->out);
	j->out = -1;
	j->child = 0;
	fail(j, &err);
}

/* True: its end was seen. */
static bool take_text(struct exec_job *j, struct err *err)
{
	char chunk[16384];

	for (;;) {
		ssize_t n = read(j->out, chunk, sizeof(chunk));

		if (n < 0)
			return errno != EAGAIN && errno != EINTR;
		if (n == 0)
			return true;
		if (j->text.n + (size_t)n > REPORT_MAX) {
			(void)err_set(err, CODE_BAD_REPORT, 0, "its report is larger than %d bytes", REPORT_MAX);
			return true;
		}
		buf_append(&j->text, chunk, (size_t)n);
	}
}

bool execjob_step(struct exec_job *j)
{
	struct err err = ERR_INIT;
	struct pollfd gone = { .fd = j->child_fd, .events = POLLIN };
	bool late = clock_ms() > j->deadline + GRACE_MS;

	if (j->report)
		return true;
	/* its end is looked at first: what it said is in the pipe then, which one that is frozen may hold open */
	bool ended = poll(&gone, 1, 0) > 0;
	if (!take_text(j, &err) && !ended && !late)
		return false;
	if (late && !j->text.n)
		(void)err_set(&err, CODE_ENTER_TIMEOUT, 0,
			      "the deadline has passed, and the process that enters the container does not answer");
	if (err.code == CODE_OK && client_parse(buf_str(&j->text), j->text.n, &j->report, &err) < 0)
		(void)err_set(&err, CODE_INTERNAL, 0, "the process that enters the container ended without a report");
	if (!j->report)
		fail(j, &err);
	/* it has said all; one that hangs in the kernel is not waited for */
	(void)sys_pidfd_send_signal(j->child_fd, SIGKILL);
	(void)waitpid(j->child, NULL, late ? WNOHANG : 0);
	closep(&j->out);
	closep(&j->child_fd);
	j->out = j->child_fd = -1;
	j->child = 0;
	return true;
}

void execjob_stop(const struct exec_job *j)
{
	if (execjob_running(j))
		(void)sys_pidfd_send_signal(j->child_fd, SIGTERM);
}

bool execjob_running(const struct exec_job *j)
{
	return j->child > 0;
}

void execjob_clear(struct exec_job *j)
{
	buf_clear(&j->text);
	json_object_put(j->report);
	free(j->name);
	*j = (struct exec_job){ .out = -1, .child_fd = -1 };
}
