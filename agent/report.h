/* report.h - what happened in one run: schema 1 of the JSON report.
 *
 * One document per run, the same for --output=json, the socket and history.
 * Fields, once released, are never removed or given another meaning.
 */
#pragma once
#include <json-c/json.h>
#include "config.h"
#include "container.h"
#include "findings.h"
#include "ledger.h"
#include "messages.h"
#include "plan.h"

#define REPORT_SCHEMA 1

/* The last two are doctor's: as check, and no further than the probe; nothing is saved, no hook runs. */
enum mode { MODE_ONCE, MODE_DRY_RUN, MODE_CHECK, MODE_SCAN, MODE_DOCTOR, MODE_PROBE };

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_BLOCKED = 3,
	EXIT_PARTIAL = 4,
	EXIT_NO_METADATA = 5,
	EXIT_OUT_OF_SUPPORT = 6,
	EXIT_PENDING = 100,
	EXIT_STALE = 102,
};

struct report {
	enum mode mode;
	const char *trigger;		/* "command", "start", "schedule", "signal", "socket"; "unknown" of one that was read */
	int64_t id;			/* of the run, in an agent that does many; 0: none */
	int64_t time;			/* wall clock, seconds, at the start */
	uint64_t start_ms, end_ms;	/* clock_ms() */
	struct container container;
	struct err error;		/* why the run failed; code ok: it did not */
	bool probed;			/* distribution and database are known */
	struct msg_probe probe;		/* its blocked and alarms move to the lists below */
	char *plugin, *plugin_version;
	int64_t plugin_max_rss;		/* bytes, the largest of its processes */
	bool support_known;		/* support is */
	struct msg_support support;	/* of installed packages */
	struct wire_list blocked;	/* msg_reason */
	struct wire_list alarms;	/* msg_reason */
	bool refreshed;			/* security_source is known */
	bool security_source;
	struct wire_list repositories;	/* msg_repository */
	bool planned;			/* pending is known */
	struct wire_list pending;	/* msg_update: planned and not applied (check, or stopped) */
	struct wire_list kept_back;	/* msg_update with a reason */
	struct wire_list applied;	/* msg_update, verified in the database */
	struct ledger ledger;		/* what runs in this container have applied, this one's too */
	struct wire_list failed;	/* msg_failure */
	struct wire_list conffiles;	/* msg_conffile */
	struct wire_list left_behind;	/* msg_process */
	bool scanned;			/* the lists up to unmanaged are known */
	int64_t processes;		/* that were looked at */
	struct wire_list stale;		/* find_process */
	struct wire_list unreadable;	/* find_unreadable */
	struct wire_list unmanaged;	/* find_unmanaged */
	struct wire_list restarts;	/* find_restart */
	int64_t bytes;
	char *log;			/* maintainer scripts' output */
	enum exit_code exit_code;	/* set by report_finish() */
};

void report_init(struct report *r, enum mode mode, const char *trigger);
void report_clear(struct report *r);
void report_block(struct report *r, enum code code, const char *fmt, ...) _printf_(3, 4);
void report_alarm(struct report *r, enum code code, const char *fmt, ...) _printf_(3, 4);
/* Does a process run old code, or may it: unreadable, and older than an update? */
bool report_stale(const struct report *r);
/* The service that a restart has left broken: it died again or is unhealthy, or
 * the restart failed and not even the old processes run. NULL: there is none.
 * Updates are in place then, and the run has failed all the same. */
const struct find_restart *report_broken_service(const struct report *r);
/* "once", "dry-run", "check", "scan", "doctor", "probe" */
const char *mode_name(enum mode mode);
/* Judge: end time, exit code (the first that matches: 2, 1, 3, 4, 102, 100, 6, 5, 0). */
void report_finish(struct report *r);
/* A security repository that is configured could not be used. */
bool report_blind(const struct report *r);
/* One word for the exit code: "ok", "pending", "partial", ...; of 1 it is "failed", or
 * "interrupted" when the run was told to end (CODE_STOPPED): that is no alarm. */
const char *report_result(const struct report *r);
/* Updates wanted and still open: pending, failed, and those kept back for no
 * reason of policy. */
size_t report_open(const struct report *r);
/* The CVE ids of all applied updates, sorted, each once. */
void report_cves(const struct report *r, struct strv *ret);
/* The whole document; caller puts it. */
struct json_object *report_json(const struct report *r);
/* A report from its JSON form, as far as it is shown: what the ledger holds is
 * not in it. RET is empty on failure. Codes: IO, PLUGIN_PROTOCOL. */
int report_read(struct json_object *o, struct report *ret, struct err *err);
/* Write STATE_DIR/last.json, and append it to the newest HISTORY of them. */
int report_save(const struct report *r, const char *state_dir, int64_t history, struct err *err);
