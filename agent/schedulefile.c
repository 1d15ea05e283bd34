/* schedulefile.c - see schedulefile.h. */
#include "log.h"
#include "schedulefile.h"
#include "statefile.h"
#include "wire.h"

#define SCHEDULE_FILE "schedule.json"
#define NAME	      256

struct schedule_file {
	char *host, *id;
	int64_t last_start, last_end, failures, starts;
	enum code last_code;
	bool retryable;
};

#define TEXT(f, fl) \
	{ \
		.name = #f, .type = WIRE_STRING, .flags = fl, .offset = offsetof(struct schedule_file, f), .max = NAME \
	}
#define COUNT(f) \
	{ \
		.name = #f, .type = WIRE_INT, .flags = WIRE_REQUIRED, .offset = offsetof(struct schedule_file, f), \
		.max = 1LL << 40 \
	}
static const struct wire_field schedule_fields[] = {
	TEXT(host, WIRE_REQUIRED),
	TEXT(id, WIRE_OMIT),
	COUNT(last_start),
	COUNT(last_end),
	COUNT(failures),
	COUNT(starts),
	{ .name = "last_code",
	  .type = WIRE_CODE,
	  .flags = WIRE_REQUIRED,
	  .offset = offsetof(struct schedule_file, last_code) },
	{ .name = "retryable",
	  .type = WIRE_BOOL,
	  .flags = WIRE_REQUIRED,
	  .offset = offsetof(struct schedule_file, retryable) },
	{ .name = NULL },
};
static const struct wire_message schedule_file = { "schedule", sizeof(struct schedule_file), schedule_fields };

void schedule_load(const char *dir, const char *host, const char *id, struct schedule_state *ret)
{
	struct schedule_file f = { 0 };
	struct json_object *o = NULL;
	struct err ignored = ERR_INIT;

	*ret = (struct schedule_state){ .id = id ? id : host };
	if (state_read(dir, SCHEDULE_FILE, &o, &ignored) == 0 && wire_decode(&schedule_file, o, &f, &ignored) == 0) {
		ret->moved = !streq(strna(f.host), host) || (f.id && id && !streq(f.id, id));
		ret->last_start = f.last_start;
		ret->last_end = f.last_end;
		ret->failures = f.failures;
		ret->starts = f.starts;
		ret->last_code = f.last_code;
		ret->retryable = f.retryable;
	}
	wire_clear(&schedule_file, &f);
	json_object_put(o);
}

void schedule_save(const char *dir, const char *host, const char *id, const struct schedule_state *s)
{
	struct schedule_file f = { .host = (char *)(uintptr_t)host,
				   .id = (char *)(uintptr_t)id,
				   .last_start = s->last_start,
				   .last_end = s->last_end,
				   .failures = s->failures,
				   .starts = s->starts,
				   .last_code = s->last_code,
				   .retryable = s->retryable };
	struct json_object *o = wire_encode(&schedule_file, &f);
	struct err err = ERR_INIT;

	/* a run says why when the folder cannot be written; here it is no news */
	if (state_write(dir, SCHEDULE_FILE, o, &err) < 0)
		log_debug("save the schedule: %s, ignoring", err.msg);
	json_object_put(o);
}

enum code schedule_outcome(const struct report *r, bool *retryable)
{
	*retryable = r->error.retryable;
	if (r->error.code != CODE_OK)
		return r->error.code;
	for (size_t i = 0; i < r->blocked.n; i++) {
		enum code c = ((const struct msg_reason *)wire_list_at(&msg_reason, &r->blocked, i))->code;

		*retryable = code_passes(c);
		if (!*retryable)
			return c;
	}
	return r->blocked.n ? ((const struct msg_reason *)wire_list_at(&msg_reason, &r->blocked, 0))->code : CODE_OK;
}
