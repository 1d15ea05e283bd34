/* cves.c - see cves.h: probe, feed, and the end of it. */
#include <signal.h>
#include "bundle.h"
#include "cves.h"
#include "log.h"
#include "loop.h"
#include "output.h"
#include "plan.h"
#include "plugin.h"
#include "print.h"
#include "report.h"
#include "statedir.h"
#include "whitelist.h"

struct finder {
	struct event_base *base;
	const struct config *config;
	const char *bundle;
	struct cves *out;
	struct whitelist whitelist;
	struct strv plugins;		/* paths, in the order they are tried */
	size_t next;
	struct plugin *plugin;
	bool asked, again, stop;	/* for the feed; for the next plugin; by a signal */
	bool complete;			/* the whole list is there */
	bool progress;
};

static void step(struct finder *f);

static void give_up(struct finder *f, const struct err *why)
{
	if (code_class(why->code) == CLASS_BLOCKED)
		reason_add(&f->out->blocked, why->code, "%s", why->msg);
	else if (f->out->error.code == CODE_OK)
		f->out->error = *why;
}

/* --- what the plugin sends ------------------------------------------------------ */

static int take_cve(struct finder *f, struct json_object *line, struct err *err)
{
	struct msg_cve c = { 0 };

	if (f->out->found.n + f->out->whitelisted >= MSG_CVES_MAX)
		return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "more than %d vulnerabilities", MSG_CVES_MAX);
	if (wire_decode(&msg_cve, line, &c, err) < 0)
		return -1;
	if (whitelist_has(&f->whitelist, c.cve, c.package)) {
		f->out->whitelisted++;
		wire_clear(&msg_cve, &c);
		return 0;
	}
	memcpy(wire_list_add(&msg_cve, &f->out->found), &c, sizeof(c));
	return 0;
}

static int on_event(void *arg, const char *name, struct json_object *line, struct err *err)
{
	struct finder *f = arg;

	if (streq(name, "cve") && f->asked)
		return take_cve(f, line, err);
	if (streq(name, "progress") && f->progress) {
		struct msg_progress p = { 0 };

		if (wire_decode(&msg_progress, line, &p, err) < 0)
			return -1;
		progress_show(&p);
		wire_clear(&msg_progress, &p);
	}
	if (streq(name, "log")) {
		struct msg_log l = { 0 };

		if (wire_decode(&msg_log, line, &l, err) < 0)
			return -1;
		log_msg(streq(l.level, "warning") ? LOG_WARNING : LOG_INFO, "%s: %s", strna(f->out->plugin), l.message);
		wire_clear(&msg_log, &l);
	}
	return 0;
}

static int take_probe(struct finder *f, struct json_object *result, struct err *err)
{
	struct msg_probe m = { 0 };

	if (wire_decode(&msg_probe, result, &m, err) < 0)
		return -1;
	wire_clear(&msg_distribution, &f->out->distribution);
	wire_copy(&msg_distribution, &f->out->distribution, &m.distribution);
	f->again = !m.applicable;
	/* what blocks an update does not block reading */
	wire_clear(&msg_probe, &m);
	return 0;
}

static int take_feed(struct finder *f, struct json_object *result, struct err *err)
{
	struct cves *c = f->out;

	if (wire_decode(&msg_feed, result, &c->feed, err) < 0)
		return -1;
	if ((uint64_t)c->feed.count != c->found.n + c->whitelisted)
		return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "%lld vulnerabilities announced, %zu sent",
			       (long long)c->feed.count, c->found.n + c->whitelisted);
	f->complete = true;
	return 0;
}

static void request_feed(struct finder *f)
{
	static char kind[] = "debsecan";
	const struct config *c = f->config;
	struct msg_feed_params in = { .kind = kind,
				      .uri = c->cves.file ? NULL : c->cves.url,
				      .file = c->cves.file,
				      .suite = c->cves.suite,
				      .max_age = c->cves.max_age };

	f->asked = true;
	plugin_request(f->plugin, "feed", wire_encode(&msg_feed_params, &in),
		       (struct plugin_limits){ .deadline = c->network.timeout + c->updates.plugin_timeout,
					       .bytes = 8 * WIRE_PLAN_MAX });
}

static void on_done(void *arg, struct json_object *result, const struct err *failure,
		    const struct msg_error *details _unused_)
{
	struct finder *f = arg;
	struct err err = ERR_INIT;

	if (failure)
		give_up(f, failure);
	else if ((f->asked ? take_feed(f, result, &err) : take_probe(f, result, &err)) < 0)
		give_up(f, &err);
	else if (!f->asked && !f->again && !f->stop) {
		request_feed(f);
		return;
	}
	plugin_stop(f->plugin);
}

