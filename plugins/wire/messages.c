/* messages.c - the tables of protocol 1 (messages.h). */
#include <stdarg.h>
#include "messages.h"

/* Bounds. A path is PATH_MAX; names and versions far below that; a detail may
 * quote some lines of output. */
#define NAME	 256
#define TEXT	 4096
#define QUOTE	 16384
#define COUNT	 20000		/* packages of one container */
#define BYTES	 (1LL << 50)
#define SECONDS	 (1LL << 40)

#define FIELD(s, f, t, fl, lo, hi, it, sb) \
	{ \
		.name = #f, .type = t, .flags = fl, .offset = offsetof(struct s, f), .min = lo, .max = hi, \
		.items = it, .sub = sb \
	}
#define STR(s, f, fl, hi)      FIELD(s, f, WIRE_STRING, fl, 0, hi, 0, NULL)
#define NEED(s, f, hi)	       FIELD(s, f, WIRE_STRING, WIRE_REQUIRED, 1, hi, 0, NULL)
#define NUM(s, f, fl, lo, hi)  FIELD(s, f, WIRE_INT, fl, lo, hi, 0, NULL)
#define BOOL(s, f, fl)	       FIELD(s, f, WIRE_BOOL, fl, 0, 0, 0, NULL)
#define CODE(s, f, fl)	       FIELD(s, f, WIRE_CODE, fl, 0, 0, 0, NULL)
#define STRS(s, f, fl, hi, it) FIELD(s, f, WIRE_STRINGS, fl, 0, hi, it, NULL)
#define OBJ(s, f, fl, sb)      FIELD(s, f, WIRE_OBJECT, fl, 0, 0, 0, &sb)
#define OBJS(s, f, fl, it, sb) FIELD(s, f, WIRE_OBJECTS, fl, 0, 0, it, &sb)
#define END \
	{ \
		.name = NULL \
	}
#define MESSAGE(s)             const struct wire_message s = { #s, sizeof(struct s), s##_fields }
#define R		       WIRE_REQUIRED
#define O		       WIRE_OMIT

static const struct wire_field msg_reason_fields[] = {
	CODE(msg_reason, code, R),
	STR(msg_reason, detail, O, QUOTE),
	END,
};
MESSAGE(msg_reason);

static const struct wire_field msg_distribution_fields[] = {
	STR(msg_distribution, id, 0, NAME),
	STR(msg_distribution, version, 0, NAME),
	STR(msg_distribution, codename, O, NAME),
	STR(msg_distribution, name, O, NAME),
	STR(msg_distribution, end_of_life, O, NAME),
	STR(msg_distribution, support, O, NAME),
	END,
};
MESSAGE(msg_distribution);

static const struct wire_field msg_database_fields[] = {
	NUM(msg_database, packages, 0, 0, COUNT * 10),
	STR(msg_database, state, 0, NAME),
	STR(msg_database, detail, O, QUOTE),
	END,
};
MESSAGE(msg_database);

static const struct wire_field msg_settings_fields[] = {
	NEED(msg_settings, state_dir, TEXT),
	BOOL(msg_settings, require_signed, R),
	BOOL(msg_settings, accept_expired, R),
	NUM(msg_settings, max_metadata_age, R, 0, SECONDS),
	STR(msg_settings, proxy, O, TEXT),
	NUM(msg_settings, timeout, R, 1, SECONDS),
	NUM(msg_settings, stall, R, 1, SECONDS),
	NUM(msg_settings, max_bytes, R, 1, BYTES),
	NUM(msg_settings, lock_timeout, R, 0, SECONDS),
	NUM(msg_settings, script_timeout, R, 1, SECONDS),
	END,
};
MESSAGE(msg_settings);

static const struct wire_field msg_probe_fields[] = {
	BOOL(msg_probe, applicable, R),
	STR(msg_probe, reason, O, TEXT),
	STR(msg_probe, manager, O, NAME),
	OBJ(msg_probe, distribution, 0, msg_distribution),
	OBJ(msg_probe, database, 0, msg_database),
	OBJS(msg_probe, blocked, 0, 64, msg_reason),
	OBJS(msg_probe, alarms, 0, 256, msg_reason),
	END,
};
MESSAGE(msg_probe);

