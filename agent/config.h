/* config.h - every setting, with where its value came from.
 *
 * Order of precedence: defaults, file, environment (STOPGAP_SECTION_KEY),
 * command line (--set section.key=value). Unknown sections, keys and bad
 * values are CODE_CONFIG errors that name file, line and what is accepted.
 * The format is stopgap.conf(5).
 */
#pragma once
#include <json-c/json.h>
#include "buf.h"
#include "err.h"
#include "util.h"
#include "value.h"

#define CONFIG_PATH "/etc/stopgap/stopgap.conf"

enum policy { POLICY_SECURITY, POLICY_ALL };
enum minimal { MINIMAL_AUTO, MINIMAL_YES, MINIMAL_NO };
enum restart_mode { RESTART_REPORT, RESTART_SERVICE, RESTART_CONTAINER };
enum watch_select { WATCH_ALL, WATCH_LABELLED };
enum severity { SEVERITY_ANY, SEVERITY_LOW, SEVERITY_MODERATE, SEVERITY_IMPORTANT, SEVERITY_CRITICAL };

/* Durations are seconds, sizes bytes. */
struct config {
	struct {
		int policy;		/* enum policy */
		struct strv origins;	/* empty: the distribution's security origins */
		struct strv allow, deny; /* anchored POSIX EREs of package names */
		struct strv fixes;	/* the same of advisories and CVEs; empty: any */
		int64_t min_age;
		int min_severity;	/* enum severity */
		int minimal;		/* enum minimal */
		bool allow_new;
		int64_t lock_timeout;
		int64_t script_timeout;
		int64_t plugin_timeout;
	} updates;
	struct {
		int64_t interval;	/* 0: only when asked */
		char *window;		/* value_window() reads it; NULL or "": always */
		int64_t jitter, before_start, shutdown_grace;
	} schedule;
	struct {
		int mode;		/* enum restart_mode */
		struct strv never;	/* anchored EREs: restart.h says of what */
		int stop_signal;	/* 0: SIGTERM */
		int64_t stop_timeout;
		struct budget budget;	/* restarts of one service */
	} restart;
	struct {
		char *command;		/* value_argv() reads it; NULL or "": none */
		int64_t timeout;
	} health;
	struct {
		char *before, *after;	/* as command */
		int64_t timeout;
	} hooks;
	struct {
		char *proxy;
		int64_t timeout, stall, max_bytes;
	} network;
	struct {
		bool require_signed;
		int64_t max_metadata_age;
		bool accept_expired;
	} trust;
	struct {
		char *socket;
		int64_t socket_mode;
		char *socket_group;
		char *state_dir;
		bool allow_trigger;
		int64_t history;
	} report;
	struct {
		char *url;		/* the suite is appended */
		char *file;		/* instead of the url */
		char *suite;		/* NULL: the distribution's */
		int64_t max_age;
		char *whitelist;	/* in debsecan's format */
	} cves;
	struct {
		int select;		/* enum watch_select */
		int64_t parallel;	/* containers at once; 0 is 1 */
	} watch;
	struct {
		int64_t cache_size;	/* of hostcache.h; 0: no cache */
		struct strv engines;	/* sockets; empty: ENGINE_SOCKETS */
		struct strv runc;	/* state folders; empty: CONTAINERS_RUNC */
	} host;
	char **origin;			/* where each value came from, one per setting */
};

/* Defaults, then FILE (NULL: CONFIG_PATH if it exists), then ENVIRON, then
 * SETS ("section.key=value"). *RET is complete on success, empty on failure. */
int config_load(const char *file, char *const *environ_, const struct strv *sets, struct config *ret, struct err *err);
/* SETS on top of what C has. */
int config_apply(struct config *c, const struct strv *sets, struct err *err);
/* The pieces, for tests: text of a file under NAME; one assignment. */
int config_parse(struct config *c, const char *name, const char *text, size_t n, struct err *err);
void config_defaults(struct config *ret);
void config_clear(struct config *c);

/* "section.key = value" and its origin, one line each. */
void config_text(const struct config *c, struct buf *ret);
/* The settings that are not the defaults as config_load() takes them from the
 * environment, "STOPGAP_SECTION_KEY=value"; passwords are in it. Only those that
 * say how a container is patched: of [updates], [network], [trust], [health] and [restart].
 * For host mode, where the agent in the container has no other. */
void config_environment(const struct config *c, struct strv *ret);
/* {"section.key":{"value":…,"origin":…}}; caller puts it. */
struct json_object *config_json(const struct config *c);
/* The words for an enum value, as the configuration writes them. */
const char *severity_name(enum severity s);
int severity_from_name(const char *name);	/* -1: none */
