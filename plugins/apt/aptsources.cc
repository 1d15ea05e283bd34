/* aptsources.cc - the container's repositories, and what is known of each. */
#include <apt-pkg/gpgv.h>
#include <apt-pkg/tagfile.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include "aptpkg-internal.hh"
extern "C" {
#include "sources.h"
}

/* ------------------------------------------------------------ the sanitised copy */

static int copy_file(const std::string &from, const std::string &to, bool deb822, struct wire_list *alarms,
		     struct err *err)
{
	struct buf in = {}, out = {}, old = {};
	struct err none = {};
	int r = read_file(from.c_str(), SOURCES_FILE_MAX, &in, err);

	session.originals[to] = from;
	if (r < 0) {
		err->code = CODE_SOURCES_BROKEN;
	} else if (!session.settings->require_signed) {
		buf_append(&out, in.s, in.n);
	} else if (deb822) {
		sources_copy_deb822(from.c_str(), buf_str(&in), in.n, &out, alarms);
	} else {
		sources_copy_list(from.c_str(), buf_str(&in), in.n, &out, alarms);
	}
	/* the same bytes stay the same file: a warm run writes nothing */
	if (r == 0 && (read_file(to.c_str(), SOURCES_FILE_MAX * 2, &old, &none) < 0 || old.n != out.n ||
		       memcmp(buf_str(&old), buf_str(&out), out.n) != 0))
		r = replace_file(to.c_str(), 0644, buf_str(&out), out.n, err);
	buf_clear(&in);
	buf_clear(&out);
	buf_clear(&old);
	return r;
}

int sources_sanitise(struct wire_list *alarms, struct err *err)
{
	std::string main = _config->FindFile("Dir::Etc::sourcelist"), parts = _config->FindDir("Dir::Etc::sourceparts");
	std::string dir = session.dir + "/sources", copy = dir + "/sources.list", copies = dir + "/sources.list.d";
	std::set<std::string> kept;

	if (make_dirs(copies.c_str(), 0755, err) < 0)
		return -1;
	if (!RealFileExists(main))
		(void)unlink(copy.c_str());
	else if (copy_file(main, copy, false, alarms, err) < 0)
		return -1;
	if (DirectoryExists(parts)) {
		std::vector<std::string> exts = { "list", "sources" };

		for (const std::string &file : GetListOfFilesInDir(parts, exts, true)) {
			std::string to = copies + "/" + flNotDir(file);

			if (copy_file(file, to, flExtension(file) == "sources", alarms, err) < 0)
				return -1;
			kept.insert(to);
		}
	}
	for (const std::string &file : GetListOfFilesInDir(copies, false))
		if (!kept.count(file))
			(void)unlink(file.c_str());
	_config->Set("Dir::Etc::sourcelist", copy);
	_config->Set("Dir::Etc::sourceparts", copies + "/");
	return 0;
}

/* ------------------------------------------------------------ repositories */

void source_list::keep_if(const std::function<bool(const metaIndex &)> &keep)
{
	auto gone = std::stable_partition(SrcList.begin(), SrcList.end(), [&](metaIndex *m) { return keep(*m); });

	std::for_each(gone, SrcList.end(), [](metaIndex *m) { delete m; });
	SrcList.erase(gone, SrcList.end());
}

static std::string encode(const std::string &part)
{
	return QuoteString(part, _config->Find("Acquire::URIEncode", "+~ ").c_str());
}

std::string repo_base(const metaIndex &meta)
{
	std::string uri = meta.GetURI(), dist = meta.GetDist();

	if (dist == "/")
		return uri;
	return uri + (APT::String::Endswith(dist, "/") ? encode(dist) : "dists/" + encode(dist) + "/");
}

repository *repo_of(std::vector<repository> &repos, const metaIndex &meta)
{
	std::string base = repo_base(meta);

	for (repository &repo : repos)
		if (repo.base == base)
			return &repo;
	return nullptr;
}

