/* dpkglock.c - the two locks of the dpkg database.
 *
 * lock-frontend is for programs that plan and then call dpkg, lock for dpkg
 * itself. Both are POSIX record locks: they vanish when this process closes
 * any descriptor of the file, so nobody else here may open them.
 */
#include <fcntl.h>
#include "clock.h"
#include "dpkg.h"
#include "dpkgdb.h"
#include "dpkgrun.h"
#include "recordlock.h"

static int frontend = -1, inner = -1;

int dpkg_lock(int64_t timeout, struct err *err)
{
	uint64_t start = clock_ms();

	if (frontend >= 0)
		return 0;
	if (record_lock(DPKGDB_DIR "/lock-frontend", timeout, start, &frontend, err) < 0)
		return -1;
	if (record_lock(DPKGDB_DIR "/lock", timeout, start, &inner, err) < 0) {
		dpkg_unlock();
		return -1;
	}
	return 0;
}

void dpkg_unlock(void)
{
	closep(&inner);
	closep(&frontend);
	inner = frontend = -1;
}

bool dpkg_locked(void)
{
	return frontend >= 0;
}

void dpkg_lock_lend(void)
{
	if (inner >= 0)
		(void)record_lock_try(inner, F_UNLCK);
}

/* Whoever has it now is not a frontend and only reads: nothing is lost. */
void dpkg_lock_return(void)
{
	if (inner >= 0)
		(void)record_lock_try(inner, F_WRLCK);
}
