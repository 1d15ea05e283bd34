/* messages.h - every message of protocol 1 as a C struct and its table.
 *
 * plugins/PROTOCOL explains them with examples; tests/unit/test-protocol
 * parses those examples with these tables. Strings are owned by the struct
 * (wire_clear frees them), NULL when absent. Sizes are bytes, times RFC 3339
 * UTC text, ages and durations seconds.
 */
#pragma once
#include "wire.h"

#define PROTOCOL_VERSION 1
#define MSG_CVES_MAX	 200000	/* cve events of one feed: a large old image has some 10,000 */

/* {code, detail}: a reason with its sentence. */
struct msg_reason {
	enum code code;
	char *detail;
};

struct msg_distribution {
	char *id;		/* os-release ID: "debian", "ubuntu", "rocky" */
	char *version;		/* VERSION_ID; for Debian the point release when known */
	char *codename;
	char *name;		/* PRETTY_NAME */
	char *end_of_life;	/* date after which nothing comes any more, or absent */
	char *support;		/* "supported", "lts", "elts", "ended", "unknown" */
};

struct msg_database {
	int64_t packages;	/* installed */
	char *state;		/* "clean", "interrupted", "broken" */
	char *detail;		/* what is wrong, when not clean */
};

/* What every method may need to know; sent with probe, kept for the session. */
struct msg_settings {
	char *state_dir;	/* absolute; lists, archives, caches and logs live below it */
	bool require_signed;
	bool accept_expired;
	int64_t max_metadata_age;
	char *proxy;		/* URL, overrides the container's own */
	int64_t timeout;	/* s for all transfers of one request */
	int64_t stall;		/* s without a byte */
	int64_t max_bytes;	/* for one request */
	int64_t lock_timeout;	/* s to wait for the package system's lock */
	int64_t script_timeout;	/* s one dpkg or rpm call may stay silent */
};

struct msg_probe {
	bool applicable;	/* this is my package system */
	char *reason;		/* why not */
	char *manager;		/* "dpkg 1.21.22", "rpm 4.16 (sqlite)" */
	struct msg_distribution distribution;
	struct msg_database database;
	struct wire_list blocked;	/* msg_reason */
	struct wire_list alarms;	/* msg_reason */
};

struct msg_refresh_params {
	char *scope;		/* "security": those suites alone; "all" */
	struct strv origins;	/* Origins-Pattern lines; empty: the distribution's own */
};

struct msg_repository {
	char *uri;
	char *suite;
	char *codename;
	char *origin;
	char *label;
	bool security;		/* its packages are security updates under the policy */
	char *signed_by;	/* fingerprint of the key that signed, upper-case hex */
	char *trust;		/* "signed", "unsigned", "untrusted", "expired" */
	char *date;
	char *valid_until;
	int64_t age;		/* seconds since date */
	char *transport;	/* "http", "https", "file", ... */
	char *state;		/* "new", "unchanged", "failed", "not_fetched" */
	struct msg_reason error;	/* code ok: none */
};

struct msg_refresh {
	struct wire_list repositories;	/* msg_repository */
	struct wire_list alarms;	/* msg_reason */
	bool security_source;		/* at least one security suite is configured */
	int64_t bytes;			/* fetched */
};

/* A package that policy or an earlier failure took out of the plan. */
struct msg_denial {
	char *package;
	char *arch;
	struct msg_reason reason;
};

struct msg_plan_params {
	char *policy;		/* "security" or "all" */
	struct strv origins, allow, deny;
	struct strv fixes;	/* EREs of advisories and CVEs; empty: any */
	int64_t min_age;
	char *min_severity;
	bool minimal;		/* the fixing version instead of the latest */
	bool allow_new;		/* new packages as dependencies of updates */
	struct wire_list denials;	/* msg_denial */
};

struct msg_update {
	char *package;
	char *arch;
	char *installed;	/* absent for a new package */
	char *candidate;
	char *origin;		/* "Debian:Debian-Security", as apt-cache policy says it */
	char *suite;
	bool security;
	char *issued;		/* when its last advisory was, RFC 3339; absent: it is as old as its repository */
	struct strv advisories;
	struct strv cves;
	char *severity;
	int64_t size;		/* download */
	char *reason;		/* "security update", "needed by libfoo2" */
	char *interrupted_run;	/* of the agent alone: applied by a run of then (RFC 3339) that was cut off */
	struct msg_reason kept_back;	/* code ok: it is planned */
};

struct msg_plan {
	int64_t count;		/* update events sent */
	int64_t kept_back;	/* kept_back events sent */
	char *digest;		/* plan_digest() over the updates */
	int64_t download;	/* bytes still to fetch */
	int64_t disk;		/* bytes the installed files grow by, may be negative */
	bool incomplete;	/* dependencies may be met by suites not refreshed: refresh "all" */
};

struct msg_digest {
	char *digest;
};

/* One package that could not be fetched or applied. */
struct msg_failure {
	char *package;
	char *arch;
	char *version;
	enum code code;
	char *uri;
	char *detail;		/* quotes the output, line by line */
};

/* Event during plan: the file of a planned update, as it will be fetched; and
 * what the agent asks its host for. Only what needs no credentials. */
struct msg_archive {
	char *file;		/* below state_dir: "apt/archives/..." */
	char *sha256;		/* lower-case hex, of the signed index */
	int64_t size;
};

