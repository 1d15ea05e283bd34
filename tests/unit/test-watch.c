/* tests/cases/watch/labels, one line each: labels by blanks, "=>", what they mean; then whose turn it is.
 *
 * rows: H12 H13
 */
#include <errno.h>
#include <fcntl.h>
#include "clock.h"
#include "enterreport.h"
#include "execrestart.h"
#include "hoststate.h"
#include "hosttree.h"
#include "lines.h"
#include "schedulefile.h"
#include "statefile.h"
#include "watchproc.h"
#include "watchset.h"

/* "enable report set…" of LABELS, or "refused". */
static char *meaning(const struct watch_labels *l)
{
	struct buf b = { 0 };

	buf_puts(&b, l->enable == 1 ? "enabled" : l->enable == 0 ? "disabled" : "unsaid");
	if (l->refused)
		buf_puts(&b, " refused");
	if (l->report)
		buf_puts(&b, " report");
	for (size_t i = 0; i < l->sets.n; i++)
		buf_printf(&b, " %s", l->sets.v[i]);
	return buf_steal(&b);
}

TEST(labels)
{
	cleanup_free char *text = lines_read("watch/labels");
	int n = 0;

	for (char *next = text, *line; (line = lines_next(&next)); n++) {
		cleanup_free char *shown = xstrdup(line);
		char *arrow = strstr(line, "=> ");
		cleanup_strv struct strv labels = { 0 };
		struct watch_labels l;

		if (!arrow)
			FAIL("'%s' has no '=>'", shown);
		*arrow = '\0';
		for (char *word; (word = strsep(&line, " "));)
			if (*word)
				strv_push(&labels, word);
		watch_labels_read(&labels, &l);
		cleanup_free char *have = meaning(&l);
		watch_labels_clear(&l);
		if (!streq(have, arrow + 3))
			FAIL("%s\n#   but: %s", shown, have);
	}
	GE(n, 20);
}

/* Hostile bytes of a label reach a log and a page only escaped. */
TEST(a_refusal_is_printable)
{
	cleanup_strv struct strv labels = { 0 };
	struct watch_labels l;

	strv_push(&labels, "stopgap.set.\033[2J\n=x");
	watch_labels_read(&labels, &l);
	bool refused = l.refused, printable = refused && text_printable(l.refused, strlen(l.refused));
	watch_labels_clear(&l);
	OK(refused);
	OK(printable);
}

static struct config config;
static struct watched all[4];
static struct watched *list[4];
static struct watchset set;

static void prepare(void)
{
	static char web[] = "web", db[] = "db";

	config_defaults(&config);
	config.watch.parallel = 2;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		all[i] = (struct watched){
			.seen = true, .known = true, .next = 100 + (int64_t)i, .group = i < 3 ? web : db
		};
		list[i] = &all[i];
	}
	set = (struct watchset){ .v = list, .n = ARRAY_SIZE(list), .config = &config };
}

static int turn(int64_t now)
{
	const struct watched *w = watchset_next(&set, now);

	return w ? (int)(w - all) : -1;
}

TEST(who_is_due_longest_and_one_of_an_image)
{
	struct command *some = (struct command *)(void *)&set;
	int order[8], n = 0;

	prepare();
	order[n++] = turn(99);
	all[2].next = 50;
	order[n++] = turn(200);
	all[2].command = some;		/* the others of its image wait, another image does not */
	order[n++] = turn(200);
	all[3].command = some;		/* as many as may */
	order[n++] = turn(200);
	all[2].command = NULL;
	all[2].next = 1000;
	order[n++] = turn(200);
	config.watch.parallel = 0;	/* is one */
	order[n++] = turn(200);
	config_clear(&config);
	EQ(order[0], -1);
	EQ(order[1], 2);
	EQ(order[2], 3);
	EQ(order[3], -1);
	EQ(order[4], 0);
	EQ(order[5], -1);
}

