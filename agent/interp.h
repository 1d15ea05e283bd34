/* interp.h - which files of its command line an interpreter runs.
 *
 * Nothing is executed, loaded or looked up: the file name of the program names
 * the interpreter, and the grammar of its own options finds the script. What a
 * command line says is only ever a claim of the process about itself.
 */
#pragma once
#include "util.h"

enum interp { INTERP_NONE, INTERP_PYTHON, INTERP_PERL, INTERP_RUBY, INTERP_PHP, INTERP_NODE, INTERP_JAVA };

struct interp_code {
	struct strv files; /* scripts, preloaded scripts, jars: as written, relative ones too */
	char *module; /* python -m NAME, or NULL */
};

/* The interpreter behind a program's file, by its base name: "python3.11",
 * "perl5.36.0", "nodejs". php-fpm is none: its scripts come with requests. */
enum interp interp_of(const char *name);
/* Does that program run what it maps as data: java's modules file, mono's and .NET's assemblies? */
bool interp_maps_data(const char *name);
/* What ARGV (ARGC strings, argv[0] first) names. RET must be empty. */
void interp_code(enum interp kind, char *const *argv, size_t argc, struct interp_code *ret);
void interp_code_clear(struct interp_code *c);