/* Event during refresh: metadata files that another container of the same image
 * may start from; and what the agent tells its host. */
struct msg_lists {
	struct strv files;	/* below state_dir */
};

struct msg_fetch {
	int64_t bytes;
	struct wire_list failed;	/* msg_failure */
};

struct msg_package {
	char *package;
	char *arch;
	char *version;
};

struct msg_process {
	int64_t pid;
	int64_t start;		/* clock ticks after boot, as in /proc/PID/stat */
	char *cmdline;
};

struct msg_conffile {
	char *package;
	char *path;
};

struct msg_apply {
	struct wire_list applied;	/* msg_package */
	struct wire_list failed;	/* msg_failure */
	struct wire_list conffiles;	/* msg_conffile: changed ones that were kept */
	struct wire_list alarms;	/* msg_reason */
	struct wire_list left_behind;	/* msg_process */
	char *log;			/* path of the maintainer scripts' output */
	bool again;			/* the package manager itself was updated: plan once more */
	bool stopped;			/* ended early, on request */
};

/* Event during apply or fetch: what an update fixes. */
struct msg_evidence {
	char *package;
	char *arch;
	struct strv cves;
	struct strv advisories;
};

/* Event while something takes time. */
struct msg_progress {
	char *phase;		/* "refresh", "fetch", "apply", "feed" */
	int64_t done, total;	/* steps in apply, else bytes; total 0: unknown */
	char *item;
};

struct msg_log {
	char *level;		/* "warning", "notice", "info", "debug" */
	char *message;
};

struct msg_owner_params {
	struct strv paths;
};

struct msg_owner {
	char *path;
	char *package;		/* absent: no package owns it */
	char *arch;
	char *version;
	char *installed;	/* when the package's files were last replaced, RFC 3339 */
};

struct msg_owners {
	struct wire_list owners;	/* msg_owner */
};

struct msg_repair {
	bool repaired;		/* something was interrupted and is finished now */
	struct strv actions;	/* what was done, a sentence each */
	struct wire_list failed;	/* msg_failure: packages that are still not configured */
	char *log;
};

struct msg_verify_params {
	struct wire_list packages;	/* msg_package: at least this version each */
};

struct msg_verify {
	struct wire_list missing;	/* msg_failure: not at its version */
	struct msg_database database;
};

/* One installed package that the distribution supports no longer, or in part. */
struct msg_support_package {
	char *package;
	char *arch;
	char *version;
	char *source;
	char *state;		/* "ended", "ending" (on a day to come), "limited" */
	char *since;		/* the day, YYYY-MM-DD; absent for "limited" */
	char *detail;		/* the distribution's own note */
};

struct msg_support {
	bool known;		/* there is data for this release at all */
	struct wire_list packages;	/* msg_support_package */
};

struct msg_feed_params {
	char *kind;		/* "debsecan" */
	char *uri;		/* http or https, the suite is appended; or */
	char *file;		/* a copy on disk, as it was served or unpacked */
	char *suite;		/* absent: the distribution's codename */
	int64_t max_age;	/* s that a copy of an earlier run is used unasked */
};

/* Event during feed: one vulnerability of one installed package. */
struct msg_cve {
	char *cve;		/* or "TEMP-..." until it has a number */
	char *package;
	char *arch;
	char *installed;
	char *source;		/* source package and version, as the tracker counts */
	char *source_version;
	char *urgency;		/* "low", "medium", "high", or absent: not assigned */
	char *remote;		/* "yes", "no", "unknown" */
	bool fix_available;	/* in this suite */
	char *fixed;		/* the version that has it, of the source package */
	char *unstable;		/* the version of unstable that has it, or absent */
	bool obsolete;		/* the suite has no such package any more */
	char *description;
};

struct msg_feed {
	int64_t count;		/* cve events sent */
	char *uri;		/* where it is from, or the file */
	char *suite;
	char *transport;	/* "http", "https", "file" */
	char *state;		/* "new", "unchanged", "cached" (not asked), "stale" (asked in vain), "file" */
	char *date;		/* the server's, else when it was fetched */
	int64_t age;		/* seconds since it was last known to be current */
	int64_t bytes;		/* fetched */
	struct wire_list alarms;	/* msg_reason */
};

struct msg_error {
	enum code code;
	char *message;
	bool retryable;
	struct wire_list repositories;	/* refresh: the trust record even so */
};

struct msg_hello {
	int64_t protocol;
	char *plugin;
	char *version;
	struct strv capabilities;	/* the methods */
};

extern const struct wire_message msg_reason, msg_distribution, msg_database, msg_settings, msg_probe,
	msg_refresh_params, msg_repository, msg_refresh, msg_denial, msg_plan_params, msg_update, msg_plan, msg_digest,
	msg_archive, msg_lists, msg_failure, msg_fetch, msg_package, msg_process, msg_conffile, msg_apply, msg_evidence,
	msg_progress, msg_log, msg_owner_params, msg_owner, msg_owners, msg_repair, msg_verify_params, msg_verify,
	msg_support_package, msg_support, msg_feed_params, msg_cve, msg_feed, msg_error, msg_hello, msg_empty;

/* Append a {code, detail} to a list of msg_reason. */
void reason_add(struct wire_list *l, enum code code, const char *fmt, ...) _printf_(3, 4);
