/* tests/cases/restart/NAME.case, one test each; then the history.
 *
 *	mode report|service|container	never EXPRESSIONS	budget N/PERIOD	now TIME	updated TIME
 *	past TIME KEY		a restart in the history	stopping	engine	health WORD
 *	service KIND NAME [process=WORD] [package=WORD] [covered=INDEX] [no WHY]	a stale one; "no": nothing restarts it
 *	is keep|do|with|whole CODE [PART OF THE SENTENCE]	expected, one for each service
 */
#include <stdio.h>
#include "cases.h"
#include "clock.h"
#include "restart.h"
#include "value.h"

struct setup {
	struct restart_input in;
	struct services services;
	struct strv never, packages[16], is;
	struct restart_history history;
};

static int64_t time_of(const char *text)
{
	int64_t t;

	return time_parse(text, &t) == 0 ? t : -1;
}

static enum service_kind kind_of(const char *name)
{
	enum service_kind k = SERVICE_CHILD;

	while (k < SERVICE_TREE && !streq(service_kind_name(k), name))
		k++;
	return k;
}

static void add_service(struct setup *u, char *rest)
{
	struct services *l = &u->services;
	struct service *s;
	char *word;

	l->v = xrealloc(l->v, l->n + 1, sizeof(*l->v));
	s = &l->v[l->n];
	*s = (struct service){ .kind = kind_of(strsep(&rest, " ")), .covered_by = -1 };
	s->name = xstrdup(strsep(&rest, " "));
	s->process = xstrdup(s->kind == SERVICE_CHILD ? s->name : "main");
	while (rest && !starts_with(rest, "no ") && (word = strsep(&rest, " "))) {
		if (starts_with(word, "process=")) {
			free(s->process);
			s->process = xstrdup(word + strlen("process="));
		} else if (starts_with(word, "package=")) {
			strv_push(&u->packages[l->n], word + strlen("package="));
		} else if (starts_with(word, "covered=")) {
			s->covered_by = (int)strtol(word + strlen("covered="), NULL, 10);
		}
	}
	if (rest)
		s->why_not = xstrdup(rest + 3);
	else if (s->kind != SERVICE_CHILD)
		strv_push(&s->restart, "true");
	l->n++;
}

static void judge(struct setup *u)
{
	static const char *const actions[] = { "keep", "do", "with", "whole" };
	struct restart_decision d[16];

	u->in.services = &u->services;
	u->in.never = &u->never;
	u->in.packages = u->packages;
	u->in.history = &u->history;
	restart_decide(&u->in, d);
	for (size_t i = 0; i < u->services.n; i++) {
		cleanup_free char *got = xasprintf("%s %s %s", actions[d[i].action], code_name(d[i].code), d[i].detail);
		cleanup_free char *want = xstrdup(i < u->is.n ? u->is.v[i] : "(nothing)");
		char *rest = want, *action = strsep(&rest, " "), *code = strsep(&rest, " ");
		cleanup_free char *head = xasprintf("%s %s ", action, strna(code));

		if (!starts_with(got, head) || (rest && !strstr(got, rest)))
			FAIL("service %zu: %s\n#   expected: %s", i, got, u->is.v[i]);
	}
	restart_decisions_clear(d, u->services.n);
	EQ(u->is.n, u->services.n);
}

