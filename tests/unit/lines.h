/* lines.h - text cases of one line each: files under tests/cases. */
#pragma once
#include <stdio.h>
#include "buf.h"
#include "fd.h"
#include "tap.h"

/* tests/cases/NAME as text; caller frees. */
static inline char *lines_read(const char *name)
{
	cleanup_free char *path = xasprintf(STOPGAP_TOP "/tests/cases/%s", name);
	struct buf b = { 0 };
	struct err err = ERR_INIT;

	if (read_file(path, 1 << 24, &b, &err) < 0) {
		printf("Bail out! %s\n", err.msg);
		exit(1);
	}
	return b.n ? buf_steal(&b) : xstrdup("");
}

/* Take the next line off *P that is neither empty nor a comment; NULL at the end. */
static inline char *lines_next(char **p)
{
	while (**p) {
		char *line = *p, *nl = strchr(line, '\n');

		*p = nl ? nl + 1 : line + strlen(line);
		if (nl)
			*nl = '\0';
		if (*line && *line != '#')
			return line;
	}
	return NULL;
}
