/* statefile.h - JSON files of the state folder: written whole or not at all, read with care.
 *
 * The folder is in the container, so whoever is root there may have written
 * them: sizes and nesting are bounded, and what does not parse is an error.
 */
#pragma once
#include <json-c/json.h>
#include "err.h"

#define STATE_FILE_MAX (32 * 1024 * 1024)
#define STATE_MEMBERS_MAX 524288 /* of all objects and arrays; with WIRE_VALUES_MAX some 200 MB at worst */

/* json-c takes 800 bytes for "{}," and 50 for "1,": has a text of a container more of them than fit into memory? Those
 * in strings count, too. state_parse() refuses it. */
bool state_too_many(const char *s, size_t n);
/* Exactly one JSON object of N bytes. Caller puts RET. Codes: IO. */
int state_parse(const char *s, size_t n, struct json_object **ret, struct err *err);
/* STATE_DIR/NAME. A missing file is CODE_IO with errnum ENOENT. */
int state_read(const char *state_dir, const char *name, struct json_object **ret, struct err *err);
/* O and a newline, mode 0600. */
int state_write(const char *state_dir, const char *name, struct json_object *o, struct err *err);
