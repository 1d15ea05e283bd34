/* outproc.h - processes, restarts and unmanaged files in the text report. Private to the output_* files. */
#pragma once
#include "out.h"
#include "report.h"

/* Everything that a look at the processes has found, a line each. */
void output_processes(const struct out *o, const struct report *r);
/* "2 processes run old code" and what to do, for the last line. */
void output_stale(const struct out *o, const struct report *r);
