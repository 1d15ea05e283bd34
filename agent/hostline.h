/* hostline.h - what an entered agent and its host say to each other about downloads.
 *
 *	agent: {"lists":[FILE,…]}	after a refresh: these may be shared; no answer
 *	agent: {"want":[ARCHIVE,…]}	between plan and fetch: what the plan needs
 *	agent: {"fetched":true}		between fetch and apply: what was wanted is in place now
 *	host:  {"go":true}		to each of the last two: what can be done is done
 *
 * Lines of the channel between them, which carries others too; framing is
 * wire.h's. Where there is no host nobody waits, and one that does not answer
 * costs time, not the run.
 */
#pragma once
#include "messages.h"

#define HOSTLINE_WANT_MAX 4096	/* archives: a line holds no more */

struct hostline {
	struct wire_list want;	/* msg_archive */
	struct strv lists;
	bool fetched;
	bool go;
};

extern const struct wire_message hostline;
