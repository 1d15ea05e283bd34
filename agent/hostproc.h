/* hostproc.h - the host's own /proc, which is the only one that host mode believes.
 *
 * A /proc that is no procfs, or something that is mounted over a part of it,
 * could name other processes, hide a restriction, or make a write go nowhere.
 * So everything is opened below one verified descriptor and must lie on that
 * very file system.
 */
#pragma once
#include <stdint.h>
#include <sys/types.h>
#include "buf.h"
#include "err.h"

/* A descriptor (O_PATH) of /proc, verified to be the root of a procfs of this
 * process's own pid namespace. Codes: IO. */
int hostproc_open(struct err *err);
/* Open PATH ("123/status") below PROC with FLAGS; no mount point, link or ".."
 * is crossed. -1 with errno; EXDEV: something is mounted there. */
int hostproc_at(int proc, const char *path, int flags);
/* Append the text of PATH, at most MAX bytes, to RET. Codes: IO; CONTAINER_GONE
 * when the process has ended. */
int hostproc_read(int proc, const char *path, size_t max, struct buf *ret, struct err *err);
/* The number in the link PATH ("123/ns/mnt", "mnt:[4026531840]"); 0: none, or not ours to know. */
uint64_t hostproc_namespace(int proc, pid_t pid, const char *name);
/* The value of "NAME:\tVALUE" in the text of a status file; NULL: no such line.
 * Not terminated: it ends at the newline. */
const char *hostproc_field(const char *status, const char *name);
/* Start time in ticks of PID, which with the pid names a process for ever; 0: it is gone. */
uint64_t hostproc_start(int proc, pid_t pid);
