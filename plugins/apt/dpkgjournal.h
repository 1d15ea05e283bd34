/* dpkgjournal.h - which .debs the running set is made of.
 *
 * state_dir/apt/applying exists while a set is being installed. When dpkg was
 * killed in the middle, repair finishes that set with the same files.
 */
#pragma once
#include "sets.h"

/* Note set I, on disk before dpkg starts. */
int dpkg_journal_write(const struct dpkg_sets *sets, size_t i, struct err *err);
/* The noted set as one set of unpacks and configures; empty when there is none
 * or its files are gone. */
void dpkg_journal_read(struct dpkg_sets *ret);
void dpkg_journal_remove(void);
