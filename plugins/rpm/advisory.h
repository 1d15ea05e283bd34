/* advisory.h - what updateinfo says: which versions fix what.
 *
 * Advisories are solvables "patch:ID" in the pool. Ids and texts point into the
 * pool and live as long as it.
 */
#pragma once
#include <solv/pool.h>
#include <solv/repo.h>
#include "messages.h"

enum advisory_severity { SEVERITY_UNKNOWN, SEVERITY_LOW, SEVERITY_MODERATE, SEVERITY_IMPORTANT, SEVERITY_CRITICAL };

struct advisory {
	Id patch;
	const char *id; /* "RLSA-2024:1234" */
	enum advisory_severity severity;
	int64_t issued; /* 0: not said */
	struct strv cves;
};

/* One package version that an advisory names. */
struct advisory_entry {
	Id name, evr, arch;
	size_t advisory;
};

struct advisories {
	struct advisory *v;
	size_t n;
	struct advisory_entry *entries; /* sorted by name */
	size_t n_entries;
};

/* Add the security advisories of REPO; call advisories_sort() after the last. */
void advisories_add(struct advisories *a, Repo *repo);
void advisories_sort(struct advisories *a);
void advisories_clear(struct advisories *a);
/* The entries of package NAME: *N of them, NULL when there is none. */
const struct advisory_entry *advisories_of(const struct advisories *a, Id name, size_t *n);
/* "critical", "" for unknown. */
const char *advisory_severity_name(enum advisory_severity s);
/* Of any spelling: "Important", "low"; unknown words are SEVERITY_UNKNOWN. */
enum advisory_severity advisory_severity_from(const char *text);
