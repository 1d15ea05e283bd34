/* sets.h - what dpkg is asked to do: the seam between libapt (aptpkg.cc) and
 * the dpkg driver (dpkg.c).
 *
 * libapt decides which packages and in which order; dpkg.c runs dpkg. A set is
 * the smallest group of packages that must change together to keep every
 * dependency satisfied, joined with its neighbours up to about five seconds of
 * work: between two sets the container is consistent and a stop is safe.
 */
#pragma once
#include "err.h"
#include "util.h"
#include "wire.h"

struct deb {
	char *package;
	char *arch;
	char *version;		/* the candidate */
	char *installed;	/* NULL: a new package */
	char *source;		/* source package name */
	char *path;		/* verified .deb below state_dir */
	char *uri;		/* where it came from */
	int64_t size;		/* of the .deb */
	int64_t installed_size;	/* bytes */
	bool essential;
	bool automatic;		/* new package pulled in as a dependency: mark it auto */
};

enum dpkg_verb { DPKG_UNPACK, DPKG_CONFIGURE };

struct dpkg_step {
	enum dpkg_verb verb;
	size_t deb;		/* index into sets.debs */
};

struct dpkg_set {
	struct dpkg_step *steps;	/* libapt's order: unpacks and configures */
	size_t n;
	double cost;			/* estimated seconds */
};

struct dpkg_sets {
	struct deb *debs;
	size_t n_debs;
	struct dpkg_set *sets;
	size_t n_sets;
	bool again;		/* apt or dpkg is among the debs: plan once more afterwards */
};

void dpkg_sets_clear(struct dpkg_sets *s);
