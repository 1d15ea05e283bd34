/* exechooks.h - [hooks] around an entry: they run on the host, one call for each container.
 *
 * Blocking, up to hooks.timeout, in the process of that container.
 */
#pragma once
#include <json-c/json.h>
#include "config.h"
#include "enterreport.h"

/* -1: it forbids the entry (CODE_VETOED). One that fails is said on stderr and stops nothing. */
int exechook_before(const struct config *c, const struct enterreport *who, const char *dir, struct err *err);
/* With report O on its stdin. */
void exechook_after(const struct config *c, const char *dir, struct json_object *o);
