/* exec.c - see exec.h. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include "clock.h"
#include "exec.h"
#include "execjob.h"
#include "execshow.h"
#include "log.h"
#include "print.h"
#include "ps.h"

#define PARALLEL 4
#define APPLY_TIME 3600 /* s, what `once` gets besides the network's time */
#define STEP_MS	   200
#define SHOWN_MAX  100	/* bytes of a name */

struct exec {
	struct exec_shared shared;
	struct host_containers found;
	struct exec_job *jobs;
	size_t n, next, running, parallel;
	bool stop;
};

/* --- the targets ------------------------------------------------------------------- */

static void add_job(struct exec *x, const char *word, const struct host_container *c, const struct err *why)
{
	struct exec_job *j;

	for (size_t i = 0; c && i < x->n; i++)
		if (x->jobs[i].container == c)
			return;
	x->jobs = xrealloc(x->jobs, x->n + 1, sizeof(*x->jobs));
	j = &x->jobs[x->n++];
	*j = (struct exec_job){ .container = c, .failure = *why, .child_fd = -1, .out = -1 };
	cleanup_free char *id = c ? containers_short_id(c) : NULL;
	j->name = escape_text(c && c->name ? c->name : word ? word : id, SHOWN_MAX);
	if (c)
		j->who = (struct enterreport){ .id = c->id, .name = c->name, .image = c->image, .engine = c->engine };
	else
		j->who.name = j->name;
}

/* Those that an operator who says "all" means. */
static bool meant_by_all(const struct host_container *c, const struct strv *labels)
{
	for (size_t i = 0; i < labels->n; i++)
		if (!containers_labelled(c, labels->v[i]))
			return false;
	return c->known && !c->nested && !c->paused;
}

/* "0 of 0 are well" would be a lie when a label is misspelt, or no engine tells labels. */
static void add_unlabelled(struct exec *x, const struct strv *labels)
{
	cleanup_free char *label = escape_text(labels->v[0], SHOWN_MAX);
	struct err why = ERR_INIT;

	(void)err_set(&why, CODE_NO_TARGET, 0,
		      "no running container has label '%s'%s: 'stopgap ps --output=json' shows what an engine tells; "
		      "name its socket with --host",
		      label, labels->n > 1 ? " and the others" : "");
	add_job(x, labels->v[0], NULL, &why);
}

/* A mode without the "--" before it is taken for a container. */
static void name_mode(const struct options *opt, const char *word, struct err *why)
{
	if (why->code == CODE_NO_TARGET && !opt->exec.inner &&
	    (streq(word, "once") || streq(word, "check") || streq(word, "scan")))
		(void)err_set(why, CODE_NO_TARGET, 0, "no container '%s'; if the mode is meant: '-- %s'", word, word);
}

static int find_targets(struct exec *x, const struct options *opt, const struct config *config, struct err *err)
{
	static const struct err none = { .code = CODE_OK };

	if (containers_here(config, opt->hosts.n ? &opt->hosts : &config->host.engines, &x->found, err) < 0)
		return -1;
	for (size_t i = 0; i < opt->exec.targets.n; i++) {
		const struct host_container *c = NULL;
		struct err why = ERR_INIT;

		(void)containers_pick(&x->found, opt->exec.targets.v[i], &c, &why);
		name_mode(opt, opt->exec.targets.v[i], &why);
		add_job(x, opt->exec.targets.v[i], c, &why);
	}
	size_t named = x->n;
	if (opt->exec.all || opt->exec.labels.n)
		for (size_t i = 0; i < x->found.n; i++)
			if (meant_by_all(&x->found.list[i], &opt->exec.labels))
				add_job(x, NULL, &x->found.list[i], &none);
	if (x->n == named && opt->exec.labels.n)
		add_unlabelled(x, &opt->exec.labels);
	return 0;
}

/* --- the loop ------------------------------------------------------------------------ */

static void fill(struct exec *x)
{
	static const struct err stopped = { .code = CODE_STOPPED, .msg = "stopped on request before it was entered" };

	while (x->next < x->n && x->running < x->parallel) {
		struct exec_job *j = &x->jobs[x->next];

		if (x->stop) {
			j->container = NULL;
			j->failure = stopped;
		}
		execjob_start(j, &x->shared, x->next++);
		x->running += execjob_running(j);
	}
}

