/* aptplan.hh - the parts of planning: candidates (aptcandidates.cc), the search
 * for a set that installs (aptplan.cc), and what stands in the way of the
 * others (aptexplain.cc).
 */
#pragma once
#include <regex.h>
#include "aptpkg-internal.hh"

/* A package that has a security update, and why it is not planned. */
struct candidate {
	pkgCache::PkgIterator pkg;
	pkgCache::VerIterator ver;
	enum code kept = CODE_OK;
	std::string detail;
};

/* What a file of the cache is to us; indexed by its ID. */
struct file_class {
	bool known = false;	/* from a repository in the plan's list */
	bool security = false;	/* matches the patterns */
	bool trusted = false;	/* signed, or unsigned ones are allowed */
	std::string dist;	/* the suite as configured */
	int64_t date = 0;	/* of its Release */
};

/* Why a dependency cannot be met. */
struct obstacle {
	enum code code = CODE_OK;
	std::string text;
	bool unknown = false;	/* no repository that was refreshed has it */
};

class planner {
public:
	planner(const struct msg_plan_params *params, struct cache &c) : in(params), cache(c) {}
	~planner();

	/* Find the candidates; those that policy keeps back have their reason. */
	int collect(struct err *err);
	/* Mark in the cache as many of them as install without removing anything;
	 * the others get their reason. */
	void solve();
	/* What the cache has marked. */
	std::vector<struct planned> result();
	void fill(const pkgCache::PkgIterator &pkg, const pkgCache::VerIterator &ver, struct msg_update *ret) const;

	std::vector<candidate> candidates;
	bool incomplete = false;	/* repositories that were not refreshed may help */

private:
	/* What VER's files allow: the class of the best one, security suites first. */
	const file_class *best_file(const pkgCache::VerIterator &ver, pkgCache::PkgFileIterator *ret) const;
	void classify_files();
	int compile(const struct strv *patterns, std::vector<regex_t> &ret, const char *what, struct err *err);
	pkgCache::VerIterator choose(const pkgCache::PkgIterator &pkg);
	void judge(candidate &c);
	candidate *find(const pkgCache::PkgIterator &pkg);
	bool may_install(const pkgCache::PkgIterator &pkg);
	bool attempt(const std::vector<candidate *> &wanted);
	bool follow(const std::set<unsigned> &keep);
	bool sound();
	std::set<unsigned> marked();
	void unmark(const std::set<unsigned> &keep);
	void explain(candidate &c);
	bool available(const pkgCache::VerIterator &ver, unsigned depth, obstacle &why);
	bool find_obstacle(const pkgCache::VerIterator &ver, unsigned depth, obstacle &ret);
	std::string broken_dependency(const pkgCache::PkgIterator &pkg) const;

	const struct msg_plan_params *in;
	struct cache &cache;
	std::vector<file_class> files;		/* by the ID of a file of the cache */
	std::map<unsigned, size_t> by_id;	/* package ID → candidates */
	std::vector<regex_t> allow, deny;
	std::vector<pkgCache::Version *> chosen;	/* candidates, by package ID */
	std::set<unsigned> broken_before;
};

/* Is a file of PKG, which VER replaces, a mount point of this container?
 * Returns its path, or "". */
std::string bind_mounted_file(struct cache &cache, const pkgCache::PkgIterator &pkg);
