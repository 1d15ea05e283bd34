/* Values: commands, signals, budgets, as they are written in the configuration. */
#include <signal.h>
#include "tap.h"
#include "value.h"

/* "[a][b c]", or the message of a failure; caller frees. */
static char *words(const char *v)
{
	cleanup_strv struct strv l = { 0 };
	struct err err = ERR_INIT;
	char *text = xstrdup("");

	if (value_argv(v, &l, &err) < 0) {
		free(text);
		return xstrdup(err.code == CODE_CONFIG && !l.n ? err.msg : "wrong code");
	}
	for (size_t i = 0; i < l.n; i++) {
		char *more = xasprintf("%s[%s]", text, l.v[i]);

		free(text);
		text = more;
	}
	return text;
}

TEST(argv)
{
	static const struct {
		const char *value, *words;
	} cases[] = {
		{ "", "" },
		{ "   \t", "" },
		{ "/bin/true", "[/bin/true]" },
		{ "  a   b\tc ", "[a][b][c]" },
		{ "sh -c 'a b; c > d'", "[sh][-c][a b; c > d]" },
		{ "a 'b\\' c", "[a][b\\][c]" },
		{ "a \"b 'c' $d\"", "[a][b 'c' $d]" },
		{ "a \"b \\\" \\\\ \\n\"", "[a][b \" \\ \\n]" },
		{ "a b\\ c \\'d\\\\", "[a][b c]['d\\]" },
		{ "a '' \"\" b", "[a][][][b]" },
		{ "a'b c'\"d e\"f", "[ab cd ef]" },
		{ "a $(b) | c && d; e *", "[a][$(b)][|][c][&&][d;][e][*]" },
		{ "a # b", "[a][#][b]" },
		{ "x\xc3\xa4 y", "[x\xc3\xa4][y]" },
		{ "a 'b", "a ' is not closed" },
		{ "a \"b", "\" is not closed" },
		{ "a \"b\\\"", "\" is not closed" },
		{ "a \\", "nothing follows the last backslash" },
		{ "'' a", "a command without a name" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *got = words(cases[i].value);

		if (*cases[i].words == '[' || !*cases[i].words)
			STREQ(got, cases[i].words);
		else
			HAS(got, cases[i].words);
	}
}

TEST(argv_is_bounded)
{
	char many[2 * (VALUE_WORDS_MAX + 1) + 1];

	for (size_t i = 0; i < sizeof(many) - 1; i++)
		many[i] = i % 2 ? ' ' : 'a';
	many[sizeof(many) - 1] = '\0';
	cleanup_free char *got = words(many);
	STREQ(got, "a command of more than 256 words");
	many[2 * VALUE_WORDS_MAX] = '\0';
	cleanup_free char *fits = words(many);
	EQ(strlen(fits), 3 * VALUE_WORDS_MAX);
}

TEST(signals)
{
	static const struct {
		const char *value;
		int sig;
		const char *name;
	} cases[] = {
		{ "", 0, "" },
		{ "SIGTERM", 15, "SIGTERM" },
		{ "TERM", 15, "SIGTERM" },
		{ "term", 15, "SIGTERM" },
		{ "15", 15, "SIGTERM" },
		{ "3", SIGQUIT, "SIGQUIT" },
		{ "SIGWINCH", SIGWINCH, "SIGWINCH" },
		{ "Usr1", SIGUSR1, "SIGUSR1" },
		{ "CLD", SIGCHLD, "SIGCHLD" },
		{ "IOT", SIGABRT, "SIGABRT" },
		{ "31", SIGSYS, "SIGSYS" },
		{ "KILL", SIGKILL, "SIGKILL" },
	};
	static const char *const bad[] = { "0",	      "-1",	"65",	    "32",	 "33",	    "SIG",
					   "SIGNOPE", "TERM ",	"15x",	    "RTMIN+31",	 "RTMIN-1", "RTMAX+1",
					   "RTMIN+",  "RTMIN3", "RTMAX-31", "SIGSIGTERM" };
	int sig;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char name[16];

		sig = -1;
		EQ(value_signal(cases[i].value, &sig), 0);
		EQ(sig, cases[i].sig);
		signal_format(sig, name);
		STREQ(name, cases[i].name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		sig = 7;
		if (value_signal(bad[i], &sig) == 0)
			FAIL("'%s' is taken", bad[i]);
		EQ(sig, 7);
	}
}

TEST(realtime_signals)
{
	char name[16];
	int sig;

	EQ(value_signal("RTMIN", &sig), 0);
	EQ(sig, SIGRTMIN);
	EQ(value_signal("SIGRTMIN+3", &sig), 0);
	EQ(sig, SIGRTMIN + 3);
	signal_format(sig, name);
	STREQ(name, "SIGRTMIN+3");
	EQ(value_signal("rtmax-1", &sig), 0);
	EQ(sig, SIGRTMAX - 1);
	EQ(value_signal("64", &sig), 0);
	EQ(sig, 64);
}

TEST(budgets)
{
	static const char *const bad[] = { "",	    "3",       "/1h",  "3/",	 "3/0", "3/0s",
					   "-1/1h", "1001/1h", "3/1y", "3 / 1h", "x/1h" };
	struct budget b = { 0 };

	EQ(value_budget("3/1h", &b), 0);
	EQ(b.count, 3);
	EQ(b.period, 3600);
	EQ(value_budget("0/1d", &b), 0);
	EQ(b.count, 0);
	EQ(value_budget("1000/90", &b), 0);
	EQ(b.period, 90);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (value_budget(bad[i], &b) == 0)
			FAIL("'%s' is taken", bad[i]);
	EQ(b.period, 90);
}

TEST(expressions_that_grow)
{
	static const char *const good[] = { "lib.*",	      "lib.+-foo.+(bar)?", "[][+{(]+", "a{3,200}",
					    "\\\\+\\+\\(\\{", "(a|b{2}){5}c",    "[^]+]" };
	static const char *const bad[] = { "a++",
					   "a*{3}",
					   "(((((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+)+",
					   "(a{255}){255}",
					   "a{1,20000}",
					   "((a{100}){100}){100}",
					   "((((((((((((((((((((((((((((((((a))))))))))))))))))))))))))))))))" };

	for (size_t i = 0; i < ARRAY_SIZE(good) + ARRAY_SIZE(bad); i++) {
		bool want = i < ARRAY_SIZE(good);
		const char *re = want ? good[i] : bad[i - ARRAY_SIZE(good)];
		cleanup_strv struct strv l = { 0 };
		struct err err = ERR_INIT;

		if ((value_regexes(&l, re, &err) == 0) != want)
			FAIL("'%s': %s", re, want ? err.msg : "taken");
		if (!want)
			HAS(err.msg, "too large");
	}
}

TAP_MAIN
