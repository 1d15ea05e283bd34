/* options.c - see options.h. */
#include <getopt.h>
#include <stdio.h>
#include "engine.h"
#include "options.h"
#include "range.h"
#include "value.h"

enum option_id {
	OPT_CONFIG = 256,
	OPT_SET,
	OPT_OUTPUT,
	OPT_LOG_FORMAT,
	OPT_DRY_RUN,
	OPT_CHANGED,
	OPT_WATCH,
	OPT_LIMIT,
	OPT_WARNING,
	OPT_CRITICAL,
	OPT_USER,
	OPT_BEFORE_START,
	OPT_REWRITE,
	OPT_REMAP,
	OPT_OFFLINE,
	OPT_PARALLEL,
	OPT_TIMEOUT,
	OPT_ALL,
	OPT_LABEL,
	OPT_HOST,
	OPT_LAYERS,
	OPT_INSPECT,
	OPT_FORMAT,
	OPT_TO
};

#define ALL ((1u << VERB_MAX) - 1)
#define ON(v) (1u << (v))
#define CONFIGURED (ALL & ~ON(VERB_COPY_TO))
#define REPORTS (ON(VERB_ONCE) | ON(VERB_CHECK) | ON(VERB_SCAN) | ON(VERB_STATUS))

static const struct {
	const char *name;
	int id;			/* a letter is the short form too */
	const char *argument;
	unsigned verbs;
	const char *help;
} options[] = {
	{ "user", OPT_USER, "USER[:GROUP]", ON(VERB_RUN), "run CMD as this user; stopgap itself stays root" },
	{ "before-start", OPT_BEFORE_START, "DURATION", ON(VERB_RUN),
	  "how long patching may delay CMD; 'never': not at all" },
	{ "group", 'g', NULL, ON(VERB_RUN), "send signals to CMD's process group" },
	{ "rewrite", OPT_REWRITE, "FROM:TO", ON(VERB_RUN),
	  "send CMD the signal TO instead of FROM (0: none); may be repeated" },
	{ "remap-exit", OPT_REMAP, "FROM:TO", ON(VERB_RUN), "exit with TO when CMD exits with FROM; may be repeated" },
	{ "subreaper", 's', NULL, ON(VERB_RUN), "reap orphans even where stopgap is not PID 1" },
	{ "parent-death", 'p', "SIGNAL", ON(VERB_RUN), "take this signal when the parent dies" },
	{ "all", OPT_ALL, NULL, ON(VERB_EXEC) | ON(VERB_DOCTOR),
	  "every running container with a known id; doctor: look at the host" },
	{ "label", OPT_LABEL, "KEY=VALUE", ON(VERB_EXEC),
	  "every one with this label; may be repeated: with all of them" },
	{ "parallel", OPT_PARALLEL, "N", ON(VERB_EXEC), "how many containers at once (4)" },
	{ "timeout", OPT_TIMEOUT, "DURATION", ON(VERB_EXEC), "how long each container may take before it is given up" },
	{ "config", OPT_CONFIG, "FILE", CONFIGURED, "read FILE instead of /etc/stopgap/stopgap.conf" },
	{ "set", OPT_SET, "SECTION.KEY=VALUE", CONFIGURED, "override one setting; may be repeated" },
	{ "output", OPT_OUTPUT, "FORM", CONFIGURED & ~(ON(VERB_RUN) | ON(VERB_DAEMON) | ON(VERB_WATCH)),
	  "text (default), json, nagios or openmetrics, as far as the mode has it" },
	{ "dry-run", OPT_DRY_RUN, NULL, ON(VERB_ONCE), "stop after the plan: fetch and change nothing" },
	{ "changed-since-last", OPT_CHANGED, NULL, ON(VERB_ONCE) | ON(VERB_CHECK),
	  "print only what is new since the last report, nothing if nothing is" },
	{ "watch", OPT_WATCH, NULL, ON(VERB_STATUS), "show it again whenever it changes" },
	{ "offline", OPT_OFFLINE, NULL, ON(VERB_DOCTOR), "ask no repository" },
	{ "limit", OPT_LIMIT, "N", ON(VERB_HISTORY), "the newest N reports (20)" },
	{ "warning", OPT_WARNING, "RANGE", REPORTS, "nagios: warn when the open updates leave RANGE" },
	{ "critical", OPT_CRITICAL, "RANGE", REPORTS, "nagios: the same for critical" },
	{ "layers", OPT_LAYERS, NULL, ON(VERB_PS), "show which vulnerable containers share a layer of their images" },
	{ "host", OPT_HOST, "SOCKET", ON(VERB_PS) | ON(VERB_EXEC) | ON(VERB_WRAP) | ON(VERB_EXPORT),
	  "ask the engine there (unix:///run/docker.sock); may be repeated" },
	{ "inspect", OPT_INSPECT, "FILE", ON(VERB_WRAP),
	  "what docker inspect or skopeo inspect --config print, instead of an engine's answer" },
	{ "format", OPT_FORMAT, "FORM", ON(VERB_EXPORT), "oci-layer (default), or commands for a Dockerfile" },
	{ "to", OPT_TO, "FILE", ON(VERB_EXPORT), "write it there instead of to stdout" },
	{ "log-format", OPT_LOG_FORMAT, "FORM", ALL, "of the lines on stderr: text (default) or json" },
	{ "verbose", 'v', NULL, ALL, "say more on stderr; twice for debugging" },
	{ "quiet", 'q', NULL, ALL, "say only warnings and errors on stderr" },
	{ "help", 'h', NULL, ALL, "show this help" },
	{ "version", 'V', NULL, ALL, "show the version" },
};
_Static_assert(ARRAY_SIZE(options) <= 64, "take_option() has a bit for each");

