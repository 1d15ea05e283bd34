/* Every message table, and which of them reads which line (plugins/PROTOCOL). */
#pragma once
#include "messages.h"

/* clang-format off */
#define TABLES(X)                                                                                          \
	X(reason) X(distribution) X(database) X(settings) X(probe) X(refresh_params) X(repository) \
	X(refresh) X(lists) X(denial) X(plan_params) X(update) X(archive) X(plan) X(digest) X(failure) \
	X(fetch) X(package) X(process) X(conffile) X(apply) X(evidence) X(progress) X(log) X(owner_params) \
	X(owner) X(owners) X(repair) X(verify_params) X(verify) X(support_package) X(support) \
	X(feed_params) X(cve) X(feed) X(error) X(hello) X(empty)
/* clang-format on */

static const struct wire_message *const tables[] = {
#define X(name) &msg_##name,
	TABLES(X)
#undef X
};

/* The table "msg_NAME", or NULL. */
static inline const struct wire_message *table_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (streq(tables[i]->name + 4, name))
			return tables[i];
	return NULL;
}

static const struct method {
	const char *name;
	const struct wire_message *params, *result;
} methods[] = {
	{ "probe", &msg_settings, &msg_probe },		  { "refresh", &msg_refresh_params, &msg_refresh },
	{ "plan", &msg_plan_params, &msg_plan },	  { "fetch", &msg_digest, &msg_fetch },
	{ "apply", &msg_digest, &msg_apply },		  { "owner", &msg_owner_params, &msg_owners },
	{ "repair", &msg_empty, &msg_repair },		  { "verify", &msg_verify_params, &msg_verify },
	{ "support", &msg_empty, &msg_support },	  { "feed", &msg_feed_params, &msg_feed },
};

static const struct event_table {
	const char *name;
	const struct wire_message *table;
} events[] = {
	{ "progress", &msg_progress }, { "log", &msg_log },	      { "update", &msg_update },
	{ "archive", &msg_archive },   { "lists", &msg_lists }, { "kept_back", &msg_update },
	{ "evidence", &msg_evidence }, { "cve", &msg_cve },
};
