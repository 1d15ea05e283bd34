/* aptcache.cc - libapt's caches, opened under our rules. */
#include <apt-pkg/pkgcachegen.h>
#include <apt-pkg/progress.h>
#include <sys/stat.h>
#include <unistd.h>
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

void cache_drop()
{
	(void)unlink(_config->FindFile("Dir::Cache::pkgcache").c_str());
	(void)unlink(_config->FindFile("Dir::Cache::srcpkgcache").c_str());
}

/* libapt believes its cache while dpkg's status has the same size and second.
 * Two runs of dpkg fit into one second, so we look closer. */
static void drop_stale()
{
	std::string status = _config->FindFile("Dir::State::status"), file = session.dir + "/status.stamp";
	struct buf stamp = {}, old = {};
	struct stat st = {};
	struct err err = {};

	if (stat(status.c_str(), &st) == 0)
		buf_printf(&stamp, "%llu %llu %lld %lld.%09ld %lld.%09ld\n", (unsigned long long)st.st_dev,
			   (unsigned long long)st.st_ino, (long long)st.st_size, (long long)st.st_mtim.tv_sec,
			   st.st_mtim.tv_nsec, (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	if (read_file(file.c_str(), 4096, &old, &err) < 0 || !streq(buf_str(&old), buf_str(&stamp))) {
		cache_drop();
		err = {};
		if (replace_file(file.c_str(), 0644, buf_str(&stamp), stamp.n, &err) < 0)
			log_debug("%s, ignoring", err.msg);
	}
	buf_clear(&old);
	buf_clear(&stamp);
}

int cache_open(source_list &list, struct cache &ret, struct err *err)
{
	OpProgress quiet;
	MMap *map = nullptr;

	ret = {};
	drop_stale();
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
