/* showhost.h - `status` where the agent watches a host: counts of its containers. Private to show.c. */
#pragma once
#include <json-c/json.h>
#include "options.h"
#include "out.h"

/* Is DOC the status of such an agent? */
bool show_host_is(struct json_object *doc);
void show_host_text(const struct out *o, struct json_object *doc);
/* The plugin API's line and its state: containers with open updates against --warning
 * and --critical; those that failed are not known to be well. */
int show_host_nagios(const struct options *opt, struct json_object *doc, struct buf *ret);
