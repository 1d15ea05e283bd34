/* main.c - argv → mode; everything is printed here, once. */
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include "bundle.h"
#include "config.h"
#include "fd.h"
#include "guard.h"
#include "launch.h"
#include "log.h"
#include "options.h"
#include "output.h"
#include "run.h"

extern char **environ;

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
	run_stop(o->run);
}

static bool print_failed;	/* what nobody could read is no success */

static void print(const struct buf *b)
{
	if (write_all(STDOUT_FILENO, buf_str(b), b->n) < 0) {
		log_error("write to stdout: %m");
		print_failed = true;
	}
}

static void print_json(struct json_object *o)
{
	cleanup_buf struct buf b = { 0 };

	buf_puts(&b, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	buf_putc(&b, '\n');
	print(&b);
	json_object_put(o);
}

/* The table on stdout says why; a program that reads stdout has people reading stderr. */
static void log_reasons(const struct report *r)
{
	if (r->error.code != CODE_OK)
		log_err(LOG_ERROR, &r->error);
	for (size_t i = 0; i < r->blocked.n; i++) {
		const struct msg_reason *b = wire_list_at(&msg_reason, &r->blocked, i);
		struct err err = ERR_INIT;

		(void)err_set(&err, b->code, 0, "%s", strna(b->detail));
		log_err(LOG_ERROR, &err);
	}
}

static int print_report(const struct options *opt, const struct report *r)
{
	cleanup_buf struct buf b = { 0 };
	struct winsize ws;
	bool tty = isatty(STDOUT_FILENO);
	int status = (int)r->exit_code;

	switch (opt->output) {
	case OUTPUT_JSON:
		log_reasons(r);
		print_json(report_json(r));
		return status;
	case OUTPUT_NAGIOS:
		status = output_nagios(r, &b);
		break;
	case OUTPUT_TEXT:
		output_text(r, tty && !getenv("NO_COLOR"), tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 ? ws.ws_col : 0, &b);
		break;
	}
	print(&b);
	return status;
}

static int run_once(const struct options *opt, const struct config *config)
{
	static const struct run_callbacks quiet = { on_done, NULL }, lively = { on_done, on_progress };
	char bundle[PATH_MAX];
	struct err err = ERR_INIT;
	struct report report;
	struct once o = { 0 };
	cleanup_strv struct strv unread = { 0 };

	config_unread(config, &unread);
	if (bundle_find(bundle, sizeof(bundle), &err) < 0) {
		log_err(LOG_ERROR, &err);
		return EXIT_FAILED;
	}
	struct event_config *ec = event_config_new();
	if (!ec)
		out_of_memory();
	/* a timer in seconds needs no precise clock, and no file of the container is asked */
	(void)event_config_set_flag(ec, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
	o.base = event_base_new_with_config(ec);
	event_config_free(ec);
	if (!o.base)
		out_of_memory();
	report_init(&report, opt->verb == VERB_CHECK ? MODE_CHECK : opt->dry_run ? MODE_DRY_RUN : MODE_ONCE, "command");
	for (size_t i = 0; i < unread.n; i++)
		log_warning("%s is set, and this version does not act on it, ignoring", unread.v[i]);
	bool tty = isatty(STDERR_FILENO) && opt->level >= LOG_NOTICE && opt->log_format == LOG_TEXT;
	if (tty)
		log_set_before(progress_clear);
	o.run = run_start(o.base, config, bundle, &report, tty ? &lively : &quiet, &o);
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP };
	struct event *ev[ARRAY_SIZE(sigs)];
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++) {
		ev[i] = evsignal_new(o.base, sigs[i], on_signal, &o);
		if (!ev[i] || event_add(ev[i], NULL) < 0)
			out_of_memory();
	}
	(void)event_base_dispatch(o.base);
	progress_clear();
	int status = print_report(opt, &report);
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		event_free(ev[i]);
	run_free(o.run);
	report_clear(&report);
	event_base_free(o.base);
	return status;
}

static int show_config(const struct options *opt, const struct config *config)
{
	cleanup_buf struct buf b = { 0 };

	if (opt->output == OUTPUT_JSON) {
		print_json(config_json(config));
		return EXIT_DONE;
	}
	config_text(config, &b);
	print(&b);
	return EXIT_DONE;
}

/* A monitoring system reads stdout, and takes exit 2 for a critical state. */
static int usage_failure(int argc, char **argv, const struct err *err)
{
	cleanup_buf struct buf b = { 0 };

	log_err(LOG_ERROR, err);
	for (int i = 1; i < argc; i++)
		if (streq(argv[i], "--output=nagios") ||
		    (streq(argv[i], "--output") && i + 1 < argc && streq(argv[i + 1], "nagios"))) {
			buf_puts(&b, "STOPGAP UNKNOWN - ");
			buf_put_escaped(&b, err->msg, strcspn(err->msg, "|"), 500);
			buf_putc(&b, '\n');
			print(&b);
			return 3;
		}
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = argc > 0 ? (slash ? slash + 1 : argv[0]) : "stopgap";
	cleanup_buf struct buf help = { 0 };
	struct options opt;
	struct config config;
	struct err err = ERR_INIT;

	/* one executable, many names: the bundle links its programs to it */
	for (size_t i = 0; guard_names[i]; i++)
		if (streq(name, guard_names[i]))
			return guard_main(name, argc, argv);
	if (!streq(name, "stopgap"))
		return launch_main(name, argc, argv);

	(void)signal(SIGPIPE, SIG_IGN);
	if (options_parse(argc, argv, &opt, &err) < 0)
		return usage_failure(argc, argv, &err);
	log_setup("stopgap", opt.level, opt.log_format);
	if (opt.help || opt.version) {
		if (opt.help)
			options_help(&opt, &help);
		else
			buf_puts(&help, "stopgap " PACKAGE_VERSION "\n");
		print(&help);
		options_clear(&opt);
		return EXIT_DONE;
	}
	int status = EXIT_USAGE;
	if (opt.verb == VERB_CONFIG && opt.output == OUTPUT_NAGIOS)
		log_error("mode 'config' has no nagios output; accepted: text, json");
	else if (config_load(opt.config, environ, &opt.sets, &config, &err) < 0)
		status = usage_failure(argc, argv, &err);
	else {
		status = opt.verb == VERB_CONFIG ? show_config(&opt, &config) : run_once(&opt, &config);
		config_clear(&config);
	}
	options_clear(&opt);
	return print_failed && status != EXIT_USAGE ? EXIT_FAILED : status;
}
