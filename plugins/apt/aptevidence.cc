/* aptevidence.cc - which CVEs the updates fix, read out of their .debs.
 *
 * Decompressing tens of megabytes takes about as long as a dpkg run, so a child
 * does it meanwhile: it shares nothing with the run, and a package that makes it
 * crash or grow costs the evidence alone. What it found waits in a memory file.
 */
#include <apt-pkg/debfile.h>
#include <apt-pkg/dirstream.h>
#include <apt-pkg/version.h>
#include <apt-pkg/pkgsystem.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include "aptpkg-internal.hh"
extern "C" {
#include "changelog.h"
}

#define CHILD_SECONDS  300
#define CHILD_MEMORY   (512UL * 1024 * 1024)
#define RESULT_MAX     (16UL * 1024 * 1024)

static struct {
	pid_t pid = -1;
	int fd = -1;
} child;

/* ------------------------------------------------------------ one .deb */

/* Finds usr/share/doc/PACKAGE/changelog{.Debian,}{.gz,} in a package's files. */
class changelog_stream : public pkgDirStream {
public:
	explicit changelog_stream(const char *package) : dir(std::string("usr/share/doc/") + package + "/") {}
	bool DoItem(Item &item, int &fd) override;
	bool Process(Item &item, const unsigned char *data, unsigned long long size, unsigned long long pos) override;

	/* by rank: changelog.Debian before changelog, which upstream's may be */
	std::map<int, std::string> found;

private:
	std::string dir;
	int current = -1;
};

static const char *const names[] = { "changelog.Debian.gz", "changelog.Debian", "changelog.gz", "changelog" };

bool changelog_stream::DoItem(Item &item, int &fd)
{
	const char *name = item.Name;

	fd = -1;
	current = -1;
	if (starts_with(name, "./"))
		name += 2;
	if (item.Type != Item::File || !starts_with(name, dir.c_str()) || item.Size > CHANGELOG_MAX)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(name + dir.size(), names[i])) {
			current = (int)i;
			fd = -2;	/* into memory, by Process() */
		}
	return true;
}

bool changelog_stream::Process(Item &, const unsigned char *data, unsigned long long size, unsigned long long)
{
	if (current >= 0)
		found[current].append((const char *)data, size);
	return true;
}

/* Decompressed text of at most CHANGELOG_MAX bytes. */
static std::string gunzip(const std::string &data)
{
	std::string text(CHANGELOG_MAX, '\0');
	unsigned long long n = 0;
	int fd = memfd_create("changelog", MFD_CLOEXEC);
	FileFd file;

	if (fd < 0 || write_all(fd, data.data(), data.size()) < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
	    !file.OpenDescriptor(fd, FileFd::ReadOnly, FileFd::Gzip, true) ||
	    !file.Read(&text[0], text.size(), &n))
		n = 0;
	text.resize(n);
	return text;
}

static std::string read_changelog(const struct deb *d)
{
	FileFd file(d->path, FileFd::ReadOnly);
	changelog_stream stream(d->package);

	if (!file.IsOpen())
		return "";
	debDebFile deb(file);
	if (!_error->PendingError())
		(void)deb.ExtractArchive(stream);
	_error->Discard();
	for (const auto &[rank, data] : stream.found)
		return APT::String::Endswith(names[rank], ".gz") ? gunzip(data) : data;
	return "";
}

/* ------------------------------------------------------------ the child */

/* An update and the versions of its source before and after. */
struct subject {
	const struct deb *deb;
	std::string from, to;
};

static int compare_versions(const char *a, const char *b)
{
	return _system->VS->CmpVersion(a, b);
}

static void write_evidence(int fd, const subject &s, const struct strv *cves, const struct strv *advisories)
{
	struct msg_evidence e = {};
	struct buf line = {};

	e.package = s.deb->package;
	e.arch = s.deb->arch;
	e.cves = *cves;
	e.advisories = *advisories;
	struct json_object *obj = wire_encode(&msg_evidence, &e);
	wire_put(&line, obj);
	json_object_put(obj);
	(void)write_all(fd, line.s, line.n);
	buf_clear(&line);
}

