/* exec.h - `stopgap exec`: have once, check or scan run in containers, from the host.
 *
 * A process per container enters it and waits (enter.h); this one starts them, a
 * few at a time, gives each its deadline, and prints one answer for all. Nothing
 * that one container does delays or breaks another's.
 */
#pragma once
#include "config.h"
#include "options.h"

/* BUNDLE: the host's folder. Returns the exit status, the worst of all targets. */
int exec_main(const struct options *opt, const struct config *config, const char *bundle);
