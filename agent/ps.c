/* ps.c - see ps.h. */
#include <errno.h>
#include "clock.h"
#include "engine.h"
#include "log.h"
#include "out.h"
#include "print.h"
#include "ps.h"
#include "psfacts.h"
#include "pslayers.h"

#define SHORT_DIGEST 19 /* "sha256:" and 12 digits */

struct ps {
	struct host_containers c;
	struct ps_facts *facts;
	struct ps_images images;
	struct ps_shared shared;
	int64_t now;
};

/* The default sockets may lack; one that somebody has named is expected to be there. */
static void warn_of_missing(const struct strv *engines)
{
	for (size_t i = 0; i < engines->n; i++) {
		struct err ignored = ERR_INIT;
		const char *path = engine_path(engines->v[i], &ignored);

		if (path && access(path, F_OK) < 0)
			log_warning("no engine at '%s': %s; going on without its names", path, strerror(errno));
	}
}

int containers_here(const struct config *config, const struct strv *engines, struct host_containers *ret,
		    struct err *err)
{
	/* others see no process of a container, and would be told that none runs */
	if (geteuid() != 0)
		return err_set(err, CODE_NOT_ROOT, 0, "containers are found by root of the host; use sudo");
	if (containers_find("", &config->host.runc, ret, err) < 0)
		return -1;
	warn_of_missing(engines);
	engine_names(ret, engines);
	return 0;
}

/* --- text ------------------------------------------------------------------------- */

static char *cell_name(const struct ps *p, const struct host_container *c)
{
	cleanup_free char *name = out_cell(c->name ? c->name : "-"), *in = NULL;

	if (!c->nested)
		return steal_ptr(&name);
	in = xstrndup(strna(c->parent), strchr(strna(c->parent), ':') ? 40 : CONTAINERS_SHORT_ID);
	for (size_t i = 0; i < p->c.n; i++)
		if (streq(p->c.list[i].id, strna(c->parent)) && p->c.list[i].name) {
			free(in);
			in = out_cell(p->c.list[i].name);
		}
	return xasprintf("%s (in %s)", name, in);
}

static char *cell_age(int64_t then, int64_t now, const char *after)
{
	char text[32];

	if (!then)
		return xstrdup("-");
	duration_format(now > then ? now - then : 0, text);
	return xasprintf("%s%s", text, after);
}

static char *cell_state(const struct host_container *c, const struct ps_facts *f)
{
	enum patch_state state = ps_facts_state(f);
	cleanup_free char *code = out_cell(strna(f->code));
	cleanup_buf struct buf b = { 0 };

	switch (state) {
	case PATCH_PENDING:
		buf_printf(&b, "pending %lld", (long long)f->open);
		if (f->stale > 0)
			buf_printf(&b, ", stale %lld", (long long)f->stale);
		break;
	case PATCH_STALE:
		buf_printf(&b, "stale %lld", (long long)f->stale);
		break;
	case PATCH_BLOCKED:
	case PATCH_FAILED:
		buf_printf(&b, "%s %s", patch_state_name(state), code);
		break;
	case PATCH_UNSUPPORTED:
		buf_puts(&b, "out of support");
		break;
	case PATCH_UNKNOWN:
	case PATCH_PATCHED:
		buf_puts(&b, patch_state_name(state));
		break;
	}
	if (c->paused && !streq(code, "paused"))
		buf_puts(&b, ", paused");
	return buf_steal(&b);
}

static void put_table(const struct ps *p, const struct out *o)
{
	static const char *const heads[] = { "ID", "NAME", "ENGINE", "IMAGE", "IMAGE AGE", "STATE", "CHECKED" };
	struct table t = { .columns = ARRAY_SIZE(heads) };

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		strv_push(&t.cells, heads[i]);
	for (size_t i = 0; i < p->c.n; i++) {
		const struct host_container *c = &p->c.list[i];
		const struct engine_image *image = ps_images_of(&p->images, i);

		strv_take(&t.cells, containers_short_id(c));
		strv_take(&t.cells, cell_name(p, c));
		strv_push(&t.cells, c->engine);
		strv_take(&t.cells, out_cell(c->image ? c->image : "-"));
		strv_take(&t.cells, cell_age(image ? image->created : 0, p->now, ""));
		strv_take(&t.cells, cell_state(c, &p->facts[i]));
		strv_take(&t.cells, cell_age(p->facts[i].checked, p->now, " ago"));
	}
	if (p->c.n)
		table_put(o, &t);
	else
		put(o, DIM, "no containers run here\n");
	strv_clear(&t.cells);
}

static void put_layers(const struct ps *p, const struct out *o)
{
	put(o, BOLD, "\nlayers that vulnerable containers share\n");
	if (!p->shared.n)
		put(o, DIM, "  none are known: they need an engine's API, and a check of the containers\n");
	for (size_t i = 0; i < p->shared.n; i++) {
		cleanup_free char *digest = escape_text(p->shared.v[i].layer, SHORT_DIGEST);
		const char *sep = ": ";

		put(o, PLAIN, "  %.*s (%zu below it), %zu containers", SHORT_DIGEST, digest, p->shared.v[i].below,
		    p->shared.v[i].n);
		for (size_t k = 0; k < p->shared.v[i].n; k++, sep = ", ") {
			const struct host_container *c = &p->c.list[p->shared.v[i].of[k]];
			cleanup_free char *name = c->name ? out_cell(c->name) : containers_short_id(c);

			put(o, PLAIN, "%s%s", sep, name);
		}
		put(o, PLAIN, "\n");
	}
}

