/* journal.h - which packages the running transaction is made of.
 *
 * state_dir/rpm/applying exists while one runs: "name arch evr file" a line.
 * When it was killed in the middle, repair finishes it with the same files.
 */
#pragma once
#include "trans.h"

struct journal {
	struct package *v;
	size_t n;
};

int journal_write(const struct session *s, const struct trans_item *items, size_t n, struct err *err);
/* Is there one? Empty when its files are not as they were. */
bool journal_exists(const struct session *s);
void journal_read(const struct session *s, struct journal *ret);
void journal_remove(const struct session *s);
void journal_clear(struct journal *j);
