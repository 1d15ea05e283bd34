/* show.c - see show.h. */
#include <poll.h>
#include "client.h"
#include "clock.h"
#include "history.h"
#include "log.h"
#include "metrics.h"
#include "out.h"
#include "print.h"
#include "range.h"
#include "show.h"
#include "showhost.h"
#include "snapshot.h"
#include "statefile.h"

#define HISTORY_SHOWN 20
#define WATCH_MS      1000

/* --- where it comes from -------------------------------------------------------- */

/* What the state folder has. false: nothing. */
static bool stored(const struct config *config, struct snapshot *ret)
{
	struct err err = ERR_INIT, unasked = ERR_INIT;
	struct json_object *o = NULL;

	if (snapshot_load(ret, config->report.state_dir, NULL, &err) == 0)
		return true;
	if (client_get(config->report.socket, "/v1/status", &o, &unasked) < 0 && unasked.code != CODE_NO_AGENT)
		log_error("the agent cannot be asked: %s; ask as root (docker exec -u 0)", unasked.msg);
	else
		log_error("no agent runs here ('%s'), and there is no report: %s", config->report.socket, err.msg);
	json_object_put(o);
	return false;
}

/* The status document; NULL: said why. */
static struct json_object *document(const struct config *config)
{
	struct json_object *o = NULL;
	struct snapshot s = { 0 };
	struct err err = ERR_INIT;

	if (client_present(config->report.socket)) {
		if (client_get(config->report.socket, "/v1/status", &o, &err) < 0)
			log_err(LOG_ERROR, &err);
		return o;
	}
	if (stored(config, &s)) {
		const struct snapshot_agent none = { .state = "no_agent" };

		o = snapshot_document(&s, &none, config->report.state_dir, STATUS_STATUS, 0);
	}
	snapshot_clear(&s);
	return o;
}

/* --- the document's fields -------------------------------------------------------- */

static struct json_object *at(struct json_object *o, const char *name)
{
	struct json_object *m = NULL;

	return o && json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, name, &m) ? m : NULL;
}

static const char *text(struct json_object *o, const char *name)
{
	struct json_object *s = at(o, name);

	return json_object_is_type(s, json_type_string) ? json_object_get_string(s) : "";
}

static int64_t number(struct json_object *o, const char *name)
{
	return json_object_get_int64(at(o, name));
}

static char *ago(int64_t seconds)
{
	char d[32];

	duration_format(seconds > 0 ? seconds : 0, d);
	return xstrdup(d);
}

/* --- text ----------------------------------------------------------------------------- */

static void put_agent(const struct out *o, struct json_object *doc)
{
	struct json_object *a = at(doc, "agent"), *run = at(doc, "run"), *child = at(a, "child");
	cleanup_free char *state = out_cell(text(run, "state")), *next = out_cell(text(a, "next_run"));
	cleanup_free char *reason = escape_text(text(a, "next_reason"), 200);

	if (!a) {
		put(o, WARN, "  agent      none runs here; this is the last report\n");
		return;
	}
	put(o, PLAIN, "  agent      pid %lld, %s", (long long)number(a, "pid"), state);
	if (*next && streq(state, "idle"))
		put(o, PLAIN, ", next run %s (%s)", next, reason);
	put(o, PLAIN, "\n");
	if (child && number(child, "pid"))
		put(o, PLAIN, "  service    pid %lld, restarted %lld times\n", (long long)number(child, "pid"),
		    (long long)number(child, "restarts"));
	else if (child)
		put(o, WARN, "  service    does not run\n");
}

static void put_reasons(const struct out *o, const char *title, enum style style, struct json_object *list)
{
	for (size_t i = 0; json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++) {
		struct json_object *r = json_object_array_get_idx(list, i);
		cleanup_free char *code = out_cell(text(r, "code")), *detail = escape_text(text(r, "detail"), 400);

		put(o, style, "  %-10s", title);
		put(o, PLAIN, " [%s] %s\n", code, detail);
	}
}

