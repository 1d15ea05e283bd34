/* tests/cases/schedule/NAME.case, one test each; then fleets and years.
 *
 *	set SECTION.KEY=VALUE	id WORD		now TIME	ran	moved	starts NUMBER
 *	last START END CODE [retryable FAILURES]	END "-": interrupted
 *	begin	end CODE	a run at `now`
 *	next TIME|never|? PART OF THE REASON		expected
 *	between TIME TIME PART OF THE REASON		expected
 *	same TIME		expected: asked then, the same answer as the last one
 */
#include <stdio.h>
#include "cases.h"
#include "clock.h"
#include "schedule.h"
#include "window.h"

static struct schedule_state state;
static int64_t now, answer;
static struct strv sets;

static int64_t time_of(const char *text)
{
	int64_t t;

	return time_parse(text, &t) == 0 ? t : -1;
}

static void ask(char *reason, size_t n)
{
	char *const none[] = { NULL };
	struct config c;
	struct err err = ERR_INIT;

	answer = -1;
	(void)snprintf(reason, n, "%s", err.msg);
	if (config_load(STOPGAP_TOP "/tests/data/empty.conf", none, &sets, &c, &err) < 0) {
		(void)snprintf(reason, n, "%s", err.msg);
		return;
	}
	answer = schedule_next(&c, &state, now, reason, n);
	config_clear(&c);
}

/* A later "set" of the same key replaces the earlier one. */
static void set(const char *assignment)
{
	size_t n = strcspn(assignment, "=") + 1;

	for (size_t i = 0; i < sets.n; i++)
		if (strncmp(sets.v[i], assignment, n) == 0) {
			free(sets.v[i]);
			sets.v[i] = xstrdup(assignment);
			return;
		}
	strv_push(&sets, assignment);
}

static void last(char *rest)
{
	const char *start = strsep(&rest, " "), *end = strsep(&rest, " "), *code = strsep(&rest, " ");
	uint64_t failures = 0;

	state.last_start = time_of(start);
	state.last_end = streq(end, "-") ? 0 : time_of(end);
	state.last_code = (enum code)code_from_name(code);
	state.retryable = rest && starts_with(rest, "retryable ");
	if (state.retryable)
		(void)parse_u64(rest + strlen("retryable "), 1000, &failures);
	state.failures = (int64_t)failures;
}

static void run_case(void)
{
	cleanup_free char *text = case_text();
	static char id[64];
	int expected = 0;
	char *next = text, reason[300], got[TIME_TEXT_MAX];

	state = (struct schedule_state){ .id = "a container" };
	strv_clear(&sets);
	for (char *line; (line = strsep(&next, "\n"));) {
		char *rest = line, *word = strsep(&rest, " ");
		uint64_t n;

		if (!*word || *word == '#')
			continue;
		if (streq(word, "set")) {
			set(rest);
		} else if (streq(word, "id")) {
			(void)snprintf(id, sizeof(id), "%s", rest);
			state.id = id;
		} else if (streq(word, "now")) {
			now = time_of(rest);
		} else if (streq(word, "ran") || streq(word, "moved")) {
			*(streq(word, "ran") ? &state.ran : &state.moved) = true;
		} else if (streq(word, "starts")) {
			EQ(parse_u64(rest, 1000, &n), 0);
			state.starts = (int64_t)n;
		} else if (streq(word, "last")) {
			last(rest);
		} else if (streq(word, "begin")) {
			schedule_begin(&state, now);
		} else if (streq(word, "end")) {
			schedule_end(&state, now, (enum code)code_from_name(rest), false);
		} else if (streq(word, "next")) {
			const char *want = strsep(&rest, " ");

			ask(reason, sizeof(reason));
			time_format(answer, got);
			if (!streq(want, "?"))
				STREQ(answer == SCHEDULE_NEVER ? "never" : got, want);
			HAS(reason, rest);
			expected++;
		} else if (streq(word, "between")) {
			int64_t from = time_of(strsep(&rest, " ")), to = time_of(strsep(&rest, " "));

			ask(reason, sizeof(reason));
			GE(answer, from);
			LE(answer, to);
			HAS(reason, rest);
			expected++;
		} else if (streq(word, "same")) {
			int64_t before = answer;

			now = time_of(rest);
			ask(reason, sizeof(reason));
			EQ(answer, before);
		} else {
			FAIL("'%s': no such word", word);
		}
	}
	GE(expected, 1);
}

