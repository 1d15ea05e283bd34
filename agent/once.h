/* once.h - one run for a command line: once, check, scan.
 *
 * Where an agent runs in this container, the run is its: it has the lock, the
 * configuration and the wrapped child. It is asked for on its socket, its events
 * are followed, its report printed.
 */
#pragma once
#include "config.h"
#include "options.h"

/* Returns the exit status. */
int once_main(const struct options *opt, const struct config *config);
