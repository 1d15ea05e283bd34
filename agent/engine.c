/* engine.c - see engine.h. */
#include <stdio.h>
#include "cgroupid.h"
#include "clock.h"
#include "engine.h"
#include "httplink.h"
#include "log.h"

#define ANSWER_S 5
#define RESTART_S 30 /* beside the time to stop */
#define STOP_S_MAX 3600
#define ENTRIES_MAX 4096 /* containers of one answer */
#define LAYERS_MAX 256
#define NAME_MAX_LEN 512

static const struct link_peer engine = {
	.name = "engine", .title = "container engine", .absent = CODE_NO_ENGINE, .seconds = ANSWER_S, .links = true
};

const char *engine_path(const char *host, struct err *err)
{
	const char *path = starts_with(host, "unix://") ? host + strlen("unix://") : host;

	if (*path == '/')
		return path;
	(void)err_set(err, CODE_USAGE, 0,
		      "engine '%s': accepted: the path of a Unix socket, such as unix:///run/docker.sock", host);
	return NULL;
}

/* --- one exchange ----------------------------------------------------------------- */

/* The engine's own words, {"message":…}. */
static int refused(const struct link *l, int status, struct err *err)
{
	struct json_object *o = NULL, *m = NULL;
	struct err ignored = ERR_INIT;
	cleanup_free char *message = NULL;

	if (link_json(l, json_type_object, buf_str(&l->in), l->in.n, &o, &ignored) == 0 &&
	    json_object_object_get_ex(o, "message", &m) && json_object_is_type(m, json_type_string))
		message = escape_text(json_object_get_string(m), 500);
	json_object_put(o);
	return err_set(err, status == 404 ? CODE_NO_ENGINE : CODE_ENGINE_FAILED, 0, "the engine says: %s (%d)",
		       message ? message : "nothing", status);
}

static int exchange(struct link *l, const char *socket, const char *method, const char *path, int want, struct err *err)
{
	uint64_t deadline = link_deadline(l->peer);
	struct http_response res;

	if (link_open(l, socket, deadline, err) < 0 ||
	    link_ask(l, method, path, NULL, streq(method, "POST") ? "" : NULL, deadline, &res, err) < 0 ||
	    link_body(l, &res, deadline, err) < 0)
		return -1;
	return res.status == want ? 0 : refused(l, res.status, err);
}

static int get(const char *socket, const char *path, enum json_type type, struct json_object **ret, struct err *err)
{
	cleanup_link struct link l = LINK_TO(&engine);

	if (exchange(&l, socket, "GET", path, 200, err) < 0)
		return -1;
	return link_json(&l, type, buf_str(&l.in), l.in.n, ret, err);
}

/* Call FN for each socket until it returns 0; -1: what the first one said that has an opinion. */
static int each_engine(const struct strv *sockets, int (*fn)(const char *socket, void *arg, struct err *err), void *arg,
		       struct err *err)
{
	static const char *const usual[] = { ENGINE_SOCKETS };
	bool own = sockets && sockets->n;
	size_t n = own ? sockets->n : ARRAY_SIZE(usual);
	struct err first = ERR_INIT;

	for (size_t i = 0; i < n; i++) {
		struct err why = ERR_INIT;
		const char *socket = engine_path(own ? sockets->v[i] : usual[i], &why);

		if (socket && fn(socket, arg, &why) == 0)
			return 0;
		if (first.code == CODE_OK || (first.code == CODE_NO_ENGINE && why.code != CODE_NO_ENGINE))
			first = why;
	}
	*err = first;
	return -1;
}

/* --- containers --------------------------------------------------------------------- */

static struct json_object *at(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *v = NULL;

	return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &v) &&
			       json_object_is_type(v, type) ?
		       v :
		       NULL;
}

/* A string without NUL in it, short enough; caller frees. NULL: none. */
static char *text_of(struct json_object *s)
{
	const char *text = json_object_is_type(s, json_type_string) ? json_object_get_string(s) : NULL;
	size_t n = text ? (size_t)json_object_get_string_len(s) : 0;

	return text && n && n <= ENGINE_TEXT_MAX && strlen(text) == n ? xstrdup(text) : NULL;
}

static void take_labels(struct json_object *o, struct strv *ret)
{
	struct json_object *labels = at(o, "Labels", json_type_object);

	if (!labels)
		return;
	json_object_object_foreach(labels, key, value)
	{
		cleanup_free char *text = text_of(value);

		if (ret->n < ENGINE_LABELS_MAX && strlen(key) <= ENGINE_TEXT_MAX &&
		    (text || json_object_get_string_len(value) == 0))
			strv_take(ret, xasprintf("%s=%s", key, strna(text)));
	}
}

static struct host_container *by_id(struct host_containers *c, const char *id)
{
	for (size_t i = 0; id && i < c->n; i++)
		if (!c->list[i].nested && streq(c->list[i].id, id))
			return &c->list[i];
	return NULL;
}

static void take_container(struct host_containers *c, struct json_object *o)
{
	cleanup_free char *id = text_of(at(o, "Id", json_type_string));
	struct host_container *one = by_id(c, id);
	struct json_object *names = at(o, "Names", json_type_array), *created = at(o, "Created", json_type_int);

	if (!one || one->image) /* another engine knew it already */
		return;
	/* a container that others link to has further names, "/other/alias" */
	for (size_t i = 0; names && !one->name && i < json_object_array_length(names); i++) {
		cleanup_free char *name = text_of(json_object_array_get_idx(names, i));
		const char *s = name && *name == '/' ? name + 1 : strna(name);

		if (*s && !strchr(s, '/'))
			one->name = xstrdup(s);
	}
	one->image = text_of(at(o, "Image", json_type_string));
	one->image_id = text_of(at(o, "ImageID", json_type_string));
	one->created = json_object_get_int64(created);
	take_labels(o, &one->labels);
}

