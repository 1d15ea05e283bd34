/* once.c - see once.h. */
#include <signal.h>
#include "bundle.h"
#include "changes.h"
#include "client.h"
#include "log.h"
#include "loop.h"
#include "once.h"
#include "oncelink.h"
#include "output.h"
#include "print.h"
#include "run.h"

struct once {
	struct event_base *base;
	struct run *run;
	int stops;
};

static void on_done(void *arg)
{
	struct once *o = arg;

	(void)event_base_loopbreak(o->base);
}

static void on_progress(void *arg _unused_, const struct msg_progress *p)
{
	progress_show(p);
}

/* The first asks for a safe end; the plugin answers when its set is done. */
static void on_signal(evutil_socket_t sig, short what _unused_, void *arg)
{
	struct once *o = arg;

	if (o->stops++ == 0)
		log_notice("signal %d: finishing the running set, then stopping", (int)sig);
	run_stop(o->run, RUN_ON_REQUEST);
}

static void on_host(void *arg _unused_, const struct hostline *say)
{
	oncelink_say(say);
}

static enum mode mode_of(const struct options *opt)
{
	return opt->verb == VERB_CHECK ? MODE_CHECK :
	       opt->verb == VERB_SCAN  ? MODE_SCAN :
	       opt->dry_run	       ? MODE_DRY_RUN :
					 MODE_ONCE;
}

static bool lively(const struct options *opt)
{
	return isatty(STDERR_FILENO) && opt->level >= LOG_NOTICE && opt->log_format == LOG_TEXT;
}

/* Print R; with --changed-since-last only what PREVIOUS (NULL: none) does not
 * have. A state of Nagios' is of all there is: a list without what is known
 * already would be OK. */
static int finish(const struct options *opt, struct report *r, struct json_object *report,
		  const struct report *previous)
{
	if (!previous || opt->output == OUTPUT_NAGIOS)
		return print_report(opt, r, report);
	if (!changes_reduce(r, previous))
		return (int)r->exit_code;
	return print_report(opt, r, NULL);
}

/* --- by the agent that runs here --------------------------------------------- */

static void on_event(void *arg _unused_, const char *name, struct json_object *data)
{
	struct msg_progress p = { 0 };
	struct err ignored = ERR_INIT;

	if (streq(name, "progress") && wire_decode(&msg_progress, data, &p, &ignored) == 0)
		progress_show(&p);
	wire_clear(&msg_progress, &p);
}

/* The daemon of a host has containers of its own: what it runs is not what is asked for here. */
static bool is_watch(const char *socket)
{
	struct json_object *o = NULL, *agent = NULL, *mode = NULL;
	struct err ignored = ERR_INIT;
	bool watch = client_get(socket, "/v1/status", &o, &ignored) == 0 &&
		     json_object_object_get_ex(o, "agent", &agent) && json_object_object_get_ex(agent, "mode", &mode) &&
		     streq(strna(json_object_get_string(mode)), "watch");

	json_object_put(o);
	return watch;
}

/* 1: it did, with the exit status in *RET; 0: none runs here. */
static int hand_over(const struct options *opt, const struct config *config, const struct report *previous, int *ret)
{
	struct client_run done = { 0 };
	struct report report;
	struct err err = ERR_INIT;

	if (!client_present(config->report.socket) || is_watch(config->report.socket))
		return 0;
	*ret = EXIT_FAILED;
	if (opt->sets.n || opt->config) {	/* it would silently not apply */
		log_error("an agent runs in this container and its configuration applies: %s is not taken here; "
			  "set it where the agent is started",
			  opt->sets.n ? "--set" : "--config");
		*ret = EXIT_USAGE;
		return 1;
	}
	if (client_run(config->report.socket, mode_of(opt), lively(opt) ? on_event : NULL, NULL, &done, &err) < 0) {
		progress_clear();
		log_err(LOG_ERROR, &err);
		return 1;
	}
	progress_clear();
	if (report_read(done.report, &report, &err) < 0) {
		log_error("the agent's %s", err.msg);
	} else {
		ledger_read(config->report.state_dir, &report.container, &report.ledger);
		*ret = finish(opt, &report, done.report, previous);
		report_clear(&report);
	}
	json_object_put(done.report);
	return 1;
}

/* --- by this process ---------------------------------------------------------- */

static int run_here(const struct options *opt, const struct config *config, const struct report *previous)
{
	static const struct run_callbacks quiet = { .done = on_done },
					  loud = { .done = on_done, .progress = on_progress },
					  entered = { .done = on_done, .host = on_host };
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP };
	struct event *ev[ARRAY_SIZE(sigs)];
	char bundle[PATH_MAX];
	struct err err = ERR_INIT;
	struct report report;
	struct once o = { 0 };
	struct oncelink link;

	if (bundle_find(bundle, sizeof(bundle), &err) < 0) {
		log_err(LOG_ERROR, &err);
		return EXIT_FAILED;
	}
	o.base = loop_new();
	report_init(&report, mode_of(opt), "command");
	if (lively(opt))
		log_set_before(progress_clear);
	o.run = run_start(o.base, config, bundle, &report,
			  oncelink_wanted() ? &entered :
			  lively(opt)	    ? &loud :
					      &quiet,
			  &o);
	oncelink_start(o.base, o.run, &link);
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		ev[i] = loop_signal(o.base, sigs[i], on_signal, &o);
	(void)event_base_dispatch(o.base);
	progress_clear();
	int status = finish(opt, &report, NULL, previous);
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		event_free(ev[i]);
	oncelink_stop(&link);
	run_free(o.run);
	report_clear(&report);
	event_base_free(o.base);
	return status;
}

int once_main(const struct options *opt, const struct config *config)
{
	struct report last;
	const struct report *previous = opt->changed && changes_previous(config->report.state_dir, &last) ? &last :
													    NULL;
	int status;

	if (hand_over(opt, config, previous, &status) == 0)
		status = run_here(opt, config, previous);
	if (previous)
		report_clear(&last);
	return status;
}
