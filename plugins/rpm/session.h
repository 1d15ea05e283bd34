/* session.h - what the rpm plugin knows between probe and the end.
 *
 * A session is probe, then refresh, plan, fetch, apply in this order; owner,
 * verify and repair need probe alone. Everything is owned by the session.
 */
#pragma once
#include <rpm/rpmkeyring.h>
#include <solv/pool.h>
#include <solv/repo.h>
#include "fetch.h"
#include "keys.h"
#include "metalink.h"
#include "repomd.h"
#include "repos.h"
#include "rpmdb.h"

/* Why the bytes of a repomd.xml are believed, the strongest first. */
enum source_trust {
	TRUST_NONE, /* they are not */
	TRUST_SIGNED, /* a good signature by a key of the repository */
	TRUST_METALINK, /* the hash of a metalink that came over TLS */
	TRUST_TLS, /* it came over TLS itself */
	TRUST_LOCAL, /* it is a file of this machine */
	TRUST_UNSIGNED, /* nothing, and trust.require_signed is no */
};

/* A repository in use. */
struct source {
	const struct repo_conf *conf;
	char *dir; /* state_dir/rpm/repos/NAME: its metadata and caches */
	char *suite, *label; /* its id and name, as messages can carry them */
	struct strv mirrors; /* folders */
	struct mirrors list; /* what the mirrorlist or metalink said */
	bool list_tls; /* and that it came over TLS */
	struct keys keys;
	rpmKeyring keyring; /* the good ones of them */
	enum source_trust trust;
	char *signed_by; /* fingerprint */
	char *uri; /* the mirror that served repomd.xml */
	struct repomd repomd;
	bool changed; /* against the last run */
	struct err err; /* why it is not used; CODE_OK: it is */
	Repo *repo; /* its packages and advisories, when it is used */
	bool advisories; /* it has an updateinfo */
	bool security; /* with security advisories, and the policy's origins take it */
};

/* An approved package; strings of its own. */
struct package {
	char *name, *arch, *evr, *installed; /* INSTALLED NULL: new */
	size_t source;
	char *base, *path; /* BASE NULL: the source's mirrors */
	char *checksum_type, *checksum;
	int64_t size, grows; /* bytes: of the file, of the installed system */
	char *file; /* where it is once fetched */
	bool verified;
	size_t set; /* the transaction it is part of (sets.h) */
};

struct session {
	const struct msg_settings *settings;
	struct msg_distribution distribution;
	struct rpmdb_where db;
	bool set_up; /* rpmdb_setup() was called */
	struct repo_vars vars;
	struct repos repos;
	struct keys db_keys; /* imported into the rpm database */
	char *releasever; /* as the database has it, or the distribution's; NULL: neither says */
	bool facts; /* DB_KEYS and RELEASEVER were read, and nothing changed since */
	struct source *sources;
	size_t n_sources;
	Pool *pool;
	Repo *installed;
	bool stale; /* packages changed since INSTALLED was read */
	bool refreshed, filelists;
	struct package *plan;
	size_t n_plan, n_sets;
	char *digest; /* of the plan; NULL: none */
};

void source_clear(struct source *s);
void package_clear(struct package *p);
void session_forget_plan(struct session *s);

/* sources.c: read the configuration and make the sources of the enabled
 * repositories. Complaints go to ALARMS (source_ignored, trust_lowered). */
void sources_configure(struct session *s, struct wire_list *alarms);
/* The facts of a source for the agent. */
void source_report(const struct session *s, const struct source *src, struct msg_repository *ret);
/* Names for origins and update events: "rocky:Rocky Linux 9 - BaseOS". */
char *source_origin(const struct session *s, const struct source *src);
/* Do the Origins-Pattern lines take it? With none every repository is taken.
 * suite is its id, label its name, origin the distribution's ID. */
bool source_origin_taken(const struct session *s, const struct source *src, const struct strv *patterns);

/* trust.c: fetch and read the keys of each source, and those of the database
 * for a source that names none. What fails is the source's error. */
void trust_read_keys(struct session *s, struct fetcher *f, struct wire_list *alarms);
/* Is repomd.xml (TEXT) believed, and why? ASC: the detached signature, or NULL.
 * Fills trust and signed_by. Codes: UNTRUSTED, MISSING_KEYRING. */
int trust_judge(const struct session *s, struct source *src, const struct buf *text, const struct buf *asc,
		struct err *err);
/* The certificate and its subkeys; false when librpm cannot use it. */
bool trust_add_key(rpmKeyring ring, const struct key *k);
/* Verify the rpm FILE: signature by a key of SRC and all digests, payload too.
 * Codes: UNTRUSTED, MISSING_KEYRING. */
int trust_verify_rpm(const struct source *src, const char *file, struct err *err);

/* identity.c: is the file of P, whose signature is verified, the package that the
 * metadata says it is, and does it take the place of what that says and no more?
 * Codes: HASH_MISMATCH. */
int package_check(const struct session *s, const struct package *p, struct err *err);

/* installed.c: the pool, and the installed packages in it. Codes: DATABASE_BROKEN. */
int installed_load(struct session *s, struct err *err);
/* Free the pool, and with it every repository in it. */
void session_forget_pool(struct session *s);

/* load.c: what the installed packages can reach of the usable sources into the
 * pool (reach.h), from .solv caches when those are of the same checksums. What
 * fails is the source's error. What is installed later in the session comes from
 * there, so plans after it need no other load. Codes: DATABASE_BROKEN. */
int sources_load(struct session *s, bool filelists, struct err *err);
/* Are the caches of this repomd there, so that nothing need be fetched? */
bool source_cached(const struct source *src, bool filelists);
/* Read a compressed file, of at most MAX bytes as it is uncompressed. Codes: REFRESH_FAILED. */
int read_packed(const char *file, size_t max, struct buf *ret, struct err *err);
/* Where a metadata file of the source is kept until it was read; caller frees. */
char *source_file(const struct source *src, enum repomd_type type);

int session_refresh(struct session *s, const struct msg_refresh_params *in, struct msg_refresh *ret, struct err *err);
int session_plan(struct session *s, const struct msg_plan_params *in, struct msg_plan *ret, struct err *err);
/* The "archive" event of a planned package, if anybody may fetch it and its hash is SHA-256. */
void session_archive_event(const struct session *s, const struct package *p);
int session_fetch(struct session *s, const struct msg_digest *in, struct msg_fetch *ret, struct err *err);
int session_apply(struct session *s, const struct msg_digest *in, struct msg_apply *ret, struct err *err);
int session_repair(struct session *s, struct msg_repair *ret, struct err *err);
/* query.c: what the database says. MANAGER, caller frees: "rpm 4.16.1.3 (sqlite)", its own where it has one. */
int session_database(const struct session *s, struct msg_database *ret, char **manager, struct err *err);
int session_verify(const struct session *s, const struct msg_verify_params *in, struct msg_verify *ret,
		   struct err *err);
int session_owner(const struct session *s, const struct msg_owner_params *in, struct msg_owners *ret, struct err *err);