TEST(who_is_not)
{
	int order[6], n = 0;

	prepare();
	all[0].paused = true;
	all[1].why_not = "label";
	all[2].seen = false;
	order[n++] = turn(200);
	all[3].next = SCHEDULE_NEVER;
	order[n++] = turn(200);
	all[3].asked = true;
	order[n++] = turn(0);
	all[0].paused = false;
	all[3].asked = false;
	int64_t wake = watchset_wake(&set, 50), none = watchset_wake(&set, 100);
	config_clear(&config);
	EQ(order[0], 3);
	EQ(order[1], -1);
	EQ(order[2], 3);
	EQ(wake, 100);
	EQ(none, SCHEDULE_NEVER);
}

static char proc[] = "/tmp/watchproc.XXXXXX";

static void process(const char *pid, const char *space)
{
	cleanup_free char *dir = xasprintf("%s/%s/ns", proc, pid), *link = xasprintf("%s/mnt", dir);
	struct err err = ERR_INIT;

	if (make_dirs(dir, 0755, &err) < 0)
		printf("# %s\n", err.msg);
	(void)unlink(link);
	if (space && symlink(space, link) < 0)
		printf("# %s: %m\n", link);
}

/* A process more or less is nothing, a namespace is something, as is one of that number with another first process. */
TEST(what_comes_and_goes)
{
	struct err err = ERR_INIT;
	uint64_t at[8];
	int n = 0;

	if (!mkdtemp(proc))
		FAIL("mkdtemp: %s", strerror(errno));
	process("1", "mnt:[10]");
	process("self", "mnt:[99]");
	process("20", "mnt:[11]");
	at[n++] = watchproc_signature(proc);
	process("30", "mnt:[10]");
	process("31", "mnt:[11]");
	at[n++] = watchproc_signature(proc);	/* the same */
	process("40", "mnt:[12]");
	at[n++] = watchproc_signature(proc);	/* a new one */
	process("40", NULL);
	at[n++] = watchproc_signature(proc);	/* gone: as before */
	process("20", NULL);
	at[n++] = watchproc_signature(proc);	/* its first process ended */
	process("20", "no link of a namespace");
	at[n++] = watchproc_signature(proc);	/* nothing new */
	at[n++] = watchproc_signature("/nonexistent");
	if (hosttree_remove(AT_FDCWD, proc, &err) < 0)
		printf("# %s\n", err.msg);
	NE(at[0], 0);
	EQ(at[1], at[0]);
	NE(at[2], at[1]);
	EQ(at[3], at[1]);
	NE(at[4], at[3]);
	EQ(at[5], at[4]);
	EQ(at[6], 0);
}

/* What exec says of a container that it could not enter. */
TEST(why_there_is_no_report)
{
	static const struct {
		const char *output;
		enum code code;
		const char *message;
	} cases[] = {
		{ "{\"schema\":1,\"targets\":[{\"error\":{\"code\":\"stopped\",\"message\":\"a\"}}]}\n", CODE_STOPPED,
		  "a" },
		{ "stopgap: warning: x\n{\n \"targets\":[{\"error\":null,\"blocked\":[{\"code\":\"busy\",\"detail\":\"b\\u001b\"}]}]\n}\n",
		  CODE_BUSY, "b\\x1b" },
		{ "{\"targets\":[{\"error\":{\"code\":\"nonsense\"}}]}", CODE_IO, "no report: exit status 1: {" },
		{ "{\"targets\":[]}", CODE_IO, "no report: exit status 1: {" },
		{ "{\"targets\":7}", CODE_IO, "no report: exit status 1: {" },
		{ "{\"targets\":[7]}", CODE_IO, "no report: exit status 1: {" },
		{ "stopgap: error: no\n", CODE_IO, "no report: exit status 1: stopgap: error: no" },
		{ "{", CODE_IO, "no report: exit status 1: {" },
		{ "", CODE_IO, "no report: exit status 1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct command_result r = {
			.end = COMMAND_EXITED, .status = 1, .output = cases[i].output, .n = strlen(cases[i].output)
		};
		struct watched w = { 0 };

		watched_failed(&w, &r);
		EQ(w.failure.code, cases[i].code);
		if (!starts_with(w.failure.msg, cases[i].message))
			FAIL("'%s', expected '%s'", w.failure.msg, cases[i].message);
	}
}

