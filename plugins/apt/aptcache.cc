/* aptcache.cc - libapt's caches, opened under our rules. */
#include <apt-pkg/pkgcachegen.h>
#include <apt-pkg/progress.h>
#include "aptpkg-internal.hh"

bool plan_cache::IsInstallOk(const pkgCache::PkgIterator &pkg, bool auto_inst, unsigned long depth, bool from_user)
{
	if (allowed && !allowed(pkg)) {
		refused.push_back(pkg);
		return false;
	}
	return pkgDepCache::IsInstallOk(pkg, auto_inst, depth, from_user);
}

bool plan_cache::IsDeleteOk(const pkgCache::PkgIterator &pkg, bool, unsigned long, bool)
{
	if (pkg->CurrentVer != 0)
		removals.push_back(pkg);
	/* a package that was only marked for installation may be unmarked */
	return pkg->CurrentVer == 0;
}

int cache_open(source_list &list, struct cache &ret, struct err *err)
{
	OpProgress quiet;
	MMap *map = nullptr;

	ret = {};
	if (!pkgCacheGenerator::MakeStatusCache(list, &quiet, &map, true) || !map)
		return apt_error(CODE_DATABASE_BROKEN, err, "the package lists or dpkg's status file cannot be read");
	ret.map.reset(map);
	ret.pkgs = std::make_unique<pkgCache>(map);
	if (_error->PendingError())
		return apt_error(CODE_DATABASE_BROKEN, err, "the package cache cannot be used");
	ret.policy = std::make_unique<pkgPolicy>(ret.pkgs.get());
	if (!ReadPinFile(*ret.policy) || !ReadPinDir(*ret.policy))
		return apt_error(CODE_SOURCES_BROKEN, err, "the container's apt preferences cannot be read, correct them");
	ret.dep = std::make_unique<plan_cache>(ret.pkgs.get(), ret.policy.get());
	if (!ret.dep->Init(&quiet))
		return apt_error(CODE_DATABASE_BROKEN, err, "the dependencies cannot be read");
	ret.records = std::make_unique<pkgRecords>(*ret.pkgs);
	return 0;
}
