/* execshow.c - see execshow.h. */
#include "execshow.h"
#include "log.h"
#include "out.h"
#include "output.h"
#include "print.h"

/* What somebody has to look at first comes first. */
static const int worst[] = { EXIT_USAGE,   EXIT_FAILED,		EXIT_BLOCKED,	  EXIT_PARTIAL, EXIT_STALE,
			     EXIT_PENDING, EXIT_OUT_OF_SUPPORT, EXIT_NO_METADATA, EXIT_DONE };

static int exit_code_of(struct json_object *report)
{
	struct json_object *code = NULL;

	return json_object_object_get_ex(report, "exit_code", &code) ? json_object_get_int(code) : EXIT_FAILED;
}

static int worst_of(const struct exec_job *jobs, size_t n)
{
	for (size_t w = 0; w < ARRAY_SIZE(worst); w++)
		for (size_t i = 0; i < n; i++)
			if (exit_code_of(jobs[i].report) == worst[w])
				return worst[w];
	return n ? EXIT_FAILED : EXIT_DONE;
}

static void put_row(struct table *t, const struct exec_job *j, const struct report *r)
{
	const struct msg_reason *b = r->blocked.n ? wire_list_at(&msg_reason, &r->blocked, 0) : NULL;
	cleanup_free char *why = escape_text(r->error.code != CODE_OK ? r->error.msg : b ? strna(b->detail) : "", 120);
	enum code code = r->error.code != CODE_OK ? r->error.code : b ? b->code : CODE_OK;

	strv_take(&t->cells, out_cell(j->name));
	strv_take(&t->cells, out_cell(r->probed ? r->probe.distribution.name : ""));
	strv_push(&t->cells, report_result(r));
	strv_take(&t->cells, r->planned ? xasprintf("%zu", r->pending.n) : xstrdup("-"));
	strv_take(&t->cells, xasprintf("%zu", r->applied.n));
	strv_take(&t->cells, r->scanned ? xasprintf("%zu", r->stale.n) : xstrdup("-"));
	strv_take(&t->cells, code == CODE_OK ? xstrdup("") : xasprintf("[%s] %s", code_name(code), why));
}

static void put_table(const struct out *o, const struct exec_job *jobs, size_t n)
{
	static const char *const heads[] = {
		"CONTAINER", "DISTRIBUTION", "RESULT", "PENDING", "APPLIED", "STALE", "WHY"
	};
	struct table t = { .columns = ARRAY_SIZE(heads) };

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		strv_push(&t.cells, heads[i]);
	for (size_t i = 0; i < n; i++) {
		struct err err = ERR_INIT;
		struct report r;

		if (report_read(jobs[i].report, &r, &err) < 0) {
			log_warning("%s: %s", jobs[i].name, err.msg);
			continue;
		}
		put_row(&t, &jobs[i], &r);
		report_clear(&r);
	}
	table_put(o, &t);
}

static void put_text(const struct exec_job *jobs, size_t n)
{
	cleanup_buf struct buf b = { 0 };
	const struct out o = { .b = &b, .colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") };
	struct err err = ERR_INIT;
	struct report r;

	if (n != 1) {
		put_table(&o, jobs, n);
	} else if (report_read(jobs[0].report, &r, &err) < 0) {
		log_err(LOG_ERROR, &err);
	} else {
		output_text(&r, jobs[0].name, o.colour, &b);
		report_clear(&r);
	}
	print_text(&b);
}

int execshow(const struct options *opt, const struct exec_job *jobs, size_t n)
{
	if (opt->output == OUTPUT_JSON) {
		struct json_object *o = json_object_new_object(), *list = json_object_new_array();

		json_object_object_add(o, "schema", json_object_new_int(REPORT_SCHEMA));
		for (size_t i = 0; i < n; i++)
			json_object_array_add(list, json_object_get(jobs[i].report));
		json_object_object_add(o, "targets", list);
		print_json(o);
	} else {
		put_text(jobs, n);
	}
	return worst_of(jobs, n);
}
