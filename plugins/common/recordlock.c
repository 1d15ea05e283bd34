/* recordlock.c - see recordlock.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include "clock.h"
#include "fd.h"
#include "recordlock.h"
#include "serve.h"

#define POLL_MS 100

int record_lock_try(int fd, short type)
{
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(fd, F_SETLK, &fl);
}

/* The holder's pid and program. F_GETLK gives pid 0 for a process in a pid
 * namespace that we do not see. */
static void name_holder(int fd, struct buf *ret)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	cleanup_buf struct buf comm = { 0 };
	struct err ignored = ERR_INIT;
	char path[64];

	if (fcntl(fd, F_GETLK, &fl) < 0 || fl.l_type == F_UNLCK) {
		buf_puts(ret, "a process that has just ended");
		return;
	}
	if (fl.l_pid <= 0) {
		buf_puts(ret, "a process outside this container's pid namespace");
		return;
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)fl.l_pid);
	buf_printf(ret, "process %d", (int)fl.l_pid);
	if (read_file(path, 64, &comm, &ignored) == 0 && comm.n > 0) {
		buf_puts(ret, " (");
		buf_put_escaped(ret, comm.s, comm.n - (comm.s[comm.n - 1] == '\n'), 64);
		buf_puts(ret, ")");
	}
}

/* Nothing tells when a record lock is released without blocking, hence the
 * polling; a stop request ends the waiting. */
int record_lock(const char *path, int64_t timeout, uint64_t start, int *ret, struct err *err)
{
	cleanup_fd int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0640);
	bool said = false;

	if (fd < 0)
		return err_set(err, errno == EROFS ? CODE_READ_ONLY_ROOT : CODE_IO, errno, "open lock '%s'", path);
	while (record_lock_try(fd, F_WRLCK) < 0) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return err_set(err, CODE_IO, errno, "lock '%s'", path);
		if (plugin_stop_requested())
			return err_set(err, CODE_STOPPED, 0, "asked to stop while waiting for '%s'", path);
		if (clock_ms() - start >= (uint64_t)timeout * 1000) {
			cleanup_buf struct buf who = { 0 };

			name_holder(fd, &who);
			(void)err_set(err, CODE_LOCKED, 0,
				      "'%s' is held by %s, waited %lld s; let it finish, then try again", path,
				      buf_str(&who), (long long)timeout);
			err->retryable = true;
			return -1;
		}
		if (!said) {
			cleanup_buf struct buf who = { 0 };

			name_holder(fd, &who);
			plugin_log(LOG_NOTICE, "waiting for '%s', held by %s", path, buf_str(&who));
			said = true;
		}
		(void)poll(NULL, 0, POLL_MS);
	}
	*ret = steal_fd(&fd);
	return 0;
}