#define FORM(o) (1u << (o))
#define TEXT_JSON (FORM(OUTPUT_TEXT) | FORM(OUTPUT_JSON))

static const struct {
	const char *name, *words, *help;
	unsigned forms;		/* of output */
} verbs[VERB_MAX] = {
	[VERB_RUN] = { "run", " [--] CMD [ARG]...",
		       "PID 1 of a container: start CMD, keep it and its container patched", 0 },
	[VERB_DAEMON] = { "daemon", "", "stay, keep the container patched, start nothing", 0 },
	[VERB_ONCE] = { "once", "", "apply pending security updates now", TEXT_JSON | FORM(OUTPUT_NAGIOS) },
	[VERB_CHECK] = { "check", "", "refresh and plan, change nothing; exit 100 if updates are pending",
			 TEXT_JSON | FORM(OUTPUT_NAGIOS) },
	[VERB_SCAN] = { "scan", "", "which processes run code that has been replaced; exit 102 if any",
			TEXT_JSON | FORM(OUTPUT_NAGIOS) },
	[VERB_STATUS] = { "status", "", "what the running agent, or else the last report, says",
			  TEXT_JSON | FORM(OUTPUT_NAGIOS) | FORM(OUTPUT_OPENMETRICS) },
	[VERB_HISTORY] = { "history", "", "the reports of past runs, newest first", TEXT_JSON },
	[VERB_CVES] = { "cves", "", "list the known vulnerabilities of installed packages; exit 100 if some have a fix",
			TEXT_JSON },
	[VERB_DOCTOR] = { "doctor", "", "can this container be patched, and if not, what to do about it", TEXT_JSON },
	[VERB_EXEC] = { "exec", " --all|TARGET... [-- once|check|scan [OPTION]...]",
			"from the host: do it in running containers, by name, start of their id, or pid:N", TEXT_JSON },
	[VERB_PS] = { "ps", "", "from the host: list its containers, of any engine, and how far each is patched",
		      TEXT_JSON },
	[VERB_WRAP] = { "wrap", " IMAGE", "from the host: show how to start an image with stopgap around its command",
			TEXT_JSON },
	[VERB_WATCH] = { "watch", "", "from the host: stay, and keep its containers patched", 0 },
	[VERB_EXPORT] = { "export", " NAME",
			  "from the host: the patch of a container, as a layer for its image or as commands",
			  FORM(OUTPUT_TEXT) },
	[VERB_CONFIG] = { "config", "", "show the effective configuration and where each value came from", TEXT_JSON },
	[VERB_COPY_TO] = { "copy-to", " DIR", "copy the bundle into DIR, a volume of another container for example",
			   0 },
};

