/* procfacts.h - single facts about one process, from "/proc" or a recorded tree (PROC).
 *
 * Every byte is hostile. A pid may be another process by now: ask
 * procfacts_same() after what was read, and believe nothing otherwise.
 */
#pragma once
#include <sys/types.h>
#include "buf.h"

#define PROCFACTS_ARGS_MAX 64

/* A whole file of it, appended. -1: gone, not readable, or more than MAX bytes. */
int procfacts_file(const char *proc, pid_t pid, const char *file, size_t max, struct buf *ret);
/* Is it still the one that started then (clock ticks after boot)? */
bool procfacts_same(const char *proc, pid_t pid, int64_t start);
/* Are all four of its user ids root's? */
bool procfacts_by_root(const char *proc, pid_t pid);
/* Where its link NAME leads, without " (deleted)"; caller frees. NULL: unknown. */
char *procfacts_link(const char *proc, pid_t pid, const char *name);
/* Its first arguments, at most PROCFACTS_ARGS_MAX; empty: unknown. */
void procfacts_args(const char *proc, pid_t pid, struct strv *ret);
