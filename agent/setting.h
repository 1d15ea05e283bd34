/* setting.h - the types of settings: how text becomes a value, and a value text. */
#pragma once
#include "buf.h"
#include "err.h"
#include "util.h"

enum setting_type {
	T_STRING,
	T_PATH,
	T_ARGV,
	T_WINDOW, /* char *: any text, or text of a form */
	T_LINES,
	T_REGEXES, /* struct strv: entries that add up */
	T_BOOL,					/* bool */
	T_DURATION,
	T_SIZE,
	T_COUNT,
	T_OCTAL, /* int64_t */
	T_ENUM,					/* int: the index of a word */
	T_SIGNAL,				/* int */
	T_BUDGET,				/* struct budget */
};

static inline bool setting_is_list(enum setting_type type)
{
	return type == T_LINES || type == T_REGEXES;
}

/* Read V into P, which is a variable of TYPE; lists are added to. WORDS: those
 * of T_ENUM, by blanks. On failure P keeps its value, and ERR says what is
 * wrong with V and what is accepted: CODE_CONFIG. */
int setting_read(enum setting_type type, const char *words, const char *v, void *p, struct err *err);
/* As the configuration would write it, but for a proxy's password. */
void setting_write(enum setting_type type, const char *words, const void *p, struct buf *ret);
void setting_clear(enum setting_type type, void *p);
