/* depends_unmet() on tests/cases/depends/groups. */
#include "lines.h"
#include "depends.h"

static const char *coming(const char *name, void *ctx _unused_)
{
	return streq(name, "new") ? "5" : NULL;
}

static bool failed(const char *name, void *ctx _unused_)
{
	return streq(name, "bad") || streq(name, "broken");
}

TEST(groups)
{
	struct dpkgdb_package packages[] = {
		{ .name = "bad", .arch = "all", .version = "1", .status = DPKGDB_INSTALLED },
		{ .name = "broken", .arch = "all", .version = "2", .status = DPKGDB_HALF_CONFIGURED },
		{ .name = "half", .arch = "all", .version = "3", .status = DPKGDB_UNPACKED },
		{ .name = "libc6", .arch = "amd64", .version = "2.36-9", .status = DPKGDB_INSTALLED },
		{ .name = "plain", .arch = "all", .version = "1", .status = DPKGDB_INSTALLED },
	};
	struct dpkgdb db = { .packages = packages, .n = ARRAY_SIZE(packages) };
	struct depends_view view = { .db = &db, .coming = coming, .failed = failed };
	cleanup_free char *text = lines_read("depends/groups");
	char *p = text;

	for (char *line; (line = lines_next(&p));) {
		char *sep = strstr(line, " ; ");

		if (!sep)
			FAIL("not a case: %s", line);
		*sep = '\0';
		cleanup_free char *got = depends_unmet(line, &view);
		STREQ(got ? got : "-", sep + 3);
	}
}
TAP_MAIN
