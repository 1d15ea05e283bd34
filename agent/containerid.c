/* containerid.c - see containerid.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include "containerid.h"
#include "containers.h"
#include "fd.h"
#include "procfacts.h"
#include "statefile.h"

#define STATE_MAX (1024 * 1024) /* bytes of one state.json */
#define STATES_MAX 4096

/* The word after OPTION, or after "OPTION=". NULL: it is not there. */
static const char *value_of(const struct strv *args, const char *option)
{
	size_t n = strlen(option);

	for (size_t i = 1; i < args->n; i++) {
		if (streq(args->v[i], option))
			return i + 1 < args->n ? args->v[i + 1] : NULL;
		if (starts_with(args->v[i], option) && args->v[i][n] == '=')
			return args->v[i] + n + 1;
	}
	return NULL;
}

static void take_id(const char *engine, const char *id, struct cgroup_id *ret)
{
	ret->engine = engine;
	if (!id)
		return;
	if (!cgroup_id_hex(id))
		(void)cgroup_id_named(engine, id, ret);
	else
		memcpy(ret->id, id, 65);
}

/* containerd-shim-runc-v2 -namespace NS -id ID -address SOCKET */
static void by_shim(const struct strv *args, struct cgroup_id *ret)
{
	const char *ns = value_of(args, "-namespace"), *id = value_of(args, "-id");
	cleanup_free char *whole = NULL;

	if (ns && streq(ns, "moby")) {
		take_id("docker", id, ret);
		return;
	}
	/* names of two namespaces may be the same */
	if (ns && id && !cgroup_id_hex(id))
		id = whole = xasprintf("%s:%s", ns, id);
	take_id("containerd", id, ret);
}

/* conmon … -c ID …, of podman or CRI-O */
static void by_conmon(const struct strv *args, struct cgroup_id *ret)
{
	const char *exits = value_of(args, "--exit-dir"), *id = value_of(args, "-c");

	take_id(exits && strstr(exits, "crio") ? "crio" : "podman", id ? id : value_of(args, "--cid"), ret);
}

/* systemd-nspawn -M NAME, or -D FOLDER, whose last part is the name then */
static void by_nspawn(const struct strv *args, struct cgroup_id *ret)
{
	static const char *const names[] = { "-M", "--machine" }, *const folders[] = { "-D", "--directory" };
	const char *name = NULL, *folder = NULL;

	ret->engine = "nspawn";
	for (size_t i = 0; i < ARRAY_SIZE(names) && !name; i++)
		name = value_of(args, names[i]);
	for (size_t i = 0; i < ARRAY_SIZE(folders) && !folder; i++)
		folder = value_of(args, folders[i]);
	if (!name && folder) {
		const char *slash = strrchr(folder, '/');

		name = slash ? slash + 1 : folder;
	}
	if (name)
		(void)cgroup_id_named("nspawn", name, ret);
}

int container_id_by_parent(const char *proc, pid_t parent, struct cgroup_id *ret)
{
	static const struct {
		const char *program;
		void (*read)(const struct strv *args, struct cgroup_id *ret);
	} programs[] = { { "containerd-shim", by_shim }, { "conmon", by_conmon }, { "systemd-nspawn", by_nspawn } };
	cleanup_strv struct strv args = { 0 };

	*ret = (struct cgroup_id){ 0 };
	if (parent <= 1)
		return -1;
	procfacts_args(proc, parent, &args);
	if (!args.n)
		return -1;
	const char *slash = strrchr(args.v[0], '/'), *program = slash ? slash + 1 : args.v[0];
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (starts_with(program, programs[i].program)) {
			programs[i].read(&args, ret);
			return 0;
		}
	return -1;
}

struct container_state {
	struct cgroup_id id;
	pid_t pid;
	uint64_t start;
};

static int64_t number(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_int) ?
		       json_object_get_int64(v) :
		       -1;
}

static void read_state(int folder, const char *name, struct container_states *s)
{
	cleanup_free char *path = xasprintf("%s/state.json", name);
	cleanup_buf struct buf text = { 0 };
	struct container_state one = { 0 };
	struct json_object *o = NULL, *id = NULL;
	struct err ignored = ERR_INIT;

	if (read_file_at(folder, path, STATE_MAX, &text, &ignored) < 0)
		return;
	while (text.n && text.s[text.n - 1] == '\n')
		text.n--;
	if (state_parse(buf_str(&text), text.n, &o, &ignored) < 0)
		return;
	int64_t pid = number(o, "init_process_pid"), start = number(o, "init_process_start");
	if (pid > 0 && pid <= INT32_MAX && start > 0 && json_object_object_get_ex(o, "id", &id) &&
	    json_object_is_type(id, json_type_string)) {
		take_id("runc", json_object_get_string(id), &one.id);
		one.pid = (pid_t)pid;
		one.start = (uint64_t)start;
	}
	json_object_put(o);
	if (!one.id.id[0])
		return;
	s->v = xrealloc(s->v, s->n + 1, sizeof(*s->v));
	s->v[s->n++] = one;
}

static void read_folder(const char *root, const char *path, struct container_states *s)
{
	cleanup_free char *whole = xasprintf("%s%s", root, path);
	DIR *all = opendir(whole);
	struct dirent *e;

	while (all && s->n < STATES_MAX && (e = readdir(all)))
		if (*e->d_name != '.')
			read_state(dirfd(all), e->d_name, s);
	if (all)
		(void)closedir(all);
}

void container_states_read(const char *root, const struct strv *folders, struct container_states *s)
{
	if (s->read)
		return;
	s->read = true;
	if (!folders || !folders->n)
		read_folder(root, CONTAINERS_RUNC, s);
	for (size_t i = 0; folders && i < folders->n; i++)
		read_folder(root, folders->v[i], s);
}

int container_id_by_state(const struct container_states *s, pid_t pid, uint64_t start, struct cgroup_id *ret)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].pid == pid && s->v[i].start == start) {
			*ret = s->v[i].id;
			return 0;
		}
	return -1;
}

void container_states_clear(struct container_states *s)
{
	free(s->v);
	*s = (struct container_states){ 0 };
}