static void on_gone(void *arg, int64_t max_rss _unused_)
{
	struct finder *f = arg;

	f->plugin = NULL;
	if (f->again && f->out->error.code == CODE_OK && !f->stop)
		step(f);
	else
		(void)event_base_loopbreak(f->base);
}

static void on_signal(evutil_socket_t sig, short what _unused_, void *arg)
{
	struct finder *f = arg;

	log_notice("signal %d: stopping", (int)sig);
	f->stop = true;
	if (f->plugin)
		plugin_finish_early(f->plugin);
}

/* --- the loop -------------------------------------------------------------------- */

/* Ask the next plugin. */
static void step(struct finder *f)
{
	static const struct plugin_callbacks callbacks = { on_event, on_done, on_gone };
	const char *path = f->next < f->plugins.n ? f->plugins.v[f->next++] : NULL;
	struct plugin_spec spec = { .path = path, .bundle = f->bundle, .timeout = f->config->updates.plugin_timeout };
	struct err err = ERR_INIT;

	f->again = false;
	if (!path) {
		(void)err_set(&err, CODE_NO_PACKAGE_MANAGER, 0,
			      "none of the bundle's plugins knows the package system here");
		give_up(f, &err);
		(void)event_base_loopbreak(f->base);
		return;
	}
	spec.name = strrchr(path, '-') + 1;
	free(f->out->plugin);
	f->out->plugin = xstrdup(spec.name);
	if (plugin_start(f->base, &spec, &callbacks, f, &f->plugin, &err) < 0) {
		give_up(f, &err);
		(void)event_base_loopbreak(f->base);
		return;
	}
	plugin_request(f->plugin, "probe", probe_params(f->config),
		       (struct plugin_limits){ .deadline = f->config->updates.plugin_timeout });
}

static void on_start(evutil_socket_t fd _unused_, short what _unused_, void *arg)
{
	step(arg);
}

static void loop(struct finder *f)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP };
	struct event *ev[ARRAY_SIZE(sigs)];

	f->base = loop_new();
	struct event *start = loop_timer(f->base, on_start, f);
	loop_arm(start, 0);
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		ev[i] = loop_signal(f->base, sigs[i], on_signal, f);
	(void)event_base_dispatch(f->base);
	if (f->progress)
		progress_clear();
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		event_free(ev[i]);
	event_free(start);
	event_base_free(f->base);
}

void cves_find(const struct config *config, const char *bundle, bool progress, struct cves *ret)
{
	struct finder f = { .config = config, .bundle = bundle, .out = ret, .progress = progress };
	struct err err = ERR_INIT;
	cleanup_fd int lock = -1;

	*ret = (struct cves){ .error = ERR_INIT };
	if ((config->cves.whitelist && whitelist_read(config->cves.whitelist, &f.whitelist, &err) < 0) ||
	    plugin_list(bundle, &f.plugins, &err) < 0)
		give_up(&f, &err);
	/* a file is read where it is: nothing is written, and a read-only root is no hindrance */
	else if (!config->cves.file && state_dir_lock(config->report.state_dir, &lock, &err) < 0)
		give_up(&f, &err);
	else
		loop(&f);
	/* the plugin's own words about its end say less */
	if (f.stop && !f.complete)
		(void)err_set(&ret->error, CODE_STOPPED, 0, "stopped on request");
	/* half a list would pass for the whole */
	if (ret->error.code != CODE_OK)
		wire_list_clear(&msg_cve, &ret->found);
	cves_sort(ret);
	whitelist_clear(&f.whitelist);
	strv_clear(&f.plugins);
}

void cves_clear(struct cves *c)
{
	wire_list_clear(&msg_reason, &c->blocked);
	wire_clear(&msg_distribution, &c->distribution);
	wire_clear(&msg_feed, &c->feed);
	wire_list_clear(&msg_cve, &c->found);
	free(c->plugin);
	*c = (struct cves){ 0 };
}

int cves_main(const struct options *opt, const struct config *config)
{
	bool progress = isatty(STDERR_FILENO) && opt->level >= LOG_NOTICE && opt->log_format == LOG_TEXT;
	cleanup_buf struct buf text = { 0 };
	char bundle[PATH_MAX];
	struct err err = ERR_INIT;
	struct cves c;

	if (bundle_find(bundle, sizeof(bundle), &err) < 0) {
		log_err(LOG_ERROR, &err);
		return EXIT_FAILED;
	}
	if (progress)
		log_set_before(progress_clear);
	cves_find(config, bundle, progress, &c);
	if (opt->output == OUTPUT_JSON) {
		if (c.error.code != CODE_OK)
			log_err(LOG_ERROR, &c.error);
		print_json(cves_json(&c));
	} else {
		cves_text(&c, isatty(STDOUT_FILENO) && !getenv("NO_COLOR"), &text);
		print_text(&text);
	}
	int status = cves_exit(&c);
	cves_clear(&c);
	return status;
}
