/* dpkgrun.c - see dpkgrun.h. */
#include "buf.h"
#include "cgroup.h"
#include "dpkg.h"
#include "dpkgrun.h"
#include "serve.h"
#include "childwatch.h"

#define MEMORY_TIGHT (256LL * 1024 * 1024) /* below that xz uses one thread: 20% less memory */
#define STANDARD_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct runner {
	struct dpkg_run *run;
	char *current; /* package being processed */
};

static void emit(const struct dpkg_run *run, enum dpkg_event_type type, const char *package, const char *text)
{
	struct dpkg_event e = { .type = type, .package = strna(package), .text = text };

	run->event(&e, run->ctx);
}

/* "processing: STAGE: PACKAGE", "status: PACKAGE: STATUS",
 * "status: PACKAGE : error : MESSAGE", "status: FILE : conffile-prompt : ..." */
void dpkg_status_line(const struct dpkg_run *run, char **current, char *line)
{
	char *p, *rest;

	if (starts_with(line, "processing: ")) {
		rest = line + strlen("processing: ");
		p = strstr(rest, ": ");
		if (!p)
			return;
		*p = '\0';
		free(*current);
		*current = xstrdup(p + 2);
		emit(run, DPKG_PROCESSING, *current, rest);
		return;
	}
	if (!starts_with(line, "status: "))
		return;
	rest = line + strlen("status: ");
	if ((p = strstr(rest, " : error : "))) {
		*p = '\0';
		emit(run, DPKG_ERROR, rest, p + strlen(" : error : "));
	} else if ((p = strstr(rest, " : conffile-prompt : "))) {
		*p = '\0';
		emit(run, DPKG_CONFFILE, *current, rest);
	} else if ((p = strstr(rest, ": "))) {
		*p = '\0';
		emit(run, DPKG_STATUS, rest, p + 2);
	}
}

static void status_line(char *line, void *ctx)
{
	struct runner *r = ctx;

	dpkg_status_line(r->run, &r->current, line);
}

static void scripts_ended(const char *text, void *ctx)
{
	struct runner *r = ctx;

	emit(r->run, DPKG_TIMEOUT, r->current, text);
}

static void build_environment(struct strv *env)
{
	static const char *const fixed[] = {
		"DPKG_COLORS=never",
		"DEBIAN_FRONTEND=noninteractive",
		"DEBCONF_NONINTERACTIVE_SEEN=true",
		"APT_LISTCHANGES_FRONTEND=none",
		"NEEDRESTART_SUSPEND=1",
		"UCF_FORCE_CONFFOLD=1",
		"LC_ALL=C.UTF-8",
		"HOME=/root",
		"TERM=dumb",
		"USER=root",
		"LOGNAME=root",
	};
	const char *bundle = plugin_bundle();
	struct cgroup_room room;

	strv_take(env,
		  bundle ? xasprintf("PATH=%s/guard:%s", bundle, STANDARD_PATH) : xasprintf("PATH=%s", STANDARD_PATH));
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		strv_push(env, fixed[i]);
	cgroup_read("", &room);
	if (room.memory_left >= 0 && room.memory_left < MEMORY_TIGHT)
		strv_push(env, "DPKG_DEB_THREADS_MAX=1");
	if (dpkg_locked())
		strv_push(env, "DPKG_FRONTEND_LOCKED=true");
	strv_take(env, NULL);
}

static void build_arguments(const struct dpkg_run *run, struct strv *argv)
{
	static const char *const fixed[] = {
		"dpkg",
		"--status-fd",
		"3",
		"--no-pager",
		"--no-debsig",
		"--force-confdef",
		"--force-confold",
		"--no-force-downgrade",
	};

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		strv_push(argv, fixed[i]);
	for (size_t i = 0; i < run->args.n; i++)
		strv_push(argv, run->args.v[i]);
	strv_take(argv, NULL);
}

int dpkg_run(struct dpkg_run *run, struct err *err)
{
	cleanup_strv struct strv argv = { 0 }, env = { 0 };
	cleanup_buf struct buf title = { 0 };
	struct runner r = { .run = run };
	struct watch w = { .program = DPKG_PROGRAM,
			   .log = run->log,
			   .silence = run->silence,
			   .line = status_line,
			   .ended = scripts_ended,
			   .ctx = &r };
	int ret;

	build_arguments(run, &argv);
	build_environment(&env);
	buf_puts(&title, "dpkg");
	for (size_t i = 0; i < run->args.n; i++)
		buf_printf(&title, " %s", run->args.v[i]);
	w.argv = argv.v;
	w.envp = env.v;
	w.title = title.s;
	dpkg_lock_lend();
	ret = watch_run(&w, err);
	dpkg_lock_return();
	free(r.current);
	return ret;
}
