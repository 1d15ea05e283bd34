/* trans.c - see trans.h. */
#include <fcntl.h>
#include <rpm/rpmlog.h>
#include <rpm/rpmmacro.h>
#include <stdio.h>
#include <sys/stat.h>
#include "clock.h"
#include "fd.h"
#include "macros.h"
#include "recordlock.h"
#include "serve.h"
#include "trans.h"
#include "childwatch.h"

#define TAIL_MAX (256 * 1024) /* bytes of a program's output that are looked at */
#define OUTPUT_MAX 4000 /* bytes of error lines that are kept */
#define SCRIPT_PATH "/sbin:/bin:/usr/sbin:/usr/bin"

struct run {
	struct trans *t;
	struct trans_item *current; /* whose script runs */
};

static struct trans_item *find(struct trans *t, const char *label)
{
	for (size_t i = 0; i < t->n; i++) {
		size_t n = strlen(t->items[i].name);

		if (strncmp(label, t->items[i].name, n) == 0 && label[n] == '.' &&
		    streq(label + n + 1, t->items[i].arch))
			return &t->items[i];
	}
	return NULL;
}

void trans_add_text(struct buf *b, const char *text)
{
	if (b->n < OUTPUT_MAX)
		buf_printf(b, "%s%.1000s", b->n ? "\n" : "", text);
}

static void problem(struct trans *t, struct trans_item *it, const char *text)
{
	t->end = TRANS_PROBLEMS;
	if (it) {
		it->problem = true;
		trans_add_text(&it->detail, text);
	} else {
		trans_add_text(&t->output, text);
	}
}

static void on_line(char *line, void *ctx)
{
	struct run *r = ctx;
	struct trans *t = r->t;
	char *rest = line, *word = strsep(&rest, " ");
	char *label = rest && !streq(word, "error") ? strsep(&rest, " ") : NULL;
	struct trans_item *it = label ? find(t, label) : NULL;

	if (streq(word, "step") && t->progress)
		t->progress(label, t->ctx);
	else if (streq(word, "script"))
		r->current = it;
	else if (streq(word, "locked"))
		t->end = TRANS_LOCKED;
	else if (streq(word, "problem"))
		problem(t, it, strna(rest));
	else if (streq(word, "error"))
		trans_add_text(it ? &it->detail : r->current ? &r->current->detail : &t->output, strna(rest));
	else if (streq(word, "said") && it)
		trans_add_text(&it->said, strna(rest));
	else if (streq(word, "failed") && it)
		it->script_failed = true;
	else if (streq(word, "warning") && it)
		strv_take(&it->warnings,
			  xasprintf("the %s script of %s failed, which rpm passes over", strna(rest), it->name));
}

static void on_ended(const char *text, void *ctx)
{
	struct run *r = ctx;

	if (!r->current)
		return;
	r->current->timeout = true;
	trans_add_text(&r->current->detail, text);
}

static int in_child(void *ctx)
{
	const struct run *r = ctx;

	return trans_own(r->t);
}

static void build_environment(struct strv *env)
{
	static const char *const fixed[] = { "LC_ALL=C.UTF-8", "HOME=/root",   "TERM=dumb",
					     "USER=root",      "LOGNAME=root", "SYSTEMD_OFFLINE=1" };
	static const char path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

	strv_take(env,
		  plugin_bundle() ? xasprintf("PATH=%s/guard:%s", plugin_bundle(), path) : xasprintf("PATH=%s", path));
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		strv_push(env, fixed[i]);
	strv_take(env,
		  xasprintf("RPM_CONFIGDIR=%s", getenv("RPM_CONFIGDIR") ? getenv("RPM_CONFIGDIR") : "/usr/lib/rpm"));
}

static void title_of(const struct trans *t, const char *tool, struct buf *ret)
{
	static const char *const verbs[] = { "upgrade", "replace", "forget" };

	buf_printf(ret, "%s %s", tool ? tool : "rpm transaction", verbs[t->verb]);
	for (size_t i = 0; i < t->n; i++)
		buf_printf(ret, " %s-%s.%s", t->items[i].name, t->items[i].evr, t->items[i].arch);
}

static int64_t log_size(const char *log)
{
	struct stat st;

	return stat(log, &st) == 0 ? st.st_size : 0;
}

/* What a program of the container said, as far as it is in the last part of the log. */
static void take_output(struct trans *t, int64_t from)
{
	cleanup_fd int fd = open(t->log, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_free char *text = xmalloc(TAIL_MAX + 1);
	int64_t size = log_size(t->log);

	if (size - from > TAIL_MAX)
		from = size - TAIL_MAX;
	ssize_t n = fd < 0 ? -1 : pread(fd, text, TAIL_MAX, from);
	if (n <= 0)
		return;
	text[n] = '\0';
	trans_read_output(t, text);
}

int trans_run(struct trans *t, struct err *err)
{
	cleanup_strv struct strv argv = { 0 }, env = { 0 };
	cleanup_buf struct buf title = { 0 };
	struct run r = { .t = t };
	const char *tool;
	enum trans_way way = trans_way(t->s, &tool);
	struct watch w = { .program = tool,
			   .fn = in_child,
			   .log = t->log,
			   .silence = t->s->settings->script_timeout,
			   .line = on_line,
			   .ended = on_ended,
			   .ctx = &r };

	if (way == WAY_NONE || (way == WAY_TOOL && t->verb != TRANS_UPGRADE))
		return err_set(err, CODE_UNSUPPORTED_DATABASE, 0,
			       "no program in the container can change its %s database this way; install rpm in it",
			       rpmdb_kind_name(t->s->db.kind));
	t->end = TRANS_DONE;
	build_environment(&env);
	title_of(t, tool, &title);
	if (tool) {
		/* that is ours; its own rpm has its own */
		free(env.v[--env.n]);
		trans_arguments(t, way, tool, &argv);
	}
	strv_take(&env, NULL);
	strv_take(&argv, NULL);
	w.argv = argv.v;
	w.envp = env.v;
	w.title = title.s;
	int64_t before = log_size(t->log);
	int status = watch_run(&w, err);
	if (status > 0 && tool)
		take_output(t, before);
	return status < 0 ? -1 : 0;
}

void trans_clear(struct trans *t)
{
	for (size_t i = 0; i < t->n; i++) {
		strv_clear(&t->items[i].warnings);
		buf_clear(&t->items[i].detail);
		buf_clear(&t->items[i].said);
	}
	buf_clear(&t->output);
}

int trans_wait_for_lock(const struct session *s, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/.rpm.lock", s->db.dir);
	int fd = -1;

	if (record_lock(path, s->settings->lock_timeout, clock_ms(), &fd, err) < 0)
		return -1;
	closep(&fd);
	return 0;
}

static void push(const char *name, const char *value)
{
	(void)rpmPushMacro(NULL, name, NULL, value, RMIL_CMDLINE);
}

void trans_set_macros(void)
{
	struct macros m = { 0 };
	cleanup_free char *path = plugin_bundle() ? xasprintf("%s/guard:%s", plugin_bundle(), SCRIPT_PATH) :
						    xstrdup(SCRIPT_PATH);

	macros_read("", &m);
	if (m.install_langs)
		push("_install_langs", m.install_langs);
	if (m.excludedocs)
		push("_excludedocs", "1");
	if (m.netsharedpath)
		push("_netsharedpath", m.netsharedpath);
	push("_install_script_path", path);
	macros_clear(&m);
}