static void parse(struct setup *u, char *text)
{
	struct err err = ERR_INIT;
	char *next = text;

	for (char *line; (line = strsep(&next, "\n"));) {
		char *rest = line, *word = strsep(&rest, " ");

		if (!*word || *word == '#')
			continue;
		if (streq(word, "mode")) {
			EQ(value_enum("report service container", rest, &u->in.mode), 0);
		} else if (streq(word, "never")) {
			EQ(value_regexes(&u->never, rest, &err), 0);
		} else if (streq(word, "budget")) {
			EQ(value_budget(rest, &u->in.budget), 0);
		} else if (streq(word, "now")) {
			u->in.now = time_of(rest);
		} else if (streq(word, "updated")) {
			u->in.updated = time_of(rest);
		} else if (streq(word, "past")) {
			const char *when = strsep(&rest, " ");
			restart_history_add(&u->history, rest, time_of(when));
		} else if (streq(word, "stopping") || streq(word, "engine")) {
			*(streq(word, "engine") ? &u->in.engine : &u->in.stopping) = true;
		} else if (streq(word, "health")) {
			u->in.health = streq(rest, "unhealthy") ? HEALTH_UNHEALTHY : HEALTH_HEALTHY;
		} else if (streq(word, "service")) {
			add_service(u, rest);
		} else if (streq(word, "is")) {
			strv_push(&u->is, rest);
		} else {
			FAIL("'%s': no such word", word);
		}
	}
	judge(u);
}

static void run_case(void)
{
	cleanup_free char *text = case_text();
	struct setup u = { .in = { .budget = { 3, 3600 }, .now = 1795471010, .updated = 1795470000 } };

	parse(&u, text);
	services_clear(&u.services);
	for (size_t i = 0; i < ARRAY_SIZE(u.packages); i++)
		strv_clear(&u.packages[i]);
	strv_clear(&u.never);
	strv_clear(&u.is);
	restart_history_clear(&u.history);
}

static void history_survives(void)
{
	struct restart_history h = { 0 }, back = { 0 };
	cleanup_buf struct buf text = { 0 };

	case_next = case_next->next;
	restart_history_add(&h, "systemd:a.service", 1795471010);
	restart_history_add(&h, "process:a b", 1795471011);
	restart_history_write(&h, &text);
	STREQ(buf_str(&text), "2026-11-23T21:56:50Z systemd:a.service\n2026-11-23T21:56:51Z process:a b\n");
	restart_history_read(&back, buf_str(&text), text.n);
	EQ(back.n, 2);
	STREQ(back.v[1].key, "process:a b");
	EQ(back.v[1].when, 1795471011);
	restart_history_clear(&h);
	restart_history_clear(&back);
}

/* A file that was cut off or written by somebody else: what is right counts. */
static void history_of_garbage(void)
{
	static const char text[] = "2026-11-23T21:56:50Z child\nyesterday child\n2026-11-23T21:56:50Z\n\n"
				   "2026-11-23T21:56:50Z \n2026-11-23T21:56:50Z a\033[2J\n2026-11-23T21:5";
	struct restart_history h = { 0 };

	case_next = case_next->next;
	restart_history_read(&h, text, sizeof(text) - 1);
	EQ(h.n, 1);
	restart_history_clear(&h);
}

static void history_is_bounded(void)
{
	struct restart_history h = { 0 };

	case_next = case_next->next;
	for (int i = 0; i < RESTART_HISTORY_MAX + 7; i++)
		restart_history_add(&h, "child", i);
	EQ(h.n, RESTART_HISTORY_MAX);
	EQ(h.v[0].when, 7);
	EQ(h.v[h.n - 1].when, RESTART_HISTORY_MAX + 6);
	restart_history_clear(&h);
}

static void keys(void)
{
	struct service child = { .kind = SERVICE_CHILD, .name = (char[]){ "app" } };
	struct service unit = { .kind = SERVICE_SYSTEMD, .name = (char[]){ "a.service" } };
	cleanup_free char *a = restart_key(&child), *b = restart_key(&unit), *c = restart_key(NULL);

	case_next = case_next->next;
	STREQ(a, "child");
	STREQ(b, "systemd:a.service");
	STREQ(c, "container");
}

int main(void)
{
	add_cases("restart", run_case);
	add_test("history_survives", history_survives);
	add_test("history_of_garbage", history_of_garbage);
	add_test("history_is_bounded", history_is_bounded);
	add_test("keys", keys);
	return cases_main();
}
