/* execshow.h - what `stopgap exec` prints, and its exit status. */
#pragma once
#include "execjob.h"

/* JSON: {"schema":1,"targets":[report...]}. Text: the report of a single target,
 * a table of several. Returns the worst exit status. */
int execshow(const struct options *opt, const struct exec_job *jobs, size_t n);
