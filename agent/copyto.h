/* copyto.h - copy the bundle into a folder, for an image that has no cp.
 *
 * An image FROM scratch holds the bundle and nothing else; an init container
 * made from it copies the bundle to a volume that the container to be patched
 * has mounted. The copy is made beside and moved into place, so a program of an
 * older bundle there keeps its files, and who starts one meanwhile finds either.
 */
#pragma once
#include "err.h"
#include "options.h"

/* What a bundle consists of, the program last; NULL-terminated. */
extern const char *const copyto_parts[];

/* Copy the bundle in the folder BUNDLE to DIR, which is made if need be: it must
 * be empty (but for lost+found) or hold a bundle, which is replaced. Times and
 * modes are kept, owners are not. Nothing outside DIR is followed, read or
 * changed, whatever others put into it meanwhile. Codes: USAGE, IO, NO_SPACE. */
int copyto(const char *bundle, const char *dir, struct err *err);
/* The mode; its exit status. */
int copyto_main(const struct options *opt);