std::string release_file(const repository &repo)
{
	std::string lists = _config->FindDir("Dir::State::lists");
	std::string inrelease = lists + URItoFileName(repo.base + "InRelease");
	std::string detached = lists + URItoFileName(repo.base + "Release");

	if (RealFileExists(inrelease))
		return inrelease;
	/* a Release alone is what is left of an unsigned archive */
	if (RealFileExists(detached) && (RealFileExists(detached + ".gpg") || !session.settings->require_signed))
		return detached;
	return "";
}

static int64_t tag_time(const pkgTagSection &tags, const char *name)
{
	std::string text = tags.FindS(name);
	time_t t = 0;

	return !text.empty() && RFC1123StrToTime(text, t) && t > 0 ? (int64_t)t : 0;
}

release release_read(const std::string &file)
{
	release ret;
	FileFd fd;
	pkgTagSection tags;

	if (file.empty() || !OpenMaybeClearSignedFile(file, fd))
		return ret;
	pkgTagFile parser(&fd, pkgTagFile::SUPPORT_COMMENTS);
	if (!parser.Step(tags))
		return ret;
	ret.present = true;
	ret.origin = tags.FindS("Origin");
	ret.label = tags.FindS("Label");
	ret.suite = tags.FindS("Suite");
	ret.codename = tags.FindS("Codename");
	ret.date = tag_time(tags, "Date");
	ret.valid_until = tag_time(tags, "Valid-Until");
	return ret;
}

enum origin_match repo_matches(const repository &repo, const struct strv *patterns)
{
	struct origin_vars vars = session_vars();
	struct origin_facts facts = {};
	std::string host = URI(repo.uri).Host;

	facts.site = host.c_str();
	if (repo.rel.present) {
		facts.origin = repo.rel.origin.c_str();
		facts.label = repo.rel.label.c_str();
		facts.archive = repo.rel.suite.c_str();
		facts.codename = repo.rel.codename.c_str();
	}
	enum origin_match m = origins_match(patterns, &vars, &facts);
	/* "component=" is a matter of single packages: the suite is fetched for them */
	return m == ORIGIN_MAYBE && repo.rel.present ? ORIGIN_YES : m;
}

static bool keyring_missing(const std::string &option, std::string &name)
{
	bool any = false, found = false;

	if (option.find("-----BEGIN") != std::string::npos)
		return false;
	for (const std::string &key : VectorizeString(option, ',')) {
		if (key.empty() || key[0] != '/')
			return false;
		any = true;
		name = key;
		found |= access(key.c_str(), F_OK) == 0;
	}
	return any && !found;
}

static repository repo_new(const metaIndex &meta)
{
	repository repo;
	std::string keyring;

	repo.uri = meta.GetURI();
	repo.dist = meta.GetDist();
	while (repo.dist.size() > 1 && repo.dist.back() == '/')
		repo.dist.pop_back();
	repo.base = repo_base(meta);
	repo.signed_by_option = meta.GetSignedBy();
	std::vector<IndexTarget> targets = meta.GetIndexTargets();
	repo.has_packages = !targets.empty();
	if (repo.has_packages)
		repo.source = original_names(targets[0].Option(IndexTarget::SOURCESENTRY));
	repo.insecure = meta.GetTrusted() == metaIndex::TRI_YES;
	repo.file = release_file(repo);
	repo.rel = release_read(repo.file);
	if (keyring_missing(repo.signed_by_option, keyring)) {
		repo.error = CODE_MISSING_KEYRING;
		repo.detail = "the keyring '" + keyring + "', named at " + repo.source +
			      ", does not exist: install the package that brings it, or correct Signed-By";
	}
	return repo;
}