static void wait_some(struct exec *x, int signals)
{
	struct pollfd *p = xcalloc(x->n + 1, sizeof(*p));
	struct signalfd_siginfo si;

	for (size_t i = 0; i < x->n; i++)
		p[i] = (struct pollfd){ .fd = execjob_running(&x->jobs[i]) ? x->jobs[i].out : -1, .events = POLLIN };
	p[x->n] = (struct pollfd){ .fd = signals, .events = POLLIN };
	(void)poll(p, x->n + 1, STEP_MS);
	free(p);
	if (read(signals, &si, sizeof(si)) != sizeof(si))
		return;
	if (!x->stop)
		log_notice("signal %u: finishing the running sets, then stopping", si.ssi_signo);
	x->stop = true;
	for (size_t i = 0; i < x->n; i++)
		execjob_stop(&x->jobs[i]);
}

static void run_all(struct exec *x)
{
	sigset_t stops;

	(void)sigemptyset(&stops);
	(void)sigaddset(&stops, SIGTERM);
	(void)sigaddset(&stops, SIGINT);
	(void)sigaddset(&stops, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &stops, NULL);
	cleanup_fd int signals = signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK);
	for (fill(x); x->running; fill(x)) {
		wait_some(x, signals);
		for (size_t i = 0; i < x->next; i++)
			if (execjob_running(&x->jobs[i]) && execjob_step(&x->jobs[i]))
				x->running--;
	}
}

/* --- the mode -------------------------------------------------------------------------- */

static int64_t default_timeout(const struct options *inner, const struct config *c)
{
	return c->network.timeout + c->updates.plugin_timeout + (inner->verb == VERB_ONCE ? APPLY_TIME : 0);
}

/* The mode after "--", with its own options. */
static int parse_inner(const struct options *opt, struct options *ret, struct err *err)
{
	static char name[] = "stopgap", check[] = "check";
	char *fallback[] = { name, check, NULL };
	char **argv = fallback;
	int argc = 2;

	if (opt->exec.inner) {
		/* the word before is "--", which is not needed any more */
		argv = opt->exec.inner - 1;
		argv[0] = name;
		for (argc = 0; argv[argc];)
			argc++;
	}
	if (options_parse(argc, argv, ret, err) < 0)
		return err_wrap(err, "after '--'");
	if (!ret->has_verb || (ret->verb != VERB_ONCE && ret->verb != VERB_CHECK && ret->verb != VERB_SCAN))
		(void)err_set(err, CODE_USAGE, 0, "after '--': accepted: once, check or scan, and their options");
	else if (ret->config || ret->sets.n || ret->output != OUTPUT_TEXT || ret->warning || ret->critical ||
		 ret->changed)
		(void)err_set(err, CODE_USAGE, 0,
			      "after '--': --config, --set and --output belong before it: "
			      "they are the host's; --changed-since-last, --warning and --critical are not for 'exec'");
	else
		return 0;
	options_clear(ret);
	return -1;
}

int exec_main(const struct options *opt, const struct config *config, const char *bundle)
{
	struct err err = ERR_INIT;
	struct options inner;
	struct exec x = { .parallel = opt->exec.parallel ? (size_t)opt->exec.parallel : PARALLEL };

	if (parse_inner(opt, &inner, &err) < 0) {
		log_err(LOG_ERROR, &err);
		return EXIT_USAGE;
	}
	if (find_targets(&x, opt, config, &err) < 0) {
		log_err(LOG_ERROR, &err);
		options_clear(&inner);
		return err.code == CODE_NOT_ROOT ? EXIT_BLOCKED : EXIT_FAILED;
	}
	x.shared = (struct exec_shared){ .config = config,
					 .opt = opt,
					 .inner = &inner,
					 .bundle = bundle,
					 .timeout = opt->exec.timeout ? opt->exec.timeout :
									default_timeout(&inner, config),
					 .turns = memfd_create("turns", MFD_CLOEXEC) };
	run_all(&x);
	int status = execshow(opt, x.jobs, x.n);
	for (size_t i = 0; i < x.n; i++)
		execjob_clear(&x.jobs[i]);
	free(x.jobs);
	containers_clear(&x.found);
	closep(&x.shared.turns);
	options_clear(&inner);
	return status;
}
