/* Failures and the codes they carry. */
#include <ctype.h>
#include <errno.h>
#include "err.h"
#include "tap.h"

TEST(set_returns_minus_one_and_says_all)
{
	struct err e = ERR_INIT;

	EQ(e.code, CODE_OK);
	EQ(err_set(&e, CODE_IO, ENOENT, "open '%s'", "/x"), -1);
	EQ(e.code, CODE_IO);
	EQ(e.errnum, ENOENT);
	STREQ(e.msg, "open '/x': No such file or directory");
	EQ(err_set(&e, CODE_USAGE, 0, "plain"), -1);
	STREQ(e.msg, "plain");
	err_clear(&e);
	EQ(e.code, CODE_OK);
	STREQ(e.msg, "");
}

TEST(set_forgets_what_was_there)
{
	struct err e = { .code = CODE_IO, .errnum = 5, .retryable = true, .msg = "old" };

	(void)err_set(&e, CODE_CONFIG, 0, "new");
	EQ(e.errnum, 0);
	OK(!e.retryable);
}

TEST(wrap_prefixes_and_keeps_the_rest)
{
	struct err e = ERR_INIT;

	(void)err_set(&e, CODE_IO, EACCES, "open '/x'");
	e.retryable = true;
	EQ(err_wrap(&e, "read settings of '%s'", "web"), -1);
	STREQ(e.msg, "read settings of 'web': open '/x': Permission denied");
	EQ(e.code, CODE_IO);
	EQ(e.errnum, EACCES);
	OK(e.retryable);
}

TEST(long_messages_are_cut_not_overrun)
{
	struct err e = ERR_INIT;
	char text[3000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)err_set(&e, CODE_IO, ENOENT, "%s", text);
	EQ(strlen(e.msg), sizeof(e.msg) - 1);
	(void)err_wrap(&e, "%s", text);
	EQ(strlen(e.msg), sizeof(e.msg) - 1);
	(void)err_set(&e, CODE_IO, ENOENT, "%.1020s", text);	/* no room for the errno's text */
	EQ(strlen(e.msg), sizeof(e.msg) - 1);
}

/* --- codes --------------------------------------------------------------- */

TEST(every_code_has_a_name_of_its_own)
{
	for (int i = 0; i < CODE_MAX; i++) {
		const char *name = code_name((enum code)i);

		OK(name && *name);
		for (const char *s = name; *s; s++)	/* JSON value and metric label */
			if (!islower((unsigned char)*s) && *s != '_')
				FAIL("'%s' has a '%c'", name, *s);
		for (int j = 0; j < i; j++)
			if (strcmp(name, code_name((enum code)j)) == 0)
				FAIL("'%s' is given twice", name);
	}
}

TEST(names_lead_back_to_their_codes)
{
	for (int i = 0; i < CODE_MAX; i++)
		EQ(code_from_name(code_name((enum code)i)), i);
	EQ(code_from_name(""), -1);
	EQ(code_from_name("OK"), -1);
	EQ(code_from_name("ok "), -1);
	EQ(code_from_name("no_such_code"), -1);
}

TEST(every_code_explains_itself_in_one_sentence)
{
	for (int i = 0; i < CODE_MAX; i++) {
		const char *text = code_text((enum code)i);

		OK(text && *text);
		if (isupper((unsigned char)text[0]) || text[strlen(text) - 1] == '.')
			FAIL("'%s': lower case, no full stop", text);
		for (int j = 0; j < i; j++)
			if (strcmp(text, code_text((enum code)j)) == 0)
				FAIL("'%s' is given twice", text);
	}
}

TEST(classes_are_what_exit_codes_rely_on)
{
	EQ(code_class(CODE_OK), CLASS_NONE);
	EQ(code_class(CODE_CONFIG), CLASS_USAGE);
	EQ(code_class(CODE_PLUGIN_DIED), CLASS_FAILED);
	EQ(code_class(CODE_LOCKED), CLASS_BLOCKED);
	EQ(code_class(CODE_HOLD), CLASS_KEPT);
	EQ(code_class(CODE_STALE_METADATA), CLASS_ALARM);
	for (int i = 1; i < CODE_MAX; i++)
		NE(code_class((enum code)i), CLASS_NONE);
}

TAP_MAIN
