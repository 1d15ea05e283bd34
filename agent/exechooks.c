/* exechooks.c - see exechooks.h. */
#include "command.h"
#include "exechooks.h"
#include "hooks.h"
#include "log.h"
#include "loop.h"
#include "value.h"

struct waiting {
	struct event_base *base;
	struct buf why;
	bool ok, veto;
};

static void on_done(void *arg, const struct command_result *r)
{
	struct waiting *w = arg;

	w->ok = command_ok(r);
	w->veto = r->end == COMMAND_EXITED && r->status == HOOK_VETO;
	command_describe(r, &w->why);
	(void)event_base_loopbreak(w->base);
}

/* COMMAND with the facts of REP and INPUT; what came of it into W, whose base is gone then. */
static void call(const struct config *c, const char *command, const struct report *rep, const char *dir,
		 const char *input, struct waiting *w)
{
	cleanup_strv struct strv argv = { 0 }, env = { 0 };
	struct err err = ERR_INIT;

	if (value_argv(command, &argv, &err) < 0) {
		buf_puts(&w->why, err.msg);
		return;
	}
	strv_take(&argv, NULL);
	hook_environment(rep, dir, input, &env);
	const struct command_spec spec = { .argv = argv.v,
					   .envp = env.v,
					   .input = input,
					   .input_n = input ? strlen(input) : 0,
					   .timeout = c->hooks.timeout ? c->hooks.timeout : 1 };
	w->base = loop_new();
	if (command_start(w->base, &spec, on_done, w, NULL, &err) < 0)
		buf_puts(&w->why, err.msg);
	else
		(void)event_base_dispatch(w->base);
	event_base_free(w->base);
}

int exechook_before(const struct config *c, const struct enterreport *who, const char *dir, struct err *err)
{
	struct waiting w = { 0 };
	struct report r;
	int rc = 0;

	if (!*strna(c->hooks.before) || who->mode == MODE_SCAN || who->mode == MODE_DRY_RUN)
		return 0;
	report_init(&r, who->mode, "command");
	free(r.container.id);
	r.container.id = xstrdup(who->id);
	call(c, c->hooks.before, &r, dir, NULL, &w);
	report_clear(&r);
	if (w.veto)
		rc = err_set(err, CODE_VETOED, 0, "the hook '%s' forbids it (%s)", c->hooks.before, buf_str(&w.why));
	else if (!w.ok)
		log_warning("hook before: '%s': %s, ignoring", c->hooks.before, buf_str(&w.why));
	buf_clear(&w.why);
	return rc;
}

void exechook_after(const struct config *c, const char *dir, struct json_object *o)
{
	struct waiting w = { 0 };
	struct err err = ERR_INIT;
	struct report r;

	if (!*strna(c->hooks.after) || report_read(o, &r, &err) < 0)
		return;
	if (r.mode == MODE_ONCE || r.mode == MODE_CHECK) {
		cleanup_free char *text = xasprintf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));

		call(c, c->hooks.after, &r, dir, text, &w);
		if (!w.ok)
			log_warning("hook after: '%s': %s, ignoring", c->hooks.after, buf_str(&w.why));
	}
	report_clear(&r);
	buf_clear(&w.why);
}
