/* export.c - see export.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include "clock.h"
#include "containers.h"
#include "engine.h"
#include "export.h"
#include "fd.h"
#include "hoststate.h"
#include "inroot.h"
#include "layer.h"
#include "log.h"
#include "out.h"
#include "print.h"
#include "procfacts.h"
#include "ps.h"
#include "statefile.h"

#define PACKAGES_MAX 10000
#define DEADLINE_S 600 /* a container's file system may never answer; SIGALRM ends us then */
#define MAP_MAX 65536
#define INSIDE "/var/lib/stopgap/last.json"

/* --- which packages --------------------------------------------------------------- */

static bool is_package(const char *s)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	const char *eq = strchr(s, '=');
	cleanup_free char *allowed = xasprintf("%s+._-", letters), *in_version = xasprintf("%s+._-~:^", letters);

	return eq && eq > s && strchr(letters, *s) && strspn(s, allowed) == (size_t)(eq - s) && eq[1] &&
	       strchr(letters, eq[1]) && strspn(eq + 1, in_version) == strlen(eq + 1);
}

static struct json_object *at(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *v = NULL;

	return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &v) &&
			       json_object_is_type(v, type) ?
		       v :
		       NULL;
}

int carried_read(struct json_object *report, struct carried *ret, struct err *err)
{
	struct json_object *lost = at(at(report, "ephemeral", json_type_object), "lost_on_recreate", json_type_array);
	struct json_object *plugin = at(report, "plugin", json_type_object);

	for (size_t i = 0; lost && i < json_object_array_length(lost) && i < PACKAGES_MAX; i++) {
		struct json_object *one = json_object_array_get_idx(lost, i);
		const char *s = json_object_is_type(one, json_type_string) ? json_object_get_string(one) : "";

		/* it ends on a command line, and comes out of the container */
		if (!is_package(s)) {
			cleanup_free char *shown = escape_text(s, 100);

			carried_clear(ret);
			return err_set(err, CODE_IO, 0, "the report names a package that cannot be one: '%s'", shown);
		}
		strv_push(&ret->packages, s);
	}
	ret->plugin = escape_text(strna(json_object_get_string(at(plugin, "name", json_type_string))), 40);
	ret->manager = escape_text(strna(json_object_get_string(at(plugin, "manager", json_type_string))), 40);
	return 0;
}

void carried_clear(struct carried *c)
{
	strv_clear(&c->packages);
	free(c->plugin);
	free(c->manager);
	*c = (struct carried){ 0 };
}

int carried_command(const struct carried *c, struct buf *ret, struct err *err)
{
	static const struct {
		const char *manager, *before, *after;
		char between; /* of name and version */
	} forms[] = {
		{ "apt", "RUN apt-get update && apt-get install -y --only-upgrade", " && rm -rf /var/lib/apt/lists/*",
		  '=' },
		{ "microdnf", "RUN microdnf upgrade -y", " && microdnf clean all", '-' },
		{ "dnf", "RUN dnf install -y", " && dnf clean all", '-' },
		{ "yum", "RUN yum install -y", " && yum clean all", '-' },
		{ "zypper", "RUN zypper --non-interactive install", " && zypper clean --all", '=' },
	};
	const char *manager = streq(c->plugin, "apt") ? "apt" : c->manager;

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (!starts_with(manager, forms[i].manager))
			continue;
		buf_puts(ret, forms[i].before);
		for (size_t k = 0; k < c->packages.n; k++) {
			const char *s = c->packages.v[k], *eq = strchr(s, '=');

			buf_printf(ret, " \\\n\t%.*s%c%s", (int)(eq - s), s, forms[i].between, eq + 1);
		}
		buf_printf(ret, " \\\n\t%s\n", forms[i].after + 1);
		return 0;
	}
	return err_set(err, CODE_EXPORT_UNSUPPORTED, 0, "no command is known for package system '%s'", manager);
}

/* What the host has kept, else what the agent in the container has. */
static int find_carried(const struct config *config, const struct host_container *c, int root, struct carried *ret,
			struct err *err)
{
	cleanup_free char *folder = hoststate_of(config->report.state_dir, c);
	struct json_object *o = NULL;
	struct err ignored = ERR_INIT;
	int r = 0;

	if (c->known && folder && state_read(folder, "last.json", &o, &ignored) == 0)
		r = carried_read(o, ret, err);
	json_object_put(o);
	o = NULL;
	if (r == 0 && !ret->packages.n) {
		cleanup_fd int fd = inroot_open(root, INSIDE);
		cleanup_free char *self = xasprintf("/proc/self/fd/%d", fd);
		cleanup_buf struct buf text = { 0 };

		carried_clear(ret);
		if (fd >= 0 && read_file(self, STATE_FILE_MAX, &text, &ignored) == 0) {
			while (text.n && text.s[text.n - 1] == '\n')
				text.n--;
			if (state_parse(buf_str(&text), text.n, &o, &ignored) == 0)
				r = carried_read(o, ret, err);
			json_object_put(o);
		}
	}
	if (r == 0 && !ret->packages.n) {
		cleanup_free char *id = containers_short_id(c), *shown = escape_text(c->name ? c->name : id, 80);

		carried_clear(ret);
		r = err_set(
			err, CODE_NOT_READY, 0,
			"no report says that stopgap has changed a package in container '%s': there is nothing to carry over",
			shown);
	}
	return r;
}

/* --- the layer ------------------------------------------------------------------------ */

