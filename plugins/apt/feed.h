/* feed.h - the method feed: get the tracker's data, match it, send the events.
 *
 * state_dir/feeds/debsecan-SUITE is what was served last, and ...-SUITE.meta
 * has three lines: where it is from, when it was last known to be current, and
 * its date, both in seconds of the epoch.
 */
#pragma once
#include "messages.h"

/* DISTRIBUTION names the suite when IN does not. Codes: FEED_FAILED, CONFIG,
 * DATABASE_BROKEN, NO_PACKAGE_MANAGER, STOPPED, IO. */
int feed_run(const struct msg_feed_params *in, const struct msg_settings *settings,
	     const struct msg_distribution *distribution, struct msg_feed *ret, struct err *err);
