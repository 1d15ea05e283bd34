/* syscalls.h - system calls that the C library lacks, each a plain wrapper: -1 and errno.
 *
 * A caller falls back on ENOSYS (an older kernel) and on EPERM (a seccomp
 * profile that does not know the call), never by kernel version.
 */
#pragma once
#include <linux/openat2.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int sys_openat2(int dirfd, const char *path, const struct open_how *how)
{
	return (int)syscall(SYS_openat2, dirfd, path, how, sizeof(*how));
}

/* One mapping of /proc/PID/maps without its text: Linux 6.11, include/uapi/linux/fs.h.
 * ENOTTY: an older kernel, or not a maps file. ENOENT: no such mapping. ESRCH: that memory is gone. */
struct sys_procmap_query {
	uint64_t size;
	uint64_t query_flags;
	uint64_t query_addr;
	uint64_t vma_start, vma_end, vma_flags, vma_page_size, vma_offset;
	uint64_t inode;
	uint32_t dev_major, dev_minor;
	uint32_t vma_name_size; /* in: room; out: bytes with the NUL, 0: no name */
	uint32_t build_id_size;
	uint64_t vma_name_addr;
	uint64_t build_id_addr;
};
#define SYS_PROCMAP_WRITABLE   0x02
#define SYS_PROCMAP_EXECUTABLE 0x04
#define SYS_PROCMAP_SHARED     0x08
#define SYS_PROCMAP_NEXT       0x10 /* the one at the address, or the first after it */
#define SYS_PROCMAP_FILE       0x20 /* mappings of files only */

static inline int sys_procmap_query(int fd, struct sys_procmap_query *q)
{
	return ioctl(fd, _IOWR('f', 17, struct sys_procmap_query), q);
}

static inline int sys_pidfd_open(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

static inline int sys_pidfd_send_signal(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

/* Entries of a folder as the kernel writes them, into N bytes at P. */
static inline long sys_getdents64(int fd, void *p, size_t n)
{
	return syscall(SYS_getdents64, fd, p, n);
}

static inline int sys_close_range(unsigned from, unsigned to)
{
	return (int)syscall(SYS_close_range, from, to, 0);
}
