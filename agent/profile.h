/* profile.h - the seccomp filter for a container that has one which cannot be copied.
 *
 * It refuses with EPERM what the engines' default profiles refuse: whatever
 * makes namespaces or mounts, loads code into the kernel, changes clocks, or
 * reaches other processes' memory. No package manager needs any of it.
 */
#pragma once
#include <linux/filter.h>

#define PROFILE_MAX 160

/* The program into CODE of PROFILE_MAX instructions; its length. */
unsigned short profile_builtin(struct sock_filter *code);
