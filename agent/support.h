/* support.h - packages that the distribution supports no longer, or in part.
 *
 * What the plugin's method `support` found, as alarms of a report and as JSON.
 */
#pragma once
#include "messages.h"

/* One alarm per source package: package_unsupported when support has ended,
 * package_limited when it is limited. One that will end is no alarm yet. */
void support_alarms(const struct msg_support *s, struct wire_list *alarms);
/* How many installed packages are in STATE: "ended", "ending", "limited". */
size_t support_count(const struct msg_support *s, const char *state);
/* {"known":…,"packages":[…]}; caller puts it. */
struct json_object *support_json(const struct msg_support *s);