static void put_status(const struct out *o, struct json_object *doc)
{
	struct json_object *last = at(doc, "last"), *u = at(doc, "updates"), *p = at(doc, "processes");
	cleanup_free char *host = out_cell(text(doc, "host")), *name = out_cell(text(at(doc, "distribution"), "name"));

	put(o, BOLD, "stopgap %s", text(doc, "stopgap"));
	put(o, PLAIN, " · %s · %s\n", *host ? host : "no run yet", *name ? name : "unknown distribution");
	put_agent(o, doc);
	if (last) {
		cleanup_free char *result = out_cell(text(last, "result")), *mode = out_cell(text(last, "mode"));
		cleanup_free char *age = ago(number(last, "age")),
				  *message = escape_text(text(at(last, "error"), "message"), 400);
		bool good = number(last, "exit_code") == 0;

		put(o, PLAIN, "  last run   %s: ", mode);
		put(o, good ? GOOD : WARN, "%s", result);
		put(o, PLAIN, ", %s ago%s%s\n", age, *message ? ": " : "", message);
	}
	if (u) {
		put(o, number(u, "open") ? WARN : GOOD, "  updates    %lld open", (long long)number(u, "open"));
		put(o, PLAIN, ", %lld applied by that run, %lld kept back\n", (long long)number(u, "applied"),
		    (long long)number(u, "kept_back"));
	}
	if (p) {
		put(o, number(p, "stale") ? WARN : GOOD, "  processes  %lld run old code",
		    (long long)number(p, "stale"));
		put(o, PLAIN, ", %lld looked at, %lld unreadable, %lld files of no package\n",
		    (long long)number(p, "scanned"), (long long)number(p, "unreadable"),
		    (long long)number(p, "unmanaged"));
	}
	put_reasons(o, "blocked", BAD, at(last, "blocked"));
	put_reasons(o, "note", WARN, at(last, "alarms"));
}

/* --- nagios ------------------------------------------------------------------------------ */

static int put_nagios(const struct options *opt, const struct config *config, struct json_object *doc, struct buf *ret)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };
	struct json_object *last = at(doc, "last"), *u = at(doc, "updates"), *p = at(doc, "processes");
	int64_t open = number(u, "open"), stale = number(p, "stale"), now, then, age = number(last, "age");
	cleanup_free char *result = out_cell(text(last, "result"));
	int64_t code = number(last, "exit_code");
	int state = range_state(open, opt->warning, opt->critical);
	cleanup_buf struct buf line = { 0 };

	/* a scan says nothing of updates, however new it is */
	if (u && time_parse(text(u, "time"), &then) == 0 && time_parse(text(doc, "time"), &now) == 0)
		age = now > then ? now - then : 0;
	cleanup_free char *old = ago(age);
	if (u)
		buf_printf(&line, "%lld security updates are open, ", (long long)open);
	else
		buf_puts(&line, "no run has planned yet, ");
	buf_printf(&line, "%lld processes run old code, last report %s ago (%s)", (long long)stale, old,
		   *result ? result : "none yet");
	if (state == 0 && (stale || code == EXIT_OUT_OF_SUPPORT))
		state = 1;
	/* what is not known is not well */
	bool failed = code == EXIT_FAILED && !streq(result, "interrupted");
	if (state < 2 && (!u || failed || code == EXIT_BLOCKED || code == EXIT_NO_METADATA ||
			  (config->schedule.interval && age > 2 * config->schedule.interval + config->schedule.jitter)))
		state = 3;
	buf_printf(ret, "STOPGAP %s - ", words[state]);
	for (size_t i = 0; i < line.n; i++)
		buf_putc(ret, line.s[i] == '|' ? '/' : line.s[i]);
	buf_printf(ret, "|pending=%lld;%s;%s;0 stale=%lld age=%llds\n", (long long)open, strna(opt->warning),
		   strna(opt->critical), (long long)stale, (long long)age);
	return state;
}

/* --- the modes ---------------------------------------------------------------------------- */

static int show_metrics(const struct config *config)
{
	cleanup_buf struct buf b = { 0 };
	struct snapshot s = { 0 };
	struct metrics_state state = { 0 };
	struct err err = ERR_INIT;
	int status = EXIT_FAILED;

	if (client_present(config->report.socket)) {
		if (client_text(config->report.socket, "/metrics", "application/openmetrics-text", &b, &err) == 0)
			status = EXIT_DONE;
		else
			log_err(LOG_ERROR, &err);
	} else if (stored(config, &s)) {
		struct metrics_snapshot m = {
			.last = s.last, .state = &state, .now = clock_wall(), .unfixed_cves = -1
		};

		if (metrics_load(&state, config->report.state_dir, &err) < 0)
			log_warning("%s, ignoring", err.msg);
		snapshot_metrics(&s, &m);
		metrics_write(&m, 1, true, &b);
		status = EXIT_DONE;
	}
	print_text(&b);
	snapshot_clear(&s);
	return status;
}

