/* Fuzz target: the lines of dpkg --status-fd. Each is at most one event, about a package. */
#include <assert.h>
#include "dpkgrun.h"
#include "fuzz.h"

static size_t events;

static void count(const struct dpkg_event *e, void *ctx _unused_)
{
	assert(e->package && e->text && e->type <= DPKG_CONFFILE);
	events++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	cleanup_free char *text = xstrndup((const char *)data, n), *current = NULL;
	struct dpkg_run run = { .event = count };
	size_t lines = 0;

	events = 0;
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
		cleanup_free char *one = xstrdup(line);	/* exactly as long as it is */

		lines++;
		dpkg_status_line(&run, &current, one);
	}
	assert(events <= lines);
	return 0;
}
