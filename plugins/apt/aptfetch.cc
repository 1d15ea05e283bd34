/* aptfetch.cc - download and verify the planned packages. */
#include <apt-pkg/hashes.h>
#include <dirent.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <algorithm>
#include "aptpkg-internal.hh"

/* Room that stays free: dpkg's database and logs grow too. */
#define SPARE_BYTES (16LL * 1024 * 1024)

/* ------------------------------------------------------------ disk space */

struct volume {
	dev_t device;
	int64_t free;
};

static volume volume_of(const char *path)
{
	struct statvfs vfs;
	struct stat st;

	if (statvfs(path, &vfs) < 0 || stat(path, &st) < 0)
		return { 0, INT64_MAX };
	return { st.st_dev, (int64_t)vfs.f_bavail * (int64_t)vfs.f_frsize };
}

static int too_small(struct err *err, const char *path, int64_t need, int64_t have)
{
	return err_set(err, CODE_NO_SPACE, 0, "'%s' needs %lld MB free for this update and has %lld MB: free some space there",
		       path, (long long)(need >> 20) + 1, (long long)(have >> 20));
}

/* dpkg unpacks a package beside its old files, so the largest one counts whole. */
static int check_space(int64_t download, struct err *err)
{
	int64_t growth = 0, largest = 0;
	std::string dir = _config->FindDir("Dir::Cache::Archives");

	for (const struct planned &p : session.plan) {
		auto current = p.pkg.CurrentVer();

		growth += (int64_t)p.ver->InstalledSize - (current.end() ? 0 : (int64_t)current->InstalledSize);
		largest = std::max(largest, (int64_t)p.ver->InstalledSize);
	}
	int64_t unpacked = std::max<int64_t>(0, growth) + largest + SPARE_BYTES;
	volume archives = volume_of(dir.c_str()), usr = volume_of("/usr");
	if (archives.device == usr.device)
		return usr.free < unpacked + download ? too_small(err, "/usr", unpacked + download, usr.free) : 0;
	if (archives.free < download + SPARE_BYTES)
		return too_small(err, dir.c_str(), download + SPARE_BYTES, archives.free);
	return usr.free < unpacked ? too_small(err, "/usr", unpacked, usr.free) : 0;
}

/* ------------------------------------------------------------ the archives folder */

static HashStringList expected_hashes(const struct planned &p)
{
	for (auto vf = p.ver.FileList(); !vf.end(); ++vf) {
		if (vf.File().Flagged(pkgCache::Flag::NotSource))
			continue;
		HashStringList hashes = session.cache.records->Lookup(vf).Hashes();
		if (hashes.usable())
			return hashes;
	}
	return {};
}

static std::string archive_name(const struct planned &p)
{
	return QuoteString(p.pkg.Name(), "_:") + "_" + QuoteString(p.ver.VerStr(), "_:") + "_" +
	       QuoteString(p.ver.Arch(), "_:.") + ".deb";
}

/* For a host that entered this container: where the package will be, by its hash. */
void archive_event(const struct planned &p)
{
	struct msg_archive a = {};
	pkgIndexFile *index = nullptr;

	for (auto vf = p.ver.FileList(); !vf.end(); ++vf) {
		const HashStringList hashes = session.cache.records->Lookup(vf).Hashes();
		const HashString *sum = hashes.find("SHA256");

		if (vf.File().Flagged(pkgCache::Flag::NotSource) || !sum)
			continue;
		if (!session.list->FindIndex(vf.File(), index) || !is_public(index->ArchiveURI("")))
			return;
		std::string file = "apt/archives/" + archive_name(p), hash = sum->HashValue();
		a.file = file.data();
		a.sha256 = hash.data();
		a.size = (int64_t)p.ver->Size;
		plugin_event("archive", &msg_archive, &a);
		return;
	}
}

/* libapt takes a file of the right size for the right file. One that a crash
 * has left may have any content, so each is read before it is believed, and
 * what no plan asks for any more goes. */
static void clean_archives(const std::string &dir)
{
	std::map<std::string, const struct planned *> wanted;

	for (const struct planned &p : session.plan)
		wanted[archive_name(p)] = &p;
	for (const std::string &file : GetListOfFilesInDir(dir, "deb", false)) {
		auto it = wanted.find(flNotDir(file));

		if (it == wanted.end() || !expected_hashes(*it->second).VerifyFile(file))
			(void)unlink(file.c_str());
	}
}

static void clean_partial(const std::string &dir)
{
	DIR *d = opendir(dir.c_str());

	while (struct dirent *e = d ? readdir(d) : nullptr)
		if (e->d_name[0] != '.')
			(void)unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
}

/* ------------------------------------------------------------ fetch */

static void add_failure(struct msg_fetch *ret, const struct planned &p, enum code code, const std::string &uri,
			const std::string &detail)
{
	auto f = (struct msg_failure *)wire_list_add(&msg_failure, &ret->failed);

	f->package = xstrdup(p.pkg.Name());
	f->arch = xstrdup(p.ver.Arch());
	f->version = xstrdup(p.ver.VerStr());
	f->code = code;
	f->uri = uri.empty() ? nullptr : xstrdup(uri.c_str());
	f->detail = xstrdup(detail.c_str());
}

