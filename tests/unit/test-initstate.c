/* tests/cases/init/NAME.case: PID 1's decisions, one test each.
 *
 *	begin MS [KEY=MS…]		before_start (-1: the configuration's); settings other than the defaults
 *	updater yes|no|untrusted	is there one; untrusted: it has read something
 *	MS EVENT [N] -> PHASE[@TIMER] [ACTION…] [OUTCOME[ KEY=N…]] [=STATUS]
 *
 * EVENT is one of initstate.h, N what comes with it. SETTINGS takes KEY=MS instead.
 * Expected: the phase and when its timer ends, the actions in their order, after REPORT what is reported, and in END and
 * DONE the exit status. */
#include "cases.h"
#include "initstate.h"

static const char *const events[] = {
#define X(name) #name,
	INIT_EVENTS(X)
#undef X
};
static const char *const actions[] = {
#define X(name, bit) #name,
	INIT_ACTIONS(X)
#undef X
};
static const char *const outcomes[] = { "ok", "refused_budget", "died_again", "busy", "stopped" };

static void take_settings(struct initlink_settings *s, char *words)
{
	for (char *w; (w = strsep(&words, " "));) {
		char *v = strchr(w, '=');

		if (!v)
			continue;
		*v++ = '\0';
		uint32_t n = (uint32_t)strtoul(v, NULL, 10);
		if (streq(w, "timeout"))
			s->stop_timeout = n;
		else if (streq(w, "grace"))
			s->shutdown_grace = n;
		else if (streq(w, "before"))
			s->before_start = n;
		else if (streq(w, "count"))
			s->budget_count = n;
		else if (streq(w, "period"))
			s->budget_period = n;
	}
}

static void describe(const struct initstate *s, unsigned did, struct buf *b)
{
	buf_puts(b, init_phase_name(s->phase));
	if (s->timer && s->phase != INIT_DONE)
		buf_printf(b, "@%llu", (unsigned long long)s->timer);
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (did & (1u << i))
			buf_printf(b, " %s", actions[i]);
	if (did & INIT_DO_REPORT) {
		buf_printf(b, " %s", outcomes[s->report.restarted.outcome]);
		if (s->report.restarted.outcome == INITLINK_OK)
			buf_printf(b, " gap=%u", s->report.restarted.gap);
		if (s->report.restarted.left)
			buf_printf(b, " left=%u", s->report.restarted.left);
		if (s->report.restarted.last)
			buf_puts(b, " last");
	}
	if (s->phase == INIT_END || s->phase == INIT_DONE)
		buf_printf(b, " =%d", s->status);
}

static unsigned play(struct initstate *s, char *line, uint64_t *now)
{
	char *rest = line, *time = strsep(&rest, " "), *word = strsep(&rest, " ");
	struct init_input in = { .event = INIT_EVENT_MAX };

	*now = strtoull(time, NULL, 10);
	for (size_t i = 0; word && i < ARRAY_SIZE(events); i++)
		if (streq(word, events[i]))
			in.event = (enum init_event)i;
	if (in.event == INIT_EVENT_MAX)
		return ~0u;
	if (in.event == INIT_EV_SETTINGS && rest)
		take_settings(&s->settings, rest);
	else if (rest)
		in.n = (int)(in.id = (uint32_t)strtoul(rest, NULL, 10));
	return initstate_step(s, &in, *now);
}

static void check_case(void)
{
	cleanup_free char *text = case_text();
	struct initstate s = { 0 };
	char *next = text;
	uint64_t now;
	int lines = 0;

	for (char *line; (line = strsep(&next, "\n"));) {
		cleanup_free char *whole = xstrdup(line);
		cleanup_buf struct buf got = { 0 };
		char *want = strstr(line, " -> ");

		if (!*line || *line == '#')
			continue;
		if (starts_with(line, "begin ")) {
			(void)initstate_begin(&s, strtoll(line + 6, NULL, 10), 0);
			take_settings(&s.settings, strchr(line + 6, ' '));
			s.has_updater = s.trusted = true;
			continue;
		}
		if (starts_with(line, "updater ")) {
			s.has_updater = !streq(line + 8, "no");
			s.trusted = streq(line + 8, "yes");
			continue;
		}
		if (!want)
			FAIL("not a step: %s", line);
		*want = '\0';
		unsigned did = play(&s, line, &now);
		if (did == ~0u)
			FAIL("no such event: %s", whole);
		describe(&s, did, &got);
		if (!streq(want + 4, buf_str(&got)))
			FAIL("%s: but it is %s", whole, buf_str(&got));
		lines++;
	}
	OK(lines > 0);
}

int main(void)
{
	add_cases("init", check_case);
	return cases_main();
}
