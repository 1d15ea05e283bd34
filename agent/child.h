/* child.h - start the service as if it had been started without us.
 *
 * It gets what we got: argv, environment, signal mask and dispositions,
 * descriptors, working directory, umask, limits, priorities. What differs, and
 * why: it is not PID 1 and leads a process group of its own, in the foreground
 * when we were (a ^C is for it, and -g has a group to signal); LISTEN_PID is its
 * own pid when it was ours (sd_listen_fds(3)); with --user its ids, HOME when
 * that still is root's, and the owner of pipes and terminals among 0-2.
 *
 * A second start gives the same: the working directory by its path, descriptors
 * 0-2 and those of LISTEN_FDS. Others that we inherited are handed over at the
 * first start and closed here, so that their other ends see the service close
 * them. Nothing is allocated on our side.
 */
#pragma once
#include <limits.h>
#include <signal.h>
#include <sys/types.h>
#include "user.h"

#define CHILD_LISTEN_MAX 1024

struct child {
	char *const *argv;
	const struct user_ids *user;	/* NULL: as we are */
	const char *user_text;		/* as on the command line */
	sigset_t mask;			/* as inherited */
	struct sigaction chld;		/* disposition of SIGCHLD as inherited */
	pid_t self, group;		/* our pid and process group */
	bool terminal;			/* we have a controlling terminal */
	int listen_fds;			/* LISTEN_FDS that are ours, 0 otherwise */
	bool again;			/* not the first start */
	pid_t last;			/* pid of the last start */
	char cwd[PATH_MAX];		/* "": unknown, then only the first start has it */
};

/* Take down what we inherited and block every signal: the first thing of all. */
void child_inherit(struct child *c);
/* Start it. Returns the pid, -1 when there can be no process (message on stderr). A failed exec is exit 126 or 127
 * of the child, with a line on its standard error. */
pid_t child_start(struct child *c);
/* After the first start: leave the working directory (it would keep a mount
 * busy) and close what is not needed again, but for the N descriptors KEEP. */
void child_let_go(struct child *c, const int *keep, size_t n);
/* Give the terminal to the service if a shell gave it to us ("fg"). */
bool child_to_foreground(const struct child *c);
