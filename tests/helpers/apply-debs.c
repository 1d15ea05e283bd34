/* apply-debs - drive the dpkg side of the apt plugin without libapt.
 *
 *   apply-debs [OPTION…] STATE_DIR apply DEB… [-- DEB…]…   each group one set, named NAME_VERSION_ARCH.deb
 *   apply-debs [OPTION…] STATE_DIR repair | database | preflight | owner PATH… | verify NAME ARCH VERSION
 *
 * Options: --timeout S (script), --lock S, --stop-after N (a stop request once N sets were begun).
 * Prints events and the result as JSON lines. */
#include <signal.h>
#include <stdio.h>
#include "dpkg.h"
#include "serve.h"

static struct msg_settings settings;
static volatile sig_atomic_t stopped;
static int stop_after = -1;

const struct msg_settings *plugin_settings(void)
{
	return &settings;
}

const char *plugin_bundle(void)
{
	return getenv("STOPGAP_BUNDLE");
}

/* Asked once before each set, and while a lock is waited for. */
bool plugin_stop_requested(void)
{
	return stopped || (stop_after >= 0 && stop_after-- == 0);
}

static void print(const char *name, const struct wire_message *m, const void *v)
{
	struct json_object *obj = wire_encode(m, v);

	printf("%s %s\n", name, json_object_to_json_string_ext(obj, JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(stdout);
	json_object_put(obj);
}

void plugin_event(const char *name, const struct wire_message *m, const void *v)
{
	print(name, m, v);
}

void plugin_log(enum log_level level _unused_, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("log ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	fflush(stdout);
}

static void on_term(int sig _unused_)
{
	stopped = 1;
}

static void add_deb(struct dpkg_sets *sets, const char *path)
{
	cleanup_free char *name = xstrdup(strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	char *save = NULL, *package = strtok_r(name, "_", &save), *version = strtok_r(NULL, "_", &save);
	char *arch = strtok_r(NULL, ".", &save), *epoch = version ? strstr(version, "%3a") : NULL;

	if (!arch) {
		fprintf(stderr, "apply-debs: '%s' is not NAME_VERSION_ARCH.deb\n", path);
		exit(2);
	}
	if (epoch) {
		*epoch = ':';
		memmove(epoch + 1, epoch + 3, strlen(epoch + 3) + 1);
	}
	sets->debs = xrealloc(sets->debs, sets->n_debs + 1, sizeof(*sets->debs));
	sets->debs[sets->n_debs++] = (struct deb){
		.package = xstrdup(package), .version = xstrdup(version), .arch = xstrdup(arch), .path = xstrdup(path)
	};
}

static void end_set(struct dpkg_sets *sets, size_t first)
{
	size_t n = sets->n_debs - first;
	struct dpkg_set *s;

	if (!n)
		return;
	sets->sets = xrealloc(sets->sets, sets->n_sets + 1, sizeof(*sets->sets));
	s = &sets->sets[sets->n_sets++];
	*s = (struct dpkg_set){ .steps = xcalloc(2 * n, sizeof(*s->steps)), .n = 2 * n };
	for (size_t i = 0; i < n; i++) {
		s->steps[i] = (struct dpkg_step){ DPKG_UNPACK, first + i };
		s->steps[n + i] = (struct dpkg_step){ DPKG_CONFIGURE, first + i };
	}
}

static int apply(char **argv, struct err *err)
{
	struct dpkg_sets sets = { 0 };
	struct msg_apply ret = { 0 };
	size_t first = 0;
	int r;

	for (; *argv; argv++) {
		if (streq(*argv, "--")) {
			end_set(&sets, first);
			first = sets.n_debs;
		} else {
			add_deb(&sets, *argv);
		}
	}
	end_set(&sets, first);
	r = dpkg_lock(settings.lock_timeout, err);
	if (r == 0)
		r = dpkg_apply(&sets, &ret, err);
	if (r == 0)
		print("result", &msg_apply, &ret);
	wire_clear(&msg_apply, &ret);
	dpkg_sets_clear(&sets);
	return r;
}

static int repair(struct err *err)
{
	struct msg_repair ret = { 0 };
	int r = dpkg_lock(settings.lock_timeout, err);

	if (r == 0)
		r = dpkg_repair(&ret, err);
	if (r == 0)
		print("result", &msg_repair, &ret);
	wire_clear(&msg_repair, &ret);
	return r;
}

static int ask(char **argv, struct err *err)
{
	int r = 0;

	if (streq(*argv, "database")) {
		struct msg_database ret = { 0 };

		r = dpkg_database(&ret, err);
		print("result", &msg_database, &ret);
		wire_clear(&msg_database, &ret);
	} else if (streq(*argv, "preflight")) {
		struct msg_probe ret = { 0 };

		dpkg_preflight(&settings, &ret.blocked);
		print("result", &msg_probe, &ret);
		wire_clear(&msg_probe, &ret);
	} else if (streq(*argv, "owner")) {
		struct msg_owner_params in = { 0 };
		struct msg_owners ret = { 0 };

		while (*++argv)
			strv_push(&in.paths, *argv);
		r = dpkg_owner(&in, &ret, err);
		print("result", &msg_owners, &ret);
		wire_clear(&msg_owner_params, &in);
		wire_clear(&msg_owners, &ret);
	} else if (streq(*argv, "verify") && argv[1] && argv[2] && argv[3]) {
		struct msg_verify_params in = { 0 };
		struct msg_verify ret = { 0 };
		struct msg_package *p = wire_list_add(&msg_package, &in.packages);

		*p = (struct msg_package){ xstrdup(argv[1]), xstrdup(argv[2]), xstrdup(argv[3]) };
		r = dpkg_verify(&in, &ret, err);
		print("result", &msg_verify, &ret);
		wire_clear(&msg_verify_params, &in);
		wire_clear(&msg_verify, &ret);
	} else {
		return err_set(err, CODE_USAGE, 0, "unknown command '%s'", *argv);
	}
	return r;
}

static int number(const char *s)
{
	uint64_t n;

	if (parse_u64(s, INT32_MAX, &n) < 0) {
		fprintf(stderr, "apply-debs: '%s' is not a number\n", s);
		exit(2);
	}
	return (int)n;
}

int main(int argc _unused_, char **argv)
{
	struct sigaction term = { .sa_handler = on_term }, ign = { .sa_handler = SIG_IGN };
	struct err err = ERR_INIT;
	int r;

	settings.script_timeout = 900;
	settings.lock_timeout = 10;
	for (argv++; *argv && starts_with(*argv, "--") && argv[1]; argv += 2) {
		if (streq(*argv, "--timeout"))
			settings.script_timeout = number(argv[1]);
		else if (streq(*argv, "--lock"))
			settings.lock_timeout = number(argv[1]);
		else if (streq(*argv, "--stop-after"))
			stop_after = number(argv[1]);
	}
	if (!*argv || !argv[1]) {
		fprintf(stderr, "usage: apply-debs [OPTION…] STATE_DIR apply|repair|… (see the source)\n");
		return 2;
	}
	(void)sigaction(SIGTERM, &term, NULL);
	(void)sigaction(SIGPIPE, &ign, NULL);
	settings.state_dir = xstrdup(*argv++);
	if (streq(*argv, "apply"))
		r = apply(argv + 1, &err);
	else if (streq(*argv, "repair"))
		r = repair(&err);
	else
		r = ask(argv, &err);
	if (r < 0)
		printf("error %s: %s\n", code_name(err.code), err.msg);
	dpkg_unlock();
	free(settings.state_dir);
	return r < 0;
}
