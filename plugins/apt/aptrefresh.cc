/* aptrefresh.cc - fetch and verify the metadata of the suites in scope. */
#include <apt-pkg/gpgv.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include "aptpkg-internal.hh"

#define METAKEY "Acquire::IndexTargets::deb::Packages::MetaKey"
#define FLAT_METAKEY "Acquire::IndexTargets::deb::Packages::flatMetaKey"

/* ------------------------------------------------------------ who signed */

struct signer {
	pid_t pid;
	int fd;
	std::string text;
};

/* libapt has verified the file and keeps the key's name to itself, so it is
 * asked once more, for the record; the answer is kept until the file changes. */
static signer signer_start(const repository &repo)
{
	signer s = { -1, -1, "" };
	int fds[2];
	std::string keys;

	for (const std::string &key : VectorizeString(repo.signed_by_option, ','))
		if (!key.empty() && key[0] == '/')
			keys += (keys.empty() ? "" : ",") + key;
	if (repo.signed_by_option.find("-----BEGIN") != std::string::npos)
		keys = repo.signed_by_option;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return s;
	s.pid = fork();
	if (s.pid == 0) {
		std::string sig = APT::String::Endswith(repo.file, "InRelease") ? repo.file : repo.file + ".gpg";

		setenv("APT_KEY_NO_LEGACY_KEYRING", "1", 1);
		(void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
		ExecGPGV(repo.file, sig, 3, fds, keys);
	}
	close(fds[1]);
	s.fd = fds[0];
	return s;
}

static std::string signer_end(signer &s)
{
	static const char VALID[] = "[GNUPG:] VALIDSIG ";
	char chunk[4096];
	ssize_t n;

	while (s.text.size() < 65536 && ((n = read(s.fd, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR)))
		if (n > 0)
			s.text.append(chunk, (size_t)n);
	close(s.fd);
	while (s.pid > 0 && waitpid(s.pid, nullptr, 0) < 0 && errno == EINTR)
		;
	for (const std::string &line : VectorizeString(s.text, '\n')) {
		if (!starts_with(line.c_str(), VALID))
			continue;
		std::string fpr = line.substr(sizeof(VALID) - 1);
		return fpr.substr(0, fpr.find(' '));
	}
	return "";
}

static void record_signers(std::map<std::string, seen> &all)
{
	std::vector<std::pair<repository *, signer>> running;

	for (repository &repo : session.repos) {
		struct stat st;

		if (!repo.rel.present || stat(repo.file.c_str(), &st) < 0)
			continue;
		seen &s = all[seen_key(repo)];
		if (!s.fingerprint.empty() && s.mtime == (int64_t)st.st_mtime && s.size == (int64_t)st.st_size) {
			repo.fingerprint = s.fingerprint;
			continue;
		}
		if (!repo.in_scope || !repo.usable())
			continue;
		s.mtime = (int64_t)st.st_mtime;
		s.size = (int64_t)st.st_size;
		running.emplace_back(&repo, signer_start(repo));
	}
	for (auto &[repo, s] : running)
		if (s.fd >= 0)
			all[seen_key(*repo)].fingerprint = repo->fingerprint = signer_end(s);
}

/* ------------------------------------------------------------ one round of transfers */

static void fail(repository &repo, enum code code, const std::string &detail)
{
	if (repo.error != CODE_OK)
		return;
	repo.error = code;
	repo.state = repo_state::failed;
	repo.retryable = code == CODE_NO_EGRESS || code == CODE_REFRESH_FAILED || code == CODE_HASH_MISMATCH ||
			 code == CODE_EXPIRED;
	repo.detail = detail;
}

static const char *remedy(enum code code)
{
	switch (code) {
	case CODE_MISSING_KEYRING:
		return "install the archive's keyring package in the container (debian-archive-keyring, ubuntu-keyring), or name its key with Signed-By";
	case CODE_EXPIRED:
		return "the mirror is frozen or the clock is wrong: use another mirror, or set trust.accept_expired=yes for a mirror frozen on purpose";
	case CODE_UNTRUSTED:
		return "do not use this archive until you know why";
	case CODE_NO_EGRESS:
		return "give the container a network, or a proxy with network.proxy";
	case CODE_NO_SPACE:
		return "free some space below the state folder";
	default:
		return "check the address, and try again later";
	}
}

/* What the items of REPO ended with, and what libapt said aside. */
static void judge(pkgAcquire &fetcher, repository &repo, const std::vector<std::string> &messages)
{
	std::string name = URI::ArchiveOnly(repo.uri) + " " + repo.dist, text;
	bool failed = false;

	for (auto i = fetcher.ItemsBegin(); i != fetcher.ItemsEnd(); ++i) {
		if (!starts_with((*i)->DescURI().c_str(), repo.base.c_str()))
			continue;
		if ((*i)->Status == pkgAcquire::Item::StatDone)
			continue;
		failed = true;
		if (text.empty() && !(*i)->ErrorText.empty())
			text = original_names((*i)->DescURI() + ": " + one_line((*i)->ErrorText));
	}
	/* a verdict on the signature outranks what became of the transfer */
	for (const std::string &m : messages) {
		if (m.find(name) == std::string::npos && m.find(repo.base) == std::string::npos)
			continue;
		enum code code = classify(m, CODE_OK);
		if (code == CODE_OK)
			continue;
		failed = true;
		fail(repo, code, one_line(m) + "; " + remedy(code));
	}
	if (failed && repo.error == CODE_OK) {
		enum code code = classify(text, CODE_REFRESH_FAILED);

		if (text.empty())
			text = repo.base + ": not fetched";
		fail(repo, code, text + "; " + remedy(code));
	}
}

/* Under an unchanged Release libapt takes an index that exists for the right
 * one. A crash, a full disk or another hand may have left anything there, so
 * each is read before it is believed; what is not of the Release, or cannot be
 * told, goes and is fetched again. The Release at hand may be as forged as the
 * index (a host gives a first copy of both), and libapt keeps an index when what
 * the verified Release says of it and what the one before said have as little as
 * the size in common. So those that were RIGHT are looked at AGAIN under a Release
 * that has changed. */
static bool check_indexes(const metaIndex &meta, const repository &repo, std::set<ino_t> &right, bool again)
{
	std::unique_ptr<metaIndex> known(meta.UnloadedClone());
	std::string error;
	bool loaded = !repo.file.empty() && known->Load(repo.file, &error), dropped = false;

	for (const IndexTarget &target : meta.GetIndexTargets()) {
		const metaIndex::checkSum *sum = loaded ? known->Lookup(target.MetaKey) : nullptr;
		bool hash = sum && sum->Hashes.usable();
		std::string plain = target.Option(IndexTarget::FILENAME), file;

		while (!(file = target.Option(IndexTarget::EXISTING_FILENAME)).empty()) {
			struct stat st;

			if (stat(file.c_str(), &st) == 0 && again && !right.count(st.st_ino))
				break;
			if (file == plain && hash && stat(file.c_str(), &st) == 0 &&
			    (unsigned long long)st.st_size == sum->Size && sum->Hashes.VerifyFile(file)) {
				right.insert(st.st_ino);
				break;
			}
			log_debug("'%s' is not what its Release says: fetched again", file.c_str());
			if (unlink(file.c_str()) < 0)
				break;
			dropped = true;
		}
	}
	if (dropped)
		cache_drop();
	return dropped;
}

/* Is each index that the Release names there? A run that is ended between the
 * two has a new Release and no failed item: it would look like no update. */
static bool has_indexes(const metaIndex &meta, const repository &repo)
{
	static const char *const endings[] = { "", ".xz", ".gz", ".bz2", ".zst", ".lzma", ".lz4" };
	std::unique_ptr<metaIndex> known(meta.UnloadedClone());
	std::string error;

	if (repo.file.empty() || !known->Load(repo.file, &error))
		return false;
	for (const IndexTarget &target : meta.GetIndexTargets()) {
		const metaIndex::checkSum *plain = known->Lookup(target.MetaKey);
		std::string arch = target.Option(IndexTarget::ARCHITECTURE);

		/* those that libapt leaves out although they are named */
		if (!known->IsArchitectureSupported(arch) ||
		    (arch == "all" && !known->IsArchitectureAllSupportedFor(target)))
			continue;
		bool named = std::any_of(std::begin(endings), std::end(endings), [&](const char *ending) {
			return known->Exists(target.MetaKey + ending);
		});

		/* libapt does not fetch what is empty */
		if (named && !(plain && plain->Size == 0) && target.Option(IndexTarget::EXISTING_FILENAME).empty())
			return false;
	}
	return true;
}

/* Fetch the Release files, and with PACKAGES the indexes, of the repositories
 * that WANT says; not LAST: once more when an index that was there is not right. */
static int round_trip(source_list &list, const std::function<bool(const repository &)> &want, bool packages, bool last,
		      int64_t *bytes, struct err *err)
{
	std::string key = _config->Find(METAKEY), flat = _config->Find(FLAT_METAKEY);
	acquire_status status("refresh", session.settings->timeout, session.settings->max_bytes - *bytes);
	pkgAcquire fetcher(&status);
	std::vector<repository *> mine;
	std::map<const repository *, const metaIndex *> metas;
	std::map<repository *, std::pair<int64_t, ino_t>> before;
	std::set<ino_t> right;
	bool queued = true, dropped = false;

	if (!fetcher.GetLock(_config->FindDir("Dir::State::lists")))
		return apt_error(CODE_IO, err, "the folder for repository lists cannot be used");
	if (!packages) {
		/* without index targets a transaction is the Release file alone */
		_config->Set(METAKEY, "");
		_config->Set(FLAT_METAKEY, "");
	}
	for (metaIndex *meta : list) {
		repository *repo = repo_of(session.repos, *meta);
		struct stat st = {};

		if (!repo || repo->error != CODE_OK || !want(*repo))
			continue;
		if (!repo->file.empty() && stat(repo->file.c_str(), &st) == 0)
			before[repo] = { (int64_t)st.st_mtime, st.st_ino };
		if (packages)
			(void)check_indexes(*meta, *repo, right, false);
		mine.push_back(repo);
		metas[repo] = meta;
		queued &= meta->GetIndexes(&fetcher, false);
	}
	pkgAcquire::RunResult result = mine.empty() || !queued ? pkgAcquire::Failed : fetcher.Run(100000);
	_config->Set(METAKEY, key);
	_config->Set(FLAT_METAKEY, flat);
	if (!queued)
		return apt_error(CODE_REFRESH_FAILED, err, "the indexes cannot be queued");
	*bytes += status.bytes();

	std::vector<std::string> messages = apt_messages();
	for (repository *repo : mine) {
		struct stat st = {};

		if (result == pkgAcquire::Cancelled && !status.cancelled().empty())
			for (auto i = fetcher.ItemsBegin(); i != fetcher.ItemsEnd(); ++i)
				if (starts_with((*i)->DescURI().c_str(), repo->base.c_str()) &&
				    (*i)->Status != pkgAcquire::Item::StatDone)
					fail(*repo, CODE_REFRESH_FAILED, repo->base + ": " + status.cancelled());
		judge(fetcher, *repo, messages);
		for (const auto &[uri, release] : status.offered)
			if (starts_with(uri.c_str(), repo->base.c_str()))
				repo->offered = release;
		repo->file = release_file(*repo);
		repo->rel = release_read(repo->file);
		/* libapt looks at the dates only after the signature: for the record */
		if (repo->error == CODE_EXPIRED && repo->offered.present)
			repo->rel = repo->offered;
		if (repo->error == CODE_OK && packages && !has_indexes(*metas[repo], *repo))
			fail(*repo, CODE_REFRESH_FAILED, repo->base + ": " +
			     (status.cancelled().empty() ? "its indexes were not fetched" : status.cancelled()));
		if (repo->error != CODE_OK)
			continue;
		bool same = before.count(repo) && stat(repo->file.c_str(), &st) == 0 &&
			    before[repo] == std::pair<int64_t, ino_t>{ (int64_t)st.st_mtime, st.st_ino };
		repo->state = same ? repo_state::unchanged : repo_state::fresh;
	}
	for (metaIndex *meta : list) {
		repository *repo = repo_of(session.repos, *meta);

		if (packages && repo && repo->error == CODE_OK && repo->state == repo_state::fresh && want(*repo) &&
		    check_indexes(*meta, *repo, right, true)) {
			if (last)
				fail(*repo, CODE_HASH_MISMATCH, repo->base + ": an index is not what its Release says");
			dropped = true;
		}
	}
	return dropped && !last ? round_trip(list, want, packages, true, bytes, err) : 0;
}

/* ------------------------------------------------------------ judgement of freshness */

static std::string time_words(int64_t t)
{
	char text[TIME_TEXT_MAX];

	time_format(t, text);
	return text;
}

/* An archive that goes back in time is refused, whoever signed it: by libapt
 * when it has the newer file, by the dates that were seen when it has not. */
static void check_rollback(repository &repo, std::map<std::string, seen> &all)
{
	seen &s = all[seen_key(repo)];
	int64_t have = repo.offered.present ? repo.offered.date : repo.rel.date;

	if (repo.error != CODE_OK || !repo.rel.present)
		return;
	if (have && have < s.date) {
		fail(repo, CODE_ROLLED_BACK, repo.base + ": its Release is of " + time_words(have) + ", one of " +
		     time_words(s.date) + " was seen before; use another mirror, or wait until this one has caught up");
		/* without a newer one to compare with, libapt has put it in place */
		if (repo.rel.date < s.date)
			(void)unlink(repo.file.c_str());
		if (repo.offered.present)
			repo.rel = repo.offered;
		return;
	}
	s.date = std::max(s.date, repo.rel.date);
}

static void check_freshness(const repository &repo, struct wire_list *alarms)
{
	int64_t now = clock_wall(), limit = session.settings->max_metadata_age;

	if (!repo.rel.present || !repo.usable())
		return;
	if (session.settings->accept_expired && repo.rel.valid_until && repo.rel.valid_until < now)
		reason_add(alarms, CODE_ACCEPTED_EXPIRED, "%s expired on %s and is used all the same: trust.accept_expired is yes",
			   repo.base.c_str(), time_words(repo.rel.valid_until).c_str());
	if (repo.security && limit && repo.rel.date && now - repo.rel.date > limit) {
		char age[32], max[32];

		duration_format(now - repo.rel.date, age);
		duration_format(limit, max);
		reason_add(alarms, CODE_STALE_METADATA, "%s is %s old, more than trust.max_metadata_age (%s): its mirror may have stopped",
			   repo.base.c_str(), age, max);
	}
}

/* ------------------------------------------------------------ refresh */

static void fill_repositories(struct wire_list *ret)
{
	for (const repository &repo : session.repos)
		repo_message(repo, (struct msg_repository *)wire_list_add(&msg_repository, ret));
}

/* All security suites failed: the gravest reason is the answer. */
static int refuse(struct err *err)
{
	static const enum code order[] = {
		CODE_ROLLED_BACK, CODE_EXPIRED, CODE_UNTRUSTED, CODE_MISSING_KEYRING, CODE_HASH_MISMATCH,
		CODE_NO_SPACE, CODE_REFRESH_FAILED, CODE_NO_EGRESS,
	};
	struct wire_list repositories = {};

	fill_repositories(&repositories);
	plugin_error_repositories(&repositories);
	for (enum code code : order)
		for (const repository &repo : session.repos)
			if (repo.in_scope && repo.error == code && (repo.security || session.all)) {
				(void)err_set(err, code, 0, "%s", repo.detail.c_str());
				err->retryable = repo.retryable;
				return -1;
			}
	return err_set(err, CODE_REFRESH_FAILED, 0, "no security repository could be refreshed");
}

/* For a host that entered this container: what another one of the image may start from. */
static void lists_event()
{
	std::string dir = _config->FindDir("Dir::State::lists");
	struct msg_lists m = {};
	auto add = [&](const std::string &file) {
		if (m.files.n < 256 && file.size() > dir.size() && file.compare(0, dir.size(), dir) == 0 &&
		    file.find('/', dir.size()) == std::string::npos)
			strv_push(&m.files, ("apt/lists/" + file.substr(dir.size())).c_str());
	};

	for (metaIndex *meta : *session.list) {
		const repository *repo = repo_of(session.repos, *meta);

		if (!repo || !repo->usable() || !is_public(repo->uri) || !APT::String::Endswith(repo->file, "_InRelease"))
			continue;
		add(repo->file);
		for (const IndexTarget &target : meta->GetIndexTargets())
			add(target.Option(IndexTarget::EXISTING_FILENAME));
	}
	if (m.files.n)
		plugin_event("lists", &msg_lists, &m);
	strv_clear(&m.files);
}

static std::set<std::string> unverified_copies()
{
	std::set<std::string> ret;

	for (const repository &repo : session.repos)
		if (!repo.known && !release_file(repo).empty())
			ret.insert(repo.base);
	return ret;
}

/* Copies from elsewhere of suites that failed may be why, and would be each time:
 * they go, and the suites are asked for as if they had never been there. */
static std::set<std::string> drop_copies(const std::set<std::string> &copies)
{
	std::set<std::string> dropped;

	for (metaIndex *meta : *session.list) {
		repository *repo = repo_of(session.repos, *meta);

		if (!repo || !repo->in_scope || repo->error == CODE_OK || !copies.count(repo->base))
			continue;
		std::string file = release_file(*repo);
		(void)unlink(file.c_str());
		for (const IndexTarget &target : meta->GetIndexTargets())
			while (!(file = target.Option(IndexTarget::EXISTING_FILENAME)).empty() && unlink(file.c_str()) == 0)
				;
		repo->rel = repo->offered = {};
		repo->file.clear();
		repo->error = CODE_OK;
		repo->detail.clear();
		repo->state = repo_state::not_fetched;
		dropped.insert(repo->base);
	}
	if (!dropped.empty())
		cache_drop();
	return dropped;
}

static void choose(const struct strv *patterns, bool guess)
{
	for (repository &repo : session.repos) {
		enum origin_match m = repo_matches(repo, patterns);

		/* never seen: by its name, unless the operator's patterns say no */
		if (!repo.rel.present && (guess || m == ORIGIN_MAYBE))
			repo.security = origins_looks_like_security(repo.uri.c_str(), repo.dist.c_str());
		else
			repo.security = m == ORIGIN_YES;
		repo.in_scope = session.all || repo.security;
	}
}

static int refresh(const struct msg_refresh_params *in, const struct strv *patterns, struct msg_refresh *ret,
		   struct err *err)
{
	std::map<std::string, seen> all = seen_read();
	bool guess = in->origins.n == 0;

	session.all = streq(in->scope, "all");
	session.refreshed = false;
	session.digest.clear();
	session.plan.clear();
	session.cache = {};
	if (sources_load(session.list, session.repos, err) < 0)
		return -1;
	forget_unverified(all);
	/* The distribution's own suites are known by name; under patterns of the
	 * operator's a Release tells, so those never seen are fetched by themselves. */
	auto unknown = [&](const repository &repo) {
		return !guess && !session.all && repo_matches(repo, patterns) == ORIGIN_MAYBE;
	};
	if (std::any_of(session.repos.begin(), session.repos.end(), unknown)) {
		std::vector<repository> known = session.repos;

		if (round_trip(*session.list, unknown, false, true, &ret->bytes, err) < 0)
			return -1;
		known = session.repos;
		if (sources_load(session.list, session.repos, err) < 0)
			return -1;
		for (size_t i = 0; i < session.repos.size() && i < known.size(); i++) {
			if (known[i].base != session.repos[i].base)
				continue;
			/* a verdict of expired is one on a signed Release; else what is on disk is what it was */
			if (!known[i].known && known[i].error != CODE_OK && known[i].error != CODE_EXPIRED)
				known[i].rel = {};
			if (known[i].error != CODE_OK)
				session.repos[i] = known[i];
			session.repos[i].known = known[i].known;
		}
	}
	choose(patterns, guess);
	auto in_scope = [](const repository &repo) { return repo.in_scope; };
	std::set<std::string> copies = unverified_copies();
	if (round_trip(*session.list, in_scope, true, false, &ret->bytes, err) < 0)
		return -1;
	std::set<std::string> dropped = drop_copies(copies);
	auto anew = [&](const repository &repo) { return dropped.count(repo.base) > 0; };
	if (!dropped.empty() && round_trip(*session.list, anew, true, false, &ret->bytes, err) < 0)
		return -1;

	for (repository &repo : session.repos)
		if (repo.in_scope)
			check_rollback(repo, all);
	record_signers(all);
	if (seen_write(all, err) < 0)
		return -1;
	/* with the Release at hand its own word counts, not its suite's name */
	for (repository &repo : session.repos)
		if (repo.rel.present)
			repo.security = repo_matches(repo, patterns) == ORIGIN_YES;
	sandbox_transports(&ret->alarms);
	for (const repository &repo : session.repos) {
		if (repo.in_scope)
			check_freshness(repo, &ret->alarms);
		if (repo.in_scope && repo.error == CODE_ROLLED_BACK)
			reason_add(&ret->alarms, CODE_ROLLED_BACK, "%s", repo.detail.c_str());
		else if (repo.security && repo.error != CODE_OK)
			reason_add(&ret->alarms, CODE_SOURCE_IGNORED, "security repository %s %s could not be refreshed: %s",
				   URI::ArchiveOnly(repo.uri).c_str(), repo.dist.c_str(), repo.detail.c_str());
	}
	return 0;
}

int aptpkg_refresh(const struct msg_refresh_params *in, struct msg_refresh *ret, struct err *err)
{
	return guarded(err, [&] {
		struct strv patterns = {};
		bool security = false, usable = false;

		if (!streq(in->scope, "security") && !streq(in->scope, "all"))
			return err_set(err, CODE_PLUGIN_PROTOCOL, 0, "refresh: scope '%s' is not one of security, all", in->scope);
		origin_patterns(&in->origins, &patterns);
		int r = origins_check(&patterns, err);
		if (r == 0)
			r = refresh(in, &patterns, ret, err);
		strv_clear(&patterns);
		if (r < 0)
			return r;

		for (const repository &repo : session.repos) {
			security |= repo.security;
			usable |= repo.security && repo.in_scope && repo.usable() && repo.error == CODE_OK;
		}
		if (security && !usable)
			return refuse(err);
		if (!security)
			reason_add(&ret->alarms, CODE_NO_SECURITY_SOURCE,
				   "no configured repository is one of security updates for %s: add it to the container's apt sources",
				   strna(session.distribution->name));
		ret->security_source = security;
		fill_repositories(&ret->repositories);
		session.list->keep_if([](const metaIndex &meta) {
			const repository *repo = repo_of(session.repos, meta);

			return repo && repo->in_scope && repo->usable();
		});
		session.refreshed = true;
		lists_event();
		return 0;
	});
}
