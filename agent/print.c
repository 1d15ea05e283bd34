/* print.c - see print.h. */
#include "fd.h"
#include "log.h"
#include "output.h"
#include "print.h"

static bool failed;

bool print_failed(void)
{
	return failed;
}

void print_text(const struct buf *b)
{
	if (write_all(STDOUT_FILENO, buf_str(b), b->n) < 0) {
		log_error("write to stdout: %m");
		failed = true;
	}
}

void print_json(struct json_object *o)
{
	cleanup_buf struct buf b = { 0 };

	buf_puts(&b, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	buf_putc(&b, '\n');
	print_text(&b);
	json_object_put(o);
}

/* The table on stdout says why; a program that reads stdout has people reading stderr. */
static void log_reasons(const struct report *r)
{
	if (r->error.code != CODE_OK)
		log_err(LOG_ERROR, &r->error);
	for (size_t i = 0; i < r->blocked.n; i++) {
		const struct msg_reason *b = wire_list_at(&msg_reason, &r->blocked, i);
		struct err err = ERR_INIT;

		(void)err_set(&err, b->code, 0, "%s", strna(b->detail));
		log_err(LOG_ERROR, &err);
	}
}

int print_report(const struct options *opt, const struct report *r, struct json_object *report)
{
	cleanup_buf struct buf b = { 0 };
	int status = (int)r->exit_code;

	switch (opt->output) {
	case OUTPUT_JSON:
		log_reasons(r);
		print_json(report ? json_object_get(report) : report_json(r));
		return status;
	case OUTPUT_NAGIOS:
		status = output_nagios(r, opt->warning, opt->critical, &b);
		break;
	case OUTPUT_TEXT:
	case OUTPUT_OPENMETRICS:
		output_text(r, NULL, isatty(STDOUT_FILENO) && !getenv("NO_COLOR"), &b);
		break;
	}
	print_text(&b);
	return status;
}

int print_unknown(const char *why)
{
	cleanup_buf struct buf b = { 0 };

	buf_puts(&b, "STOPGAP UNKNOWN - ");
	buf_put_escaped(&b, why, strcspn(why, "|"), 500);
	buf_putc(&b, '\n');
	print_text(&b);
	return 3;
}
