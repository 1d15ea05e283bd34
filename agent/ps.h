/* ps.h - `stopgap ps`: every container of this host, and how far it is patched. */
#pragma once
#include "config.h"
#include "containers.h"
#include "options.h"

#define PS_SCHEMA 1

/* The containers of this host, with the names that ENGINES tell (engine.h). Codes: IO, NOT_ROOT. */
int containers_here(const struct config *config, const struct strv *engines, struct host_containers *ret,
		    struct err *err);
/* The mode. 0, or 1 when there is nothing to look at. */
int ps_main(const struct options *opt, const struct config *config);