int sources_load(std::unique_ptr<source_list> &list, std::vector<repository> &repos, struct err *err)
{
	list = std::make_unique<source_list>();
	repos.clear();
	if (!list->ReadMainList())
		return apt_error(CODE_SOURCES_BROKEN, err, "the container's repository list is broken, correct it");
	for (const metaIndex *meta : *list) {
		repository repo = repo_new(*meta);

		if (repo.has_packages)
			repos.push_back(std::move(repo));
	}
	return 0;
}

/* ------------------------------------------------------------ the trust record */

static char *time_text(int64_t t)
{
	char text[TIME_TEXT_MAX];

	if (!t)
		return nullptr;
	time_format(t, text);
	return xstrdup(text);
}

static const char *trust_word(const repository &repo)
{
	if (repo.error == CODE_EXPIRED)
		return "expired";
	if (repo.error == CODE_UNTRUSTED || repo.error == CODE_MISSING_KEYRING)
		return "untrusted";
	if (!repo.rel.present)
		return "";
	return APT::String::Endswith(repo.file, "InRelease") || RealFileExists(repo.file + ".gpg") ? "signed" : "unsigned";
}

void repo_message(const repository &repo, struct msg_repository *ret)
{
	static const char *const states[] = { "not_fetched", "new", "unchanged", "failed" };
	URI uri(repo.uri);

	uri.User.clear();
	uri.Password.clear();
	ret->uri = xstrdup(std::string(uri).c_str());
	ret->suite = xstrdup(repo.dist.c_str());
	ret->security = repo.security;
	ret->transport = xstrdup(uri.Access.c_str());
	ret->state = xstrdup(states[(int)repo.state]);
	ret->trust = xstrdup(trust_word(repo));
	ret->signed_by = xstrdup(repo.fingerprint.c_str());
	if (repo.rel.present) {
		ret->codename = xstrdup(repo.rel.codename.c_str());
		ret->origin = xstrdup(repo.rel.origin.c_str());
		ret->label = xstrdup(repo.rel.label.c_str());
		ret->date = time_text(repo.rel.date);
		ret->valid_until = time_text(repo.rel.valid_until);
		ret->age = std::max<int64_t>(0, repo.rel.date ? clock_wall() - repo.rel.date : 0);
	}
	if (repo.error != CODE_OK) {
		ret->error.code = repo.error;
		ret->error.detail = xstrdup(repo.detail.c_str());
	}
}

/* One line each: date, mtime, size, fingerprint or "-", key. */
std::string seen_key(const repository &repo)
{
	return repo.base;
}

void forget_unverified(const std::map<std::string, seen> &all)
{
	for (repository &repo : session.repos) {
		auto it = all.find(seen_key(repo));

		repo.known = it != all.end() && it->second.date;
		if (!repo.known)
			repo.rel = {};
	}
}

std::map<std::string, seen> seen_read()
{
	std::map<std::string, seen> ret;
	struct buf text = {};
	struct err err = {};

	if (read_file((session.dir + "/dates").c_str(), 1024 * 1024, &text, &err) == 0)
		for (const std::string &line : VectorizeString(buf_str(&text), '\n')) {
			long long date, mtime, size;
			char fpr[128];
			int key = 0;

			if (sscanf(line.c_str(), "%lld %lld %lld %127s %n", &date, &mtime, &size, fpr, &key) == 4 && key)
				ret[line.substr((size_t)key)] = { date, mtime, size, streq(fpr, "-") ? "" : fpr };
		}
	buf_clear(&text);
	return ret;
}

int seen_write(const std::map<std::string, seen> &all, struct err *err)
{
	struct buf text = {};

	for (const auto &[key, s] : all)
		buf_printf(&text, "%lld %lld %lld %s %s\n", (long long)s.date, (long long)s.mtime, (long long)s.size,
			   s.fingerprint.empty() ? "-" : s.fingerprint.c_str(), key.c_str());
	int r = replace_file((session.dir + "/dates").c_str(), 0644, buf_str(&text), text.n, err);
	buf_clear(&text);
	return r;
}