/* A thousand containers whose last run was at the same moment spread over the jitter, and stay where they are. */
static void a_fleet_spreads(void)
{
	int quarters[4] = { 0 };
	char reason[300], id[32];

	case_next = case_next->next;
	strv_clear(&sets);
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(id, sizeof(id), "container%d", i);
		state = (struct schedule_state){ .id = id, .ran = true, .last_start = 1000000, .last_end = 1000060 };
		now = 1000060;
		ask(reason, sizeof(reason));
		int64_t jitter = answer - 1000000 - 6 * 3600, first = answer;
		GE(jitter, 0);
		LE(jitter, 1800);
		quarters[jitter * 4 / 1801]++;
		now += 3600;
		ask(reason, sizeof(reason));
		EQ(answer, first);
	}
	for (int i = 0; i < 4; i++) {
		GE(quarters[i], 200);
		LE(quarters[i], 300);
	}
}

/* A container that starts every 30 s for a day, with runs that end well, are cut off, or fail. */
static void a_crash_loop_backs_off(void)
{
	static const char *const how[] = { "ok", "cut off", "failed" };
	char reason[300];

	case_next = case_next->next;
	strv_clear(&sets);
	for (size_t h = 0; h < ARRAY_SIZE(how); h++) {
		int runs = 0;

		state = (struct schedule_state){ .id = "x" };
		for (now = 1000000; now < 1000000 + 86400; now += 30) {
			state.ran = false;
			ask(reason, sizeof(reason));
			if (answer > now)
				continue;
			runs++;
			schedule_begin(&state, now);
			if (!streq(how[h], "cut off"))
				schedule_end(&state, now + 10, streq(how[h], "ok") ? CODE_OK : CODE_NO_EGRESS,
					     streq(how[h], "failed"));
		}
		printf("# %s: %d runs in 2880 starts\n", how[h], runs);
		LE(runs, 14);
		GE(runs, 4);
	}
}

/* Whatever the settings: time goes on, a run is never due again at once, and never outside the window. */
static void a_year(void)
{
	static const char *const windows[] = { "", "02:00-05:00", "Sat,Sun 22:00-04:00 +02:00", "Mon 00:00-24:00" };
	static const char *const intervals[] = { "1s", "10m", "6h", "1w" };
	char reason[300];

	case_next = case_next->next;
	for (size_t i = 0; i < ARRAY_SIZE(windows) * ARRAY_SIZE(intervals); i++) {
		cleanup_free char *w = xasprintf("schedule.window=%s", windows[i % 4]);
		cleanup_free char *v = xasprintf("schedule.interval=%s", intervals[i / 4]);
		struct windows parsed;
		struct err err = ERR_INIT;
		int64_t begin, end;

		strv_clear(&sets);
		set(w);
		set(v);
		EQ(value_window(windows[i % 4], &parsed, &err), 0);
		state = (struct schedule_state){ .id = "x" };
		now = 1795471010;
		for (int run = 0; run < 300; run++) {
			ask(reason, sizeof(reason));
			GE(answer, now);
			LE(answer, now + 2 * 604800 + 3600);
			if (run)
				GE(answer, now + 29);
			now = answer;
			ask(reason, sizeof(reason));
			EQ(answer, now);
			window_find(&parsed, now, &begin, &end);
			LE(begin, now);
			schedule_begin(&state, now);
			now += 20;
			schedule_end(&state, now, run % 5 ? CODE_OK : CODE_NO_EGRESS, run % 5 == 0);
		}
	}
}

int main(void)
{
	add_cases("schedule", run_case);
	add_test("a_fleet_spreads", a_fleet_spreads);
	add_test("a_crash_loop_backs_off", a_crash_loop_backs_off);
	add_test("a_year", a_year);
	return cases_main();
}
