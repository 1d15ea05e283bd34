/* log.c - see log.h. A line is one write, so that lines of several processes do not mix. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include "buf.h"
#include "clock.h"
#include "fd.h"
#include "log.h"

static const char *const level_names[] = { "error", "warning", "notice", "info", "debug" };
static const char *log_name = "stopgap";
static enum log_level log_limit = LOG_NOTICE;
static enum log_format log_form = LOG_TEXT;
static void (*log_before)(void);

void log_setup(const char *name, enum log_level max, enum log_format format)
{
	log_name = name;
	log_limit = max;
	log_form = format;
}

enum log_level log_max(void)
{
	return log_limit;
}

void log_set_before(void (*fn)(void))
{
	log_before = fn;
}

/* MSG inside a JSON string: escaped by the caller's rule for hostile bytes,
 * so only the quote and our own backslashes remain to be doubled. */
static void put_json_string(struct buf *b, const char *s)
{
	buf_putc(b, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_putc(b, '\\');
		buf_putc(b, *s);
	}
	buf_putc(b, '"');
}

static void log_line(enum log_level level, const char *code, const char *msg)
{
	int saved = errno;
	cleanup_buf struct buf b = { 0 };
	cleanup_free char *text = escape_text(msg, 4096);

	if (log_before)
		log_before();
	if (log_form == LOG_JSON) {
		char now[TIME_TEXT_MAX];

		time_format(clock_wall(), now);
		buf_printf(&b, "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\",", now, level_names[level],
			   log_name);
		if (code)
			buf_printf(&b, "\"code\":\"%s\",", code);
		buf_puts(&b, "\"message\":");
		put_json_string(&b, text);
		buf_puts(&b, "}\n");
	} else if (level == LOG_ERROR || level == LOG_WARNING) {
		buf_printf(&b, "%s: %s: %s\n", log_name, level_names[level], text);
	} else {
		buf_printf(&b, "%s: %s\n", log_name, text);
	}
	(void)write_all(STDERR_FILENO, b.s, b.n);
	errno = saved;
}

void log_msg(enum log_level level, const char *fmt, ...)
{
	char msg[4096];
	va_list ap;

	if (level > log_limit)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	log_line(level, NULL, msg);
}

void log_err(enum log_level level, const struct err *err)
{
	if (level <= log_limit)
		log_line(level, code_name(err->code), err->msg);
}
