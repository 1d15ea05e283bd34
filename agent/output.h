/* output.h - the report for a person: table, plain lines, Nagios, progress.
 *
 * Every string that came from the container or the network is escaped here.
 */
#pragma once
#include "buf.h"
#include "report.h"

/* A summary and tables; COLOUR for a terminal, WIDTH in columns (0: unlimited). */
void output_text(const struct report *r, bool colour, int width, struct buf *ret);
/* "STOPGAP CRITICAL - …|perfdata"; returns the plugin API's state 0–3. */
int output_nagios(const struct report *r, struct buf *ret);

/* The one progress line on a terminal's stderr. */
void progress_show(const struct msg_progress *p);
void progress_clear(void);
