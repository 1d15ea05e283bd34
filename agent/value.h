/* value.h - how a setting's value is written: durations, sizes, words, expressions.
 *
 * Each returns 0 and fills *RET, or -1 and leaves it alone.
 */
#pragma once
#include "err.h"
#include "util.h"

#define VALUE_ENTRY_MAX 4096	/* bytes of a list's entry: what a plugin message can carry */

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
 * does not compile is CODE_CONFIG; L has the ones before it then. */
int value_regexes(struct strv *l, const char *v, struct err *err);