void options_clear(struct options *o)
{
	free(o->config);
	strv_clear(&o->sets);
	strv_clear(&o->hosts);
	strv_clear(&o->words);
	free(o->inspect);
	free(o->to);
	free(o->warning);
	free(o->critical);
	strv_clear(&o->exec.targets);
	strv_clear(&o->exec.labels);
	*o = (struct options){ 0 };
}

void options_help(const struct options *o, struct buf *ret)
{
	if (o->has_verb) {
		buf_printf(ret, "Usage: stopgap %s [OPTION]...%s\n%s\n\nOptions:\n", verbs[o->verb].name,
			   verbs[o->verb].words, verbs[o->verb].help);
	} else {
		buf_puts(ret, "Usage: stopgap MODE [OPTION]...\n"
			      "Apply the distribution's security updates to this container, in place.\n\nModes:\n");
		for (size_t i = 0; i < VERB_MAX; i++)
			buf_printf(ret, "  %-28s %s\n", verbs[i].name, verbs[i].help);
		buf_puts(ret, "\nOptions:\n");
	}
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		cleanup_free char *left = NULL;

		if (o->has_verb && !(options[i].verbs & ON(o->verb)))
			continue;
		cleanup_free char *letter = options[i].id < 256 ? xasprintf("-%c, ", options[i].id) : xstrdup("");

		left = xasprintf("%s--%s%s%s", letter, options[i].name, options[i].argument ? "=" : "",
				 strna(options[i].argument));
		buf_printf(ret, "  %-28s %s\n", left, options[i].help);
	}
	buf_puts(ret, "\nExit status: 0 nothing to do or all done, 1 failed, 2 usage or configuration, 3 blocked,\n"
		      "4 partial, 5 no security repository, 6 out of support, 100 updates are pending,\n"
		      "102 processes run old code. 'run' exits as CMD does (126, 127: CMD cannot be run).\n");
}

/* VALUE must be one of the words in ACCEPTED, by ", "; its index into RET. */
static int take_word(const char *option, const char *value, const char *accepted, int *ret, struct err *err)
{
	size_t n = strlen(value);
	int i = 0;

	for (const char *w = accepted; *w; i++) {
		size_t k = strcspn(w, ",");

		if (k == n && memcmp(w, value, n) == 0) {
			*ret = i;
			return 0;
		}
		w += k + strspn(w + k, ", ");
	}
	return err_set(err, CODE_USAGE, 0, "--%s=%s: accepted: %s", option, value, accepted);
}

static int take_verb(struct options *o, const char *word, struct err *err)
{
	for (size_t i = 0; i < VERB_MAX; i++)
		if (streq(word, verbs[i].name)) {
			o->verb = (enum verb)i;
			o->has_verb = true;
			return 0;
		}
	cleanup_buf struct buf names = { 0 };
	for (size_t i = 0; i < VERB_MAX; i++)
		buf_printf(&names, "%s%s", i ? ", " : "", verbs[i].name);
	return err_set(err, CODE_USAGE, 0, "no mode '%s'; accepted: %s", word, buf_str(&names));
}

/* A range of the Monitoring Plugins' guidelines: [@][START:][END]. */
static int take_range(const char *option, const char *value, char **ret, struct err *err)
{
	struct range r;

	if (range_parse(value, &r) < 0)
		return err_set(err, CODE_USAGE, 0, "--%s=%s: accepted: a range such as 0, 5, 1:10 or @1:3", option,
			       value);
	free(*ret);
	*ret = xstrdup(value);
	return 0;
}

/* One option that getopt found; -1: refused. SEEN has a bit per table row. */
static const char *const form_names[] = { "text", "json", "nagios", "openmetrics" };

/* What the mode has, where it is known already. */
static void put_forms(const struct options *o, struct buf *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(form_names); i++)
		if (!o->has_verb || (verbs[o->verb].forms & FORM(i)))
			buf_printf(ret, "%s%s", ret->n ? ", " : "", form_names[i]);
}

static int refuse_form(const struct options *o, struct err *err)
{
	cleanup_buf struct buf have = { 0 };

	put_forms(o, &have);
	return err_set(err, CODE_USAGE, 0, "--output=%s: accepted: %s", optarg, buf_str(&have));
}

