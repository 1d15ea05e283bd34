/* status-client SOCKET get PATH | text PATH [ACCEPT] | once | check | scan   agent/client.h, for tests.
 *
 * Prints what came: the text or document; of a run its events, one a line, then "report DOCUMENT".  Exits with the run's
 * exit code, or 125 with "CODE: message" on standard error. */
#include <stdio.h>
#include "client.h"

static void on_event(void *arg _unused_, const char *name, struct json_object *data)
{
	printf("%s %s\n", name, json_object_to_json_string_ext(data, JSON_C_TO_STRING_PLAIN));
	fflush(stdout);
}

static int failed(const struct err *err)
{
	fprintf(stderr, "%s: %s\n", code_name(err->code), err->msg);
	return 125;
}

int main(int argc, char **argv)
{
	cleanup_buf struct buf text = { 0 };
	struct json_object *o = NULL;
	struct client_run run = { 0 };
	struct err err = ERR_INIT;

	if (argc < 3)
		return 2;
	if (streq(argv[2], "text")) {
		if (client_text(argv[1], argv[3], argc > 4 ? argv[4] : NULL, &text, &err) < 0)
			return failed(&err);
		fputs(buf_str(&text), stdout);
		return 0;
	}
	if (streq(argv[2], "get")) {
		if (client_get(argv[1], argv[3], &o, &err) < 0)
			return failed(&err);
		printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
		json_object_put(o);
		return 0;
	}
	enum mode mode = streq(argv[2], "check") ? MODE_CHECK : streq(argv[2], "scan") ? MODE_SCAN : MODE_ONCE;
	if (client_run(argv[1], mode, on_event, NULL, &run, &err) < 0)
		return failed(&err);
	printf("report %s\n", json_object_to_json_string_ext(run.report, JSON_C_TO_STRING_PLAIN));
	json_object_put(run.report);
	return run.exit_code;
}
