/* aptidentity.cc - is a .deb the package that the index says it is?
 *
 * A plan is made from the index, and dpkg goes by the .deb: one that calls
 * itself something else, or conflicts with something else, would install, put
 * back or remove what nobody has approved. A child reads the control files, so
 * that a package that makes the reader crash or grow is refused, and no more.
 */
#include <apt-pkg/debfile.h>
#include <apt-pkg/tagfile.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include "aptpkg-internal.hh"

#define CHILD_SECONDS 60
#define CHILD_MEMORY (256UL * 1024 * 1024)
#define VERDICT_MAX 400

/* Versions and relations are written in more than one way. */
static std::string squeezed(std::string text)
{
	text.erase(std::remove_if(text.begin(), text.end(), [](unsigned char c) { return isspace(c); }), text.end());
	return text;
}

static const char *const relations[] = { "Conflicts", "Breaks", "Replaces" };

/* What a control file must say; looked up before the child, which must not move
 * the position of a list that both have open. */
struct identity {
	std::string file;
	std::map<std::string, std::string> fields, related;
};

static identity identity_of(const struct planned &p)
{
	identity ret = { p.file, {}, {} };

	ret.fields["Package"] = p.pkg.Name();
	ret.fields["Version"] = p.ver.VerStr();
	ret.fields["Architecture"] = p.ver.Arch();
	for (auto vf = p.ver.FileList(); !vf.end(); ++vf) {
		if (vf.File().Flagged(pkgCache::Flag::NotSource))
			continue;
		pkgRecords::Parser &record = session.cache.records->Lookup(vf);
		for (const char *name : relations)
			ret.related[name] = squeezed(record.RecordField(name));
		break;
	}
	return ret;
}

/* What the control file says other than the index, "" when nothing. */
static std::string difference(const identity &want)
{
	FileFd file(want.file, FileFd::ReadOnly);
	debDebFile deb(file);
	debDebFile::MemControlExtract control("control");
	const pkgTagSection &tags = control.Section;

	if (!file.IsOpen() || _error->PendingError() || !control.Read(deb) || !control.Control)
		return "its control file cannot be read";
	for (const auto &[name, value] : want.fields) {
		std::string got = tags.FindS(name);

		if (got != value)
			return "its " + name + " is '" + got.substr(0, 100) + "', and '" + value + "' in the signed index";
	}
	for (const auto &[name, value] : want.related)
		if (squeezed(tags.FindS(name)) != value)
			return "its " + name + " are other than in the signed index";
	return "";
}

/* Line I of the child is about item I; it ends early when it crashes. */
[[noreturn]] static void study(int fd, const std::vector<identity> &items, size_t first)
{
	struct rlimit cpu = { CHILD_SECONDS, CHILD_SECONDS }, memory = { CHILD_MEMORY, CHILD_MEMORY };

	(void)setrlimit(RLIMIT_CPU, &cpu);
	(void)setrlimit(RLIMIT_DATA, &memory);
	(void)alarm(CHILD_SECONDS);
	for (int i = 3; i < 256; i++)
		if (i != fd)
			(void)close(i);
	try {
		for (size_t i = first; i < items.size(); i++) {
			std::string line = difference(items[i]).substr(0, VERDICT_MAX);

			_error->Discard();
			std::replace(line.begin(), line.end(), '\n', ' ');
			line += '\n';
			if (write_all(fd, line.data(), line.size()) < 0)
				_exit(1);
		}
	} catch (...) {
		_exit(1);
	}
	_exit(0);
}

/* The lines of one child, as many as it wrote in whole. */
static std::vector<std::string> verdicts(const std::vector<identity> &items, size_t first)
{
	int fd = memfd_create("identity", MFD_CLOEXEC);
	pid_t pid = fd < 0 ? -1 : fork();
	std::vector<std::string> ret;
	std::string text;
	char chunk[65536];
	ssize_t n;

	if (pid == 0)
		study(fd, items, first);
	while (pid > 0 && waitpid(pid, nullptr, 0) < 0 && errno == EINTR)
		;
	if (pid > 0)
		(void)lseek(fd, 0, SEEK_SET);
	while (pid > 0 && text.size() <= (items.size() - first) * (VERDICT_MAX + 1) && (n = read(fd, chunk, sizeof(chunk))) > 0)
		text.append(chunk, (size_t)n);
	if (fd >= 0)
		close(fd);
	for (size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
		ret.push_back(text.substr(at, end - at));
	return ret;
}

std::vector<std::string> deb_differences(const std::vector<const struct planned *> &plan)
{
	std::vector<identity> items;
	std::vector<std::string> ret;

	for (const struct planned *p : plan)
		items.push_back(identity_of(*p));
	while (ret.size() < items.size()) {
		for (const std::string &line : verdicts(items, ret.size()))
			if (ret.size() < items.size())
				ret.push_back(line);
		if (ret.size() < items.size())
			ret.push_back("reading its control file took too much time or memory");
	}
	return ret;
}
