/* interp_code() on the command lines of tests/cases/interp. */
#include "lines.h"
#include "interp.h"

/* "; a b c" as words in place; -1 when the line has fewer parts. */
static int take_part(char **line, char **part)
{
	char *end = strstr(*line, " ;");

	if (!end)
		return -1;
	*end = '\0';
	*part = *line;
	*line = end + 2 + (end[2] == ' ');
	return 0;
}

static char *answer(const char *program, char *words)
{
	struct interp_code code = { 0 };
	struct buf b = { 0 };
	char *argv[64], *save = NULL;
	size_t argc = 0;

	for (char *w = strtok_r(words, " ", &save); w && argc < ARRAY_SIZE(argv); w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	interp_code(interp_of(program), argv, argc, &code);
	for (size_t i = 0; i < code.files.n; i++)
		buf_printf(&b, "%s%s", b.n ? " " : "", code.files.v[i]);
	if (code.module)
		buf_printf(&b, "%smodule%s%s", b.n ? " " : "", *code.module ? " " : "", code.module);
	interp_code_clear(&code);
	return buf_steal(&b);
}

TEST(command_lines)
{
	cleanup_free char *text = lines_read("interp/command-lines");
	size_t n = 0;

	for (char *p = text, *line; (line = lines_next(&p)); n++) {
		cleanup_free char *whole = xstrdup(line);
		char *program, *words;

		if (take_part(&line, &program) < 0 || take_part(&line, &words) < 0)
			FAIL("not a case: %s", whole);
		cleanup_free char *got = answer(program, words);
		if (!streq(got, line))
			FAIL("%s: got '%s'", whole, got);
	}
	GE(n, 60);
}

/* No word is required, none may be missing. */
TEST(every_shortening)
{
	for (int kind = INTERP_NONE; kind <= INTERP_JAVA; kind++) {
		char *const argv[] = { (char[]){ "x" },	 (char[]){ "-W" },	 (char[]){ "-cp" }, (char[]){ "-I" },
				       (char[]){ "-m" }, (char[]){ "--require" }, (char[]){ "-jar" } };

		for (size_t from = 0; from < ARRAY_SIZE(argv); from++) {
			for (size_t argc = 0; argc <= ARRAY_SIZE(argv) - from; argc++) {
				struct interp_code code = { 0 };

				interp_code((enum interp)kind, argv + from, argc, &code);
				LE(code.files.n, argc);
				interp_code_clear(&code);
			}
		}
	}
}
TAP_MAIN