/* A repository on a disk is read where it is: what dpkg gets is a copy of ours,
 * which nobody changes after its hash is checked. */
static bool take_copy(const std::string &dir, struct planned &p)
{
	std::string copy = dir + archive_name(p);
	FileFd from, to;

	if (p.file.compare(0, dir.size(), dir) == 0)
		return true;
	if (!from.Open(p.file, FileFd::ReadOnly, FileFd::None) ||
	    !to.Open(copy, FileFd::WriteOnly | FileFd::Create | FileFd::Empty, FileFd::None, 0644) ||
	    !CopyFile(from, to) || !to.Close())
		return false;
	p.file = copy;
	return true;
}

/* A transfer's outcome; -1 when the network as a whole is to blame. */
static int judge(const pkgAcquire::Item &item, struct planned &p, const acquire_status &status, const std::string &dir,
		 struct msg_fetch *ret)
{
	std::string text = one_line(item.ErrorText);

	p.uri = item.DescURI();
	if (item.Status == pkgAcquire::Item::StatDone && item.Complete && RealFileExists(p.file)) {
		/* libapt believes the hashes that a transport reports, even one of the container's */
		if (take_copy(dir, p) && expected_hashes(p).VerifyFile(p.file))
			return 0;
		(void)apt_messages();
		if (p.file.compare(0, dir.size(), dir) == 0)
			(void)unlink(p.file.c_str());
		p.file.clear();
		add_failure(ret, p, CODE_HASH_MISMATCH, p.uri, "its content is not what the signed index names");
		return 0;
	}
	p.file.clear();
	enum code code = classify(item.ErrorText, CODE_DOWNLOAD_FAILED);
	bool network = code == CODE_NO_EGRESS;
	if (text.empty())
		text = status.cancelled().empty() ? "not fetched" : status.cancelled();
	add_failure(ret, p, code == CODE_HASH_MISMATCH ? code : CODE_DOWNLOAD_FAILED, p.uri, text);
	return network ? -1 : 0;
}

static void check_identities(struct msg_fetch *ret)
{
	std::vector<const struct planned *> fetched;

	for (const struct planned &p : session.plan)
		if (!p.file.empty())
			fetched.push_back(&p);
	std::vector<std::string> found = deb_differences(fetched);
	for (size_t i = 0; i < fetched.size(); i++)
		if (!found[i].empty()) {
			struct planned &p = session.plan[(size_t)(fetched[i] - session.plan.data())];

			p.file.clear();
			add_failure(ret, p, CODE_HASH_MISMATCH, p.uri, "it is not the package that was planned: " + found[i]);
		}
}

static int fetch(struct msg_fetch *ret, struct err *err)
{
	std::string dir = _config->FindDir("Dir::Cache::Archives");
	acquire_status status("fetch", session.settings->timeout, session.settings->max_bytes);
	pkgAcquire fetcher(&status);
	std::vector<std::pair<size_t, pkgAcquire::Item *>> items;
	size_t unreachable = 0;

	clean_archives(dir);
	if (!fetcher.GetLock(dir))
		return apt_error(CODE_IO, err, "the folder for packages cannot be used");
	for (size_t i = 0; i < session.plan.size(); i++) {
		struct planned &p = session.plan[i];
		auto item = new pkgAcqArchive(&fetcher, session.list.get(), session.cache.records.get(), p.ver, p.file);

		items.emplace_back(i, item);
	}
	int64_t need = (int64_t)fetcher.FetchNeeded() - (int64_t)fetcher.PartialPresent();
	if (need > session.settings->max_bytes)
		return err_set(err, CODE_IO, 0, "%lld bytes to fetch, network.max_bytes allows %lld: raise it",
			       (long long)need, (long long)session.settings->max_bytes);
	if (check_space(need, err) < 0)
		return -1;
	(void)fetcher.Run(100000);
	std::vector<std::string> messages = apt_messages();
	for (const auto &[i, item] : items)
		unreachable += judge(*item, session.plan[i], status, dir, ret) < 0;
	check_identities(ret);
	ret->bytes = status.bytes();
	clean_partial(dir + "partial");
	if (unreachable && unreachable == items.size()) {
		auto f = (const struct msg_failure *)wire_list_at(&msg_failure, &ret->failed, 0);

		(void)err_set(err, CODE_NO_EGRESS, 0, "no package could be fetched: %s: %s; give the container a network, or a proxy with network.proxy",
			      strna(f->uri), f->detail);
		err->retryable = true;
		return -1;
	}
	if (plugin_stop_requested())
		return err_set(err, CODE_STOPPED, 0, "stopped while fetching packages");
	return 0;
}

int aptpkg_fetch(const struct msg_digest *in, struct msg_fetch *ret, struct err *err)
{
	return guarded(err, [&] {
		if (digest_check(in, err) < 0)
			return -1;
		return session.plan.empty() ? 0 : fetch(ret, err);
	});
}
