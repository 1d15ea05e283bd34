/* What a log line looks like, caught on a pipe in place of stderr. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include "buf.h"
#include "log.h"
#include "tap.h"

static int saved = -1, out[2];

static void catch_stderr(enum log_level max, enum log_format format)
{
	log_setup("stopgap", max, format);
	saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	if (pipe2(out, O_CLOEXEC) < 0 || dup2(out[1], STDERR_FILENO) < 0)
		abort();
}

/* What was logged since; caller frees. */
static char *caught(void)
{
	struct buf b = { 0 };
	char chunk[8192];

	(void)dup2(saved, STDERR_FILENO);
	(void)close(saved);
	(void)close(out[1]);
	for (ssize_t n; (n = read(out[0], chunk, sizeof(chunk))) > 0;)
		buf_append(&b, chunk, (size_t)n);
	(void)close(out[0]);
	return buf_steal(&b);
}

TEST(text_lines_name_program_and_level)
{
	catch_stderr(LOG_NOTICE, LOG_TEXT);
	log_error("one %d", 1);
	log_warning("two");
	log_notice("three");
	log_info("four");
	log_debug("five");
	cleanup_free char *s = caught();
	STREQ(s, "stopgap: error: one 1\nstopgap: warning: two\nstopgap: three\n");
}

TEST(hostile_bytes_make_no_second_line)
{
	catch_stderr(LOG_DEBUG, LOG_TEXT);
	log_notice("name '%s'", "x\nstopgap: error: forged\x1b[2J");
	cleanup_free char *s = caught();
	STREQ(s, "stopgap: name 'x\\x0astopgap: error: forged\\x1b[2J'\n");
}

TEST(json_lines_are_json_whatever_they_carry)
{
	struct err e = ERR_INIT;

	for (int c = 1; c < 256; c++) {
		catch_stderr(LOG_DEBUG, LOG_JSON);
		log_error("a%cb\"\\", c);
		cleanup_free char *s = caught();
		struct json_object *o = json_tokener_parse(s), *v = NULL;
		OK(o != NULL);
		OK(json_object_object_get_ex(o, "message", &v));
		if (c >= 0x20 && c < 0x7f) {
			char want[] = { 'a', (char)c, 'b', '"', '\\', '\0' };
			STREQ(json_object_get_string(v), want);
		}
		json_object_put(o);
	}
	(void)err_set(&e, CODE_LOCKED, 0, "pid 7 holds the lock");
	catch_stderr(LOG_DEBUG, LOG_JSON);
	log_err(LOG_WARNING, &e);
	cleanup_free char *s = caught();
	HAS(s,
	    "\"level\":\"warning\",\"program\":\"stopgap\",\"code\":\"locked\",\"message\":\"pid 7 holds the lock\"}");
}

TEST(logging_keeps_errno)
{
	catch_stderr(LOG_DEBUG, LOG_TEXT);
	errno = ENOTTY;
	log_error("x");
	int after = errno;
	free(caught());
	EQ(after, ENOTTY);
}

static int cleared;

static void clear_progress(void)
{
	cleared++;
}

TEST(the_owner_of_a_progress_line_is_told_first)
{
	catch_stderr(LOG_NOTICE, LOG_TEXT);
	log_set_before(clear_progress);
	log_notice("shown");
	log_debug("not shown");
	log_set_before(NULL);
	free(caught());
	EQ(cleared, 1);
}

TAP_MAIN
