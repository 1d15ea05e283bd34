/* pslayers.c - see pslayers.h. */
#include "log.h"
#include "pslayers.h"

#define NONE ((size_t)-1)
#define SHARED_MAX 1024
#define IMAGES_MAX 1024

void ps_images_read(const struct host_containers *c, const struct strv *sockets, struct ps_images *ret)
{
	*ret = (struct ps_images){ .of = xcalloc(c->n + 1, sizeof(*ret->of)) };
	for (size_t i = 0; i < c->n; i++) {
		const char *id = c->list[i].image_id;
		struct engine_image image;
		struct err err = ERR_INIT;

		ret->of[i] = NONE;
		for (size_t k = 0; id && k < i && ret->of[i] == NONE; k++)
			if (c->list[k].image_id && streq(c->list[k].image_id, id))
				ret->of[i] = ret->of[k];
		if (!id || ret->of[i] != NONE || ret->n == IMAGES_MAX)
			continue;
		if (engine_image(sockets, id, &image, &err) < 0) {
			log_info("%s", err.msg);
			continue;
		}
		ret->v = xrealloc(ret->v, ret->n + 1, sizeof(*ret->v));
		ret->of[i] = ret->n;
		ret->v[ret->n++] = image;
	}
}

const struct engine_image *ps_images_of(const struct ps_images *p, size_t i)
{
	return p->of[i] == NONE ? NULL : &p->v[p->of[i]];
}

void ps_images_clear(struct ps_images *p)
{
	for (size_t i = 0; i < p->n; i++)
		engine_image_clear(&p->v[i]);
	free(p->v);
	free(p->of);
	*p = (struct ps_images){ 0 };
}

/* How many layers, from the lowest on, A and B have in common: a layer is what it is only on those below it. */
static size_t common(const struct engine_image *a, const struct engine_image *b)
{
	size_t n = 0;

	while (n < a->layers.n && n < b->layers.n && streq(a->layers.v[n], b->layers.v[n]))
		n++;
	return n;
}

/* The set of vulnerable containers whose images begin with the first DEPTH layers of IMAGE. */
static void add(const struct host_containers *c, const struct ps_images *p, const struct ps_facts *facts,
		const struct engine_image *image, size_t depth, struct ps_shared *ret)
{
	const char *layer = image->layers.v[depth - 1];
	size_t *of = xcalloc(c->n, sizeof(*of)), n = 0;

	for (size_t i = 0; i < c->n; i++) {
		const struct engine_image *other = ps_images_of(p, i);

		if (other && facts[i].vulnerable && common(image, other) >= depth)
			of[n++] = i;
	}
	for (size_t i = 0; i < ret->n && n; i++)
		if (ret->v[i].n == n && memcmp(ret->v[i].of, of, n * sizeof(*of)) == 0) {
			/* the same set on a higher layer */
			if (ret->v[i].below < depth - 1) {
				ret->v[i].below = depth - 1;
				ret->v[i].layer = layer;
			}
			n = 0;
		}
	if (n < 2 || ret->n == SHARED_MAX) {
		free(of);
		return;
	}
	ret->v = xrealloc(ret->v, ret->n + 1, sizeof(*ret->v));
	ret->v[ret->n].layer = layer;
	ret->v[ret->n].below = depth - 1;
	ret->v[ret->n].of = of;
	ret->v[ret->n++].n = n;
}

void ps_shared_find(const struct host_containers *c, const struct ps_images *p, const struct ps_facts *facts,
		    struct ps_shared *ret)
{
	*ret = (struct ps_shared){ 0 };
	/* two images part at one layer: only those, and whole images, can be the highest of a set */
	for (size_t i = 0; i < c->n; i++)
		for (size_t k = i + 1; k < c->n; k++) {
			const struct engine_image *a = ps_images_of(p, i), *b = ps_images_of(p, k);
			size_t depth = a && b && facts[i].vulnerable && facts[k].vulnerable ? common(a, b) : 0;

			if (depth)
				add(c, p, facts, a, depth, ret);
		}
	/* insertion: there are few */
	for (size_t i = 1; i < ret->n; i++)
		for (size_t k = i; k && ret->v[k].n > ret->v[k - 1].n; k--) {
			__typeof__(*ret->v) swap = ret->v[k];

			ret->v[k] = ret->v[k - 1];
			ret->v[k - 1] = swap;
		}
}

void ps_shared_clear(struct ps_shared *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].of);
	free(s->v);
	*s = (struct ps_shared){ 0 };
}
