/* codes.h - every reason stopgap gives for anything, declared once.
 *
 * A code is what a machine reads: it is the JSON value, the metric label, the
 * heading in docs/operations and the key of every sentence about a failure.
 * Once released, a code is never renamed or given another meaning.
 *
 * Columns: C identifier, JSON name, class, what it means for a person.
 */
#pragma once
#include <stdbool.h>

enum code_class {
	CLASS_NONE,	/* no failure */
	CLASS_FAILED,	/* the run did not do what was asked: exit 1 */
	CLASS_USAGE,	/* command line or configuration: exit 2 */
	CLASS_BLOCKED,	/* this container cannot be patched as it is: exit 3 */
	CLASS_KEPT,	/* one update was not planned or not applied, with cause */
	CLASS_ALARM,	/* worth a human's attention, changes no exit code */
};

/* one line each, for tests that read them */
/* clang-format off */
#define CODES(X)                                                                                   \
	X(OK, "ok", CLASS_NONE, "nothing is wrong")                                                \
	/* the agent itself */                                                                     \
	X(INTERNAL, "internal", CLASS_FAILED, "a fault in stopgap")                                \
	X(IO, "io", CLASS_FAILED, "a system call failed")                                          \
	X(STOPPED, "stopped", CLASS_FAILED, "the run was asked to stop")                           \
	X(USAGE, "usage", CLASS_USAGE, "the command line is wrong")                                \
	X(CONFIG, "config", CLASS_USAGE, "the configuration is wrong")                             \
	X(BUSY, "busy", CLASS_BLOCKED, "another stopgap run holds the state folder")               \
	X(STATE_REFUSED, "state_refused", CLASS_ALARM, "what an entry left as its state was not taken back") \
	/* the status socket */                                                                    \
	X(SOCKET_FAILED, "socket_failed", CLASS_ALARM, "the status socket could not be made")      \
	X(NO_AGENT, "no_agent", CLASS_FAILED, "no agent answers on the status socket")             \
	X(BAD_REQUEST, "bad_request", CLASS_FAILED, "the request is not one that the status socket knows") \
	X(TOO_LARGE, "too_large", CLASS_FAILED, "the request is larger than allowed")              \
	X(NOT_FOUND, "not_found", CLASS_FAILED, "the status socket has no such route")             \
	X(METHOD_NOT_ALLOWED, "method_not_allowed", CLASS_FAILED, "the route has no such method")  \
	X(FORBIDDEN, "forbidden", CLASS_FAILED, "this user may not start a run")                   \
	X(NOT_READY, "not_ready", CLASS_FAILED, "there is nothing to show yet")                    \
	X(TOO_MANY_CLIENTS, "too_many_clients", CLASS_FAILED, "all event streams are taken")       \
	X(VETOED, "vetoed", CLASS_BLOCKED, "the operator's 'before' hook forbids the run now")     \
	/* from the host */                                                                        \
	X(NO_TARGET, "no_target", CLASS_FAILED, "there is no such container")                      \
	X(EXPORT_UNSUPPORTED, "export_unsupported", CLASS_FAILED, "a layer cannot be made of this container's package system") \
	X(EXPORT_MIXED, "export_mixed", CLASS_FAILED, "the container has changed packages that stopgap did not update") \
	X(NO_ENGINE, "no_engine", CLASS_FAILED, "no container engine answers, or none has it")     \
	X(ENGINE_FAILED, "engine_failed", CLASS_FAILED, "the container engine refused")            \
	X(AMBIGUOUS, "ambiguous", CLASS_FAILED, "several containers have that name")               \
	/* plugin */                                                                               \
	X(PLUGIN_MISSING, "plugin_missing", CLASS_FAILED, "the bundle lacks a plugin")             \
	X(PLUGIN_DIED, "plugin_died", CLASS_FAILED, "the plugin ended without an answer")          \
	X(PLUGIN_TIMEOUT, "plugin_timeout", CLASS_FAILED, "the plugin missed its deadline")        \
	X(PLUGIN_PROTOCOL, "plugin_protocol", CLASS_FAILED, "the plugin broke the protocol")       \
	X(UNSUPPORTED, "unsupported", CLASS_FAILED, "the plugin lacks this method")                \
	X(DIGEST_MISMATCH, "digest_mismatch", CLASS_FAILED, "this is not the plan that was approved") \
	/* what blocks a container */                                                              \
	X(NO_PACKAGE_MANAGER, "no_package_manager", CLASS_BLOCKED, "no known package system here") \
	X(READ_ONLY_ROOT, "read_only_root", CLASS_BLOCKED, "the root filesystem cannot be written") \
	X(NOT_ROOT, "not_root", CLASS_BLOCKED, "updates need the container's root user")           \
	X(MISSING_CAPABILITY, "missing_capability", CLASS_BLOCKED, "dpkg or rpm would lack a capability") \
	X(NO_SPACE, "no_space", CLASS_BLOCKED, "too little free disk space")                       \
	X(LOCKED, "locked", CLASS_BLOCKED, "another package manager holds the lock")               \
	X(DATABASE_BROKEN, "database_broken", CLASS_BLOCKED, "the package database is damaged")    \
	X(UNSUPPORTED_DATABASE, "unsupported_database", CLASS_BLOCKED, "a package database that cannot be changed safely") \
	X(LOW_MEMORY, "low_memory", CLASS_BLOCKED, "the memory limit is too low")                  \
	X(PIDS_LIMIT, "pids_limit", CLASS_BLOCKED, "the process limit is too low")                 \
	X(NO_EGRESS, "no_egress", CLASS_BLOCKED, "no package repository can be reached")           \
	/* entering a container from the host */                                                   \
	X(CONTAINER_GONE, "container_gone", CLASS_FAILED, "the container ended meanwhile")         \
	X(NOT_STARTED, "not_started", CLASS_FAILED, "the container is being set up by its engine") \
	X(PAUSED, "paused", CLASS_BLOCKED, "the container is frozen")                              \
	X(ENTER_FAILED, "enter_failed", CLASS_FAILED, "the container could not be entered")        \
	X(ENTER_TIMEOUT, "enter_timeout", CLASS_FAILED, "the container missed the deadline; what ran in it was ended") \
	X(ABANDONED, "abandoned", CLASS_FAILED, "the container missed the deadline, and what runs in it cannot be ended") \
	X(BAD_REPORT, "bad_report", CLASS_FAILED, "what came back from the container is no report") \
	X(SECCOMP_BUILTIN, "seccomp_builtin", CLASS_ALARM, "the container's seccomp filter could not be copied; a built-in one was used") \
	/* repositories */                                                                         \
	X(EXPIRED, "expired", CLASS_FAILED, "signed metadata is past its Valid-Until")             \
	X(ROLLED_BACK, "rolled_back", CLASS_FAILED, "signed metadata is older than what was seen before") \
	X(UNTRUSTED, "untrusted", CLASS_FAILED, "a signature is missing, wrong or by an unknown key") \
	X(MISSING_KEYRING, "missing_keyring", CLASS_FAILED, "no key to check the signature with")  \
	X(HASH_MISMATCH, "hash_mismatch", CLASS_FAILED, "a file is not the one the signed index names") \
	X(REFRESH_FAILED, "refresh_failed", CLASS_FAILED, "repository metadata could not be fetched") \
	X(SOURCES_BROKEN, "sources_broken", CLASS_FAILED, "the repository configuration cannot be read") \
	X(FEED_FAILED, "feed_failed", CLASS_FAILED, "the feed of vulnerabilities could not be fetched or read") \
	/* why one update is not done */                                                           \
	X(HOLD, "hold", CLASS_KEPT, "the package is held")                                         \
	X(DENY_LIST, "deny_list", CLASS_KEPT, "denied by configuration")                           \
	X(NOT_ALLOWED, "not_allowed", CLASS_KEPT, "not in the allow list")                         \
	X(TOO_NEW, "too_new", CLASS_KEPT, "younger than min_age")                                  \
	X(BELOW_SEVERITY, "below_severity", CLASS_KEPT, "less severe than min_severity")           \
	X(NEW_PACKAGE, "new_package", CLASS_KEPT, "needs a new package and allow_new is no")       \
	X(WOULD_REMOVE, "would_remove", CLASS_KEPT, "would remove another package")                \
	X(UNMET_DEPENDENCY, "unmet_dependency", CLASS_KEPT, "a dependency cannot be met")          \
	X(PINNED, "pinned", CLASS_KEPT, "apt preferences keep the installed version")              \
	X(BIND_MOUNTED_FILE, "bind_mounted_file", CLASS_KEPT, "replaces a file that is a mount point") \
	X(DOWNLOAD_FAILED, "download_failed", CLASS_KEPT, "the package could not be downloaded")   \
	X(DEPENDS_ON_FAILED, "depends_on_failed", CLASS_KEPT, "needs a package that failed")       \
	/* what went wrong with one package while applying */                                      \
	X(UNPACK_FAILED, "unpack_failed", CLASS_FAILED, "the package could not be unpacked")       \
	X(SCRIPT_FAILED, "script_failed", CLASS_FAILED, "a maintainer script failed")              \
	X(SCRIPT_TIMEOUT, "script_timeout", CLASS_FAILED, "a maintainer script hung and was ended") \
	X(NOT_APPLIED, "not_applied", CLASS_FAILED, "the package is not at its planned version")   \
	/* alarms */                                                                               \
	X(NO_SECURITY_SOURCE, "no_security_source", CLASS_ALARM, "no security repository is configured") \
	X(NO_SECURITY_METADATA, "no_security_metadata", CLASS_ALARM, "a repository does not say which updates fix security") \
	X(OUT_OF_SUPPORT, "out_of_support", CLASS_ALARM, "the distribution gets no security updates any more") \
	X(STALE_METADATA, "stale_metadata", CLASS_ALARM, "a security suite is older than max_metadata_age") \
	X(ACCEPTED_EXPIRED, "accepted_expired", CLASS_ALARM, "expired metadata was accepted by configuration") \
	X(TRUST_LOWERED, "trust_lowered", CLASS_ALARM, "the container's configuration tried to lower trust; refused") \
	X(CONFFILE_KEPT, "conffile_kept", CLASS_ALARM, "a changed configuration file was kept")    \
	X(LEFT_BEHIND, "left_behind", CLASS_ALARM, "a maintainer script left a process behind")    \
	X(INTERRUPTED, "interrupted", CLASS_ALARM, "the package database is interrupted; 'stopgap once' finishes that first") \
	X(REPAIRED, "repaired", CLASS_ALARM, "an interrupted transaction was finished first")      \
	X(SANDBOX_DEGRADED, "sandbox_degraded", CLASS_ALARM, "a download ran with less isolation than intended") \
	X(SOURCE_IGNORED, "source_ignored", CLASS_ALARM, "a repository could not be used and was left out") \
	X(HOOK_FAILED, "hook_failed", CLASS_ALARM, "the operator's 'before' hook failed; the run went on") \
	X(DIED_AGAIN, "died_again", CLASS_ALARM, "the service ended right after its restart")      \
	/* why a service that runs old code is not restarted, or what came of it */                \
	X(REPORT_ONLY, "report_only", CLASS_KEPT, "restart.mode is report")                        \
	X(RESTART_NEVER, "restart_never", CLASS_KEPT, "the service is one that is never restarted") \
	X(NO_RESTART_COMMAND, "no_restart_command", CLASS_KEPT, "nothing here can restart the service") \
	X(RESTART_COVERED, "restart_covered", CLASS_KEPT, "another service's restart restarts it, too") \
	X(RESTART_BUDGET, "restart_budget", CLASS_ALARM, "the service was restarted too often")    \
	X(RESTART_FAILED, "restart_failed", CLASS_ALARM, "the restart command failed")             \
	X(STILL_STALE, "still_stale", CLASS_ALARM, "the service was restarted and still runs old code") \
	X(UNHEALTHY, "unhealthy", CLASS_ALARM, "[health] command failed after a restart") \
	/* support of packages, and what is known of their vulnerabilities */                      \
	X(PACKAGE_UNSUPPORTED, "package_unsupported", CLASS_ALARM, "a package gets no security updates any more") \
	X(PACKAGE_LIMITED, "package_limited", CLASS_ALARM, "a package gets security updates only in part") \
	X(FEED_STALE, "feed_stale", CLASS_ALARM, "an older copy of the feed of vulnerabilities was used")

enum code {
#define X(id, name, class, text) CODE_##id,
	CODES(X)
#undef X
	CODE_MAX
};
/* clang-format on */

/* The JSON name of CODE, a static string. */
const char *code_name(enum code code);
/* One sentence for a person, lower case, no full stop; a static string. */
const char *code_text(enum code code);
/* What blocks a run now and may not in an hour. */
bool code_passes(enum code code);
enum code_class code_class(enum code code);
/* The code named NAME, or -1 when there is none (bytes from a plugin end here). */
int code_from_name(const char *name);
