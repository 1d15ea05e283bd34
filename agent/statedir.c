/* statedir.c - see statedir.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include "fd.h"
#include "statedir.h"

static enum code code_of(int errnum)
{
	switch (errnum) {
	case EROFS:
		return CODE_READ_ONLY_ROOT;
	case ENOSPC:
	case EDQUOT:
		return CODE_NO_SPACE;
	case EACCES:
	case EPERM:
		return geteuid() ? CODE_NOT_ROOT : CODE_MISSING_CAPABILITY;
	default:
		return CODE_IO;
	}
}

static const char *remedy(enum code code)
{
	switch (code) {
	case CODE_READ_ONLY_ROOT:
		return "; start the container without a read-only root, or rebuild its image";
	case CODE_NO_SPACE:
		return "; free some space on that file system";
	case CODE_NOT_ROOT:
		return "; run stopgap as the container's root (docker exec -u 0)";
	case CODE_MISSING_CAPABILITY:
		return "; start the container with --cap-add=DAC_OVERRIDE";
	default:
		return "";
	}
}

int state_dir_lock(const char *dir, int *ret, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/lock", dir);
	struct err why = ERR_INIT;
	struct stat st;

	if (make_dirs(dir, 0700, &why) < 0)
		return err_set(err, code_of(why.errnum), 0, "%s%s", why.msg, remedy(code_of(why.errnum)));
	cleanup_fd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0) {
		enum code code = code_of(errno);

		return err_set(err, code, 0, "open '%s': %s%s", path, strerror(errno), remedy(code));
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, CODE_IO, 0, "'%s' is not a regular file: remove it", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, CODE_BUSY, 0, "another stopgap run holds '%s': wait for it to end", path);
	*ret = steal_fd(&fd);
	return 0;
}
