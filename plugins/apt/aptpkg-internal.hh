/* aptpkg-internal.hh - what the files of the libapt wrapper share.
 *
 * C++ within, C without: aptpkg.h is all that others see. The style is the rest
 * of the tree's: functions that return -1 with a struct err, ownership in
 * unique_ptr and containers, no exceptions of our own.
 */
#pragma once
#include <apt-pkg/acquire-item.h>
#include <apt-pkg/acquire.h>
#include <apt-pkg/configuration.h>
#include <apt-pkg/depcache.h>
#include <apt-pkg/error.h>
#include <apt-pkg/fileutl.h>
#include <apt-pkg/metaindex.h>
#include <apt-pkg/mmap.h>
#include <apt-pkg/pkgcache.h>
#include <apt-pkg/pkgrecords.h>
#include <apt-pkg/policy.h>
#include <apt-pkg/sourcelist.h>
#include <apt-pkg/strutl.h>
#include <functional>
#include <json-c/json.h>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

extern "C" {
#include "aptpkg.h"
#include "clock.h"
#include "digest.h"
#include "fd.h"
#include "log.h"
#include "origins.h"
#include "serve.h"
}

/* ------------------------------------------------------------ repositories */

/* What a Release file says; verified, unless said otherwise. */
struct release {
	bool present = false;
	std::string origin, label, suite, codename;
	int64_t date = 0, valid_until = 0;	/* 0: not said */
};

enum class repo_state { not_fetched, fresh, unchanged, failed };

/* One suite of one archive, as the sources list it. */
struct repository {
	std::string uri, dist;		/* as configured; dist without a trailing slash */
	std::string base;		/* URI that its InRelease is below */
	std::string file;		/* InRelease below our lists; empty Release.gpg form included */
	std::string signed_by_option;	/* Signed-By of the sources */
	std::string source;		/* file and line that lists it */
	bool has_packages = false;	/* not deb-src alone */
	bool insecure = false;		/* [trusted=yes], honoured without require_signed */
	release rel;
	bool known = false;		/* a Release of it was verified with this state folder before */
	bool security = false;
	bool in_scope = false;
	repo_state state = repo_state::not_fetched;
	std::string fingerprint;	/* of the key that signed */
	release offered;		/* what the archive sent in this session, even if refused */
	enum code error = CODE_OK;
	bool retryable = false;
	std::string detail;

	/* what failed now may go on with what it had, if that was verified; a copy from elsewhere was not yet */
	bool usable() const { return rel.present && (error == CODE_OK || known) && error != CODE_EXPIRED && error != CODE_ROLLED_BACK &&
				     error != CODE_UNTRUSTED && error != CODE_MISSING_KEYRING; }
};

/* A source list that can be cut down to some of its repositories. */
class source_list : public pkgSourceList {
public:
	void keep_if(const std::function<bool(const metaIndex &)> &keep);
};

/* Write copies of the container's sources that cannot lower trust, and point
 * libapt to them. Once per process. Codes: SOURCES_BROKEN, IO. */
int sources_sanitise(struct wire_list *alarms, struct err *err);
/* All repositories of the container, read from the sanitised sources, with what
 * is known of them from the lists on disk. Codes: SOURCES_BROKEN. */
int sources_load(std::unique_ptr<source_list> &list, std::vector<repository> &repos, struct err *err);
/* Where the verified Release of REPO is, "" when there is none. */
std::string release_file(const repository &repo);
release release_read(const std::string &file);
/* Is this repository one of the patterns'? ORIGIN_MAYBE before its Release was seen. */
enum origin_match repo_matches(const repository &repo, const struct strv *patterns);
repository *repo_of(std::vector<repository> &repos, const metaIndex &meta);
std::string repo_base(const metaIndex &meta);
void repo_message(const repository &repo, struct msg_repository *ret);

/* What was seen of each suite before: state_dir/apt/dates. */
struct seen {
	int64_t date = 0;		/* the highest Date */
	int64_t mtime = 0, size = 0;	/* of the file that FINGERPRINT signed */
	std::string fingerprint;
};
std::map<std::string, seen> seen_read();
int seen_write(const std::map<std::string, seen> &seen, struct err *err);
std::string seen_key(const repository &repo);
/* What is on disk of a suite that was never seen is a copy from elsewhere: as if
 * it were not there, until it is verified. */
void forget_unverified(const std::map<std::string, seen> &seen);

/* ------------------------------------------------------------ acquiring */

struct planned;