/* The message of what becomes of BEGIN, MANY times MORE, END as the report of a container. */
static char *judged(const char *begin, const char *more, size_t many, const char *end)
{
	struct enter_result r = { .error = ERR_INIT, .state = ERR_INIT };
	struct json_object *e = NULL, *m = NULL;
	struct target t = { 0 };

	buf_puts(&r.output, begin);
	for (size_t i = 0; i < many; i++)
		buf_puts(&r.output, more);
	buf_puts(&r.output, end);
	struct json_object *o = enterreport_make(&(struct enterreport){ .mode = MODE_ONCE }, &r, &t);
	if (json_object_object_get_ex(o, "error", &e))
		(void)json_object_object_get_ex(e, "message", &m);
	char *ret = xstrdup(strna(m ? json_object_get_string(m) : NULL));
	json_object_put(o);
	enter_result_clear(&r);
	return ret;
}

/* 16 MiB of them would take 4 GB. */
TEST(H13_a_report_of_millions_of_values_is_refused)
{
	static const char refused[] = "its report has more than";
	cleanup_free char *objects = judged("{\"a\":[", "{},", WIRE_VALUES_MAX, "{}]}");
	cleanup_free char *lists = judged("{\"a\":[", "[],", WIRE_VALUES_MAX, "[]]}");
	cleanup_free char *numbers = judged("{\"a\":[", "1,", 600000, "1]}");
	cleanup_free char *few = judged("{\"a\":[", "{},", 1000, "{}]}");

	OK(starts_with(objects, refused));
	OK(strstr(numbers, "524288"));
	OK(starts_with(lists, refused));
	OK(starts_with(numbers, refused));
	OK(*few && !starts_with(few, refused));
}

/* Files of an entry's state, and of a container that is exported, come from there as well. */
TEST(H13_a_state_file_of_millions_of_values_is_refused)
{
	cleanup_buf struct buf text = { 0 };
	struct json_object *o = NULL;
	struct err err = ERR_INIT;

	buf_puts(&text, "{\"a\":[");
	for (size_t i = 0; i < WIRE_VALUES_MAX; i++)
		buf_puts(&text, "{},");
	buf_puts(&text, "{}]}");
	int r = state_parse(buf_str(&text), text.n, &o, &err);
	json_object_put(o);
	OK(r < 0);
}

/* The end of a run whose report says that it began at T and took SECONDS. */
static int64_t end_told(int64_t t, uint64_t seconds)
{
	struct enter_result result = { .error = ERR_INIT, .state = ERR_INIT };
	struct target target = { 0 };
	struct err err = ERR_INIT;
	struct report r;

	report_init(&r, MODE_CHECK, "command");
	report_finish(&r);
	r.time = t;
	r.end_ms = r.start_ms + 1000 * seconds;
	struct json_object *o = report_json(&r);
	wire_put(&result.output, o);
	result.status = (int)r.exit_code << 8;
	report_clear(&r);
	json_object_put(o);
	o = enterreport_make(&(struct enterreport){ .mode = MODE_CHECK }, &result, &target);
	bool good = report_read(o, &r, &err) == 0 && r.error.code == CODE_OK;
	int64_t told = good ? r.time + (int64_t)(r.end_ms - r.start_ms) / 1000 : -1;
	report_clear(&r);
	json_object_put(o);
	enter_result_clear(&result);
	return told;
}

TEST(a_report_is_not_of_the_future)
{
	int64_t now = clock_wall(), later = end_told(now + 1000000, 0), longer = end_told(now - 100, 1000000);

	OK(later >= now);
	OK(later <= clock_wall());
	EQ(longer, now - 100);
	EQ(end_told(now - 100, 50), now - 50);
}

