/* enterreport.h - the report of one container, from what came back from it.
 *
 * A report of schema 1 that is safe to print and to store, whatever the
 * container wrote: of bounded size, printable, with the fields' types checked,
 * and with what the host knows better in place of what the container said.
 */
#pragma once
#include <json-c/json.h>
#include "enter.h"
#include "report.h"

struct enterreport {
	const char *id, *name, *image, *engine; /* of the container; NULL: unknown */
	enum mode mode;
	uint64_t started; /* clock_ms() */
};

/* The report in R->output, or one that says why there is none. Caller puts it. */
struct json_object *enterreport_make(const struct enterreport *who, const struct enter_result *r,
				     const struct target *t);
/* The report of an entry that failed because of WHY. Caller puts it. */
struct json_object *enterreport_failure(const struct enterreport *who, const struct err *why);