/* Progress, limits and what was offered, of one pkgAcquire. */
class acquire_status : public pkgAcquireStatus {
public:
	acquire_status(const char *phase, int64_t timeout, int64_t max_bytes);
	bool MediaChange(std::string, std::string) override { return false; }
	void Fetched(unsigned long long size, unsigned long long resume) override;
	void Done(pkgAcquire::ItemDesc &item) override;
	bool Pulse(pkgAcquire *owner) override;
	int64_t bytes() const { return fetched; }
	/* Why Pulse() cancelled, "" if it did not. */
	const std::string &cancelled() const { return why; }
	/* Each Release that arrived, by its URI, not verified. */
	std::map<std::string, release> offered;

private:
	const char *phase;
	uint64_t deadline, moved_at;	/* clock_ms(), of the last byte or finished item */
	unsigned long long moved = 0;
	int64_t timeout, max_bytes, fetched = 0;
	std::string why, item;
};

/* What a failed transfer means, by what libapt and its methods say about it. */
enum code classify(const std::string &text, enum code otherwise);
struct planned;
/* For each of PLAN, which have been fetched: how the package that its .deb says
 * it is differs from what the signed index says, "" when it does not. */
std::vector<std::string> deb_differences(const std::vector<const struct planned *> &plan);
/* Say how the methods are locked in, with FOLDER as one more for what arrives.
 * What does not hold here is left out, which is an alarm. */
void sandbox_check(const std::string &folder, struct wire_list *alarms);
/* apt's files with passwords that are there, as the container's configuration
 * names them: what the methods are told is another place (sandbox_check). */
const std::vector<std::string> &password_files();
/* Transports that the bundle lacks and the container has are its own programs, which is an alarm when one is used. */
void sandbox_transports(struct wire_list *alarms);

/* Is what URI leads to for anybody: over http or https, without a password or a certificate of this container's? */
bool is_public(const std::string &uri);
/* The "archive" event of a planned package, if it is public. */
void archive_event(const struct planned &p);

/* ------------------------------------------------------------ the cache */

/* libapt's dependency cache under our rules: nothing is ever removed, and
 * nothing is installed that allowed() refuses. */
class plan_cache : public pkgDepCache {
public:
	plan_cache(pkgCache *cache, pkgPolicy *policy) : pkgDepCache(cache, policy) {}
	bool IsInstallOk(const pkgCache::PkgIterator &pkg, bool auto_inst, unsigned long depth, bool from_user) override;
	bool IsDeleteOk(const pkgCache::PkgIterator &pkg, bool purge, unsigned long depth, bool from_user) override;
	std::function<bool(const pkgCache::PkgIterator &)> allowed;
	/* What the solver would have liked to do since the last clear(). */
	std::vector<pkgCache::PkgIterator> refused, removals;
};

/* The opened package cache; members in order of construction. */
struct cache {
	std::unique_ptr<MMap> map;
	std::unique_ptr<pkgCache> pkgs;
	std::unique_ptr<pkgPolicy> policy;
	std::unique_ptr<plan_cache> dep;
	std::unique_ptr<pkgRecords> records;
};

int cache_open(source_list &list, struct cache &ret, struct err *err);
/* Forget libapt's cache files: the next cache_open() reads lists and status. */
void cache_drop();

/* ------------------------------------------------------------ the session */

struct planned {
	pkgCache::PkgIterator pkg;
	pkgCache::VerIterator ver;	/* the candidate */
	bool security;
	bool automatic;			/* new, and only a dependency */
	std::string file;		/* the verified .deb, once fetched */
	std::string uri;
};

struct session {
	const struct msg_settings *settings = nullptr;
	const struct msg_distribution *distribution = nullptr;
	std::string bundle;			/* "" without one */
	std::string dir;			/* state_dir/apt */
	std::map<std::string, std::string> originals;	/* sanitised copy → the container's file */

	std::vector<repository> repos;
	bool refreshed = false, all = false;	/* scope of the refresh in this session */
	std::unique_ptr<source_list> list;	/* what the plan goes by */
	struct cache cache;
	std::vector<struct planned> plan;
	std::string digest;			/* of PLAN, "" when there is none */
};
extern struct session session;

struct origin_vars session_vars();
/* The patterns asked for, or the distribution's own. */
void origin_patterns(const struct strv *asked, struct strv *ret);

/* Move libapt's pending errors into ERR as one sentence, with the names of the
 * container's own files. */
int apt_error(enum code code, struct err *err, const char *context);
/* Everything that libapt has to say, errors and warnings, newest last. */
std::vector<std::string> apt_messages();
std::string original_names(std::string text);
/* One line for a person: first line of TEXT, blanks squeezed, no full stop. */
std::string one_line(const std::string &text);
int digest_check(const struct msg_digest *in, struct err *err);

/* Run FN; an exception becomes an error, libapt's leftover messages are dropped. */
int guarded(struct err *err, const std::function<int()> &fn);
