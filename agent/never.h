/* never.h - which services are never restarted, and why. */
#pragma once
#include "util.h"

/* The reason, a static string ("" for the configured list), when one of NAMES is
 * one of the services that a restart would harm more than old code does (the
 * list that needrestart's users know: message bus, logins, network, hosts of
 * containers), or matches one of NEVER, anchored EREs that value_regexes() took.
 * NULL: it may be restarted. */
const char *never_reason(const struct strv *names, const struct strv *never);
