/* pslayers.h - images of running containers: their age, and which of them share a layer.
 *
 * A layer that the images of vulnerable containers have in common is the one to make
 * anew: shown is each highest layer that one set of them shares, with all below it.
 */
#pragma once
#include "engine.h"
#include "psfacts.h"

struct ps_images {
	struct engine_image *v;
	size_t n;
	size_t *of;	/* for each container, a number in v; (size_t)-1: unknown */
};

/* Ask the engines once per image. */
void ps_images_read(const struct host_containers *c, const struct strv *sockets, struct ps_images *ret);
/* That of container I; NULL: unknown. */
const struct engine_image *ps_images_of(const struct ps_images *p, size_t i);
void ps_images_clear(struct ps_images *p);

/* Layers that are shared by at least two containers, those that most share first. */
struct ps_shared {
	struct {
		const char *layer;	/* its digest, of ps_images */
		size_t below;		/* how many layers it lies on */
		size_t *of;		/* numbers of vulnerable containers */
		size_t n;
	} * v;
	size_t n;
};

void ps_shared_find(const struct host_containers *c, const struct ps_images *p, const struct ps_facts *facts,
		    struct ps_shared *ret);
void ps_shared_clear(struct ps_shared *s);
