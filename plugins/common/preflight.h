/* preflight.h - can this container be patched? Nothing is changed to find out. */
#pragma once
#include "messages.h"

struct preflight {
	const char *manager; /* "dpkg", for messages */
	const char *database; /* its folder */
};

/* Add reasons of class BLOCKED: not_root alone, or read_only_root,
 * missing_capability, no_space, low_memory and pids_limit. */
void preflight(const struct preflight *p, const struct msg_settings *settings, struct wire_list *blocked);
