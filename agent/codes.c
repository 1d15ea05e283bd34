/* codes.c - the tables behind codes.h. */
#include <string.h>
#include "codes.h"

static const struct {
	const char *name;
	enum code_class class;
	const char *text;
} codes[CODE_MAX] = {
#define X(id, name, class, text) [CODE_##id] = { name, class, text },
	CODES(X)
#undef X
};

const char *code_name(enum code code)
{
	return codes[code].name;
}

const char *code_text(enum code code)
{
	return codes[code].text;
}

enum code_class code_class(enum code code)
{
	return codes[code].class;
}

bool code_passes(enum code code)
{
	return code == CODE_BUSY || code == CODE_LOCKED || code == CODE_NO_EGRESS || code == CODE_VETOED ||
	       code == CODE_PAUSED;
}

int code_from_name(const char *name)
{
	for (int i = 0; i < CODE_MAX; i++)
		if (strcmp(codes[i].name, name) == 0)
			return i;
	return -1;
}
