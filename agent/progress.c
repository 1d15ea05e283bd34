/* progress.c - the one line that shows what is going on (output.h). */
#include <stdio.h>
#include <sys/ioctl.h>
#include "fd.h"
#include "out.h"
#include "output.h"

static bool progress_shown;

void progress_clear(void)
{
	if (progress_shown)
		(void)write_all(STDERR_FILENO, "\r\033[K", 4);
	progress_shown = false;
}

void progress_show(const struct msg_progress *p)
{
	cleanup_buf struct buf b = { 0 };
	struct winsize ws;
	int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 20 ? ws.ws_col : 80;
	char done[32], total[32];

	if (!streq(p->phase, "apply")) {
		size_format(p->done, done, sizeof(done));
		size_format(p->total, total, sizeof(total));
	} else {
		(void)snprintf(done, sizeof(done), "%lld", (long long)p->done);
		(void)snprintf(total, sizeof(total), "%lld", (long long)p->total);
	}
	cleanup_free char *phase = out_cell(p->phase), *item = out_cell(p->item);
	buf_printf(&b, "%s %s", phase, done);
	if (p->total)
		buf_printf(&b, " of %s", total);
	buf_printf(&b, "  %s", item);
	if (b.n > (size_t)columns - 1)
		b.n = (size_t)columns - 1;
	(void)write_all(STDERR_FILENO, "\r", 1);
	(void)write_all(STDERR_FILENO, b.s, b.n);
	(void)write_all(STDERR_FILENO, "\033[K", 3);
	progress_shown = true;
}