static int name_them(const char *socket, void *arg, struct err *err)
{
	struct json_object *all = NULL;

	if (get(socket, "/containers/json", json_type_array, &all, err) < 0) {
		if (err->code != CODE_NO_ENGINE)
			log_warning("names of containers are unknown: %s", err->msg);
		return -1;
	}
	for (size_t i = 0; i < json_object_array_length(all) && i < ENTRIES_MAX; i++)
		take_container(arg, json_object_array_get_idx(all, i));
	json_object_put(all);
	return -1; /* the next engine has others */
}

void engine_names(struct host_containers *c, const struct strv *sockets)
{
	struct err ignored = ERR_INIT;

	(void)each_engine(sockets, name_them, c, &ignored);
}

/* --- images ---------------------------------------------------------------------------- */

struct inspect {
	const char *path;
	struct json_object *ret;
};

static int inspect_there(const char *socket, void *arg, struct err *err)
{
	struct inspect *i = arg;

	return get(socket, i->path, json_type_object, &i->ret, err);
}

int engine_inspect(const struct strv *sockets, const char *name, struct json_object **ret, struct err *err)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/@-+";
	cleanup_free char *shown = escape_text(name, 200), *path = xasprintf("/images/%s/json", name);
	struct inspect i = { .path = path };
	size_t n = strlen(name);

	/* it becomes a part of the request */
	if (!n || n > NAME_MAX_LEN || strspn(name, allowed) != n || strstr(name, "..") || *name == '/')
		return err_set(err, CODE_USAGE, 0, "'%s' is not the name of an image", shown);
	if (each_engine(sockets, inspect_there, &i, err) < 0)
		return err_wrap(err, "image '%s'", shown);
	*ret = i.ret;
	return 0;
}

/* "2026-11-23T21:56:50.123456789Z", or with an offset, which engines do not send. */
static int64_t parse_created(const char *s)
{
	char whole[32];
	int64_t t;

	if (strlen(s) < 20)
		return 0;
	(void)snprintf(whole, sizeof(whole), "%.19sZ", s);
	return time_parse(whole, &t) < 0 ? 0 : t;
}

int engine_image(const struct strv *sockets, const char *name, struct engine_image *ret, struct err *err)
{
	struct json_object *o = NULL;

	*ret = (struct engine_image){ 0 };
	if (engine_inspect(sockets, name, &o, err) < 0)
		return -1;
	struct json_object *layers = at(at(o, "RootFS", json_type_object), "Layers", json_type_array);
	cleanup_free char *created = text_of(at(o, "Created", json_type_string));

	ret->id = text_of(at(o, "Id", json_type_string));
	ret->created = parse_created(strna(created));
	for (size_t i = 0; layers && i < json_object_array_length(layers) && i < LAYERS_MAX; i++) {
		char *layer = text_of(json_object_array_get_idx(layers, i));

		if (layer)
			strv_take(&ret->layers, layer);
	}
	json_object_put(o);
	return 0;
}

void engine_image_clear(struct engine_image *i)
{
	free(i->id);
	strv_clear(&i->layers);
	*i = (struct engine_image){ 0 };
}

int engine_lowers(const struct strv *sockets, const char *id, struct strv *ret, struct err *err)
{
	cleanup_free char *path = xasprintf("/containers/%s/json", id), *text = NULL;
	struct inspect i = { .path = path };

	if (!cgroup_id_hex(id))
		return err_set(err, CODE_NO_ENGINE, 0,
			       "the layers of '%.80s' are unknown: it is of no engine that has an API", id);
	if (each_engine(sockets, inspect_there, &i, err) < 0)
		return -1;
	struct json_object *driver = at(i.ret, "GraphDriver", json_type_object);
	struct json_object *dirs = at(at(driver, "Data", json_type_object), "LowerDir", json_type_string);

	text = dirs ? xstrdup(json_object_get_string(dirs)) : xstrdup("");
	json_object_put(i.ret);
	char *rest = text;
	for (char *one; (one = strsep(&rest, ":"));)
		if (*one == '/' && ret->n < LAYERS_MAX)
			strv_push(ret, one);
	return ret->n ? 0 :
			err_set(err, CODE_NO_ENGINE, 0, "the engine does not tell where the layers of %.12s are", id);
}

/* --- restart ------------------------------------------------------------------------------ */

struct restarting {
	const char *path;
	int seconds;
};

static int restart_there(const char *socket, void *arg, struct err *err)
{
	const struct restarting *r = arg;
	struct link_peer patient = engine;

	patient.seconds = r->seconds;
	cleanup_link struct link l = LINK_TO(&patient);
	return exchange(&l, socket, "POST", r->path, 204, err);
}

int engine_restart(const struct strv *sockets, const char *id, int64_t timeout, struct err *err)
{
	int64_t stop = timeout < 0 ? 0 : timeout > STOP_S_MAX ? STOP_S_MAX : timeout;
	cleanup_free char *path = xasprintf("/containers/%s/restart?t=%lld", id, (long long)stop);
	struct restarting r = { .path = path, .seconds = (int)stop + RESTART_S };

	if (!cgroup_id_hex(id))
		return err_set(err, CODE_NO_ENGINE, 0,
			       "restart container '%.80s': it is of no engine that has an API: restart it by hand", id);
	if (each_engine(sockets, restart_there, &r, err) < 0)
		return err_wrap(err, "restart container %.12s", id);
	return 0;
}