static int show_once(const struct options *opt, const struct config *config, struct json_object *doc)
{
	cleanup_buf struct buf b = { 0 };
	const struct out o = { .b = &b, .colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") };
	int status = EXIT_DONE;

	if (opt->output == OUTPUT_JSON) {
		print_json(json_object_get(doc));
		return status;
	}
	if (show_host_is(doc) && opt->output == OUTPUT_NAGIOS)
		status = show_host_nagios(opt, doc, &b);
	else if (show_host_is(doc))
		show_host_text(&o, doc);
	else if (opt->output == OUTPUT_NAGIOS)
		status = put_nagios(opt, config, doc, &b);
	else
		put_status(&o, doc);
	print_text(&b);
	return status;
}

/* What changes without anything having happened. */
static char *essence(struct json_object *doc)
{
	struct json_object *copy = NULL, *last;

	if (json_object_deep_copy(doc, &copy, NULL) < 0)
		out_of_memory();
	json_object_object_del(copy, "time");
	last = at(copy, "last");
	if (last)
		json_object_object_del(last, "age");
	char *s = xstrdup(json_object_to_json_string_ext(copy, JSON_C_TO_STRING_PLAIN));
	json_object_put(copy);
	return s;
}

int show_status(const struct options *opt, const struct config *config)
{
	cleanup_free char *shown = NULL;
	int status = EXIT_FAILED;

	if (opt->output == OUTPUT_OPENMETRICS)
		return show_metrics(config);
	do {
		struct json_object *doc = document(config);

		if (!doc)
			return opt->output == OUTPUT_NAGIOS ? print_unknown("no agent and no report") : EXIT_FAILED;
		char *now = essence(doc);
		if (!shown || !streq(shown, now))
			status = show_once(opt, config, doc);
		free(shown);
		shown = now;
		json_object_put(doc);
	} while (opt->watch && !print_failed() && poll(NULL, 0, WATCH_MS) == 0);
	return status;
}

static bool add_row(void *arg, const char *line, size_t n)
{
	struct table *t = arg;
	struct json_object *o = NULL;
	struct err ignored = ERR_INIT;

	if (state_parse(line, n, &o, &ignored) < 0)
		return true;
	strv_take(&t->cells, out_cell(text(o, "time")));
	strv_take(&t->cells, out_cell(text(o, "mode")));
	strv_take(&t->cells, out_cell(text(o, "trigger")));
	strv_take(&t->cells, out_cell(text(o, "result")));
	static const char *const lists[] = { "applied", "pending", "failed" };
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct json_object *l = at(o, lists[i]);

		strv_take(&t->cells,
			  xasprintf("%zu", json_object_is_type(l, json_type_array) ? json_object_array_length(l) : 0));
	}
	struct json_object *stale = at(at(o, "processes"), "stale");
	strv_take(&t->cells, stale ? xasprintf("%zu", json_object_array_length(stale)) : xstrdup("-"));
	json_object_put(o);
	return true;
}

int show_history(const struct options *opt, const struct config *config)
{
	static const char *const heads[] = { "TIME",	"MODE",	   "TRIGGER", "RESULT",
					     "APPLIED", "PENDING", "FAILED",  "STALE" };
	const char *dir = config->report.state_dir;
	int64_t limit = opt->limit ? opt->limit : HISTORY_SHOWN;
	cleanup_buf struct buf b = { 0 };
	const struct out o = { .b = &b, .colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") };
	struct table t = { .columns = ARRAY_SIZE(heads) };
	struct json_object *all = NULL;
	struct err err = ERR_INIT;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		strv_push(&t.cells, heads[i]);
	r = opt->output == OUTPUT_JSON ? history_json(dir, limit, &all, &err) :
					 history_each(dir, limit, add_row, &t, &err);
	if (r < 0) {
		strv_clear(&t.cells);
		log_err(LOG_ERROR, &err);
		return EXIT_FAILED;
	}
	if (all) {
		struct json_object *doc = json_object_new_object();

		json_object_object_add(doc, "schema", json_object_new_int(REPORT_SCHEMA));
		json_object_object_add(doc, "reports", all);
		print_json(doc);
		strv_clear(&t.cells);
		return EXIT_DONE;
	}
	if (t.cells.n == t.columns)
		put(&o, DIM, "no runs yet\n");
	else
		table_put(&o, &t);
	strv_clear(&t.cells);
	print_text(&b);
	return EXIT_DONE;
}
