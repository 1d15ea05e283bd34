/* procread: /proc/PID/stat as text (tests/cases/procread), and what tells one program image from another. */
#include "interp.h"
#include "lines.h"
#include "procread.h"

static char *show(int rc, const struct proc_identity *id)
{
	return rc < 0 ? xstrdup("bad") :
			xasprintf("%s %c %d %d %u %u %" PRId64 " %" PRIu64 " %" PRIu64 " %" PRIu64, id->comm, id->state,
				  id->ppid, id->sid, id->flags, id->threads, id->start, id->code, id->stack, id->data);
}

TEST(stat)
{
	cleanup_free char *text = lines_read("procread/stat");
	size_t n = 0;

	for (char *p = text, *line; (line = lines_next(&p)); n++) {
		char *want = strstr(line, " ; ");
		struct proc_identity id;

		if (!want)
			FAIL("not a case: %s", line);
		*want = '\0';
		cleanup_free char *copy = xmalloc(strlen(line));
		memcpy(copy, line, strlen(line)); /* without its end */
		cleanup_free char *got = show(proc_identity_parse(copy, strlen(line), &id), &id);
		if (!streq(got, want + 3))
			FAIL("%s: got '%s', expected '%s'", line, got, want + 3);
	}
	GE(n, 12);
}

TEST(another_image_is_another)
{
	const struct proc_identity a = { .start = 5, .code = 1, .stack = 2, .data = 3 };
	struct proc_identity b = a;

	OK(proc_identity_same(&a, &b));
	b.ppid = 7; /* its parent ended */
	OK(proc_identity_same(&a, &b));
	b.start++;
	OK(!proc_identity_same(&a, &b));
	b = a;
	b.code++;
	OK(!proc_identity_same(&a, &b));
	b = a;
	b.stack++;
	OK(!proc_identity_same(&a, &b));
	b = a;
	b.data++;
	OK(!proc_identity_same(&a, &b));
	/* in the middle of execve() */
	b = a;
	b.code = 0;
	OK(!proc_identity_same(&b, &b));
}

TEST(base_names)
{
	static const char *const cases[][2] = {
		{ "/usr/bin/python3.11", "python3.11" },
		{ "/usr/bin/python3.11 (deleted)", "python3.11" },
		{ "/home/x/usr/bin/perl/evil", "evil" },
		{ "/usr/bin/", "" },
		{ "", "" },
		{ "(deleted)", "(deleted)" },
		{ " (deleted)", " (deleted)" },
		{ "/x (deleted) (deleted)", "x (deleted)" },
	};
	char base[NAME_MAX + 1];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		procread_base_name(cases[i][0], base);
		STREQ(base, cases[i][1]);
	}
}
TAP_MAIN
