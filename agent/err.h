/* err.h - why something failed, carried up and printed once.
 *
 * Every function that can fail takes a struct err * last and returns a
 * negative value; on success the err is untouched. The message lives in the
 * struct, so reporting a failure never allocates. Messages are lower case,
 * name their object, and end with the remedy where there is one.
 */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include "codes.h"

struct err {
	enum code code;
	int errnum;		/* errno at the failure, 0 if none */
	bool retryable;		/* trying again later may help */
	char msg[1024];		/* UTF-8, control characters escaped when printed */
};

#define ERR_INIT ((struct err){ .code = CODE_OK })

/* Set ERR and return -1. ERRNUM (an errno value, or 0) is appended as text. */
int err_set(struct err *err, enum code code, int errnum, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
int err_vset(struct err *err, enum code code, int errnum, const char *fmt, va_list ap);
/* Prefix "context: " to a failure and return -1. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Back to "nothing is wrong". */
void err_clear(struct err *err);
