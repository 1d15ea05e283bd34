/* options.h - argv → mode and options, from one table.
 *
 * The table gives getopt, `--help` of each mode and the usage errors. Options,
 * once released, are never changed or removed.
 */
#pragma once
#include "err.h"
#include "buf.h"
#include "init.h"
#include "log.h"
#include "util.h"

enum output { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_NAGIOS, OUTPUT_OPENMETRICS };

enum verb {
	VERB_RUN,
	VERB_DAEMON,
	VERB_ONCE,
	VERB_CHECK,
	VERB_SCAN,
	VERB_STATUS,
	VERB_HISTORY,
	VERB_CVES,
	VERB_DOCTOR,
	VERB_CONFIG,
	VERB_PS,
	VERB_EXEC,
	VERB_WATCH,
	VERB_WRAP,
	VERB_EXPORT,
	VERB_COPY_TO,
	VERB_MAX
};

struct options {
	enum verb verb;
	char *config;		/* --config, NULL: the default file if it exists */
	struct strv sets;	/* --set, as given */
	enum output output;
	enum log_level level;
	enum log_format log_format;
	bool dry_run;
	bool changed;		/* --changed-since-last */
	bool watch;
	bool offline;		/* doctor: ask no repository */
	int64_t limit;		/* history: entries; 0: the default */
	bool layers;		/* ps: which containers share one */
	struct strv words;	/* wrap: the image; export: the container; copy-to: the folder */
	bool commands;		/* export: --format=commands, not a layer */
	char *to;		/* export: a file, NULL: stdout */
	char *inspect;		/* wrap: --inspect, a file */
	struct strv hosts;	/* --host: sockets of engines, instead of host.engines */
	char *warning, *critical; /* thresholds of Nagios' form, NULL: the defaults */

	struct {
		struct strv targets;	/* as given */
		bool all;
		struct strv labels;
		int64_t parallel, timeout; /* 0: the default; s */
		char **inner;		/* what follows "--", of the argv that was parsed; NULL: nothing */
	} exec;
	struct init_options init;	/* run; strings are of the argv that was parsed */
	bool help, version;	/* asked for; nothing else is done then */
	bool has_verb;		/* help: for one mode */
};

/* CODE_USAGE names what is wrong and what is accepted. RET is complete on
 * success, empty on failure. */
int options_parse(int argc, char **argv, struct options *ret, struct err *err);
void options_clear(struct options *o);
/* The help text, of one mode or of all. */
void options_help(const struct options *o, struct buf *ret);
