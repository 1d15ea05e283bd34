/* value.h - how a setting's value is written: durations, sizes, words, expressions, signals, commands.
 *
 * Each returns 0 and fills *RET, or -1 and leaves it alone.
 */
#pragma once
#include "err.h"
#include "util.h"

#define VALUE_ENTRY_MAX 4096	/* bytes of a list's entry: what a plugin message can carry */
#define VALUE_WORDS_MAX 256	/* words of a command */

/* "90", "90s", "15m", "6h", "2d", "1w" in seconds; "500M" (powers of 1024) in bytes. */
int value_duration(const char *v, int64_t *ret);
int value_size(const char *v, int64_t *ret);
/* yes/true/on/1 or no/false/off/0. */
int value_bool(const char *v, bool *ret);
/* The index of V among WORDS, which are separated by blanks. */
int value_enum(const char *words, const char *v, int *ret);
/* A file mode of at most four octal digits. */
int value_octal(const char *v, int64_t *ret);
/* Add the extended regular expressions of V, separated by blanks, to L. What
 * does not compile, or grows too large, is CODE_CONFIG; L has the ones before it then. */
int value_regexes(struct strv *l, const char *v, struct err *err);
/* "3/1h": at most COUNT (up to 1000) in any PERIOD (seconds, at least one). */
struct budget {
	int64_t count, period;
};
int value_budget(const char *v, struct budget *ret);
/* "SIGTERM", "term", "15", "RTMIN+3", "SIGRTMAX-1": the number of a signal
 * that a program may be sent, so not one of the two that the C library keeps.
 * Empty is 0, the default of whoever reads it. */
int value_signal(const char *v, int *ret);
/* "SIGTERM", "SIGRTMIN+3", as value_signal() reads it; "" for 0. RET holds 16 bytes. */
void signal_format(int sig, char *ret);
/* A command into its words, without a shell: blanks separate; '...' keeps
 * everything, "..." everything but \" and \\, and outside of both a backslash
 * keeps the next character. No variables, no globs, no operators. Empty is no
 * command. What is not closed or too long is CODE_CONFIG, with L empty. */
int value_argv(const char *v, struct strv *l, struct err *err);
