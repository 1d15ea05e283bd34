/* origins.h - which archives count, in unattended-upgrades' Origins-Pattern syntax.
 *
 * A pattern is "key=glob,key=glob,...": all of its keys must match, one pattern
 * of a list is enough. Keys: origin/o, label/l, suite/archive/a, codename/n,
 * component/c, site. "\," is a comma within a value; ${distro_id} and
 * ${distro_codename} stand for the container's distribution.
 */
#pragma once
#include "err.h"
#include "util.h"

/* What is known of an archive; NULL: not known (its Release was never seen). */
struct origin_facts {
	const char *origin, *label, *archive, *codename, *component, *site;
};

/* What the variables stand for. ID is an os-release ID such as "debian". */
struct origin_vars {
	const char *id, *codename;
};

enum origin_match {
	ORIGIN_NO,
	ORIGIN_YES,
	ORIGIN_MAYBE, /* a fact that decides is not known */
};

/* CODE_CONFIG, naming the pattern and what is wrong in it. */
int origins_check(const struct strv *patterns, struct err *err);
/* Patterns must have passed origins_check(). */
enum origin_match origins_match(const struct strv *patterns, const struct origin_vars *vars,
				const struct origin_facts *facts);
/* The security origins of a distribution: appended to RET. */
void origins_default(const struct origin_vars *vars, struct strv *ret);
/* Does this repository call itself one of security updates, by the names that
 * distributions use? All there is to go by before its Release was ever seen. */
bool origins_looks_like_security(const char *uri, const char *suite);
