/* diagnosis.h - what doctor has found: a line for each thing that an update needs.
 *
 * A finding has a code where something is not as it should be; the remedy
 * belongs to the code (remedies.h). Names of what was looked at are words of
 * the JSON form and, once released, never changed.
 */
#pragma once
#include "report.h"

enum finding_state {
	FINDING_OK,
	FINDING_NOTE,		/* worth knowing, keeps no update back */
	FINDING_BAD,		/* no updates, or none that mean anything, until it is mended */
	FINDING_UNKNOWN,	/* could not be looked at, because of another one */
};

struct finding {
	const char *about;	/* "package_system", static */
	enum finding_state state;
	enum code code;		/* ok: none */
	char *detail;		/* bytes of a container: escaped when shown */
	enum exit_code means;	/* done: no harm */
};

/* Zero is empty. */
struct diagnosis {
	struct finding *v;
	size_t n;
	bool offline;		/* no repository was asked */
	bool host_mode;		/* it is about entering containers */
	const char *host;	/* of the container, for the headline; not owned */
	const char *distribution;
};

void diagnosis_add(struct diagnosis *d, const char *about, enum finding_state state, enum code code, const char *fmt,
		   ...) _printf_(5, 6);
/* Has a finding that is not well this code? */
bool diagnosis_has(const struct diagnosis *d, enum code code);
/* All that a run which planned and changed nothing can say. R outlives D. */
void diagnosis_report(struct diagnosis *d, const struct report *r);
/* The first that matches: 1, 3, 6, 5, 0. */
enum exit_code diagnosis_exit(const struct diagnosis *d);
void diagnosis_text(const struct diagnosis *d, bool colour, struct buf *ret);
/* Caller puts it. packaging/schema/doctor-1.json. */
struct json_object *diagnosis_json(const struct diagnosis *d);
void diagnosis_clear(struct diagnosis *d);
