/* doctor.c - see doctor.h. */
#include "bundle.h"
#include "client.h"
#include "doctor.h"
#include "log.h"
#include "loop.h"
#include "plugin.h"
#include "print.h"
#include "run.h"

static void on_done(void *arg)
{
	(void)event_base_loopbreak(arg);
}

/* By this process. */
static int look_here(const struct config *config, enum mode mode, struct report *ret, struct err *err)
{
	static const struct run_callbacks cb = { .done = on_done };
	char bundle[PATH_MAX];

	if (bundle_find(bundle, sizeof(bundle), err) < 0)
		return -1;
	struct event_base *base = loop_new();
	report_init(ret, mode, "command");
	struct run *run = run_start(base, config, bundle, ret, &cb, base);
	(void)event_base_dispatch(base);
	run_free(run);
	event_base_free(base);
	return 0;
}

/* By the agent that runs here; without the network, or where it may not be asked, from its last report. */
static int look_by_agent(struct diagnosis *d, const struct config *config, bool offline, struct report *ret,
			 struct err *err)
{
	struct client_run done = { 0 };
	struct json_object *o = NULL;
	int r;

	if (!offline && client_run(config->report.socket, MODE_CHECK, NULL, NULL, &done, err) == 0) {
		o = done.report;
	} else if (client_get(config->report.socket, "/v1/report", &o, err) == 0) {
		diagnosis_add(d, "agent", FINDING_NOTE, CODE_OK,
			      "what follows of packages and repositories is of its last report");
	} else {
		return -1;
	}
	r = report_read(o, ret, err);
	json_object_put(o);
	return r;
}

/* The agent itself, and its wrapped command; 0: none. */
static pid_t look_at_agent(struct diagnosis *d, const char *socket)
{
	struct json_object *o = NULL, *a = NULL, *child = NULL, *pid = NULL;
	struct err err = ERR_INIT;
	pid_t ret = 0;

	if (client_get(socket, "/v1/status", &o, &err) < 0) {
		diagnosis_add(d, "agent", FINDING_NOTE, err.code, "the agent at '%s' cannot be asked: %s", socket,
			      err.msg);
		return 0;
	}
	diagnosis_add(d, "agent", FINDING_OK, CODE_OK, "one runs here, at %s", socket);
	if (json_object_object_get_ex(o, "agent", &a) && json_object_object_get_ex(a, "child", &child) &&
	    json_object_object_get_ex(child, "pid", &pid))
		ret = (pid_t)json_object_get_int(pid);
	json_object_put(o);
	return ret;
}

static int show(const struct options *opt, const struct diagnosis *d)
{
	cleanup_buf struct buf b = { 0 };

	if (opt->output == OUTPUT_JSON) {
		print_json(diagnosis_json(d));
	} else {
		diagnosis_text(d, isatty(STDOUT_FILENO) && !getenv("NO_COLOR"), &b);
		print_text(&b);
	}
	return (int)diagnosis_exit(d);
}

static int doctor_host(const struct options *opt, const struct config *config)
{
	struct diagnosis d = { .offline = opt->offline, .host_mode = true };
	struct err err = ERR_INIT;
	cleanup_strv struct strv plugins = { 0 };
	char bundle[PATH_MAX];

	if (bundle_find(bundle, sizeof(bundle), &err) < 0 || plugin_list(bundle, &plugins, &err) < 0)
		diagnosis_add(&d, "plugin", FINDING_BAD, err.code, "%s", err.msg);
	else
		diagnosis_add(&d, "plugin", FINDING_OK, CODE_OK, "%zu in %s", plugins.n, bundle);
	look_at_host(&d, config);
	int status = show(opt, &d);
	diagnosis_clear(&d);
	return status;
}

int doctor_main(const struct options *opt, const struct config *config)
{
	struct diagnosis d = { .offline = opt->offline };
	struct report report = { .error = ERR_INIT };
	struct err err = ERR_INIT;
	bool agent = client_present(config->report.socket), known;
	pid_t child = 0;

	if (opt->exec.all || doctor_on_host())
		return doctor_host(opt, config);
	if (agent && (opt->sets.n || opt->config)) {
		log_error("an agent runs in this container and its configuration applies: %s is not taken here",
			  opt->sets.n ? "--set" : "--config");
		return EXIT_USAGE;
	}
	if (agent) {
		child = look_at_agent(&d, config->report.socket);
		known = look_by_agent(&d, config, opt->offline, &report, &err) == 0;
	} else {
		diagnosis_add(&d, "agent", FINDING_NOTE, CODE_NO_AGENT,
			      "none runs here: 'stopgap once' patches, and nothing keeps this container patched");
		bool ours = look_at_state(&d, config->report.state_dir);
		look_at_locks(&d, "");
		look_at_socket(&d, config->report.socket);
		known = look_here(config, opt->offline || !ours ? MODE_PROBE : MODE_DOCTOR, &report, &err) == 0;
	}
	if (known)
		diagnosis_report(&d, &report);
	else
		diagnosis_add(&d, "run", FINDING_BAD, err.code, "%s", err.msg);
	look_at_services(&d, config, child);
	int status = show(opt, &d);
	diagnosis_clear(&d);
	report_clear(&report);
	return status;
}
