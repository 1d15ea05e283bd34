/* reportread.c - a report from its JSON form: an agent's, a stored one (report.h). */
#include "clock.h"
#include "report.h"

#define DURATION_MAX 1e9	/* s: what is longer is no run's, and may not fit a number */

/* A list of table M under NAME; a missing one is empty. */
static int take_list(struct json_object *o, const char *name, const struct wire_message *m, size_t max,
		     struct wire_list *ret, struct err *err)
{
	struct json_object *a = NULL;

	if (!json_object_object_get_ex(o, name, &a) || !a)
		return 0;
	if (!json_object_is_type(a, json_type_array) || json_object_array_length(a) > max)
		return err_set(err, CODE_IO, 0, "report: '%s' is not a list of at most %zu", name, max);
	for (size_t i = 0; i < json_object_array_length(a); i++)
		if (wire_decode(m, json_object_array_get_idx(a, i), wire_list_add(m, ret), err) < 0)
			return err_wrap(err, "report: '%s'", name);
	return 0;
}

static char *take_string(struct json_object *o, const char *name)
{
	struct json_object *s = NULL;

	return json_object_object_get_ex(o, name, &s) && json_object_is_type(s, json_type_string) ?
		       xstrdup(json_object_get_string(s)) :
		       NULL;
}

static int64_t take_int(struct json_object *o, const char *name)
{
	struct json_object *n = NULL;

	return json_object_object_get_ex(o, name, &n) ? json_object_get_int64(n) : 0;
}

/* NULL: not there, or not an object. */
static struct json_object *member(struct json_object *o, const char *name)
{
	struct json_object *m = NULL;

	return json_object_object_get_ex(o, name, &m) && json_object_is_type(m, json_type_object) ? m : NULL;
}

static const char *static_word(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (streq(words[i], strna(word)))
			return words[i];
	return NULL;
}

static int take_head(struct json_object *o, struct report *r, struct err *err)
{
	static const char *const triggers[] = { "command", "start", "schedule", "signal", "socket" };
	static const char *const engines[] = { "docker", "podman", "containerd", "crio", "lxc", "nspawn", "oci" };
	cleanup_free char *mode = take_string(o, "mode"), *time = take_string(o, "time"),
			  *trigger = take_string(o, "trigger");
	struct json_object *c = member(o, "container"), *duration = NULL;
	int m = 0;

	while (m <= MODE_SCAN && !streq(mode_name((enum mode)m), strna(mode)))
		m++;
	if (take_int(o, "schema") != REPORT_SCHEMA || m > MODE_SCAN || !time || time_parse(time, &r->time) < 0)
		return err_set(err, CODE_IO, 0, "not a report of schema %d", REPORT_SCHEMA);
	r->mode = (enum mode)m;
	r->trigger = static_word(triggers, ARRAY_SIZE(triggers), trigger);
	if (!r->trigger)	/* another version's */
		r->trigger = "unknown";
	r->id = take_int(o, "run");
	r->exit_code = (enum exit_code)take_int(o, "exit_code");
	double seconds = json_object_object_get_ex(o, "duration", &duration) ? json_object_get_double(duration) : 0;
	if (seconds > 0 && seconds < DURATION_MAX)
		r->end_ms = (uint64_t)(seconds * 1000);
	r->container.host = take_string(o, "host");
	if (c) {
		cleanup_free char *engine = take_string(c, "engine");

		r->container.id = take_string(c, "id");
		r->container.engine = static_word(engines, ARRAY_SIZE(engines), engine);
	}
	return 0;
}

static int take_error(struct json_object *o, struct report *r, struct err *err)
{
	struct json_object *e = member(o, "error"), *again = NULL;

	if (!e)
		return 0;
	cleanup_free char *name = take_string(e, "code"), *message = take_string(e, "message");
	int code = code_from_name(strna(name));
	if (code < 0)
		return err_set(err, CODE_IO, 0, "report: unknown error code");
	(void)err_set(&r->error, (enum code)code, 0, "%s", strna(message));
	r->error.retryable = json_object_object_get_ex(e, "retryable", &again) && json_object_get_boolean(again);
	return 0;
}

static int take_processes(struct json_object *o, struct report *r, struct err *err)
{
	struct json_object *p = member(o, "processes");

	if (!p)
		return 0;
	r->scanned = true;
	r->processes = take_int(p, "scanned");
	if (take_list(p, "stale", &find_process, 100000, &r->stale, err) < 0)
		return -1;
	return take_list(p, "unreadable_processes", &find_unreadable, 100000, &r->unreadable, err);
}

static int take_plugin(struct json_object *o, struct report *r, struct err *err)
{
	struct json_object *d = member(o, "distribution"), *p = member(o, "plugin"),
			   *db = p ? member(p, "database") : NULL;

	r->probed = d;
	if (d && wire_decode(&msg_distribution, d, &r->probe.distribution, err) < 0)
		return -1;
	if (db && wire_decode(&msg_database, db, &r->probe.database, err) < 0)
		return -1;
	if (p) {
		r->plugin = take_string(p, "name");
		r->plugin_version = take_string(p, "version");
		r->probe.manager = take_string(p, "manager");
		r->plugin_max_rss = take_int(p, "max_rss");
	}
	return 0;
}

static int take_lists(struct json_object *o, struct report *r, struct err *err)
{
	const struct {
		const char *name;
		const struct wire_message *m;
		struct wire_list *l;
	} lists[] = {
		{ "blocked", &msg_reason, &r->blocked },
		{ "alarms", &msg_reason, &r->alarms },
		{ "repositories", &msg_repository, &r->repositories },
		{ "pending", &msg_update, &r->pending },
		{ "applied", &msg_update, &r->applied },
		{ "kept_back", &msg_update, &r->kept_back },
		{ "failed", &msg_failure, &r->failed },
		{ "conffiles_kept", &msg_conffile, &r->conffiles },
		{ "left_behind", &msg_process, &r->left_behind },
		{ "unmanaged", &find_unmanaged, &r->unmanaged },
		{ "restarts", &find_restart, &r->restarts },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (take_list(o, lists[i].name, lists[i].m, 100000, lists[i].l, err) < 0)
			return -1;
	return 0;
}

int report_read(struct json_object *o, struct report *ret, struct err *err)
{
	*ret = (struct report){ .error = ERR_INIT };
	if (take_head(o, ret, err) == 0 && take_error(o, ret, err) == 0 && take_plugin(o, ret, err) == 0 &&
	    take_lists(o, ret, err) == 0 && take_processes(o, ret, err) == 0) {
		ret->bytes = take_int(o, "bytes_fetched");
		ret->log = take_string(o, "log");
		/* empty lists of a run that failed early say nothing */
		ret->planned = ret->mode != MODE_SCAN &&
			       ((ret->error.code == CODE_OK && !ret->blocked.n) || ret->pending.n || ret->applied.n ||
				ret->kept_back.n || ret->failed.n);
		ret->refreshed = ret->planned || ret->repositories.n;
		for (size_t i = 0; i < ret->repositories.n; i++)
			ret->security_source |=
				((const struct msg_repository *)wire_list_at(&msg_repository, &ret->repositories, i))
					->security;
		return 0;
	}
	report_clear(ret);
	return -1;
}
