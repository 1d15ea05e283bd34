/* fetchjob.h - one round of transfers in a locked-in child: between fetch.c and fetchchild.c.
 *
 * The child has the job as it was at the fork. What comes back is news, a line
 * each: how far it is, and at last what became of each transfer.
 */
#pragma once
#include "fetch.h"
#include "locked.h"

#define ATTEMPTS_MAX 8 /* of one file, over all mirrors */

/* How far the attempts at one transfer are. */
struct attempt {
	char *part; /* its name in the folder for what arrives */
	size_t mirror; /* the next one, modulo their number */
	size_t tries, not_found;
	bool wanted; /* not done, and there is hope */
};

/* A file of certificates or keys that root alone may be able to read, as a descriptor. */
struct credential {
	const char *path;
	int fd;
};

struct fetch_job {
	const struct fetcher *f;
	const struct transfer *t;
	const struct attempt *a;
	size_t n;
	int dir; /* the folder for what arrives */
	const struct credential *credentials;
	size_t n_credentials;
};

struct fetch_news {
	int64_t item; /* index of the transfer */
	bool over; /* of it; else only bytes counts */
	bool arrived, local; /* LOCAL: the next mirror is a folder of this machine */
	bool heard; /* a server answered */
	int64_t bytes; /* OVER: of this transfer; else of all that run */
	int64_t mirror, tries, not_found; /* as in the attempt, counted on */
	enum code code;
	char *message;
};
extern const struct wire_message fetch_news_message;

size_t transfer_mirrors(const struct transfer *t);
/* The URL of mirror I, modulo their number; caller frees. */
char *transfer_url(const struct transfer *t, size_t i);
/* The child's part; CTX is the job. */
void fetch_child(int out, void *ctx);
