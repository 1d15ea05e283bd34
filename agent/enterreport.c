/* enterreport.c - see enterreport.h. */
#include <sys/utsname.h>
#include <sys/wait.h>
#include "client.h"
#include "clock.h"
#include "enterreport.h"
#include "statefile.h"

#define TEXT_MAX 65536
#define LIST_MAX 100000
#define KEY_MAX 40

static const int exit_codes[] = { EXIT_DONE,	    EXIT_FAILED,	 EXIT_USAGE,   EXIT_BLOCKED, EXIT_PARTIAL,
				  EXIT_NO_METADATA, EXIT_OUT_OF_SUPPORT, EXIT_PENDING, EXIT_STALE };

/* --- hostile JSON → the same, harmless --------------------------------------- */

static bool good_key(const char *key)
{
	size_t n = strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return n > 0 && n <= KEY_MAX && !key[n];
}

static struct json_object *clean_string(struct json_object *o)
{
	const char *s = json_object_get_string(o);
	cleanup_buf struct buf b = { 0 };

	/* a quoted output has lines: a newline is harmless within JSON, which escapes it */
	for (const char *line = s; line; line = strchr(line, '\n')) {
		line += line > s;
		buf_puts(&b, line > s ? "\n" : "");
		buf_put_escaped(&b, line, strcspn(line, "\n"), TEXT_MAX);
		if (b.n > TEXT_MAX)
			break;
	}
	return json_object_new_string(buf_str(&b));
}

static struct json_object *clean(struct json_object *o)
{
	struct json_object *ret;

	switch (json_object_get_type(o)) {
	case json_type_string:
		return clean_string(o);
	case json_type_array:
		ret = json_object_new_array();
		for (size_t i = 0; i < json_object_array_length(o) && i < LIST_MAX; i++)
			json_object_array_add(ret, clean(json_object_array_get_idx(o, i)));
		return ret;
	case json_type_object: {
		ret = json_object_new_object();
		json_object_object_foreach(o, key, value) if (good_key(key))
			json_object_object_add(ret, key, clean(value));
		return ret;
	}
	case json_type_int:
		return json_object_new_int64(json_object_get_int64(o));
	case json_type_double:
		/* with its own digits */
		return json_object_new_double_s(json_object_get_double(o), json_object_get_string(o));
	case json_type_boolean:
		return json_object_new_boolean(json_object_get_boolean(o));
	case json_type_null:
	default:
		return NULL;
	}
}

/* --- what the host knows -------------------------------------------------------- */

static void put_host_facts(struct json_object *o, const struct enterreport *who)
{
	struct json_object *c = json_object_new_object();
	struct utsname u;

	wire_add_string(c, "id", who->id);
	wire_add_string(c, "name", who->name);
	wire_add_string(c, "image", who->image);
	wire_add_string(c, "engine", who->engine);
	json_object_object_add(o, "container", c);
	wire_add_string(o, "host", uname(&u) == 0 ? u.nodename : NULL);
}

/* A run cannot end later than now: one that says so would be the last success for ever. */
static void bound_time(struct json_object *o)
{
	int64_t now = clock_wall(), t = now;
	struct json_object *v = NULL;
	char text[TIME_TEXT_MAX];
	bool good = json_object_object_get_ex(o, "time", &v) && time_parse(strna(json_object_get_string(v)), &t) == 0 &&
		    t <= now;

	if (!good) {
		t = now;
		time_format(now, text);
		json_object_object_add(o, "time", json_object_new_string(text));
	}
	double seconds = json_object_object_get_ex(o, "duration", &v) ? json_object_get_double(v) : 0;
	if (!(seconds >= 0 && seconds <= (double)(now - t + 1)))
		json_object_object_add(o, "duration", json_object_new_int(0));
}

static struct json_object *list_of(struct json_object *o, const char *name)
{
	struct json_object *l = NULL;

	if (json_object_object_get_ex(o, name, &l) && json_object_is_type(l, json_type_array))
		return l;
	l = json_object_new_array();
	json_object_object_add(o, name, l);
	return l;
}

static void add_alarm(struct json_object *o, enum code code, const char *detail)
{
	struct json_object *a = json_object_new_object();

	wire_add_string(a, "code", code_name(code));
	wire_add_string(a, "detail", detail);
	json_object_array_add(list_of(o, "alarms"), a);
}