/* --- JSON ---------------------------------------------------------------------------- */

/* Null when nobody knows. */
static void add_text(struct json_object *o, const char *name, const char *s)
{
	cleanup_free char *safe = s ? escape_text(s, ENGINE_TEXT_MAX) : NULL;

	json_object_object_add(o, name, safe ? json_object_new_string(safe) : NULL);
}

static void add_time(struct json_object *o, const char *name, int64_t t)
{
	char text[TIME_TEXT_MAX];

	if (t)
		time_format(t, text);
	json_object_object_add(o, name, t ? json_object_new_string(text) : NULL);
}

static void add_bool(struct json_object *o, const char *name, bool value)
{
	json_object_object_add(o, name, json_object_new_boolean(value));
}

static void add_count(struct json_object *o, const char *name, int64_t n)
{
	json_object_object_add(o, name, n < 0 ? NULL : json_object_new_int64(n));
}

static struct json_object *strings(const struct strv *l)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < l->n; i++) {
		cleanup_free char *safe = escape_text(l->v[i], ENGINE_TEXT_MAX);

		json_object_array_add(a, json_object_new_string(safe));
	}
	return a;
}

static struct json_object *labels_json(const struct strv *labels)
{
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < labels->n; i++) {
		const char *l = labels->v[i], *eq = strchr(l, '=');
		cleanup_free char *key = xstrndup(l, (size_t)(eq - l)), *safe = escape_text(key, ENGINE_TEXT_MAX);

		add_text(o, safe, eq + 1);
	}
	return o;
}

static struct json_object *image_json(const struct host_container *c, const struct engine_image *image, int64_t now)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "name", c->image);
	add_text(o, "id", c->image_id);
	add_time(o, "created", image ? image->created : 0);
	add_count(o, "age", image && image->created ? (now > image->created ? now - image->created : 0) : -1);
	json_object_object_add(o, "layers", image ? strings(&image->layers) : NULL);
	return o;
}

static struct json_object *container_json(const struct ps *p, size_t i)
{
	const struct host_container *c = &p->c.list[i];
	const struct ps_facts *f = &p->facts[i];
	struct json_object *o = json_object_new_object();

	add_text(o, "id", c->id);
	add_text(o, "name", c->name);
	add_text(o, "engine", c->engine);
	json_object_object_add(o, "image", c->image ? image_json(c, ps_images_of(&p->images, i), p->now) : NULL);
	json_object_object_add(o, "pid", json_object_new_int64(c->pid));
	json_object_object_add(o, "processes", json_object_new_int64((int64_t)c->processes));
	add_bool(o, "known", c->known);
	add_bool(o, "paused", c->paused);
	add_text(o, "inside", c->parent);
	add_time(o, "created", c->created);
	json_object_object_add(o, "labels", labels_json(&c->labels));
	add_text(o, "state", patch_state_name(ps_facts_state(f)));
	add_text(o, "code", f->code);
	add_count(o, "open", f->open);
	add_count(o, "stale", f->stale);
	add_bool(o, "out_of_support", f->out_of_support);
	add_bool(o, "vulnerable", f->vulnerable);
	add_time(o, "checked", f->checked);
	add_text(o, "source", f->source);
	return o;
}

static struct json_object *layers_json(const struct ps *p)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < p->shared.n; i++) {
		struct json_object *o = json_object_new_object(), *of = json_object_new_array();

		add_text(o, "layer", p->shared.v[i].layer);
		json_object_object_add(o, "below", json_object_new_int64((int64_t)p->shared.v[i].below));
		for (size_t k = 0; k < p->shared.v[i].n; k++)
			json_object_array_add(of, json_object_new_string(p->c.list[p->shared.v[i].of[k]].id));
		json_object_object_add(o, "containers", of);
		json_object_array_add(a, o);
	}
	return a;
}

static struct json_object *ps_json(const struct ps *p)
{
	struct json_object *o = json_object_new_object(), *all = json_object_new_array();

	json_object_object_add(o, "schema", json_object_new_int(PS_SCHEMA));
	add_time(o, "time", p->now);
	for (size_t i = 0; i < p->c.n; i++)
		json_object_array_add(all, container_json(p, i));
	json_object_object_add(o, "containers", all);
	json_object_object_add(o, "shared_layers", layers_json(p));
	return o;
}

/* --- the mode ------------------------------------------------------------------------- */

int ps_main(const struct options *opt, const struct config *config)
{
	cleanup_buf struct buf b = { 0 };
	const struct out o = { .b = &b, .colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") };
	struct ps p = { .now = clock_wall() };
	const struct strv *engines = opt->hosts.n ? &opt->hosts : &config->host.engines;
	struct err err = ERR_INIT;

	if (containers_here(config, engines, &p.c, &err) < 0) {
		log_err(LOG_ERROR, &err);
		return err.code == CODE_NOT_ROOT ? EXIT_BLOCKED : EXIT_FAILED;
	}
	p.facts = ps_facts_read(&p.c, config);
	ps_images_read(&p.c, engines, &p.images);
	ps_shared_find(&p.c, &p.images, p.facts, &p.shared);
	if (opt->output == OUTPUT_JSON) {
		print_json(ps_json(&p));
	} else {
		put_table(&p, &o);
		if (opt->layers)
			put_layers(&p, &o);
		print_text(&b);
	}
	ps_shared_clear(&p.shared);
	ps_images_clear(&p.images);
	ps_facts_clear(p.facts, p.c.n);
	containers_clear(&p.c);
	return EXIT_DONE;
}
