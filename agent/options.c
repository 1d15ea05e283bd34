/* options.c - see options.h. */
#include <getopt.h>
#include <stdio.h>
#include "options.h"

enum option_id { OPT_CONFIG = 256, OPT_SET, OPT_OUTPUT, OPT_LOG_FORMAT, OPT_DRY_RUN };

#define ALL ((1u << VERB_MAX) - 1)
#define ON(v) (1u << (v))

static const struct {
	const char *name;
	int id;			/* a letter is the short form too */
	const char *argument;
	unsigned verbs;
	const char *help;
} options[] = {
	{ "config", OPT_CONFIG, "FILE", ALL, "read FILE instead of /etc/stopgap/stopgap.conf" },
	{ "set", OPT_SET, "SECTION.KEY=VALUE", ALL, "override one setting; may be repeated" },
	{ "output", OPT_OUTPUT, "FORM", ALL, "text (default), json or nagios" },
	{ "dry-run", OPT_DRY_RUN, NULL, ON(VERB_ONCE), "stop after the plan: fetch and change nothing" },
	{ "log-format", OPT_LOG_FORMAT, "FORM", ALL, "of the lines on stderr: text (default) or json" },
	{ "verbose", 'v', NULL, ALL, "say more on stderr; twice for debugging" },
	{ "quiet", 'q', NULL, ALL, "say only warnings and errors on stderr" },
	{ "help", 'h', NULL, ALL, "show this help" },
	{ "version", 'V', NULL, ALL, "show the version" },
};

static const struct {
	const char *name, *help;
} verbs[VERB_MAX] = {
	[VERB_ONCE] = { "once", "apply pending security updates now" },
	[VERB_CHECK] = { "check", "refresh and plan, change nothing; exit 100 if updates are pending" },
	[VERB_CONFIG] = { "config", "show the effective configuration and where each value came from" },
};

void options_clear(struct options *o)
{
	free(o->config);
	strv_clear(&o->sets);
	*o = (struct options){ 0 };
}

void options_help(const struct options *o, struct buf *ret)
{
	if (o->has_verb) {
		buf_printf(ret, "Usage: stopgap %s [OPTION]...\n%s\n\nOptions:\n", verbs[o->verb].name, verbs[o->verb].help);
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
		left = options[i].argument ? xasprintf("--%s=%s", options[i].name, options[i].argument) :
		       options[i].id < 256 ? xasprintf("-%c, --%s", options[i].id, options[i].name) :
					     xasprintf("--%s", options[i].name);
		buf_printf(ret, "  %-28s %s\n", left, options[i].help);
	}
	buf_puts(ret, "\nExit status: 0 nothing to do or all done, 1 failed, 2 usage or configuration, 3 blocked,\n"
		      "4 partial, 5 no security repository, 6 out of support, 100 updates are pending.\n");
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

/* One option that getopt found; -1: refused. SEEN has a bit per table row. */
static int take_option(struct options *o, int id, unsigned *seen, struct err *err)
{
	int word;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].id == id)
			*seen |= 1u << i;
	switch (id) {
	case OPT_CONFIG:
		free(o->config);
		o->config = xstrdup(optarg);
		return 0;
	case OPT_SET:
		strv_push(&o->sets, optarg);
		return 0;
	case OPT_OUTPUT:
		if (take_word("output", optarg, "text, json, nagios", &word, err) < 0)
			return -1;
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

int options_parse(int argc, char **argv, struct options *ret, struct err *err)
{
	struct option longs[ARRAY_SIZE(options) + 1] = { 0 };
	struct options o = { .level = LOG_NOTICE };
	unsigned seen = 0;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		longs[i] = (struct option){ .name = options[i].name, .has_arg = options[i].argument ? required_argument : 0,
					    .val = options[i].id };
	optind = 0;
	opterr = 0;
	for (;;) {
		int at = optind ? optind : 1;
		int id = getopt_long(argc, argv, "+:vqhV", longs, NULL);

		if (id == '?' || id == ':') {
			(void)err_set(err, CODE_USAGE, 0, "option '%s' %s; 'stopgap --help' lists the options", argv[at],
				      id == ':' ? "needs a value" : "is unknown, or takes no value");
			goto fail;
		}
		if (id != -1) {
			if (take_option(&o, id, &seen, err) < 0)
				goto fail;
			continue;
		}
		if (optind >= argc)
			break;
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
	for (size_t i = 0; o.has_verb && i < ARRAY_SIZE(options); i++)
		if ((seen & (1u << i)) && !(options[i].verbs & ON(o.verb))) {
			(void)err_set(err, CODE_USAGE, 0, "mode '%s' has no option '--%s'", verbs[o.verb].name, options[i].name);
			goto fail;
		}
	*ret = o;
	return 0;
fail:
	options_clear(&o);
	return -1;
}
