/* err.c - see err.h. */
#include <stdio.h>
#include <string.h>
#include "err.h"

int err_vset(struct err *err, enum code code, int errnum, const char *fmt, va_list ap)
{
	err->code = code;
	err->errnum = errnum;
	err->retryable = false;
	int n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	if (errnum && n >= 0 && (size_t)n < sizeof(err->msg))
		(void)snprintf(err->msg + n, sizeof(err->msg) - (size_t)n, ": %s", strerror(errnum));
	return -1;
}

int err_set(struct err *err, enum code code, int errnum, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(err, code, errnum, fmt, ap);
	va_end(ap);
	return -1;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	char old[sizeof(err->msg)];
	va_list ap;

	memcpy(old, err->msg, sizeof(old));
	va_start(ap, fmt);
	int n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(err->msg))
		(void)snprintf(err->msg + n, sizeof(err->msg) - (size_t)n, ": %.*s", (int)sizeof(old) - 1, old);
	return -1;
}

void err_clear(struct err *err)
{
	*err = ERR_INIT;
}
