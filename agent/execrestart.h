/* execrestart.h - restart.mode=container: the engine restarts a container whose processes run old code.
 *
 * What runs in the container has decided so, under the host's restart.never, and
 * said that it has no engine to ask. The budget is kept here, on the host. The
 * container keeps its writable layer, and so its updates.
 */
#pragma once
#include <json-c/json.h>
#include "config.h"
#include "containers.h"

/* Does report O want it, by C? */
bool execrestart_wanted(const struct config *c, struct json_object *o);
/* Do it, and put what came of it in O's list of restarts. DIR is the host's folder of the container. False: it was not. */
bool execrestart_do(const struct config *config, const struct strv *engines, const struct host_container *c,
		    const char *dir, struct json_object *o);
/* Its processes are those of report SCAN now; judge O again. */
void execrestart_judge(struct json_object *o, struct json_object *scan);
