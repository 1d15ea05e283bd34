/* output.h - the report for a person: table, plain lines, Nagios, progress.
 *
 * Every string that came from the container or the network is escaped here.
 */
#pragma once
#include "buf.h"
#include "report.h"

/* A summary and tables; COLOUR for a terminal. TARGET: what `exec` was told to enter; NULL: this container. */
void output_text(const struct report *r, const char *target, bool colour, struct buf *ret);
/* "STOPGAP CRITICAL - …|perfdata"; returns the plugin API's state 0–3. WARNING
 * and CRITICAL (NULL: none) are thresholds for the number of open updates; with
 * one of them, open updates alert by the thresholds alone. */
int output_nagios(const struct report *r, const char *warning, const char *critical, struct buf *ret);

/* The one progress line on a terminal's stderr. */
void progress_show(const struct msg_progress *p);
void progress_clear(void);
