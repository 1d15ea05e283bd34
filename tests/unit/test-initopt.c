/* Options of PID 1 that are pairs: tests/cases/initopt. */
#include "initopt.h"
#include "lines.h"

/* WORD TEXT FROM TO, or WORD TEXT refused */
TEST(pairs)
{
	cleanup_free char *text = lines_read("initopt/pairs");
	char *p = text;

	for (char *line; (line = lines_next(&p));) {
		char *rest = line, *word = strsep(&rest, " "), *value = strsep(&rest, " ");
		struct err err = ERR_INIT;
		struct init_options o = INIT_OPTIONS;

		if (!value || !rest)
			FAIL("not a case: %s", line);
		bool rewrite = streq(word, "rewrite");
		int r = rewrite ? init_options_rewrite(&o, value, &err) : init_options_remap(&o, value, &err);
		struct init_pair got_pair = rewrite ? o.rewrite[0] : o.remap[0];
		cleanup_free char *got = r < 0 ? xstrdup("refused") : xasprintf("%d %d", got_pair.from, got_pair.to);
		if (!streq(got, rest))
			FAIL("%s %s is %s, expected %s", word, value, got, rest);
		if (r < 0) {
			EQ(err.code, CODE_USAGE);
			HAS(err.msg, "expected FROM:TO");
			EQ(o.n_rewrite + o.n_remap, 0);
		}
	}
}

TEST(not_more_than_there_is_room_for)
{
	struct init_options o = INIT_OPTIONS;
	struct err err = ERR_INIT;

	for (int i = 0; i < INIT_REWRITES_MAX; i++)
		EQ(init_options_rewrite(&o, "TERM:QUIT", &err), 0);
	EQ(init_options_rewrite(&o, "TERM:QUIT", &err), -1);
	EQ(err.code, CODE_USAGE);
	for (int i = 0; i < INIT_REMAPS_MAX; i++)
		EQ(init_options_remap(&o, "1:2", &err), 0);
	EQ(init_options_remap(&o, "1:2", &err), -1);
	EQ(o.n_remap, INIT_REMAPS_MAX);
}

TAP_MAIN