static int take_option(struct options *o, int id, uint64_t *seen, struct err *err)
{
	uint64_t n;
	int word;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].id == id)
			*seen |= UINT64_C(1) << i;
	switch (id) {
	case OPT_CONFIG:
		free(o->config);
		o->config = xstrdup(optarg);
		return 0;
	case OPT_SET:
		strv_push(&o->sets, optarg);
		return 0;
	case OPT_OUTPUT:
		if (take_word("output", optarg, "text, json, nagios, openmetrics", &word, err) < 0)
			return refuse_form(o, err);
		o->output = (enum output)word;
		return 0;
	case OPT_LOG_FORMAT:
		if (take_word("log-format", optarg, "text, json", &word, err) < 0)
			return -1;
		o->log_format = (enum log_format)word;
		return 0;
	case OPT_DRY_RUN:
		o->dry_run = true;
		return 0;
	case OPT_CHANGED:
		o->changed = true;
		return 0;
	case OPT_WATCH:
		o->watch = true;
		return 0;
	case OPT_OFFLINE:
		o->offline = true;
		return 0;
	case OPT_LAYERS:
		o->layers = true;
		return 0;
	case OPT_HOST:
		if (!engine_path(optarg, err))
			return -1;
		strv_push(&o->hosts, optarg);
		return 0;
	case OPT_FORMAT:
		if (take_word("format", optarg, "oci-layer, commands", &word, err) < 0)
			return -1;
		o->commands = word == 1;
		return 0;
	case OPT_TO:
		free(o->to);
		o->to = xstrdup(optarg);
		return 0;
	case OPT_INSPECT:
		free(o->inspect);
		o->inspect = xstrdup(optarg);
		return 0;
	case OPT_LIMIT:
		if (parse_u64(optarg, 1000000, &n) < 0 || !n)
			return err_set(err, CODE_USAGE, 0, "--limit=%s: accepted: 1 to 1000000", optarg);
		o->limit = (int64_t)n;
		return 0;
	case OPT_WARNING:
		return take_range("warning", optarg, &o->warning, err);
	case OPT_CRITICAL:
		return take_range("critical", optarg, &o->critical, err);
	case OPT_ALL:
		o->exec.all = true;
		return 0;
	case OPT_LABEL:
		strv_push(&o->exec.labels, optarg);
		return 0;
	case OPT_PARALLEL:
		if (parse_u64(optarg, 1000, &n) < 0 || !n)
			return err_set(err, CODE_USAGE, 0, "--parallel=%s: accepted: 1 to 1000", optarg);
		o->exec.parallel = (int64_t)n;
		return 0;
	case OPT_TIMEOUT:
		if (value_duration(optarg, &o->exec.timeout) < 0 || !o->exec.timeout)
			return err_set(err, CODE_USAGE, 0, "--timeout=%s: accepted: a duration such as 90s or 1h",
				       optarg);
		return 0;
	case OPT_USER:
		o->init.user = optarg;
		return 0;
	case OPT_BEFORE_START:
		if (streq(optarg, "never"))
			o->init.before_start = 0;
		else if (value_duration(optarg, &o->init.before_start) < 0)
			return err_set(err, CODE_USAGE, 0,
				       "--before-start=%s: accepted: a duration such as 60s, or never", optarg);
		return 0;
	case OPT_REWRITE:
		return init_options_rewrite(&o->init, optarg, err);
	case OPT_REMAP:
		return init_options_remap(&o->init, optarg, err);
	case 'g':
		o->init.group = true;
		return 0;
	case 's':
		o->init.subreaper = true;
		return 0;
	case 'p':
		if (value_signal(optarg, &o->init.parent_death) < 0 || !o->init.parent_death)
			return err_set(err, CODE_USAGE, 0, "--parent-death=%s: accepted: a signal such as TERM or 15",
				       optarg);
		return 0;
	case 'v':
		o->level = o->level >= LOG_INFO ? LOG_DEBUG : LOG_INFO;
		return 0;
	case 'q':
		o->level = LOG_WARNING;
		return 0;
	case 'h':
		o->help = true;
		return 0;
	case 'V':
		o->version = true;
		return 0;
	default:
		return err_set(err, CODE_USAGE, 0, "'stopgap --help' lists the options");
	}
}

static int check_form(const struct options *o, struct err *err)
{
	cleanup_buf struct buf have = { 0 };

	if (!o->has_verb || o->output == OUTPUT_TEXT || (verbs[o->verb].forms & FORM(o->output)))
		return 0;
	put_forms(o, &have);
	return err_set(err, CODE_USAGE, 0, "mode '%s' has no %s output; accepted: %s", verbs[o->verb].name,
		       form_names[o->output], buf_str(&have));
}

