/* aptpkg.h - libapt-pkg behind a C interface.
 *
 * The only C++ of stopgap is aptpkg*.cc. No exception leaves it, and each call
 * drains libapt's global error stack into one struct err. One set of lists,
 * caches and archives, all below state_dir/apt; the container's apt folders
 * are read for configuration and never written.
 */
#pragma once
#include "messages.h"
#include "sets.h"
#ifdef __cplusplus
extern "C" {
#endif

/* Read the container's apt configuration, then ours over it; note each attempt
 * to lower trust as a msg_reason (trust_lowered) in ALARMS. Once per process. */
int aptpkg_init(const struct msg_settings *settings, const char *bundle, struct wire_list *alarms,
		struct err *err);
int aptpkg_refresh(const struct msg_refresh_params *in, struct msg_refresh *ret, struct err *err);
/* Sends the update and kept_back events. */
int aptpkg_plan(const struct msg_plan_params *in, struct msg_plan *ret, struct err *err);
int aptpkg_fetch(const struct msg_digest *in, struct msg_fetch *ret, struct err *err);
/* The approved plan (its digest must be IN's) as ordered sets of fetched .debs. */
int aptpkg_sets(const struct msg_digest *in, struct dpkg_sets *ret, struct err *err);

#ifdef __cplusplus
}
#endif
