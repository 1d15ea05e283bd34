/* status.h - the status socket: what an agent tells, and to whom it listens.
 *
 * Routes (all JSON but the ones marked; HEAD wherever GET is):
 *	GET /v1/status /v1/report /v1/pending /v1/processes /v1/history?limit=N
 *	GET /v1/containers	where one agent watches many, instead of the four before
 *	GET /v1/schema		JSON Schema of report and status
 *	GET /v1/events		server-sent events: state, progress, done
 *	GET /metrics		Prometheus text or, by Accept, OpenMetrics
 *	GET /healthz		"ok": the agent lives; says nothing of patches
 *	POST /v1/run		{"mode":"once"|"check"|"scan"} -> 202 {"run":N}
 * Documents have an ETag. An error is {"error":{"code","message"}}.
 * Who may read is the socket's mode; who may POST is root and the agent's own
 * user, unless report.allow_trigger is no.
 */
#pragma once
#include <event2/event.h>
#include "buf.h"
#include "config.h"
#include "report.h"

#define STATUS_HISTORY_DEFAULT 100	/* entries without ?limit= */
#define STATUS_HISTORY_MAX     1000000

/* STATUS_SCHEMA is the server's own: a source is never asked for it. */
enum status_doc {
	STATUS_STATUS,
	STATUS_REPORT,
	STATUS_PENDING,
	STATUS_PROCESSES,
	STATUS_HISTORY,
	STATUS_CONTAINERS,
	STATUS_SCHEMA,
	STATUS_DOCS
};

/* Called from the event loop; none of them may call status_stop(). */
struct status_source {
	/* A reference, which the caller puts; NULL: not there yet (503). LIMIT is
	 * for STATUS_HISTORY: entries, the newest. */
	struct json_object *(*document)(void *arg, enum status_doc doc, int64_t limit);
	void (*metrics)(void *arg, bool openmetrics, struct buf *ret);
	/* Start a run: its id, > 0. -1 with ERR: CODE_BUSY is 409, all else 503. */
	int64_t (*trigger)(void *arg, enum mode mode, uid_t peer, struct err *err);
	bool containers;	/* it is asked for status and containers, and for nothing else */
};

struct status;

/* Listen on report.socket. On failure (ERR says why and what to do) an agent goes
 * on without. SOURCE must outlive *RET; ARG goes to its functions. */
int status_start(struct event_base *base, const struct config *config, const struct status_source *source, void *arg,
		 struct status **ret, struct err *err);
/* An event to all subscribers; takes DATA. NAME is one word of ours: "state" (the
 * status document), "progress" (a msg_progress), "done" {"run":N,"exit_code":E},
 * when /v1/report has that run's report already. */
void status_event(struct status *s, const char *name, struct json_object *data);
void status_stop(struct status *s);
