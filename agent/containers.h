/* containers.h - the containers of this host, from /proc alone.
 *
 * A container is a pair of an engine's id and a mount namespace, found in one pass
 * over /proc; which engine it is of, and its id, say the path of its cgroup, the
 * engine's process above its first one, or the state folder of runc. A namespace
 * of no known id is "unknown". Names, image and labels are the engine's to tell:
 * engine.h. All of it is bytes of the container, or chosen by who started it.
 */
#pragma once
#include <sys/types.h>
#include "err.h"
#include "util.h"

#define CONTAINERS_RUNC "/run/runc"	/* the state folder of runc, when none is configured */
#define CONTAINERS_SHORT_ID 12	/* digits of an id that tell containers of a host apart */

struct host_container {
	/* 64 hex digits of the engine, "ENGINE:NAME" ("lxc:web", "nspawn:web", "runc:web", "containerd:default:web"),
	 * or "unknown-N" (N: inode of its mount namespace, or of its PID namespace when the former is the host's).
	 * Printable, no slash, no leading dot: fit for a file name. */
	char *id;
	const char *engine;	/* "docker", "podman", "containerd", "crio", "lxc", "nspawn", "runc", "unknown"; static */
	pid_t pid;		/* its first process, as the host counts */
	uint64_t start;		/* that one's start, clock ticks after boot: verify it after opening */
	uint64_t mntns, pidns, userns, netns;	/* inodes; 0: could not be read */
	size_t processes;	/* seen when it was looked for */
	bool known;		/* there is an id */
	bool nested;		/* inside of another container: entered by its name only */
	char *parent;		/* nested: the id of that one */
	bool paused;		/* frozen: nothing in it will answer */
	/* From the engine, or NULL: hostile text, at most a few KiB, to be escaped on output. NAME is known without an
	 * engine for those with "ENGINE:NAME". */
	char *name, *image, *image_id;
	struct strv labels;	/* "key=value" */
	int64_t created;	/* seconds since the epoch, 0: unknown */
};

struct host_containers {
	struct host_container *list;	/* in the order of their start */
	size_t n;
	struct host_member *members;	/* private: which process is of which */
	size_t n_members;
};

/* Look below ROOT ("" for the host itself; a recorded tree in tests): ROOT/proc, ROOT/sys/fs/cgroup. RUNC: state
 * folders of runc (below ROOT too), empty or NULL: CONTAINERS_RUNC. Processes that may not be read are left out.
 * Codes: IO. */
int containers_find(const char *root, const struct strv *runc, struct host_containers *ret, struct err *err);
void containers_clear(struct host_containers *c);

/* The one that TARGET names: "pid:N" (any process of it), an id, at least 4 characters of one, or a name. One that is
 * not nested wins over those that are. CODE_NO_TARGET, CODE_AMBIGUOUS (with the ids). */
int containers_pick(const struct host_containers *c, const char *target, const struct host_container **ret,
		    struct err *err);
/* The id as people know it: an engine's cut to CONTAINERS_SHORT_ID digits, which containers_pick() takes; caller frees. */
char *containers_short_id(const struct host_container *c);
/* The container of a process, by its number at the time of the look; NULL: of none. */
const struct host_container *containers_of(const struct host_containers *c, pid_t pid);
/* Does it have LABEL, "key=value" or "key"? */
bool containers_labelled(const struct host_container *c, const char *label);
