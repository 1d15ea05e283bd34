/* history.h - the reports of past runs: STATE_DIR/history.jsonl, one line each, oldest first.
 *
 * Bounded in count ([report] history) and bytes. A line that a crash cut short
 * is passed over; whoever appends next begins a new one. Appending needs the
 * lock of the state folder, reading does not.
 */
#pragma once
#include <json-c/json.h>
#include "err.h"

#define HISTORY_BYTES_MAX (16 * 1024 * 1024)

/* Append REPORT; keep the newest MAX (0: nothing is kept). Codes: IO. */
int history_append(const char *state_dir, struct json_object *report, int64_t max, struct err *err);
/* Call FN for the newest LIMIT reports, newest first, each the text of one JSON
 * object, until it returns false. No file is no reports. Codes: IO. */
int history_each(const char *state_dir, int64_t limit, bool (*fn)(void *arg, const char *line, size_t n), void *arg,
		 struct err *err);
/* The newest LIMIT, newest first, as an array. The entries are text that is
 * written out as it is, so that a long history takes no more memory than its
 * file: they cannot be looked into. Caller puts it. Codes: IO. */
int history_json(const char *state_dir, int64_t limit, struct json_object **ret, struct err *err);