static const struct wire_field msg_refresh_params_fields[] = {
	NEED(msg_refresh_params, scope, NAME),
	STRS(msg_refresh_params, origins, 0, TEXT, 256),
	END,
};
MESSAGE(msg_refresh_params);

static const struct wire_field msg_repository_fields[] = {
	NEED(msg_repository, uri, TEXT),
	STR(msg_repository, suite, 0, NAME),
	STR(msg_repository, codename, O, NAME),
	STR(msg_repository, origin, O, NAME),
	STR(msg_repository, label, O, NAME),
	BOOL(msg_repository, security, 0),
	STR(msg_repository, signed_by, 0, NAME),
	STR(msg_repository, trust, 0, NAME),
	STR(msg_repository, date, 0, NAME),
	STR(msg_repository, valid_until, O, NAME),
	NUM(msg_repository, age, 0, 0, SECONDS),
	STR(msg_repository, transport, 0, NAME),
	STR(msg_repository, state, 0, NAME),
	OBJ(msg_repository, error, O, msg_reason),
	END,
};
MESSAGE(msg_repository);

static const struct wire_field msg_refresh_fields[] = {
	OBJS(msg_refresh, repositories, R, 1024, msg_repository),
	OBJS(msg_refresh, alarms, 0, 1024, msg_reason),
	BOOL(msg_refresh, security_source, R),
	NUM(msg_refresh, bytes, 0, 0, BYTES),
	END,
};
MESSAGE(msg_refresh);

static const struct wire_field msg_denial_fields[] = {
	NEED(msg_denial, package, NAME),
	STR(msg_denial, arch, O, NAME),
	OBJ(msg_denial, reason, R, msg_reason),
	END,
};
MESSAGE(msg_denial);

static const struct wire_field msg_plan_params_fields[] = {
	NEED(msg_plan_params, policy, NAME),
	STRS(msg_plan_params, origins, 0, TEXT, 256),
	STRS(msg_plan_params, allow, 0, TEXT, 1024),
	STRS(msg_plan_params, deny, 0, TEXT, 1024),
	STRS(msg_plan_params, fixes, 0, TEXT, 1024),
	NUM(msg_plan_params, min_age, 0, 0, SECONDS),
	STR(msg_plan_params, min_severity, O, NAME),
	BOOL(msg_plan_params, minimal, 0),
	BOOL(msg_plan_params, allow_new, 0),
	OBJS(msg_plan_params, denials, 0, COUNT, msg_denial),
	END,
};
MESSAGE(msg_plan_params);

static const struct wire_field msg_update_fields[] = {
	NEED(msg_update, package, NAME),
	NEED(msg_update, arch, NAME),
	STR(msg_update, installed, O, NAME),
	STR(msg_update, candidate, 0, NAME),
	STR(msg_update, origin, 0, NAME),
	STR(msg_update, suite, 0, NAME),
	BOOL(msg_update, security, 0),
	STR(msg_update, issued, O, NAME),
	STRS(msg_update, advisories, 0, NAME, 4096),
	STRS(msg_update, cves, 0, NAME, 4096),
	STR(msg_update, severity, O, NAME),
	NUM(msg_update, size, 0, 0, BYTES),
	STR(msg_update, reason, O, TEXT),
	STR(msg_update, interrupted_run, O, NAME),
	OBJ(msg_update, kept_back, O, msg_reason),
	END,
};
MESSAGE(msg_update);

static const struct wire_field msg_plan_fields[] = {
	NUM(msg_plan, count, R, 0, COUNT),
	NUM(msg_plan, kept_back, 0, 0, COUNT),
	NEED(msg_plan, digest, NAME),
	NUM(msg_plan, download, 0, 0, BYTES),
	NUM(msg_plan, disk, 0, -BYTES, BYTES),
	BOOL(msg_plan, incomplete, 0),
	END,
};
MESSAGE(msg_plan);

static const struct wire_field msg_digest_fields[] = {
	NEED(msg_digest, digest, NAME),
	END,
};
MESSAGE(msg_digest);

