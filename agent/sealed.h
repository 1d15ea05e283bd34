/* sealed.h - run from a sealed copy in memory, not from the host's file.
 *
 * What enters a container can be reached from there as /proc/PID/exe. With this
 * it leads to a file in memory that nobody can change, never to the executable
 * that the host starts next time (CVE-2019-5736).
 */
#pragma once
#include <stddef.h>
#include "err.h"

/* Be that copy: returns at once when this process is it, else executes it with
 * ARGV and does not return. BUNDLE (PATH_MAX is enough): the folder of the
 * executable that the copy is of. Codes: IO. */
int sealed_become(char **argv, char *bundle, size_t n, struct err *err);