/* All updates of one source; the smallest package that has the changelog is
 * enough, and most link their doc folder to a sibling's anyway. */
static void study_source(int fd, std::vector<subject> &subjects)
{
	std::vector<const struct deb *> debs;
	std::string text;
	struct strv cves = {}, advisories = {};

	for (const subject &s : subjects)
		debs.push_back(s.deb);
	std::sort(debs.begin(), debs.end(), [](auto a, auto b) { return a->size < b->size; });
	for (const struct deb *d : debs) {
		text = read_changelog(d);
		if (changelog_ids(text.data(), text.size(), subjects[0].from.c_str(), subjects[0].to.c_str(),
				  compare_versions, &cves, &advisories) > 0)
			break;
	}
	for (const subject &s : subjects) {
		strv_clear(&cves);
		strv_clear(&advisories);
		if (changelog_ids(text.data(), text.size(), s.from.c_str(), s.to.c_str(), compare_versions, &cves,
				  &advisories) > 0)
			write_evidence(fd, s, &cves, &advisories);
	}
	strv_clear(&cves);
	strv_clear(&advisories);
}

[[noreturn]] static void study(int fd, std::map<std::string, std::vector<subject>> &sources)
{
	struct rlimit cpu = { CHILD_SECONDS, CHILD_SECONDS }, memory = { CHILD_MEMORY, CHILD_MEMORY };

	(void)setrlimit(RLIMIT_CPU, &cpu);
	(void)setrlimit(RLIMIT_DATA, &memory);
	(void)alarm(CHILD_SECONDS);
	(void)!nice(5);
	/* neither the agent's socket nor the locks are this child's to keep open */
	for (int i = 3; i < 256; i++)
		if (i != fd)
			(void)close(i);
	try {
		for (auto &[name, subjects] : sources)
			study_source(fd, subjects);
	} catch (...) {
		_exit(1);
	}
	_exit(0);
}

void aptpkg_evidence_start(const struct dpkg_sets *sets)
{
	struct err err = {};

	(void)guarded(&err, [&] {
		std::map<std::string, std::vector<subject>> sources;

		for (size_t i = 0; i < sets->n_debs && i < session.plan.size(); i++) {
			const struct planned &p = session.plan[i];
			auto current = p.pkg.CurrentVer();

			/* a new package fixes nothing that was here */
			if (!current.end())
				sources[p.ver.SourcePkgName()].push_back({ &sets->debs[i], current.SourceVerStr(),
									   p.ver.SourceVerStr() });
		}
		if (sources.empty())
			return 0;
		child.fd = memfd_create("evidence", MFD_CLOEXEC);
		child.pid = child.fd < 0 ? -1 : fork();
		if (child.pid == 0)
			study(child.fd, sources);
		if (child.pid < 0)
			plugin_log(LOG_WARNING, "no child to read changelogs in: %s, ignoring", strerror(errno));
		return 0;
	});
}

/* Lines of the child are as untrusted as what it read: decoded by the table. */
void aptpkg_evidence_send(void)
{
	struct buf text = {};
	struct json_object *line = nullptr;
	struct err err = {};
	char chunk[65536];
	ssize_t n;
	int status = 0;

	if (child.pid > 0) {
		while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR)
			;
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			plugin_log(LOG_WARNING, "reading changelogs ended early, CVE ids may be missing, ignoring");
		(void)lseek(child.fd, 0, SEEK_SET);
		while (text.n < RESULT_MAX && (n = read(child.fd, chunk, sizeof(chunk))) > 0)
			buf_append(&text, chunk, (size_t)n);
		while (wire_next(&text, &line, &err) > 0) {
			struct msg_evidence e = {};

			if (wire_decode(&msg_evidence, line, &e, &err) == 0)
				plugin_event("evidence", &msg_evidence, &e);
			wire_clear(&msg_evidence, &e);
			json_object_put(line);
		}
	}
	if (child.fd >= 0)
		close(child.fd);
	child.pid = child.fd = -1;
	buf_clear(&text);
}
