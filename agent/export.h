/* export.h - `stopgap export NAME`: keep the patch when the container is made anew.
 *
 * As a layer to append to the image (layer.h), or as the line of a Dockerfile that
 * installs the same versions. Which packages: what the reports call carry-over.
 */
#pragma once
#include "config.h"
#include "options.h"

struct carried {
	struct strv packages;	/* "NAME=VERSION", checked: fit for a command line */
	char *plugin, *manager;	/* "apt", "rpm"; "apt", "dnf", "yum", "zypper", … */
};

/* From a report. Codes: IO. */
int carried_read(struct json_object *report, struct carried *ret, struct err *err);
void carried_clear(struct carried *c);
/* The line of a Dockerfile. Codes: EXPORT_UNSUPPORTED. */
int carried_command(const struct carried *c, struct buf *ret, struct err *err);

/* The mode: 0, 1 or 2. */
int export_main(const struct options *opt, const struct config *config);
