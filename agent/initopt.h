/* initopt.h - the command line of PID 1. */
#pragma once
#include "err.h"
#include "util.h"

#define INIT_REWRITES_MAX 64
#define INIT_REMAPS_MAX	  64

/* The command line. Strings are argv's own. */
struct init_options {
	char *const *argv;		/* CMD ARG…, NULL-terminated */
	bool group;			/* -g: signals are for the service's process group */
	const char *user;		/* --user U[:G], NULL: as we are */
	int64_t before_start;		/* s; <0: the configuration's; 0: never */
	struct init_pair {
		int from, to;
	} rewrite[INIT_REWRITES_MAX], remap[INIT_REMAPS_MAX];
	size_t n_rewrite, n_remap;
	int parent_death;		/* -p SIGNAL: sent to us when our parent dies; 0: none */
	bool subreaper;			/* -s: fail when orphans cannot come to us */
	uint32_t updater_pause;		/* ms at most before the next updater; 0: 60 s (tests are in a hurry) */
};

#define INIT_OPTIONS ((struct init_options){ .before_start = -1 })

/* --rewrite and --remap-exit: add TEXT. The last for a FROM counts. Codes: USAGE. */
int init_options_rewrite(struct init_options *o, const char *text, struct err *err);
int init_options_remap(struct init_options *o, const char *text, struct err *err);
