/* fetch.h - downloads: several at a time, resumed, from the next mirror when one fails.
 *
 * http and https through libcurl, in a child that is locked in (locked.h), file by
 * reading regular files. The bytes are hostile until the checksum says otherwise; a
 * file has its name, and a place where root reads it, only after that.
 */
#pragma once
#include "messages.h"
#include "repos.h"

struct transfer {
	/* set by the caller; pointers are kept for the call alone */
	const struct repo_conf *repo; /* credentials, proxy, certificates */
	const struct strv *mirrors; /* folders, tried in order; NULL: PATH is the URL */
	const char *path;
	const char *file; /* where it goes; what came so far is in state_dir/rpm/partial */
	int64_t size; /* expected, or 0 */
	int64_t max; /* no more bytes than this */
	const char *checksum_type, *checksum; /* "sha256" and hex; NULL: not known */
	const char *item; /* for progress, NULL: none */
	/* set by fetch_all() */
	bool done;
	bool missing; /* every mirror said that there is no such file */
	char *url; /* where it came from, or the last one tried */
	int64_t bytes; /* fetched */
	struct err err; /* why not: DOWNLOAD_FAILED, HASH_MISMATCH, NO_EGRESS, NO_SPACE, STOPPED */
};

struct fetcher {
	const struct msg_settings *settings;
	const char *phase; /* of progress events */
	uint64_t deadline; /* clock_ms() */
	int64_t bytes; /* fetched in this request */
	int64_t expected; /* for progress, 0: unknown */
	bool heard; /* any server answered */
	char *ca; /* file of certificate authorities */
};

/* Limits of one request begin here. */
void fetch_begin(struct fetcher *f, const struct msg_settings *settings, const char *phase);
void fetch_end(struct fetcher *f);
/* Run N transfers until each is done or has failed. One failure stops no other. */
void fetch_all(struct fetcher *f, struct transfer *t, size_t n);
void transfer_clear(struct transfer *t);

/* fetchfile.c: the CHECKSUM_TYPE hash of PATH as lower-case hex, caller frees;
 * NULL when it cannot be read or the type is unknown or too weak (below sha256). */
char *file_checksum(const char *path, const char *type);
/* Copy the regular file of a file:// URL to FILE. Codes as above. */
int fetch_file(const char *url, const char *file, int64_t max, int64_t *bytes, bool *missing, struct err *err);