/* The engine would restart the container whose id that is. */
TEST(what_is_inside_of_a_container_is_not_the_engines)
{
	static char hex[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct host_container c = { .id = hex, .engine = "docker", .known = true, .nested = true };
	struct json_object *o = json_object_new_object(), *restarts = NULL, *detail = NULL;
	cleanup_strv struct strv engines = { 0 };
	struct config none;

	config_defaults(&none);
	none.restart.budget = (__typeof__(none.restart.budget)){ .count = 3, .period = 3600 };
	strv_push(&engines, "/nonexistent/docker.sock");
	bool done = execrestart_do(&none, &engines, &c, "/nonexistent", o);
	if (json_object_object_get_ex(o, "restarts", &restarts))
		(void)json_object_object_get_ex(json_object_array_get_idx(restarts, 0), "detail", &detail);
	bool said = detail && strstr(json_object_get_string(detail), "inside of another");
	json_object_put(o);
	config_clear(&none);
	OK(!done);
	OK(said);
}

static char state[] = "/tmp/stopgap-test-watch.XXXXXX";

/* Two looks at one container: A, then B, which has LABEL if any. */
static struct watched *looked_at(struct watchset *s, struct host_container *a, struct host_container *b)
{
	static const struct options none = { 0 };
	static struct config c;
	char *dir = mkdtemp(state);

	config_defaults(&c);
	free(c.report.state_dir);
	c.report.state_dir = xstrdup(strna(dir));
	*s = (struct watchset){ .opt = &none, .config = &c };
	(void)watchset_update(s, &(struct host_containers){ .list = a, .n = 1 });
	if (b)
		(void)watchset_update(s, &(struct host_containers){ .list = b, .n = 1 });
	config_clear(&c);
	(void)rmdir(state);
	memcpy(state + strlen(state) - 6, "XXXXXX", 6);
	return s->n == 1 ? s->v[0] : NULL;
}

static char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", image[] = "tiny";

/* Docker lists a container after it runs, and sometimes does not answer. */
TEST(a_label_that_comes_late_counts)
{
	char label[] = "stopgap.enable=false", *labels[] = { label };
	struct host_container before = { .id = id, .engine = "docker", .known = true }, after = before;
	struct watchset s;

	after.image = image;
	after.labels = (struct strv){ .v = labels, .n = 1 };
	struct watched *w = looked_at(&s, &before, NULL);
	bool waits = w && !w->why_not && w->next == w->found + WATCHSET_UNTOLD;
	bool asks = !watchset_knows(&s, &(struct host_containers){ .list = &before, .n = 1 });
	watchset_clear(&s);
	w = looked_at(&s, &before, &after);
	bool alone = w && w->why_not;
	bool knows = watchset_knows(&s, &(struct host_containers){ .list = &before, .n = 1 });
	watchset_clear(&s);
	OK(waits);
	OK(asks);
	OK(alone);
	OK(knows);
}

/* In a container a cgroup may be named like another container that does not run yet. */
TEST(a_name_that_was_taken_inside_is_given_back)
{
	struct host_container inner = { .id = id, .engine = "crio", .known = true, .nested = true }, real = inner;
	struct watchset s;

	real.nested = false;
	struct watched *w = looked_at(&s, &inner, NULL);
	bool apart = w && !strstr(w->dir, id);
	watchset_clear(&s);
	w = looked_at(&s, &inner, &real);
	bool watched = w && !w->why_not && w->next != SCHEDULE_NEVER && strstr(w->dir, id);
	watchset_clear(&s);
	OK(apart);
	OK(watched);
}

/* What the host has of the one whose id it is goes to nobody else. */
TEST(state_of_what_is_inside_of_a_container)
{
	const struct host_container outer = { .id = id, .known = true, .mntns = 7 },
				    inner = { .id = id, .known = true, .mntns = 8, .nested = true };
	cleanup_free char *a = hoststate_of("/s", &outer), *b = hoststate_of("/s", &inner);

	OK(ends_with(a, id));
	OK(streq(b, "/s/containers/nested-8"));
}

/* What has gone through a report is tried again as soon as what has not. */
TEST(a_failure_that_may_pass_is_tried_again)
{
	bool again[2] = { false, false }, read = true;

	for (int i = 0; i < 2; i++) {
		struct err why = ERR_INIT, err = ERR_INIT;
		struct report r;

		(void)err_set(&why, CODE_NOT_STARTED, 0, "x");
		why.retryable = i;
		struct json_object *o = enterreport_failure(&(struct enterreport){ .mode = MODE_ONCE }, &why);
		read &= report_read(o, &r, &err) == 0 && schedule_outcome(&r, &again[i]) == CODE_NOT_STARTED;
		report_clear(&r);
		json_object_put(o);
	}
	OK(read);
	OK(!again[0]);
	OK(again[1]);
}

TAP_MAIN