/* How many words a mode takes, which all are needed. */
static size_t words_wanted(enum verb v)
{
	return v == VERB_WRAP || v == VERB_EXPORT || v == VERB_COPY_TO;
}

int options_parse(int argc, char **argv, struct options *ret, struct err *err)
{
	struct option longs[ARRAY_SIZE(options) + 1] = { 0 };
	struct options o = { .level = LOG_NOTICE, .init = INIT_OPTIONS };
	uint64_t seen = 0;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		longs[i] = (struct option){ .name = options[i].name,
					    .has_arg = options[i].argument ? required_argument : 0,
					    .val = options[i].id };
	optind = 0;
	opterr = 0;
	for (;;) {
		int at = optind ? optind : 1;
		int id = getopt_long(argc, argv, "+:vqhVgsp:", longs, NULL);

		if (id == '?' || id == ':') {
			(void)err_set(err, CODE_USAGE, 0, "option '%s' %s; 'stopgap --help' lists the options",
				      argv[at], id == ':' ? "needs a value" : "is unknown, or takes no value");
			goto fail;
		}
		if (id != -1) {
			if (take_option(&o, id, &seen, err) < 0)
				goto fail;
			continue;
		}
		if (o.has_verb && o.verb == VERB_EXEC && optind > at && streq(argv[optind - 1], "--")) {
			o.exec.inner = argv + optind;
			break;
		}
		if (optind >= argc)
			break;
		if (o.has_verb && o.verb == VERB_RUN) {
			o.init.argv = argv + optind;
			break;
		}
		if (o.has_verb && o.verb == VERB_EXEC) {
			strv_push(&o.exec.targets, argv[optind++]);
			continue;
		}
		if (o.has_verb && o.words.n < words_wanted(o.verb)) {
			strv_push(&o.words, argv[optind++]);
			continue;
		}
		if (o.has_verb) {
			(void)err_set(err, CODE_USAGE, 0, "'%s': mode '%s' takes no further words", argv[optind],
				      verbs[o.verb].name);
			goto fail;
		}
		if (take_verb(&o, argv[optind], err) < 0)
			goto fail;
		optind++;
	}
	if (!o.has_verb && !o.help && !o.version) {
		(void)err_set(err, CODE_USAGE, 0, "a mode is missing; 'stopgap --help' lists them");
		goto fail;
	}
	if (o.has_verb && o.verb == VERB_RUN && !o.init.argv && !o.help && !o.version) {
		(void)err_set(err, CODE_USAGE, 0,
			      "mode 'run' needs the command to run: stopgap run [OPTION]... [--] CMD [ARG]...");
		goto fail;
	}
	if (o.has_verb && o.verb == VERB_EXEC && !o.exec.targets.n && !o.exec.all && !o.exec.labels.n && !o.help &&
	    !o.version) {
		(void)err_set(err, CODE_USAGE, 0,
			      "mode 'exec' needs a container: stopgap exec --all|TARGET... [-- once|check|scan]");
		goto fail;
	}
	if (o.exec.all && o.exec.targets.n) {
		(void)err_set(err, CODE_USAGE, 0,
			      "'%.100s' and '--all': name containers, or take all; a mode comes after '--'",
			      o.exec.targets.v[0]);
		goto fail;
	}
	if (o.has_verb && o.words.n < words_wanted(o.verb) && !o.help && !o.version) {
		(void)err_set(err, CODE_USAGE, 0, "mode '%s' needs a word: stopgap %s [OPTION]...%s",
			      verbs[o.verb].name, verbs[o.verb].name, verbs[o.verb].words);
		goto fail;
	}
	for (size_t i = 0; o.has_verb && i < ARRAY_SIZE(options); i++)
		if ((seen & (UINT64_C(1) << i)) && !(options[i].verbs & ON(o.verb))) {
			(void)err_set(err, CODE_USAGE, 0, "mode '%s' has no option '--%s'", verbs[o.verb].name,
				      options[i].name);
			goto fail;
		}
	if (check_form(&o, err) < 0)
		goto fail;
	*ret = o;
	return 0;
fail:
	options_clear(&o);
	return -1;
}
