/* approved.c - see approved.h. */
#include <errno.h>
#include "approved.h"
#include "log.h"
#include "plan.h"
#include "statefile.h"

#define FILE_NAME "approved.json"
#define ANSWER_NAME "apply.json" /* written by a plugin (serve.h) */
#define NAME 256
#define UPDATES_MAX 20000
#define OWNERS_MAX 20000

static const struct wire_field approved_fields[] = {
	{ .name = "host",
	  .type = WIRE_STRING,
	  .flags = WIRE_REQUIRED,
	  .offset = offsetof(struct approved, host),
	  .max = NAME },
	{ .name = "id", .type = WIRE_STRING, .flags = WIRE_OMIT, .offset = offsetof(struct approved, id), .max = NAME },
	{ .name = "time",
	  .type = WIRE_STRING,
	  .flags = WIRE_REQUIRED,
	  .offset = offsetof(struct approved, time),
	  .min = 1,
	  .max = NAME },
	{ .name = "updates",
	  .type = WIRE_OBJECTS,
	  .flags = WIRE_REQUIRED,
	  .offset = offsetof(struct approved, updates),
	  .items = UPDATES_MAX,
	  .sub = &msg_update },
	{ .name = "owners",
	  .type = WIRE_OBJECTS,
	  .flags = WIRE_OMIT,
	  .offset = offsetof(struct approved, owners),
	  .items = OWNERS_MAX,
	  .sub = &msg_owner },
	{ .name = NULL },
};
const struct wire_message approved = { "approved", sizeof(struct approved), approved_fields };

static void remove_file(const char *state_dir, const char *name)
{
	cleanup_free char *path = xasprintf("%s/%s", state_dir, name);

	if (unlink(path) < 0 && errno != ENOENT)
		log_warning("remove '%s': %s, ignoring", path, strerror(errno));
}

int approved_save(const struct approved *a, const char *state_dir, struct err *err)
{
	struct json_object *o = wire_encode(&approved, a);
	int r;

	remove_file(state_dir, ANSWER_NAME);
	r = state_write(state_dir, FILE_NAME, o, err);
	json_object_put(o);
	return r;
}

static int read_one(const char *state_dir, const char *name, const struct wire_message *m, void *ret, struct err *err)
{
	struct json_object *o = NULL;
	int r = state_read(state_dir, name, &o, err);

	if (r == 0)
		r = wire_decode(m, o, ret, err);
	json_object_put(o);
	return r;
}

/* A state folder may be a volume; and whoever is root here can write to it. */
static bool is_ours(const struct approved *a, const struct container *c)
{
	for (size_t i = 0; i < a->updates.n; i++) {
		const struct msg_update *u = wire_list_at(&msg_update, &a->updates, i);

		if (plan_illegal_word(u) || !*strna(u->candidate))
			return false;
	}
	return a->updates.n && streq(a->host, strna(c->host)) && (!a->id || !c->id || streq(a->id, c->id));
}

bool approved_read(const char *state_dir, const struct container *c, struct approved *ret)
{
	struct err err = ERR_INIT;

	if (read_one(state_dir, FILE_NAME, &approved, ret, &err) < 0) {
		if (err.errnum == ENOENT)
			return false;
		log_warning("%s, ignoring", err.msg);
		approved_remove(state_dir);
		return false;
	}
	if (!is_ours(ret, c)) {
		approved_clear(ret);
		approved_remove(state_dir);
		return false;
	}
	return true;
}

void approved_read_answer(const char *state_dir, struct msg_apply *ret)
{
	struct err ignored = ERR_INIT;

	(void)read_one(state_dir, ANSWER_NAME, &msg_apply, ret, &ignored);
}

void approved_remove(const char *state_dir)
{
	remove_file(state_dir, FILE_NAME);
	remove_file(state_dir, ANSWER_NAME);
}

void approved_clear(struct approved *a)
{
	wire_clear(&approved, a);
}
