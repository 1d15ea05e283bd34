/* locked.h - children that are locked in (confine.h) and do what must not be done as root.
 *
 * What touches the network, and what reads bytes before their hash or signature
 * is known, runs in one of these: a fork of the plugin without its descriptors,
 * as a user that nobody else has. What such a child says is hostile until the
 * tables here have been through it.
 */
#pragma once
#include <sys/types.h>
#include "confine.h"
#include "metalink.h"
#include "repomd.h"
#include "wire.h"

/* Try out what holds here, once a process; what does not is added to ALARMS (sandbox_degraded). */
void locked_check(struct wire_list *alarms);
/* Whose the files are that such a child makes: 0 when it has to stay root. */
uid_t locked_user(void);

struct locked {
	pid_t pid;
	int fd; /* lines of the child; of us to close */
	struct buf in;
};

/* Start FN in a child: it has standard error, OUT for its lines, and the FDS. They are kept open at their numbers. */
int locked_start(struct locked *ret, enum confine_profile profile, const struct confine_path *paths, size_t n_paths,
		 const int *fds, size_t n_fds, void (*fn)(int out, void *ctx), void *ctx, struct err *err);
/* The child's next line within MS. 1: RET is an object that the caller puts; 0: not yet; -1: it has ended, or sends
 * what is no line. */
int locked_next(struct locked *l, int ms, struct json_object **ret);
/* End it, whatever it does, and wait. */
void locked_end(struct locked *l);

/* Call FN in a child that has no file and no network, and bring the struct of table M over that it fills, or its error.
 * RET is zeroed before. Codes: those of FN; PLUGIN_DIED when the child comes to no end. */
int locked_call(const struct wire_message *m, int (*fn)(void *ret, void *ctx, struct err *err), void *ctx, void *ret,
		struct err *err);

/* The readers of unverified bytes that run in such a child; see their namesakes in metalink.h and repomd.h. */
int locked_mirrors(const struct buf *text, struct mirrors *ret, struct err *err);
int locked_repomd(const struct buf *text, struct repomd *ret, struct err *err);
