/* aptmounts.cc - files of packages that are mount points in this container. */
#include <sys/stat.h>
#include <algorithm>
#include "aptplan.hh"

#define MOUNTINFO_MAX (4 * 1024 * 1024)
#define LIST_MAX      (64 * 1024 * 1024)

/* \040 and its like, as mountinfo writes blanks. */
static std::string unescape(const std::string &s)
{
	std::string ret;

	for (size_t i = 0; i < s.size(); i++)
		if (s[i] == '\\' && i + 3 < s.size()) {
			ret += (char)strtol(s.substr(i + 1, 3).c_str(), nullptr, 8);
			i += 3;
		} else {
			ret += s[i];
		}
	return ret;
}

/* Mount points that are files; with both names on a merged /usr. */
static const std::vector<std::string> &mounted_files()
{
	static std::vector<std::string> ret;
	static bool done;
	struct buf text = {};
	struct err err = {};

	if (done)
		return ret;
	done = true;
	if (read_file("/proc/self/mountinfo", MOUNTINFO_MAX, &text, &err) < 0)
		return ret;
	for (const std::string &line : VectorizeString(buf_str(&text), '\n')) {
		std::vector<std::string> f = VectorizeString(line, ' ');
		struct stat st;

		if (f.size() < 5 || starts_with(f[4].c_str(), "/proc/") || starts_with(f[4].c_str(), "/sys/") ||
		    starts_with(f[4].c_str(), "/dev/"))
			continue;
		std::string path = unescape(f[4]);
		if (lstat(path.c_str(), &st) < 0 || S_ISDIR(st.st_mode))
			continue;
		ret.push_back(path);
		if (starts_with(path.c_str(), "/usr/"))
			ret.push_back(path.substr(strlen("/usr")));
		else
			ret.push_back("/usr" + path);
	}
	buf_clear(&text);
	return ret;
}

static bool has_line(const char *text, const std::string &line)
{
	for (const char *p = text; (p = strstr(p, line.c_str())); p++)
		if ((p == text || p[-1] == '\n') && p[line.size()] == '\n')
			return true;
	return false;
}

/* "Conffiles:" of the installed package: a conffile is replaced through a file
 * beside it and only when nobody changed it, so a mount over it is kept. */
static bool is_conffile(struct cache &cache, const pkgCache::PkgIterator &pkg, const std::string &path)
{
	for (auto vf = pkg.CurrentVer().FileList(); !vf.end(); ++vf)
		if (vf.File().Flagged(pkgCache::Flag::NotSource) &&
		    cache.records->Lookup(vf).RecordField("Conffiles").find(" " + path + " ") != std::string::npos)
			return true;
	return false;
}

std::string bind_mounted_file(struct cache &cache, const pkgCache::PkgIterator &pkg)
{
	std::string info = "/var/lib/dpkg/info/" + std::string(pkg.Name()), found;
	struct buf list = {};
	struct err err = {};

	if (mounted_files().empty())
		return "";
	if (read_file((info + ":" + pkg.CurrentVer().Arch() + ".list").c_str(), LIST_MAX, &list, &err) < 0)
		(void)read_file((info + ".list").c_str(), LIST_MAX, &list, &err);
	for (const std::string &path : mounted_files())
		if (has_line(buf_str(&list), path) && !is_conffile(cache, pkg, path)) {
			found = path;
			break;
		}
	buf_clear(&list);
	return found;
}
