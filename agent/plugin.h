/* plugin.h - a plugin process: spawn, hello, request, deadline, kill.
 *
 * The agent owns completion: whatever the plugin does (dies, hangs, lies,
 * floods, sends nonsense), each request ends with exactly one call of done(),
 * and stop ends with exactly one call of gone(). After a failure of the plugin
 * itself it is killed and every later request fails at once.
 *
 * All callbacks come from the event loop, never from inside these functions.
 */
#pragma once
#include <event2/event.h>
#include "messages.h"

struct plugin;

struct plugin_callbacks {
	/* A notification of the running request; LINE stays the plugin's.
	 * A negative return with ERR set is a protocol violation. */
	int (*event)(void *arg, const char *name, struct json_object *line, struct err *err);
	/* The end of a request: RESULT, or NULL and FAILURE. DETAILS is the
	 * plugin's own error message when it sent one, else NULL. */
	void (*done)(void *arg, struct json_object *result, const struct err *failure, const struct msg_error *details);
	/* After plugin_stop(): the process is reaped and P is gone. MAX_RSS is the
	 * peak, in bytes, of it or the largest of its children. */
	void (*gone)(void *arg, int64_t max_rss);
};

struct plugin_spec {
	const char *path;		/* the program */
	const char *name;		/* for messages: "apt" */
	const char *bundle;		/* folder, for STOPGAP_BUNDLE */
	int64_t timeout;		/* s for the hello */
};

/* When a request is over. Both in seconds; 0: none. */
struct plugin_limits {
	int64_t deadline;		/* absolute, from the request on */
	int64_t silence;		/* without any line from the plugin */
	size_t bytes;			/* all lines of the answer; 0: WIRE_PLAN_MAX */
};

/* The programs BUNDLE/plugins/stopgap-*, by name, into RET (paths); the rpm one
 * first where there is an rpm database and no dpkg's. CODE_PLUGIN_MISSING when
 * there is none. */
int plugin_list(const char *bundle, struct strv *ret, struct err *err);
/* Start the process. Failure to exec is seen as CODE_PLUGIN_DIED by the first
 * request. ARG goes to the callbacks. */
int plugin_start(struct event_base *base, const struct plugin_spec *spec, const struct plugin_callbacks *cb, void *arg,
		 struct plugin **ret, struct err *err);
/* Send a request; one at a time. Takes PARAMS. */
void plugin_request(struct plugin *p, const char *method, struct json_object *params, struct plugin_limits limits);
/* Ask it to finish its running set and answer (SIGTERM). The deadline stays. */
void plugin_finish_early(struct plugin *p);
/* Close the channel, reap, call gone(). SIGKILL after two seconds. */
void plugin_stop(struct plugin *p);
/* What it said in its hello; NULL before. */
const struct msg_hello *plugin_hello(const struct plugin *p);
pid_t plugin_pid(const struct plugin *p);
