/* whitelist.h - vulnerabilities that an operator has looked at, as debsecan writes them.
 *
 *	VERSION 0
 *	CVE-2026-0001,			of every package
 *	CVE-2026-0002,perlmagick	of this binary package alone
 */
#pragma once
#include "buf.h"
#include "err.h"

struct whitelist {
	struct strv entries;	/* the lines, sorted */
};

/* Code CONFIG names file and line. RET is empty on failure. */
int whitelist_read(const char *path, struct whitelist *ret, struct err *err);
int whitelist_parse(const char *name, const char *text, size_t n, struct whitelist *ret, struct err *err);
bool whitelist_has(const struct whitelist *w, const char *cve, const char *package);
void whitelist_clear(struct whitelist *w);
