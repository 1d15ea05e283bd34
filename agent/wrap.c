/* wrap.c - see wrap.h. */
#include <limits.h>
#include "bundle.h"
#include "engine.h"
#include "fd.h"
#include "httplink.h"
#include "log.h"
#include "out.h"
#include "print.h"
#include "quote.h"
#include "wrap.h"

#define FILE_MAX_BYTES (16 * 1024 * 1024)
#define WORDS_MAX 1024
#define INSTALLED "/usr/lib/stopgap" /* where packages put the bundle */

/* --- the image ---------------------------------------------------------------------- */

static struct json_object *at(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *v = NULL;

	return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &v) &&
			       json_object_is_type(v, type) ?
		       v :
		       NULL;
}

/* A string that can be an argument of a program. -1: it has a NUL. */
static int take_text(struct json_object *s, const char *what, char **ret, struct err *err)
{
	const char *text = json_object_is_type(s, json_type_string) ? json_object_get_string(s) : NULL;

	if (!text || strlen(text) != (size_t)json_object_get_string_len(s))
		return err_set(err, CODE_IO, 0, "the image's %s has a NUL or is no text", what);
	*ret = xstrdup(text);
	return 0;
}

static int take_words(struct json_object *config, const char *key, struct strv *ret, struct err *err)
{
	struct json_object *a = at(config, key, json_type_array);

	for (size_t i = 0; a && i < json_object_array_length(a); i++) {
		char *word;

		if (i == WORDS_MAX)
			return err_set(err, CODE_IO, 0, "the image's %s has more than %d words", key, WORDS_MAX);
		if (take_text(json_object_array_get_idx(a, i), key, &word, err) < 0)
			return -1;
		strv_take(ret, word);
	}
	return 0;
}

static int take_optional(struct json_object *config, const char *key, char **ret, struct err *err)
{
	struct json_object *s = at(config, key, json_type_string);

	return s && json_object_get_string_len(s) ? take_text(s, key, ret, err) : 0;
}

int wrap_image_read(struct json_object *o, struct wrap_image *ret, struct err *err)
{
	struct json_object *config, *test;
	struct wrap_image i = { 0 };

	if (json_object_is_type(o, json_type_array) && json_object_array_length(o) == 1)
		o = json_object_array_get_idx(o, 0);
	config = at(o, "Config", json_type_object);
	if (!config)
		config = at(o, "config", json_type_object);
	if (!config)
		return err_set(
			err, CODE_IO, 0,
			"no configuration of one image; accepted: what docker inspect, podman inspect or skopeo inspect --config print");
	if (take_words(config, "Entrypoint", &i.entrypoint, err) < 0 || take_words(config, "Cmd", &i.cmd, err) < 0 ||
	    take_optional(config, "User", &i.user, err) < 0 ||
	    take_optional(config, "StopSignal", &i.stop_signal, err) < 0) {
		wrap_image_clear(&i);
		return -1;
	}
	test = at(at(config, "Healthcheck", json_type_object), "Test", json_type_array);
	i.healthcheck = test && json_object_array_length(test) > 1;
	*ret = i;
	return 0;
}

void wrap_image_clear(struct wrap_image *i)
{
	strv_clear(&i->entrypoint);
	strv_clear(&i->cmd);
	free(i->user);
	free(i->stop_signal);
	*i = (struct wrap_image){ 0 };
}

/* --- what stopgap is told ------------------------------------------------------------- */

/* Lower-case letters, digits and dashes of the last part of the name, as a DNS label has them. */
static char *label_of(const char *image)
{
	const char *slash = strrchr(image, '/'), *name = slash ? slash + 1 : image;
	struct buf b = { 0 };

	for (; *name && !strchr(":@", *name) && b.n < 50; name++) {
		char c = *name >= 'A' && *name <= 'Z' ? (char)(*name + 32) : *name;
		bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (letter || (b.n && b.s[b.n - 1] != '-'))
			buf_putc(&b, letter ? c : '-');
	}
	while (b.n && b.s[b.n - 1] == '-')
		b.s[--b.n] = '\0';
	if (!b.n)
		buf_puts(&b, "app");
	return buf_steal(&b);
}

static bool is_root(const char *user)
{
	return !user || streq(user, "0") || streq(user, "root") || streq(user, "0:0") || streq(user, "root:root");
}

static void add_notes(struct wrap *w, const struct wrap_image *image)
{
	int sig;

	strv_push(&w->notes,
		  "the volume is a copy: a bind mount of the bundle works too, but shares the page cache of its files "
		  "with the host, which a flaw of the kernel could let a container write to");
	if (w->as_root) {
		cleanup_free char *user = escape_text(image->user, 100);

		strv_take(&w->notes,
			  xasprintf("the container's user is root, which updates need; its command runs as %s. What "
				    "'docker exec' starts is root's too: give it -u",
				    user));
		if (image->healthcheck)
			strv_push(&w->notes, "the image's HEALTHCHECK runs as root now");
	}
	if (image->stop_signal && value_signal(image->stop_signal, &sig) < 0) {
		cleanup_free char *name = escape_text(image->stop_signal, 40);

		strv_take(&w->notes,
			  xasprintf("the image's STOPSIGNAL %s is none that stopgap knows: a restart sends TERM",
				    name));
	}
}

