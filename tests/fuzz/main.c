/* main.c - a fuzz target as a unit test: FUZZ_CORPUS's files, one test each, whole, cut at each length, and with each byte
 * changed in some ways. A target says what is wrong by ending the program. */
#include <dirent.h>
#include "fd.h"
#include "fuzz.h"
#include "tap.h"

#define LONG 2048 /* files above it are not changed byte by byte */

static struct tap_test *current; /* the file whose turn it is */

static void check_file(void)
{
	static const uint8_t odd[] = { 0, '\n', '\r', ' ', ':', '9', 0x7f, 0x80, 0xff };
	cleanup_free char *path = xasprintf(FUZZ_CORPUS "/%s", current->name);
	cleanup_buf struct buf b = { 0 };
	struct err err = ERR_INIT;

	current = current->next;
	EQ(read_file(path, 1 << 20, &b, &err), 0);
	uint8_t *s = (uint8_t *)(b.s ? b.s : xstrdup(""));
	(void)LLVMFuzzerTestOneInput(s, b.n);
	for (size_t i = 0; i < b.n && b.n <= LONG; i++) {
		uint8_t was = s[i];

		(void)LLVMFuzzerTestOneInput(s, i);
		for (size_t k = 0; k < sizeof(odd); k++) {
			s[i] = odd[k];
			(void)LLVMFuzzerTestOneInput(s, b.n);
		}
		s[i] = was;
	}
	if (!b.s)
		free(s);
}

static int is_file(const struct dirent *d)
{
	return d->d_name[0] != '.' && tap_picked(d->d_name);
}

int main(void)
{
	struct dirent **files = NULL;
	int n = scandir(FUZZ_CORPUS, &files, is_file, alphasort);
	struct tap_test *tests = xcalloc(n > 0 ? (size_t)n : 1, sizeof(*tests));

	for (int i = 0; i < n; i++) {
		tests[i] = (struct tap_test){ .name = files[i]->d_name, .run = check_file };
		*tap_last = &tests[i];
		tap_last = &tests[i].next;
	}
	current = tap_first;
	int r = tap_main();
	for (int i = 0; i < n; i++)
		free(files[i]);
	free(files);
	free(tests);
	return r;
}
