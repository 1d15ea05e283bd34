/* schema.h - the JSON Schemas of packaging/schema in one document; schema.c is
 * made from them by packaging/schema/embed. */
#pragma once
#include <stddef.h>

extern const char schema_text[];
extern const size_t schema_length;	/* bytes, without the NUL */
