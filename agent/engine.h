/* engine.h - what an engine tells of its containers and images: the Docker-compatible API over its Unix socket.
 *
 * Docker and podman speak it. Everything works without: names and images are then
 * unknown. Each call has one absolute deadline, answers are bounded, and what they
 * hold is hostile (a container's name, its labels, an image's command).
 */
#pragma once
#include <json-c/json.h>
#include "containers.h"

#define ENGINE_SOCKETS "/run/docker.sock", "/run/podman/podman.sock"	/* when none is configured */
#define ENGINE_TEXT_MAX 4096	/* bytes of a name, an image or a label; longer ones are left out */
#define ENGINE_LABELS_MAX 256	/* of one container */

/* "unix:///run/docker.sock" or a path, as DOCKER_HOST and `docker --host` have it. NULL: ERR (usage). */
const char *engine_path(const char *host, struct err *err);

/* Fill name, image, image_id, labels and created of those in C that an engine behind SOCKETS (paths or unix://…; NULL,
 * empty: ENGINE_SOCKETS) knows. An engine that is not there is no failure; one that answers badly is logged. */
void engine_names(struct host_containers *c, const struct strv *sockets);

struct engine_image {
	char *id;		/* "sha256:…" */
	int64_t created;	/* seconds since the epoch; 0: unknown */
	struct strv layers;	/* their digests, the lowest first */
};

/* CODE_NO_ENGINE: none answers, or none has it. */
int engine_image(const struct strv *sockets, const char *name, struct engine_image *ret, struct err *err);
void engine_image_clear(struct engine_image *i);
/* The whole answer of GET /images/NAME/json; caller puts it. */
int engine_inspect(const struct strv *sockets, const char *name, struct json_object **ret, struct err *err);
/* The folders of the image's layers below container ID, the uppermost first, from an engine that uses overlayfs and says
 * so. -1: unknown. */
int engine_lowers(const struct strv *sockets, const char *id, struct strv *ret, struct err *err);
/* Restart container ID, with TIMEOUT seconds to stop; returns when it runs again. */
int engine_restart(const struct strv *sockets, const char *id, int64_t timeout, struct err *err);
