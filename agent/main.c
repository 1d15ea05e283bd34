/* main.c - argv → mode. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include "config.h"
#include "copyto.h"
#include "cves.h"
#include "doctor.h"
#include "exec.h"
#include "export.h"
#include "guard.h"
#include "hostwatch.h"
#include "launch.h"
#include "log.h"
#include "once.h"
#include "options.h"
#include "print.h"
#include "sealed.h"
#include "ps.h"
#include "show.h"
#include "updater.h"
#include "wrap.h"

extern char **environ;

static int show_config(const struct options *opt, const struct config *config)
{
	cleanup_buf struct buf b = { 0 };

	if (opt->output == OUTPUT_JSON) {
		print_json(config_json(config));
		return EXIT_DONE;
	}
	config_text(config, &b);
	print_text(&b);
	return EXIT_DONE;
}

/* A monitoring system reads stdout, and takes exit 2 for a critical state. */
static int usage_failure(int argc, char **argv, const struct err *err)
{
	log_err(LOG_ERROR, err);
	for (int i = 1; i < argc; i++)
		if (streq(argv[i], "--output=nagios") ||
		    (streq(argv[i], "--output") && i + 1 < argc && streq(argv[i + 1], "nagios")))
			return print_unknown(err->msg);
	return EXIT_USAGE;
}

/* The modes that load the configuration here; run and daemon do it where it is used. */
static int with_config(int argc, char **argv, const struct options *opt)
{
	static int (*const modes[VERB_MAX])(const struct options *opt, const struct config *config) = {
		[VERB_ONCE] = once_main,      [VERB_CHECK] = once_main,	     [VERB_SCAN] = once_main,
		[VERB_STATUS] = show_status,  [VERB_HISTORY] = show_history, [VERB_CONFIG] = show_config,
		[VERB_CVES] = cves_main,      [VERB_DOCTOR] = doctor_main, [VERB_PS] = ps_main,
		[VERB_WRAP] = wrap_main,      [VERB_EXPORT] = export_main,
	};
	struct config config;
	struct err err = ERR_INIT;

	(void)signal(SIGPIPE, SIG_IGN);
	if (config_load(opt->config, environ, &opt->sets, &config, &err) < 0)
		return usage_failure(argc, argv, &err);
	int status = modes[opt->verb](opt, &config);
	config_clear(&config);
	return status;
}

/* From a copy of itself in memory: what it does in containers can be seen from there. */
static int exec_mode(int argc, char **argv, const struct options *opt)
{
	char bundle[PATH_MAX];
	struct config config;
	struct err err = ERR_INIT;

	(void)signal(SIGPIPE, SIG_IGN);
	if (sealed_become(argv, bundle, sizeof(bundle), &err) < 0) {
		log_err(LOG_ERROR, &err);
		return EXIT_FAILED;
	}
	if (config_load(opt->config, environ, &opt->sets, &config, &err) < 0)
		return usage_failure(argc, argv, &err);
	int status = exec_main(opt, &config, bundle);
	config_clear(&config);
	return status;
}

static int updater(int link, void *arg)
{
	return updater_main(arg, link);
}

/* The updater's working directory is /, and that of what `watch` runs. */
static int make_absolute(char **path, struct err *err)
{
	char cwd[PATH_MAX];

	if (!*path || **path == '/')
		return 0;
	if (!getcwd(cwd, sizeof(cwd)))
		return err_set(err, CODE_USAGE, errno,
			       "--config=%s: the current folder has no path; give an absolute one", *path);
	char *whole = xasprintf("%s/%s", cwd, *path);
	free(*path);
	*path = whole;
	return 0;
}

static int dispatch(int argc, char **argv, struct options *opt)
{
	struct err err = ERR_INIT;

	if ((opt->verb == VERB_RUN || opt->verb == VERB_WATCH) && make_absolute(&opt->config, &err) < 0)
		return usage_failure(argc, argv, &err);
	if (opt->verb == VERB_WATCH)
		return watch_main(opt);
	if (opt->verb == VERB_RUN)
		return init_main(&opt->init, updater, opt);
	if (opt->verb == VERB_DAEMON)
		return updater_main(opt, -1);
	if (opt->verb == VERB_COPY_TO)
		return copyto_main(opt);
	if (opt->verb == VERB_EXEC)
		return exec_mode(argc, argv, opt);
	return with_config(argc, argv, opt);
}

int main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = argc > 0 ? (slash ? slash + 1 : argv[0]) : "stopgap";
	cleanup_buf struct buf help = { 0 };
	struct options opt;
	struct err err = ERR_INIT;
	int status = EXIT_DONE;

	/* one executable, many names: the bundle links its programs to it */
	for (size_t i = 0; guard_names[i]; i++)
		if (streq(name, guard_names[i]))
			return guard_main(name, argc, argv);
	if (!streq(name, "stopgap"))
		return launch_main(name, argc, argv);

	if (options_parse(argc, argv, &opt, &err) < 0)
		return usage_failure(argc, argv, &err);
	log_setup("stopgap", opt.level, opt.log_format);
	if (opt.help || opt.version) {
		if (opt.help)
			options_help(&opt, &help);
		else
			buf_puts(&help, "stopgap " PACKAGE_VERSION "\n");
		print_text(&help);
	} else {
		status = dispatch(argc, argv, &opt);
	}
	options_clear(&opt);
	return print_failed() && status != EXIT_USAGE ? EXIT_FAILED : status;
}