int wrap_make(const char *name, const char *bundle, const struct wrap_image *image, struct wrap *ret, struct err *err)
{
	int sig;

	if (!image->entrypoint.n && !image->cmd.n)
		return err_set(err, CODE_USAGE, 0,
			       "the image has neither ENTRYPOINT nor CMD: there is nothing to start");
	*ret = (struct wrap){ .name = name, .bundle = bundle };
	ret->label = label_of(name);
	ret->volume = xstrdup("stopgap-" PACKAGE_VERSION);
	ret->as_root = !is_root(image->user);
	if (image->stop_signal && value_signal(image->stop_signal, &sig) == 0)
		ret->stop_signal = image->stop_signal;
	strv_push(&ret->args, "run");
	if (ret->as_root)
		strv_take(&ret->args, xasprintf("--user=%s", image->user));
	strv_push(&ret->args, "--");
	for (size_t i = 0; i < image->entrypoint.n; i++)
		strv_push(&ret->args, image->entrypoint.v[i]);
	for (size_t i = 0; i < image->cmd.n; i++)
		strv_push(&ret->args, image->cmd.v[i]);
	add_notes(ret, image);
	return 0;
}

void wrap_clear(struct wrap *w)
{
	free(w->label);
	free(w->volume);
	strv_clear(&w->args);
	strv_clear(&w->notes);
	*w = (struct wrap){ 0 };
}

/* --- the mode --------------------------------------------------------------------------- */

static void put_text(const struct wrap *w, struct buf *b, bool colour)
{
	const struct out o = { .b = b, .colour = colour };

	put(&o, BOLD, "# once: a copy of the bundle, in a volume\n");
	wrap_docker_volume(w, b);
	put(&o, BOLD, "\n# docker: add what you start it with today (-p, -v, -e, --name) after 'run'\n");
	wrap_docker(w, b);
	put(&o, BOLD, "\n# compose.yaml\n");
	wrap_compose(w, b);
	put(&o, BOLD, "\n# Kubernetes\n");
	wrap_kubernetes(w, b);
	put(&o, PLAIN, "\n");
	for (size_t i = 0; i < w->notes.n; i++) {
		put(&o, WARN, "# note: ");
		buf_printf(b, "%s\n", w->notes.v[i]);
	}
}

/* Exactly S: what is to be started must not be changed by an escape. */
static struct json_object *exact(const char *s)
{
	struct json_object *o = json_object_new_object();
	struct buf b = { 0 };

	quote_json(&b, s);
	json_object_set_serializer(o, json_object_userdata_to_json_string, buf_steal(&b), json_object_free_userdata);
	return o;
}

static void add_form(struct json_object *o, const char *name, void (*form)(const struct wrap *w, struct buf *ret),
		     const struct wrap *w)
{
	cleanup_buf struct buf b = { 0 };

	form(w, &b);
	json_object_object_add(o, name, exact(buf_str(&b)));
}

static struct json_object *strings(const struct strv *l)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < l->n; i++)
		json_object_array_add(a, exact(l->v[i]));
	return a;
}

static struct json_object *to_json(const struct wrap *w)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "schema", json_object_new_int(WRAP_SCHEMA));
	json_object_object_add(o, "image", exact(w->name));
	json_object_object_add(o, "args", strings(&w->args));
	add_form(o, "docker_volume", wrap_docker_volume, w);
	add_form(o, "docker", wrap_docker, w);
	add_form(o, "compose", wrap_compose, w);
	add_form(o, "kubernetes", wrap_kubernetes, w);
	json_object_object_add(o, "notes", strings(&w->notes));
	return o;
}

static int from_file(const char *path, struct json_object **ret, struct err *err)
{
	static const struct link_peer file = { .name = "file" };
	const struct link l = LINK_TO(&file);
	cleanup_buf struct buf text = { 0 };

	if (read_file(path, FILE_MAX_BYTES, &text, err) < 0)
		return -1;
	enum json_type type = text.n && *text.s == '[' ? json_type_array : json_type_object;
	return link_json(&l, type, buf_str(&text), text.n, ret, err) < 0 ? err_wrap(err, "read '%s'", path) : 0;
}

static int load(const struct options *opt, const struct config *config, struct wrap_image *ret, struct err *err)
{
	struct json_object *o = NULL;
	int r;

	if (opt->inspect)
		r = from_file(opt->inspect, &o, err);
	else
		r = engine_inspect(opt->hosts.n ? &opt->hosts : &config->host.engines, opt->words.v[0], &o, err);
	if (r == 0)
		r = wrap_image_read(o, ret, err);
	else if (!opt->inspect && err->code == CODE_NO_ENGINE)
		(void)err_wrap(
			err,
			"pull it, name the engine's socket with --host, or give the output of 'docker inspect' with --inspect");
	json_object_put(o);
	return r;
}

int wrap_main(const struct options *opt, const struct config *config)
{
	cleanup_buf struct buf b = { 0 };
	struct wrap_image image = { 0 };
	struct wrap w = { 0 };
	char bundle[PATH_MAX];
	struct err err = ERR_INIT, ignored = ERR_INIT;

	if (load(opt, config, &image, &err) < 0 ||
	    wrap_make(opt->words.v[0], bundle_find(bundle, sizeof(bundle), &ignored) < 0 ? INSTALLED : bundle, &image,
		      &w, &err) < 0) {
		log_err(LOG_ERROR, &err);
		wrap_image_clear(&image);
		return err.code == CODE_USAGE ? EXIT_USAGE : EXIT_FAILED;
	}
	if (opt->output == OUTPUT_JSON) {
		print_json(to_json(&w));
	} else {
		put_text(&w, &b, isatty(STDOUT_FILENO) && !getenv("NO_COLOR"));
		print_text(&b);
	}
	wrap_clear(&w);
	wrap_image_clear(&image);
	return EXIT_DONE;
}
