/* The counters of the metrics: counted, kept over a restart, and read back from whatever the file has become. */
#include <sys/stat.h>
#include "fd.h"
#include "metrics.h"
#include "tap.h"

static char *dir;

static void write_state(const char *text)
{
	cleanup_free char *path = xasprintf("%s/metrics.json", dir);
	struct err err = ERR_INIT;

	if (replace_file(path, 0600, text, strlen(text), &err) < 0)
		abort();
}

static int64_t count(const struct metrics_state *s, const char *result)
{
	for (size_t i = 0; i < METRICS_RESULTS; i++)
		if (streq(metrics_results[i], result))
			return s->runs[i];
	return -1;
}

TEST(every_result_is_counted)
{
	static const struct {
		enum exit_code exit;
		enum code code;
	} ends[] = { { EXIT_DONE, CODE_OK },	      { EXIT_FAILED, CODE_IO },	       { EXIT_FAILED, CODE_STOPPED },
		     { EXIT_USAGE, CODE_OK },	      { EXIT_BLOCKED, CODE_OK },       { EXIT_PARTIAL, CODE_OK },
		     { EXIT_NO_METADATA, CODE_OK },   { EXIT_OUT_OF_SUPPORT, CODE_OK }, { EXIT_PENDING, CODE_OK },
		     { EXIT_STALE, CODE_OK } };
	struct metrics_state s = { 0 };

	EQ(ARRAY_SIZE(ends), METRICS_RESULTS);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct report r = { .exit_code = ends[i].exit,
				    .error.code = ends[i].code,
				    .time = 1000,
				    .start_ms = 0,
				    .end_ms = 5000,
				    .bytes = 10 };

		metrics_account(&s, &r);
		EQ(count(&s, report_result(&r)), 1);
	}
	EQ(s.bytes, 100);
	EQ(s.last_run, 1005);
}

TEST(a_success_is_a_run_that_could_do_its_work)
{
	static const struct {
		enum exit_code code;
		bool good;
	} cases[] = { { EXIT_DONE, true },	     { EXIT_PENDING, true },  { EXIT_STALE, true },
		      { EXIT_OUT_OF_SUPPORT, true }, { EXIT_FAILED, false },  { EXIT_USAGE, false },
		      { EXIT_BLOCKED, false },	     { EXIT_PARTIAL, false }, { EXIT_NO_METADATA, false } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct metrics_state s = { .last_success = 7 };
		struct report r = { .exit_code = cases[i].code, .time = 1000 };

		metrics_account(&s, &r);
		EQ(s.last_success, cases[i].good ? 1000 : 7);
	}
}

TEST(restarts_are_counted_when_they_were_tried)
{
	static const enum code codes[] = { CODE_OK,
					   CODE_OK,
					   CODE_RESTART_FAILED,
					   CODE_STILL_STALE,
					   CODE_DIED_AGAIN,
					   CODE_REPORT_ONLY,
					   CODE_RESTART_NEVER,
					   CODE_RESTART_BUDGET,
					   CODE_RESTART_COVERED };
	struct metrics_state s = { 0 };
	struct report r = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		((struct find_restart *)wire_list_add(&find_restart, &r.restarts))->code = codes[i];
	metrics_account(&s, &r);
	EQ(s.restarts, 2);
	EQ(s.restarts_failed, 3);
	wire_list_clear(&find_restart, &r.restarts);
}

TEST(saved_and_read_again)
{
	struct metrics_state s = { .runs = { 1, 2, 3, 4, 5, 6, 7, 8, 9 },
				   .applied = 10,
				   .failed = 11,
				   .restarts = 12,
				   .restarts_failed = 13,
				   .bytes = 14,
				   .last_run = 15,
				   .last_success = 16 };
	struct metrics_state again;
	struct err err = ERR_INIT;
	struct stat st;

	EQ(metrics_save(&s, dir, &err), 0);
	EQ(metrics_load(&again, dir, &err), 0);
	OK(memcmp(&s, &again, sizeof(s)) == 0);
	cleanup_free char *path = xasprintf("%s/metrics.json", dir);
	EQ(stat(path, &st), 0);
	EQ(st.st_mode & 0777, 0600);
}

TEST(no_file_is_zero)
{
	struct metrics_state s = { .applied = 1 };
	struct err err = ERR_INIT;

	EQ(metrics_load(&s, "/nonexistent", &err), 0);
	EQ(s.applied, 0);
	EQ(err.code, CODE_OK);
}

TEST(a_damaged_file_is_zero_and_said)
{
	static const char *const texts[] = { "", "{", "[]", "\xff", "{}{}", "null" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct metrics_state s = { .applied = 1 };
		struct err err = ERR_INIT;

		write_state(texts[i]);
		EQ(metrics_load(&s, dir, &err), -1);
		EQ(err.code, CODE_IO);
		HAS(err.msg, "metrics.json");
		EQ(s.applied, 0);
	}
}

TEST(numbers_that_are_none_are_zero)
{
	struct metrics_state s;
	struct err err = ERR_INIT;

	write_state("{\"updates_applied\":-1,\"updates_failed\":\"7\",\"fetched_bytes\":1e99,\"restarts\":3,"
		    "\"runs\":{\"ok\":2,\"made up\":3,\"failed\":null}}\n");
	EQ(metrics_load(&s, dir, &err), 0);
	EQ(s.applied, 0);
	EQ(s.failed, 0);
	EQ(s.bytes, 0);
	EQ(s.restarts, 3);
	EQ(count(&s, "ok"), 2);
	EQ(count(&s, "failed"), 0);
}

TEST(a_counter_never_goes_back)
{
	struct metrics_state s = { .bytes = INT64_MAX - 1 };
	struct report r = { .bytes = 100 };

	metrics_account(&s, &r);
	EQ(s.bytes, INT64_MAX);
}

int main(void)
{
	char template[] = "/tmp/sg-metrics.XXXXXX";

	dir = mkdtemp(template);
	int r = dir ? tap_main() : 1;
	cleanup_free char *path = xasprintf("%s/metrics.json", dir);
	(void)unlink(path);
	(void)rmdir(dir);
	return r;
}
