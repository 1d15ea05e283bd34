/* statefile.c - see statefile.h. */
#include <errno.h>
#include "fd.h"
#include "statefile.h"
#include "wire.h"

#define DEPTH 32

bool state_too_many(const char *s, size_t n)
{
	size_t values = 0, members = 0;

	for (size_t i = 0; i < n; i++) {
		values += s[i] == '{' || s[i] == '[';
		members += s[i] == ',';
	}
	return values > WIRE_VALUES_MAX || members > STATE_MEMBERS_MAX;
}

int state_parse(const char *s, size_t n, struct json_object **ret, struct err *err)
{
	struct json_tokener *tok = json_tokener_new_ex(DEPTH);
	struct json_object *o = NULL;
	int r = 0;

	if (!tok)
		out_of_memory();
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	if (utf8_valid(s, n) && !state_too_many(s, n))
		o = json_tokener_parse_ex(tok, s, (int)n);
	if (o && json_object_is_type(o, json_type_object) && json_tokener_get_parse_end(tok) == n)
		*ret = steal_ptr(&o);
	else
		r = err_set(err, CODE_IO, 0, "not one JSON object");
	json_object_put(o);
	json_tokener_free(tok);
	return r;
}

int state_read(const char *state_dir, const char *name, struct json_object **ret, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/%s", state_dir, name);
	cleanup_buf struct buf text = { 0 };

	if (access(path, F_OK) < 0)
		return err_set(err, CODE_IO, errno, "open '%s'", path);
	if (read_file(path, STATE_FILE_MAX, &text, err) < 0)
		return -1;
	if (text.n && text.s[text.n - 1] == '\n')
		text.n--;
	if (state_parse(buf_str(&text), text.n, ret, err) < 0)
		return err_wrap(err, "read '%s'", path);
	return 0;
}

int state_write(const char *state_dir, const char *name, struct json_object *o, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/%s", state_dir, name);
	cleanup_buf struct buf text = { 0 };

	wire_put(&text, o);
	return replace_file(path, 0600, text.s, text.n, err);
}
