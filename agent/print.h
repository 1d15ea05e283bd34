/* print.h - what a mode prints on stdout, once, at its end. */
#pragma once
#include <json-c/json.h>
#include "options.h"
#include "report.h"

void print_text(const struct buf *b);
/* Takes O. */
void print_json(struct json_object *o);
/* R in the form that OPT asks for; REPORT is its JSON form, NULL: made from R.
 * Returns the exit status that goes with it. */
int print_report(const struct options *opt, const struct report *r, struct json_object *report);
/* The plugin API's line when nothing is known, because of WHY; returns its state, 3. */
int print_unknown(const char *why);
/* Something could not be written: what nobody could read is no success. */
bool print_failed(void);
