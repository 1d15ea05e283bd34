/* digest.h - what "this plan" means: agent and plugin compute it alike. */
#pragma once
#include "messages.h"

#define DIGEST_TEXT_MAX 65

/* SHA-256 over "package arch installed candidate\n" of each msg_update, sorted,
 * as lower-case hex into RET of DIGEST_TEXT_MAX bytes. */
void plan_digest(const struct wire_list *updates, char *ret);