static const struct wire_field msg_archive_fields[] = {
	NEED(msg_archive, file, TEXT),
	NEED(msg_archive, sha256, NAME),
	NUM(msg_archive, size, R, 0, BYTES),
	END,
};
MESSAGE(msg_archive);

static const struct wire_field msg_lists_fields[] = {
	STRS(msg_lists, files, R, TEXT, 256),
	END,
};
MESSAGE(msg_lists);

static const struct wire_field msg_failure_fields[] = {
	NEED(msg_failure, package, NAME),
	STR(msg_failure, arch, O, NAME),
	STR(msg_failure, version, O, NAME),
	CODE(msg_failure, code, R),
	STR(msg_failure, uri, O, TEXT),
	STR(msg_failure, detail, O | WIRE_LINES, QUOTE),
	END,
};
MESSAGE(msg_failure);

static const struct wire_field msg_fetch_fields[] = {
	NUM(msg_fetch, bytes, 0, 0, BYTES),
	OBJS(msg_fetch, failed, 0, COUNT, msg_failure),
	END,
};
MESSAGE(msg_fetch);

static const struct wire_field msg_package_fields[] = {
	NEED(msg_package, package, NAME),
	STR(msg_package, arch, 0, NAME),
	STR(msg_package, version, 0, NAME),
	END,
};
MESSAGE(msg_package);

static const struct wire_field msg_process_fields[] = {
	NUM(msg_process, pid, R, 1, INT32_MAX),
	NUM(msg_process, start, R, 0, INT64_MAX - 1),	/* json-c gives INT64_MAX for what is larger */
	STR(msg_process, cmdline, 0, TEXT),
	END,
};
MESSAGE(msg_process);

static const struct wire_field msg_conffile_fields[] = {
	NEED(msg_conffile, package, NAME),
	NEED(msg_conffile, path, TEXT),
	END,
};
MESSAGE(msg_conffile);

static const struct wire_field msg_apply_fields[] = {
	OBJS(msg_apply, applied, R, COUNT, msg_package),
	OBJS(msg_apply, failed, 0, COUNT, msg_failure),
	OBJS(msg_apply, conffiles, 0, COUNT, msg_conffile),
	OBJS(msg_apply, left_behind, 0, 1024, msg_process),
	OBJS(msg_apply, alarms, O, COUNT, msg_reason),
	STR(msg_apply, log, O, TEXT),
	BOOL(msg_apply, again, 0),
	BOOL(msg_apply, stopped, 0),
	END,
};
MESSAGE(msg_apply);

static const struct wire_field msg_evidence_fields[] = {
	NEED(msg_evidence, package, NAME),
	STR(msg_evidence, arch, O, NAME),
	STRS(msg_evidence, cves, 0, NAME, 4096),
	STRS(msg_evidence, advisories, 0, NAME, 4096),
	END,
};
MESSAGE(msg_evidence);

static const struct wire_field msg_progress_fields[] = {
	NEED(msg_progress, phase, NAME),
	NUM(msg_progress, done, 0, 0, BYTES),
	NUM(msg_progress, total, 0, 0, BYTES),
	STR(msg_progress, item, O, TEXT),
	END,
};
MESSAGE(msg_progress);

static const struct wire_field msg_log_fields[] = {
	NEED(msg_log, level, NAME),
	STR(msg_log, message, R, QUOTE),	/* an empty line of output is no fault */
	END,
};
MESSAGE(msg_log);

static const struct wire_field msg_owner_params_fields[] = {
	STRS(msg_owner_params, paths, R, TEXT, COUNT),
	END,
};
MESSAGE(msg_owner_params);

static const struct wire_field msg_owner_fields[] = {
	NEED(msg_owner, path, TEXT),	  STR(msg_owner, package, O, NAME),   STR(msg_owner, arch, O, NAME),
	STR(msg_owner, version, O, NAME), STR(msg_owner, installed, O, NAME), END,
};
MESSAGE(msg_owner);

static const struct wire_field msg_owners_fields[] = {
	OBJS(msg_owners, owners, R, COUNT, msg_owner),
	END,
};
MESSAGE(msg_owners);