static bool has_pid(struct json_object *l, int64_t pid)
{
	for (size_t i = 0; i < json_object_array_length(l); i++) {
		struct json_object *p = NULL;

		if (json_object_object_get_ex(json_object_array_get_idx(l, i), "pid", &p) &&
		    json_object_get_int64(p) == pid)
			return true;
	}
	return false;
}

static void add_left_behind(struct json_object *o, const struct wire_list *left)
{
	struct json_object *l = list_of(o, "left_behind");

	for (size_t i = 0; i < left->n; i++) {
		const struct msg_process *p = wire_list_at(&msg_process, left, i);

		if (!has_pid(l, p->pid))
			json_object_array_add(l, wire_encode(&msg_process, p));
	}
	if (left->n) {
		cleanup_free char *text = xasprintf("%zu processes were started by the update and go on; "
						    "they keep stopgap's files in memory until they end",
						    left->n);

		add_alarm(o, CODE_LEFT_BEHIND, text);
	}
}

/* --- the whole -------------------------------------------------------------------- */

struct json_object *enterreport_failure(const struct enterreport *who, const struct err *why)
{
	struct report r;

	report_init(&r, who->mode, "command");
	container_clear(&r.container);
	r.start_ms = who->started;
	if (code_class(why->code) == CLASS_BLOCKED)
		report_block(&r, why->code, "%s", why->msg);
	else
		r.error = *why;
	report_finish(&r);
	struct json_object *o = report_json(&r);
	report_clear(&r);
	put_host_facts(o, who);
	return o;
}

/* A report that can be read, with an exit code that there is, as the agent ended. */
static int check(struct json_object *o, int status, struct err *err)
{
	struct json_object *code = NULL;
	struct report r;

	if (report_read(o, &r, err) < 0)
		return -1;
	int exit_code = (int)r.exit_code;
	bool known = false;
	report_clear(&r);
	for (size_t i = 0; i < ARRAY_SIZE(exit_codes); i++)
		known |= exit_codes[i] == exit_code;
	if (!known || !json_object_object_get_ex(o, "exit_code", &code) || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != exit_code)
		return err_set(err, CODE_BAD_REPORT, 0, "its exit code is not that of the agent");
	return 0;
}

static struct json_object *parse(const struct enter_result *r, struct err *err)
{
	struct json_object *raw = NULL;

	if (!r->output.n && WIFSIGNALED(r->status)) {
		(void)err_set(err, CODE_BAD_REPORT, 0,
			      "stopgap in the container was ended by signal %d: out of memory there?",
			      WTERMSIG(r->status));
		return NULL;
	}
	if (state_too_many(buf_str(&r->output), r->output.n)) {
		(void)err_set(err, CODE_BAD_REPORT, 0, "its report has more than %d objects and lists, or %d members",
			      WIRE_VALUES_MAX, STATE_MEMBERS_MAX);
		return NULL;
	}
	if (client_parse(buf_str(&r->output), r->output.n, &raw, err) < 0) {
		(void)err_set(err, CODE_BAD_REPORT, 0,
			      "what came back from the container is no report (exit status %d)",
			      WIFEXITED(r->status) ? WEXITSTATUS(r->status) : -1);
		return NULL;
	}
	struct json_object *o = clean(raw);
	json_object_put(raw);
	if (check(o, r->status, err) == 0)
		return o;
	err->code = CODE_BAD_REPORT;
	json_object_put(o);
	return NULL;
}

struct json_object *enterreport_make(const struct enterreport *who, const struct enter_result *r,
				     const struct target *t)
{
	struct err err = r->error;
	struct json_object *o = err.code == CODE_OK ? parse(r, &err) : NULL;

	if (!o)
		return enterreport_failure(who, &err);
	put_host_facts(o, who);
	bound_time(o);
	add_left_behind(o, &r->left);
	if (r->state.code != CODE_OK)
		add_alarm(o, r->state.code, r->state.msg);
	if (t->builtin_filter) {
		cleanup_free char *text = xasprintf("its seccomp filter could not be copied (%s); "
						    "stopgap's built-in one was used in its place",
						    strna(t->no_copy));

		add_alarm(o, CODE_SECCOMP_BUILTIN, text);
	}
	return o;
}
