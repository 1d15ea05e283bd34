/* layer.h - an OCI layer of what the updates of dpkg packages changed in a container, read from the host.
 *
 * In it are the files of those packages, their part of dpkg's folder, what is made
 * from them (ld.so.cache, alternatives, certificates), and whiteouts for files that
 * their older versions had. Application data is not: of changed configuration files
 * the image keeps its own. The container is hostile: paths are resolved below its
 * root, nothing on another mount is read, and all is bounded.
 */
#pragma once
#include <sys/types.h>
#include "tar.h"
#include "util.h"

struct layer_source {
	int root;		/* its root folder, as /proc/PID/root gives it */
	const struct strv *packages;	/* their names, without versions */
	const struct strv *lowers;	/* folders of the image's layers on the host, the uppermost first; empty: unknown */
	int64_t created;	/* when the container was made, seconds since the epoch */
	const char *uid_map, *gid_map;	/* of its user namespace: the text of /proc/PID/uid_map */
};

struct layer_counts {
	size_t files, whiteouts;
	uint64_t bytes;
	size_t kept;		/* changed configuration files that were left out */
	size_t unread;		/* of packages, on another mount: left out */
};

/* Codes: EXPORT_MIXED (other packages changed, too, which one database cannot tell apart), IO, NO_SPACE, TOO_LARGE. */
int layer_write(const struct layer_source *s, struct tar *t, struct layer_counts *ret, struct err *err);

/* A host's id in a namespace with this map; -1: not mapped. For layer.c and its test. */
int64_t layer_map_id(const char *map, uint32_t id);
