/* trusted.h - can anybody but root change this file?
 *
 * For paths that root is about to act on because a process said so: the file
 * and every folder above it, after links are resolved, must be root's and
 * writable by nobody else. ROOT is the prefix below which that is asked.
 */
#pragma once
#include <stdbool.h>

bool trusted_path(const char *root, const char *path);
