/* hostline.c - see hostline.h. */
#include "hostline.h"

static const struct wire_field fields[] = {
	{ .name = "want",
	  .type = WIRE_OBJECTS,
	  .flags = WIRE_OMIT,
	  .offset = offsetof(struct hostline, want),
	  .items = HOSTLINE_WANT_MAX,
	  .sub = &msg_archive },
	{ .name = "lists",
	  .type = WIRE_STRINGS,
	  .flags = WIRE_OMIT,
	  .offset = offsetof(struct hostline, lists),
	  .max = 4096,
	  .items = 256 },
	{ .name = "fetched", .type = WIRE_BOOL, .flags = WIRE_OMIT, .offset = offsetof(struct hostline, fetched) },
	{ .name = "go", .type = WIRE_BOOL, .flags = WIRE_OMIT, .offset = offsetof(struct hostline, go) },
	{ .name = NULL },
};
const struct wire_message hostline = { "hostline", sizeof(struct hostline), fields };
