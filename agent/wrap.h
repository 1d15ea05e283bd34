/* wrap.h - `stopgap wrap IMAGE`: how to start an image with stopgap as its first process.
 *
 * Another entrypoint makes an engine forget the image's ENTRYPOINT and CMD, and
 * stopgap needs root where the image has a USER: the printed forms of docker,
 * compose and Kubernetes say all of it again. ENV, WORKDIR and VOLUMEs stay the image's.
 */
#pragma once
#include "config.h"
#include "options.h"

#define WRAP_SCHEMA 1

/* What an image says of its command; strings are hostile. Zero is empty. */
struct wrap_image {
	struct strv entrypoint, cmd;
	char *user, *stop_signal;	/* NULL: none */
	bool healthcheck;
};

/* From the engine's API, `docker inspect`, `podman inspect`, `skopeo inspect --config`. Codes: IO. */
int wrap_image_read(struct json_object *o, struct wrap_image *ret, struct err *err);
void wrap_image_clear(struct wrap_image *i);

struct wrap {
	const char *name, *bundle;	/* of the image; where the bundle is on the host */
	char *label;			/* a name made of the image's, for compose and Kubernetes */
	char *volume;			/* what the copy is called */
	struct strv args;		/* of stopgap: run … -- ENTRYPOINT CMD */
	bool as_root;			/* the image's user is another one */
	const char *stop_signal;	/* that stopgap can send, too; NULL: the default */
	struct strv notes;		/* sentences for a person */
};

/* Codes: USAGE (there is nothing to start). IMAGE must outlive RET. */
int wrap_make(const char *name, const char *bundle, const struct wrap_image *image, struct wrap *ret, struct err *err);
void wrap_clear(struct wrap *w);
/* The commands that make the copy, one a line; docker run, a compose file, a Kubernetes pod. */
void wrap_docker_volume(const struct wrap *w, struct buf *ret);
void wrap_docker(const struct wrap *w, struct buf *ret);
void wrap_compose(const struct wrap *w, struct buf *ret);
void wrap_kubernetes(const struct wrap *w, struct buf *ret);

/* The mode: 0, 2 when the image starts nothing, 1 when it cannot be read. */
int wrap_main(const struct options *opt, const struct config *config);
