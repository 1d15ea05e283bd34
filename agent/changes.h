/* changes.h - a report, less what the one before it had: for mail and chat.
 *
 * Two entries are the same when a person would say so: a process by its program
 * and what is old in it, not by its pid; a sentence without its numbers.
 */
#pragma once
#include "report.h"

/* What is known from the history, as a report to compare with, into RET: the
 * newest that was to plan, with the lists of older ones where it did not get
 * that far. false: there is none. */
bool changes_previous(const char *state_dir, struct report *ret);
/* Drop from R's lists what PREVIOUS has. Returns whether anything is left to
 * say: an entry, something done, or another result. */
bool changes_reduce(struct report *r, const struct report *previous);
