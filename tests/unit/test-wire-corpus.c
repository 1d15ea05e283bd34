/* tests/data/wire/{y,n}_TABLE_WHAT.json, one test each: the bytes of a file are
 * read as one line and decoded with table msg_TABLE ("line": parsed only). A
 * y_ file must be taken, an n_ file refused as a protocol fault.
 *
 * rows: U3
 */
#include <dirent.h>
#include "fd.h"
#include "tables.h"
#include "tap.h"

#define CORPUS STOPGAP_TOP "/tests/data/wire"

static struct tap_test *current;	/* the file whose turn it is */

/* What becomes of the line in IN under table M (NULL: parsed only). 1: taken,
 * 0: it never ends, -1: refused with ERR. */
static int judge(struct buf *in, const struct wire_message *m, struct err *err)
{
	struct json_object *o = NULL;
	int r = wire_next(in, &o, err);

	if (r > 0 && m) {
		void *v = xcalloc(1, m->size);

		r = wire_decode(m, o, v, err) < 0 ? -1 : 1;
		wire_clear(m, v);
		free(v);
	}
	json_object_put(o);
	return r;
}

static void check_file(void)
{
	const char *name = current->name;
	cleanup_free char *path = xasprintf(CORPUS "/%s", name), *table = xstrndup(name + 2, strcspn(name + 2, "_"));
	cleanup_buf struct buf in = { 0 };
	struct err e = ERR_INIT;

	current = current->next;
	/* tables are named with "-" for "_" */
	for (char *s = table; *s; s++)
		if (*s == '-')
			*s = '_';
	const struct wire_message *m = table_named(table);
	OK(m || streq(table, "line"));
	EQ(read_file(path, 2 * WIRE_LINE_MAX, &in, &e), 0);
	int r = judge(&in, m, &e);
	if (*name == 'y' && r != 1)
		FAIL("refused: %s", e.msg);
	if (*name == 'n' && r == 1)
		FAIL("taken");
	if (r < 0)
		EQ(e.code, CODE_PLUGIN_PROTOCOL);
	if (r > 0)
		EQ(in.n, 0);
}

static int is_case(const struct dirent *d)
{
	return (starts_with(d->d_name, "y_") || starts_with(d->d_name, "n_")) && ends_with(d->d_name, ".json") &&
	       tap_picked(d->d_name);
}

int main(void)
{
	struct dirent **files = NULL;
	int n = scandir(CORPUS, &files, is_case, alphasort);
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
