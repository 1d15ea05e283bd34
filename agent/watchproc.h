/* watchproc.h - has a container come or gone? Asked often, so for little. */
#pragma once
#include <stdint.h>

/* A number that stays the same as long as the mount namespaces of PROC ("/proc") and
 * the lowest process of each do; 0: it cannot be told. One read of a link for each
 * process, where a look at the containers (containers.h) opens some ten files. */
uint64_t watchproc_signature(const char *proc);
