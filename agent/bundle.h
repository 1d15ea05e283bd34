/* bundle.h - where the bundle is that this program belongs to.
 *
 *	BUNDLE/stopgap		the agent, and the launcher of everything below
 *	BUNDLE/plugins/NAME	-> ../stopgap: the plugins, stopgap-*, and what they have others run
 *	BUNDLE/methods/NAME	-> ../stopgap: libapt's methods
 *	BUNDLE/guard/NAME	-> ../stopgap: in front of PATH for maintainer scripts
 *	BUNDLE/libexec/NAME	the real programs
 *	BUNDLE/lib/		their loader and libraries
 *	BUNDLE/share/		data
 *
 * Works in the agent and in every program that its launcher has started.
 */
#pragma once
#include <limits.h>
#include <stddef.h>
#include "err.h"

#if defined(__x86_64__)
#define BUNDLE_LOADER "ld-linux-x86-64.so.2"
#elif defined(__aarch64__)
#define BUNDLE_LOADER "ld-linux-aarch64.so.1"
#else
#error "name this architecture's program interpreter here"
#endif

/* What is loaded in front of programs that are not ours and locks them in. */
#define BUNDLE_CONFINE "libstopgap-confine.so"

/* The bundle's absolute path, without a slash at the end, into BUF of N bytes
 * (PATH_MAX is always enough). Never allocates. Codes: IO. */
int bundle_find(char *buf, size_t n, struct err *err);
/* The same from the path of a running program's file; 0, or -1 when it is not
 * an absolute path with a folder, or too long. For bundle_find() and its test. */
int bundle_of_program(const char *path, char *buf, size_t n);
