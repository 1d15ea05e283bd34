/* runhooks.c - the operator's own programs before and after a run (runstate.h).
 *
 * Without a shell. The one before a run may forbid it (exit 75); the one after
 * it reads the report. What goes wrong with either is said, and stops nothing.
 */
#include <stdio.h>
#include "hooks.h"
#include "log.h"
#include "runstate.h"
#include "value.h"

static bool has_hooks(const struct run *r)
{
	return r->report->mode == MODE_ONCE || r->report->mode == MODE_CHECK;
}

static void on_done(void *arg, const struct command_result *result)
{
	struct run *r = arg;

	r->command = NULL;
	r->command_result = result;
	run_step(r, E_COMMAND);
}

static void add(struct strv *env, const char *name, const char *value)
{
	strv_take(env, xasprintf("STOPGAP_%s=%s", name, strna(value)));
}

static void add_count(struct strv *env, const char *name, size_t n)
{
	strv_take(env, xasprintf("STOPGAP_%s=%zu", name, n));
}

void hook_environment(const struct report *rep, const char *state_dir, bool over, struct strv *env)
{
	for (char *const *e = command_environment; *e; e++)
		strv_push(env, *e);
	add(env, "MODE", mode_name(rep->mode));
	add(env, "TRIGGER", rep->trigger);
	add(env, "HOST", rep->container.host);
	add(env, "CONTAINER", rep->container.id);
	add(env, "STATE_DIR", state_dir);
	if (over) {
		add(env, "RESULT", report_result(rep));
		add_count(env, "EXIT_CODE", (size_t)rep->exit_code);
		add_count(env, "APPLIED", rep->applied.n);
		add_count(env, "PENDING", report_open(rep));
		add_count(env, "FAILED", rep->failed.n);
		add_count(env, "KEPT_BACK", rep->kept_back.n);
		add_count(env, "STALE", rep->stale.n);
		add_count(env, "RESTARTS", rep->restarts.n);
	}
	strv_take(env, NULL);
}

/* NULL: no hook, or it could not be started. */
static struct command *start(struct run *r, const char *name, const char *command, bool over)
{
	cleanup_strv struct strv argv = { 0 }, env = { 0 };
	cleanup_buf struct buf text = { 0 };
	struct command *c = NULL;
	struct err err = ERR_INIT;

	if (!has_hooks(r) || !*strna(command))
		return NULL;
	if (value_argv(command, &argv, &err) < 0) {
		log_warning("hook %s: %s, ignoring", name, err.msg);
		return NULL;
	}
	strv_take(&argv, NULL);
	hook_environment(r->report, r->config->report.state_dir, over, &env);
	if (over) {
		struct json_object *o = report_json(r->report);

		wire_put(&text, o);
		json_object_put(o);
	}
	struct command_spec spec = { .argv = argv.v,
				     .envp = env.v,
				     .input = text.s,
				     .input_n = text.n,
				     .timeout = r->config->hooks.timeout ? r->config->hooks.timeout : 1 };
	if (command_start(r->base, &spec, on_done, r, &c, &err) < 0)
		log_warning("hook %s: %s, ignoring", name, err.msg);
	return c;
}

enum state hook_before(struct run *r)
{
	r->command = start(r, "before", r->config->hooks.before, false);
	return r->command ? S_BEFORE : update_begin(r);
}

enum state hook_before_done(struct run *r)
{
	const struct command_result *c = r->command_result;
	cleanup_buf struct buf why = { 0 };

	command_describe(r->command_result, &why);
	if (c->end == COMMAND_EXITED && c->status == HOOK_VETO) {
		report_block(r->report, CODE_VETOED, "the hook '%s' forbids it (%s)", r->config->hooks.before,
			     buf_str(&why));
		return run_conclude(r);
	}
	if (!command_ok(c) && c->end != COMMAND_CANCELLED)
		report_alarm(r->report, CODE_HOOK_FAILED, "before: '%s': %s", r->config->hooks.before, buf_str(&why));
	return r->stop ? run_conclude(r) : update_begin(r);
}

enum state hook_after(struct run *r)
{
	r->command = start(r, "after", r->config->hooks.after, true);
	return r->command ? S_AFTER : S_DONE;
}

/* The report is saved by now, so what is wrong with the hook goes into the next one at best: say it here. */
enum state hook_after_done(struct run *r)
{
	cleanup_buf struct buf why = { 0 };

	if (!command_ok(r->command_result)) {
		command_describe(r->command_result, &why);
		log_warning("hook after: '%s': %s, ignoring", r->config->hooks.after, buf_str(&why));
	}
	return S_DONE;
}
