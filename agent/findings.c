/* findings.c - the tables of findings.h. */
#include "findings.h"

#define NAME	256
#define TEXT	4096
#define REASONS 4096	/* files of one process */
#define CVES	4096

#define STR(s, f, fl, hi) \
	{ \
		.name = #f, .type = WIRE_STRING, .flags = fl, .offset = offsetof(struct s, f), .max = hi \
	}
#define NUM(s, f, hi) \
	{ \
		.name = #f, .type = WIRE_INT, .offset = offsetof(struct s, f), .max = hi \
	}
#define FLAG(s, f) \
	{ \
		.name = #f, .type = WIRE_BOOL, .offset = offsetof(struct s, f) \
	}
#define STRS(s, f, hi, it) \
	{ \
		.name = #f, .type = WIRE_STRINGS, .offset = offsetof(struct s, f), .max = hi, .items = it \
	}
#define LIST(s, f, it, sb) \
	{ \
		.name = #f, .type = WIRE_OBJECTS, .offset = offsetof(struct s, f), .items = it, .sub = &sb \
	}
#define END \
	{ \
		.name = NULL \
	}
#define TABLE(s)           const struct wire_message s = { #s, sizeof(struct s), s##_fields }
#define O                  WIRE_OMIT

static const struct wire_field find_reason_fields[] = {
	STR(find_reason, file, 0, TEXT),     STR(find_reason, evidence, 0, NAME),
	STR(find_reason, package, O, NAME),  STR(find_reason, arch, O, NAME),
	STR(find_reason, from, O, NAME),     STR(find_reason, to, O, NAME),
	STRS(find_reason, cves, NAME, CVES), END,
};
TABLE(find_reason);

static const struct wire_field find_process_fields[] = {
	NUM(find_process, pid, INT32_MAX),
	NUM(find_process, start, INT64_MAX - 1),
	STR(find_process, started, 0, NAME),
	STR(find_process, exe, 0, TEXT),
	STR(find_process, cmdline, 0, TEXT),
	STR(find_process, user, 0, NAME),
	STR(find_process, service, O, NAME),
	STR(find_process, kind, O, NAME),
	LIST(find_process, reasons, REASONS, find_reason),
	END,
};
TABLE(find_process);

static const struct wire_field find_unreadable_fields[] = {
	NUM(find_unreadable, pid, INT32_MAX),	NUM(find_unreadable, start, INT64_MAX - 1),
	STR(find_unreadable, started, 0, NAME), STR(find_unreadable, name, 0, NAME),
	STR(find_unreadable, user, 0, NAME),	STR(find_unreadable, detail, 0, TEXT),
	FLAG(find_unreadable, outdated),	END,
};
TABLE(find_unreadable);

static const struct wire_field find_unmanaged_fields[] = {
	STR(find_unmanaged, file, 0, TEXT),
	END,
};
TABLE(find_unmanaged);

static const struct wire_field find_restart_fields[] = {
	STR(find_restart, service, 0, NAME),
	STR(find_restart, kind, 0, NAME),
	{ .name = "code", .type = WIRE_CODE, .offset = offsetof(struct find_restart, code) },
	STR(find_restart, detail, O, TEXT),
	NUM(find_restart, gap, INT64_MAX - 1),
	STR(find_restart, health, O, NAME),
	END,
};
TABLE(find_restart);
