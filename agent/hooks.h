/* hooks.h - the operator's programs before and after a run: what they are told. */
#pragma once
#include "report.h"

#define HOOK_VETO 75 /* exit status by which the one before forbids the run: EX_TEMPFAIL */

/* The whole environment of a hook of run REP, NULL at its end; OVER: with what came of it. */
void hook_environment(const struct report *rep, const char *state_dir, bool over, struct strv *ret);
