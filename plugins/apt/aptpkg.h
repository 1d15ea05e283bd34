/* aptpkg.h - libapt-pkg behind a C interface.
 *
 * The only C++ of stopgap is aptpkg*.cc. No exception leaves it, and each call
 * drains libapt's global error stack into one struct err. One set of lists,
 * caches and archives, all below state_dir/apt; the container's apt folders
 * are read for configuration and never written.
 *
 * A session is init, then refresh, plan, fetch and sets in this order; plan may
 * be called without refresh and then goes by the lists of an earlier session.
 */
#pragma once
#ifdef __cplusplus
extern "C" {
#endif
#include "messages.h"
#include "sets.h"

/* Read the container's apt configuration, then ours over it. Once per process;
 * SETTINGS and DISTRIBUTION are kept, not copied. BUNDLE is NULL for a plugin
 * that runs with the machine's own apt methods. What the configuration and the
 * sources say to lower trust is added to ALARMS (msg_reason, trust_lowered), and
 * a missing sandbox (sandbox_degraded). Codes: SOURCES_BROKEN, DATABASE_BROKEN, IO. */
int aptpkg_init(const struct msg_settings *settings, const struct msg_distribution *distribution, const char *bundle,
		struct wire_list *alarms, struct err *err);
/* Fetch and verify the metadata of the scope. On failure the trust record goes
 * out through plugin_error_repositories(). */
int aptpkg_refresh(const struct msg_refresh_params *in, struct msg_refresh *ret, struct err *err);
/* Sends the update and kept_back events. The plan is kept for fetch and sets. */
int aptpkg_plan(const struct msg_plan_params *in, struct msg_plan *ret, struct err *err);
int aptpkg_fetch(const struct msg_digest *in, struct msg_fetch *ret, struct err *err);
/* The approved plan (its digest must be IN's) as ordered sets of fetched .debs. */
int aptpkg_sets(const struct msg_digest *in, struct dpkg_sets *ret, struct err *err);
/* After dpkg ran: new packages that are in APPLIED are marked as automatically
 * installed in the container's apt, and the .debs of what is applied go. */
int aptpkg_settle(const struct dpkg_sets *sets, const struct msg_apply *applied, struct err *err);

/* Read the changelogs inside the .debs of SETS in a child process of its own
 * memory, while dpkg runs. Never fails: no child, no evidence. */
void aptpkg_evidence_start(const struct dpkg_sets *sets);
/* Wait for the child and send one evidence event per update that has any. */
void aptpkg_evidence_send(void);

/* One file that is in no index, over http or https; certificates are verified
 * whatever the configuration says. */
struct download {
	const char *uri;
	const char *file;	/* where to; must not exist, and its folder be for downloads alone */
	int64_t since;		/* ask for what is newer than this (seconds of the epoch); 0: anything */
	int64_t max_bytes;
	bool unchanged;		/* out: nothing newer, no file was made */
	int64_t date;		/* out: Last-Modified, 0 when the server does not say */
	int64_t bytes;		/* out: fetched */
};
/* A missing sandbox is added to ALARMS. Codes: FEED_FAILED, STOPPED, IO. */
int aptpkg_download(struct download *d, struct wire_list *alarms, struct err *err);

#ifdef __cplusplus
}
#endif
