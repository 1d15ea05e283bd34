/* cases.h - a test program whose tests are the files tests/cases/KIND/NAME.case.
 *
 * main() calls add_cases() per kind and cases_main(); each test calls
 * case_text() first, which says whose turn it is.
 */
#pragma once
#include <dirent.h>
#include "fd.h"
#include "tap.h"
#include "util.h"

static struct tap_test *case_next;

static inline int is_case(const struct dirent *e)
{
	return ends_with(e->d_name, ".case");
}

static inline void add_cases(const char *kind, void (*run)(void))
{
	cleanup_free char *folder = xasprintf(STOPGAP_TOP "/tests/cases/%s", kind);
	struct dirent **files;
	int n = scandir(folder, &files, is_case, alphasort);

	for (int i = 0; i < n; i++) {
		cleanup_free char *name = xasprintf("%s/%s", kind, files[i]->d_name);

		if (tap_picked(name)) {
			struct tap_test *t = xcalloc(1, sizeof(*t));

			t->name = xstrdup(name);
			t->run = run;
			*tap_last = t;
			tap_last = &t->next;
		}
		free(files[i]);
	}
	if (n >= 0)
		free(files);
}

/* One more test after them, whose RUN begins with case_next = case_next->next. */
static inline void add_test(const char *name, void (*run)(void))
{
	if (!tap_picked(name))
		return;
	struct tap_test *t = xcalloc(1, sizeof(*t));
	t->name = name;
	t->run = run;
	*tap_last = t;
	tap_last = &t->next;
}

/* The text of the case that is being run; caller frees. */
static inline char *case_text(void)
{
	cleanup_free char *path = xasprintf(STOPGAP_TOP "/tests/cases/%s", case_next->name);
	struct buf text = { 0 };
	struct err err = ERR_INIT;

	case_next = case_next->next;
	if (read_file(path, 1024 * 1024, &text, &err) < 0)
		buf_reset(&text);
	return buf_steal(&text);
}

static inline int cases_main(void)
{
	case_next = tap_first;
	return tap_main();
}
