/* aptexplain.cc - why one update cannot be planned, in a sentence and a code.
 *
 * libapt's solver says yes or no. The reason is looked for afterwards: first
 * what the update itself needs, down through what that needs in turn; then
 * what the solver would have removed; then what it would have broken.
 */
#include "aptplan.hh"

#define DEPTH_MAX 8	/* of "which needs ..., which needs ..." */

static std::string dependency_text(pkgCache::DepIterator start, const pkgCache::DepIterator &end)
{
	std::string ret;

	for (;; ++start) {
		if (!ret.empty())
			ret += " | ";
		ret += start.TargetPkg().Name();
		if (start.TargetVer())
			ret += std::string(" (") + start.CompType() + " " + start.TargetVer() + ")";
		if (start == end)
			return ret;
	}
}

static bool is_failure(enum code code)
{
	return code == CODE_DOWNLOAD_FAILED || code == CODE_HASH_MISMATCH || code == CODE_DEPENDS_ON_FAILED ||
	       code == CODE_UNPACK_FAILED || code == CODE_SCRIPT_FAILED || code == CODE_SCRIPT_TIMEOUT;
}

/* VER meets a dependency, but may it be there? Else why not. */
bool planner::available(const pkgCache::VerIterator &ver, unsigned depth, obstacle &why)
{
	pkgCache::PkgIterator pkg = ver.ParentPkg();
	const candidate *c = find(pkg);

	if (ver == pkg.CurrentVer())
		return true;
	if (!best_file(ver, nullptr))
		return false;
	if (c && c->ver == ver && c->kept != CODE_OK) {
		why.code = is_failure(c->kept) ? CODE_DEPENDS_ON_FAILED : CODE_UNMET_DEPENDENCY;
		why.text = std::string("which is kept back: ") + code_text(c->kept);
		return false;
	}
	if ((*cache.dep)[pkg].CandidateVerIter(*cache.pkgs) != ver) {
		why.code = CODE_UNMET_DEPENDENCY;
		why.text = "which apt does not choose";
		return false;
	}
	if (!may_install(pkg)) {
		bool is_new = pkg->CurrentVer == 0 && !in->allow_new;

		why.code = is_new ? CODE_NEW_PACKAGE : CODE_UNMET_DEPENDENCY;
		why.text = is_new ? "a new package, and updates.allow_new is no" :
				    "which policy does not allow to be installed";
		return false;
	}
	return depth >= DEPTH_MAX || !find_obstacle(ver, depth + 1, why);
}

/* The first dependency of VER that cannot be met. */
bool planner::find_obstacle(const pkgCache::VerIterator &ver, unsigned depth, obstacle &ret)
{
	for (auto dep = ver.DependsList(); !dep.end();) {
		pkgCache::DepIterator start, end;
		obstacle why;
		bool met = false;

		dep.GlobOr(start, end);
		if (start->Type != pkgCache::Dep::Depends && start->Type != pkgCache::Dep::PreDepends)
			continue;
		for (auto one = start; !met; ++one) {
			std::unique_ptr<pkgCache::Version *[]> targets(one.AllTargets());

			for (pkgCache::Version **t = targets.get(); *t && !met; t++)
				met = available({ *cache.pkgs, *t }, depth, why);
			if (one == end)
				break;
		}
		if (met)
			continue;
		ret.unknown = why.code == CODE_OK || why.unknown;
		ret.code = why.code == CODE_OK ? CODE_UNMET_DEPENDENCY : why.code;
		ret.text = "needs " + dependency_text(start, end) + ", " +
			   (why.code == CODE_OK ? "which no refreshed repository has" :
			    starts_with(why.text.c_str(), "needs ") ? "which " + why.text : why.text);
		return true;
	}
	return false;
}

/* What PKG, as marked, lacks or conflicts with. */
std::string planner::broken_dependency(const pkgCache::PkgIterator &pkg) const
{
	pkgCache::VerIterator ver = (*cache.dep)[pkg].InstVerIter(*cache.pkgs);

	if (ver.end())
		return "";
	for (auto dep = ver.DependsList(); !dep.end();) {
		pkgCache::DepIterator start, end;

		dep.GlobOr(start, end);
		if (end.IsCritical() && !((*cache.dep)[end] & pkgDepCache::DepGInstall))
			return std::string(pkg.Name()) + " " + ver.VerStr() + (end.IsNegative() ? " conflicts with " : " needs ") +
			       dependency_text(start, end);
	}
	return "";
}

void planner::explain(candidate &c)
{
	obstacle why;

	if (find_obstacle(c.ver, 0, why)) {
		c.kept = why.code;
		c.detail = why.text;
		incomplete |= why.unknown && !session.all;
		return;
	}
	if (!cache.dep->removals.empty()) {
		std::set<std::string> names;

		for (const auto &pkg : cache.dep->removals) {
			const candidate *other = find(pkg);

			names.insert(pkg.Name());
			if (!other || other->kept == CODE_OK)
				continue;
			/* its own update would have kept it */
			c.kept = is_failure(other->kept) ? CODE_DEPENDS_ON_FAILED : CODE_UNMET_DEPENDENCY;
			c.detail = std::string("breaks ") + pkg.Name() + ", whose update is kept back: " +
				   code_text(other->kept);
			return;
		}
		c.kept = CODE_WOULD_REMOVE;
		c.detail = "would remove " + APT::String::Join({ names.begin(), names.end() }, ", ");
		return;
	}
	c.kept = CODE_UNMET_DEPENDENCY;
	c.detail = "its dependencies cannot be met together with those of the other updates";
	for (auto pkg = cache.pkgs->PkgBegin(); !pkg.end(); ++pkg) {
		std::string text;

		if (!(*cache.dep)[pkg].InstBroken() || broken_before.count(pkg->ID) ||
		    (text = broken_dependency(pkg)).empty())
			continue;
		const candidate *other = find(pkg);
		c.detail = text;
		if (other && other != &c && other->kept != CODE_OK) {
			c.detail += std::string(", and is kept back: ") + code_text(other->kept);
			if (is_failure(other->kept))
				c.kept = CODE_DEPENDS_ON_FAILED;
			return;
		}
		break;
	}
	incomplete |= !session.all;
}
