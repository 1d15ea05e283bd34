/* log.h - one line per event on stderr, text or JSON.
 *
 * Logging functions say so in their name; every other function returns its
 * failure instead (err.h). A failure that is passed over ends in ", ignoring".
 */
#pragma once
#include <stdbool.h>
#include "err.h"
#include "util.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* NAME is the program shown in each line; a static string. */
void log_setup(const char *name, enum log_level max, enum log_format format);
enum log_level log_max(void);
void log_msg(enum log_level level, const char *fmt, ...) _printf_(2, 3);
/* "CONTEXT: message" of a failure, with its code in the JSON form. */
void log_err(enum log_level level, const struct err *err);
#define log_error(...)   log_msg(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_msg(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_msg(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_msg(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_msg(LOG_DEBUG, __VA_ARGS__)
/* Called before each line: the owner of a progress line clears it here. */
void log_set_before(void (*fn)(void));
