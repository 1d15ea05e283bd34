/* sealed.c - see sealed.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bundle.h"
#include "hostproc.h"
#include "sealed.h"
#include "syscalls.h"
#include "util.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

extern char **environ;

static bool is_sealed(void)
{
	cleanup_fd int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && fcntl(fd, F_GET_SEALS) == SEALS;
}

static int copy_self(struct err *err)
{
	struct stat st;
	off_t at = 0;

	cleanup_fd int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (in < 0 || fstat(in, &st) < 0)
		return err_set(err, CODE_IO, errno, "open this program's file; is /proc mounted?");
	/* kernels before Linux 6.3 do not know MFD_EXEC, and need it not */
	int mem = memfd_create("stopgap", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	if (mem < 0 && errno == EINVAL)
		mem = memfd_create("stopgap", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	cleanup_fd int out = mem;
	if (out < 0)
		return err_set(err, CODE_IO, errno, "make a file in memory (vm.memfd_noexec must not be 2)");
	while (at < st.st_size) {
		ssize_t n = sendfile(out, in, &at, (size_t)(st.st_size - at));

		if (n == 0 || (n < 0 && errno != EINTR))
			return err_set(err, CODE_IO, n ? errno : 0, "copy this program's file to memory");
	}
	if (fcntl(out, F_ADD_SEALS, SEALS) < 0)
		return err_set(err, CODE_IO, errno, "seal the copy of this program");
	return steal_fd(&out);
}

int sealed_become(char **argv, char *bundle, size_t n, struct err *err)
{
	/* what was executed here had no name but this */
	if (is_sealed())
		return bundle_of_program(argv[0], bundle, n) == 0 ?
			       0 :
			       err_set(err, CODE_IO, 0, "find the bundle: '%s' is not where it was", argv[0]);
	if (bundle_find(bundle, n, err) < 0)
		return -1;
	cleanup_fd int mem = copy_self(err);
	if (mem < 0)
		return -1;
	argv[0] = xasprintf("%s/stopgap", bundle);
	(void)syscall(SYS_execveat, mem, "", argv, environ, AT_EMPTY_PATH);
	return err_set(err, CODE_IO, errno, "execute the copy of this program in memory");
}