static const struct wire_field msg_repair_fields[] = {
	BOOL(msg_repair, repaired, R),
	STRS(msg_repair, actions, 0, TEXT, 1024),
	OBJS(msg_repair, failed, 0, COUNT, msg_failure),
	STR(msg_repair, log, O, TEXT),
	END,
};
MESSAGE(msg_repair);

static const struct wire_field msg_verify_params_fields[] = {
	OBJS(msg_verify_params, packages, R, COUNT, msg_package),
	END,
};
MESSAGE(msg_verify_params);

static const struct wire_field msg_verify_fields[] = {
	OBJS(msg_verify, missing, R, COUNT, msg_failure),
	OBJ(msg_verify, database, R, msg_database),
	END,
};
MESSAGE(msg_verify);

static const struct wire_field msg_support_package_fields[] = {
	NEED(msg_support_package, package, NAME),   STR(msg_support_package, arch, 0, NAME),
	STR(msg_support_package, version, 0, NAME), STR(msg_support_package, source, O, NAME),
	NEED(msg_support_package, state, NAME),	    STR(msg_support_package, since, O, NAME),
	STR(msg_support_package, detail, O, TEXT),  END,
};
MESSAGE(msg_support_package);

static const struct wire_field msg_support_fields[] = {
	BOOL(msg_support, known, R),
	OBJS(msg_support, packages, R, COUNT, msg_support_package),
	END,
};
MESSAGE(msg_support);

static const struct wire_field msg_feed_params_fields[] = {
	NEED(msg_feed_params, kind, NAME),
	STR(msg_feed_params, uri, O, TEXT),
	STR(msg_feed_params, file, O, TEXT),
	STR(msg_feed_params, suite, O, NAME),
	NUM(msg_feed_params, max_age, R, 0, SECONDS),
	END,
};
MESSAGE(msg_feed_params);

static const struct wire_field msg_cve_fields[] = {
	NEED(msg_cve, cve, NAME),	    NEED(msg_cve, package, NAME),
	NEED(msg_cve, arch, NAME),	    NEED(msg_cve, installed, NAME),
	STR(msg_cve, source, O, NAME),	    STR(msg_cve, source_version, O, NAME),
	STR(msg_cve, urgency, O, NAME),	    STR(msg_cve, remote, 0, NAME),
	BOOL(msg_cve, fix_available, R),    STR(msg_cve, fixed, O, NAME),
	STR(msg_cve, unstable, O, NAME),    BOOL(msg_cve, obsolete, O),
	STR(msg_cve, description, O, TEXT), END,
};
MESSAGE(msg_cve);

static const struct wire_field msg_feed_fields[] = {
	NUM(msg_feed, count, R, 0, MSG_CVES_MAX),
	STR(msg_feed, uri, 0, TEXT),
	STR(msg_feed, suite, 0, NAME),
	STR(msg_feed, transport, 0, NAME),
	STR(msg_feed, state, 0, NAME),
	STR(msg_feed, date, O, NAME),
	NUM(msg_feed, age, 0, 0, SECONDS),
	NUM(msg_feed, bytes, 0, 0, BYTES),
	OBJS(msg_feed, alarms, 0, 64, msg_reason),
	END,
};
MESSAGE(msg_feed);

static const struct wire_field msg_error_fields[] = {
	CODE(msg_error, code, R),
	NEED(msg_error, message, QUOTE),
	BOOL(msg_error, retryable, 0),
	OBJS(msg_error, repositories, O, 1024, msg_repository),
	END,
};
MESSAGE(msg_error);

static const struct wire_field msg_hello_fields[] = {
	NUM(msg_hello, protocol, R, 1, 1000),
	NEED(msg_hello, plugin, NAME),
	STR(msg_hello, version, 0, NAME),
	STRS(msg_hello, capabilities, R, NAME, 64),
	END,
};
MESSAGE(msg_hello);

static const struct wire_field msg_empty_fields[] = { END };
const struct wire_message msg_empty = { "msg_empty", 0, msg_empty_fields };

void reason_add(struct wire_list *l, enum code code, const char *fmt, ...)
{
	struct msg_reason *r = wire_list_add(&msg_reason, l);
	struct err e;
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(&e, code, 0, fmt, ap);
	va_end(ap);
	r->code = code;
	r->detail = xstrdup(e.msg);
}
