/* client.h - the other side of the status socket: ask an agent, or have it run.
 *
 * Blocking, with deadlines: for the command line only. SOCKET may lie where a
 * container writes: it is opened as itself, never through a link (it could be
 * one to docker.sock), and all that comes from it is bounded and checked.
 * CODE_NO_AGENT: nobody listens there. An error that the agent answered with
 * keeps its code and message.
 */
#pragma once
#include <json-c/json.h>
#include "buf.h"
#include "err.h"
#include "report.h"

/* Does an agent listen there? */
bool client_present(const char *socket);
/* The body of GET PATH: status 200 only. ACCEPT may be NULL. */
int client_text(const char *socket, const char *path, const char *accept, struct buf *ret, struct err *err);
/* The same as JSON, an object; caller puts it. */
int client_get(const char *socket, const char *path, struct json_object **ret, struct err *err);

/* An event of the run: "state", "progress", "done". DATA stays the client's. */
typedef void client_event(void *arg, const char *name, struct json_object *data);

struct client_run {
	int64_t run;			/* its id */
	int exit_code;			/* what the report says */
	struct json_object *report;	/* caller puts it */
};

/* Have the agent run MODE and wait for its end, following its events; where all
 * streams are taken, ask its status every second. EVENT may be NULL. There is no
 * deadline for the run itself: an agent that goes away ends the wait. */
int client_run(const char *socket, enum mode mode, client_event *event, void *arg, struct client_run *ret,
	       struct err *err);
/* One JSON object of N hostile bytes, a whole report for instance, for which the limits of wire.h are too tight: valid
 * UTF-8, strict, of bounded depth. Caller puts RET. Codes: IO. */
int client_parse(const char *s, size_t n, struct json_object **ret, struct err *err);
