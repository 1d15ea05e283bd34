/* syscalls.h - system calls that the C library lacks, each a plain wrapper: -1 and errno.
 *
 * A caller falls back on ENOSYS (an older kernel) and on EPERM (a seccomp
 * profile that does not know the call), never by kernel version.
 */
#pragma once
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int sys_openat2(int dirfd, const char *path, const struct open_how *how)
{
	return (int)syscall(SYS_openat2, dirfd, path, how, sizeof(*how));
}
