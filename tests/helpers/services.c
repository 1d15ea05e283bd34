/* services [--child PID] [--restart] PID…   the services of these processes, one JSON line each:
 * {"kind","name","pid","restart":[…],"why_not","covered_by","processes":N}; with --restart each that is not covered is
 * restarted by its command, in the environment of stopgap's own: "result" and "ms" are added. */
#include <dirent.h>
#include <json-c/json.h>
#include <stdio.h>
#include "command.h"
#include "fd.h"
#include "procfacts.h"
#include "service.h"

static struct event_base *base;
static struct buf output, described;
static uint64_t took;
static bool ok;

static void on_done(void *arg _unused_, const struct command_result *r)
{
	buf_reset(&output);
	buf_append(&output, r->output, r->n);
	buf_reset(&described);
	command_describe(r, &described);
	took = r->ms;
	ok = command_ok(r);
	(void)event_base_loopbreak(base);
}

static void run(const struct strv *words)
{
	cleanup_strv struct strv argv = { 0 };
	struct err err = ERR_INIT;

	strv_copy(&argv, words);
	strv_take(&argv, NULL);
	argv.n--;
	const struct command_spec spec = {
		.argv = argv.v, .envp = command_environment, .timeout = 60, .for_service = true
	};
	buf_reset(&output);
	if (command_start(base, &spec, on_done, NULL, NULL, &err) < 0) {
		fprintf(stderr, "services: %s\n", err.msg);
		exit(1);
	}
	(void)event_base_dispatch(base);
}

static int by_pid(const void *a, const void *b)
{
	return ((const struct proc_node *)a)->pid - ((const struct proc_node *)b)->pid;
}

static size_t read_tree(struct proc_node **ret)
{
	struct proc_node *v = NULL;
	size_t n = 0;
	DIR *d = opendir("/proc");

	for (struct dirent *e; d && (e = readdir(d));) {
		cleanup_buf struct buf b = { 0 };
		struct proc_node p = { 0 };
		long long start;
		uint64_t pid;

		if (parse_u64(e->d_name, INT32_MAX, &pid) < 0 || pid == (uint64_t)getpid() ||
		    procfacts_file("/proc", (pid_t)pid, "stat", 8192, &b) < 0)
			continue;
		char *name = strchr(b.s, '('), *end = strrchr(b.s, ')');
		if (sscanf(end, ") %*c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %lld",
			   &p.ppid, &p.sid, &start) != 3)
			continue;
		p.pid = (pid_t)pid;
		p.start = start;
		memcpy(p.comm, name + 1, (size_t)(end - name - 1) < 15 ? (size_t)(end - name - 1) : 15);
		v = xrealloc(v, n + 1, sizeof(*v));
		v[n++] = p;
	}
	if (d)
		(void)closedir(d);
	qsort(v, n, sizeof(*v), by_pid);
	*ret = v;
	return n;
}

static void show(const struct services *l, size_t i, bool restart)
{
	const struct service *s = &l->v[i];
	struct json_object *o = json_object_new_object(), *words = json_object_new_array();
	int processes = 0;

	for (size_t k = 0; k < l->n_of; k++)
		processes += l->of[k] == (int)i;
	for (size_t k = 0; k < s->restart.n; k++)
		json_object_array_add(words, json_object_new_string(s->restart.v[k]));
	json_object_object_add(o, "kind", json_object_new_string(service_kind_name(s->kind)));
	json_object_object_add(o, "name", json_object_new_string(s->name));
	json_object_object_add(o, "pid", json_object_new_int(s->pid));
	json_object_object_add(o, "restart", words);
	json_object_object_add(o, "why_not", json_object_new_string(strna(s->why_not)));
	json_object_object_add(o, "covered_by", json_object_new_int(s->covered_by));
	json_object_object_add(o, "processes", json_object_new_int(processes));
	if (restart && s->restart.n && s->covered_by < 0) {
		run(&s->restart);
		json_object_object_add(o, "ok", json_object_new_boolean(ok));
		json_object_object_add(o, "result", json_object_new_string(buf_str(&described)));
		json_object_object_add(o, "ms", json_object_new_int64((int64_t)took));
	}
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
}

int main(int argc, char **argv)
{
	struct services l = { 0 };
	struct err err = ERR_INIT;
	struct proc_node *tree;
	pid_t stale[256], child = 0;
	size_t n_stale = 0, n = read_tree(&tree);
	bool restart = false;

	for (int i = 1; i < argc && n_stale < ARRAY_SIZE(stale); i++) {
		if (streq(argv[i], "--restart"))
			restart = true;
		else if (streq(argv[i], "--child") && i + 1 < argc)
			child = (pid_t)strtol(argv[++i], NULL, 10);
		else
			stale[n_stale++] = (pid_t)strtol(argv[i], NULL, 10);
	}
	base = event_base_new();
	if (services_find(tree, n, stale, n_stale, child, "/proc", "", &l, &err) < 0) {
		fprintf(stderr, "services: %s\n", err.msg);
		return 1;
	}
	for (size_t i = 0; i < l.n;) {
		if (!l.v[i].query.n) {
			i++;
			continue;
		}
		run(&l.v[i].query);
		services_answer(&l, i, buf_str(&output));
		i = 0;
	}
	for (size_t i = 0; i < l.n; i++)
		show(&l, i, restart);
	services_clear(&l);
	buf_clear(&output);
	buf_clear(&described);
	event_base_free(base);
	free(tree);
	return 0;
}