static void names_of(const struct carried *c, struct strv *ret)
{
	for (size_t i = 0; i < c->packages.n; i++)
		strv_take(ret, xstrndup(c->packages.v[i], strcspn(c->packages.v[i], "=")));
}

/* When the container was made, or started when only that is known. */
static int64_t made_at(const struct host_container *c)
{
	long hz = sysconf(_SC_CLK_TCK);

	if (c->created)
		return c->created;
	return clock_wall() - (int64_t)(clock_ms() / 1000) + (int64_t)(c->start / (uint64_t)(hz > 0 ? hz : 100));
}

static int write_layer(const struct options *opt, const struct config *config, const struct host_container *c, int root,
		       const struct carried *carried, int fd, struct err *err)
{
	cleanup_strv struct strv names = { 0 }, lowers = { 0 };
	cleanup_buf struct buf uids = { 0 }, gids = { 0 };
	struct layer_counts counts;
	struct tar t = { .fd = fd };
	struct err why = ERR_INIT;
	char size[32];

	if (!streq(carried->plugin, "apt"))
		return err_set(
			err, CODE_EXPORT_UNSUPPORTED, 0,
			"a layer can be made of dpkg packages only: use --format=commands and rebuild the image");
	if (engine_lowers(opt->hosts.n ? &opt->hosts : &config->host.engines, c->id, &lowers, &why) < 0)
		log_warning("%s; files that the old packages had and the new ones have not stay in the image", why.msg);
	if (procfacts_file("/proc", c->pid, "uid_map", MAP_MAX, &uids) < 0 ||
	    procfacts_file("/proc", c->pid, "gid_map", MAP_MAX, &gids) < 0)
		return err_set(err, CODE_NO_TARGET, 0, "container '%.80s' has ended", c->id);
	names_of(carried, &names);
	const struct layer_source s = { .root = root,
					.packages = &names,
					.lowers = &lowers,
					.created = made_at(c),
					.uid_map = buf_str(&uids),
					.gid_map = buf_str(&gids) };
	if (layer_write(&s, &t, &counts, err) < 0)
		return -1;
	size_format((int64_t)counts.bytes, size, sizeof(size));
	log_notice("%zu packages, %zu files, %zu whiteouts, %s", names.n, counts.files, counts.whiteouts, size);
	if (counts.kept)
		log_notice("%zu changed configuration files are not in it: the image keeps its own", counts.kept);
	if (counts.unread)
		log_warning("%zu files of the packages are not in it: something is mounted over them", counts.unread);
	return 0;
}

/* Into a new file beside PATH, which takes its place when it is whole. */
static int write_file(const struct options *opt, const struct config *config, const struct host_container *c, int root,
		      const struct carried *carried, struct err *err)
{
	cleanup_free char *part = xasprintf("%s.part", opt->to);

	(void)unlink(part);
	cleanup_fd int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_set(err, CODE_IO, errno, "create '%s'", part);
	int r = write_layer(opt, config, c, root, carried, fd, err);
	if (r == 0 && (fsync(fd) < 0 || rename(part, opt->to) < 0))
		r = err_set(err, CODE_IO, errno, "write '%s'", opt->to);
	if (r < 0)
		(void)unlink(part);
	return r;
}

/* --- the mode --------------------------------------------------------------------------- */

static int write_commands(const struct options *opt, const struct carried *carried, struct err *err)
{
	cleanup_buf struct buf b = { 0 };

	if (carried_command(carried, &b, err) < 0)
		return -1;
	if (opt->to)
		return replace_file(opt->to, 0644, b.s, b.n, err);
	print_text(&b);
	return 0;
}

static int export_one(const struct options *opt, const struct config *config, const struct host_container *c,
		      struct err *err)
{
	cleanup_free char *path = xasprintf("/proc/%d/root", (int)c->pid);
	struct carried carried = { 0 };
	int r;

	cleanup_fd int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || !procfacts_same("/proc", c->pid, (int64_t)c->start))
		return err_set(err, CODE_NO_TARGET, errno, "container '%.80s' has ended, or may not be read", c->id);
	if (find_carried(config, c, root, &carried, err) < 0)
		return -1;
	if (opt->commands)
		r = write_commands(opt, &carried, err);
	else if (opt->to)
		r = write_file(opt, config, c, root, &carried, err);
	else
		r = write_layer(opt, config, c, root, &carried, STDOUT_FILENO, err);
	carried_clear(&carried);
	return r;
}

int export_main(const struct options *opt, const struct config *config)
{
	struct host_containers all = { 0 };
	const struct host_container *c = NULL;
	struct err err = ERR_INIT;
	int r = -1;

	if (!opt->commands && !opt->to && isatty(STDOUT_FILENO))
		(void)err_set(&err, CODE_USAGE, 0, "an archive is not for a terminal: use --to=FILE, or a pipe");
	else if (containers_here(config, opt->hosts.n ? &opt->hosts : &config->host.engines, &all, &err) == 0 &&
		 containers_pick(&all, opt->words.v[0], &c, &err) == 0) {
		(void)signal(SIGALRM, SIG_DFL);
		(void)alarm(DEADLINE_S);
		r = export_one(opt, config, c, &err);
		(void)alarm(0);
	}
	containers_clear(&all);
	if (r == 0)
		return EXIT_DONE;
	log_err(LOG_ERROR, &err);
	return err.code == CODE_USAGE ? EXIT_USAGE : err.code == CODE_NOT_ROOT ? EXIT_BLOCKED : EXIT_FAILED;
}
