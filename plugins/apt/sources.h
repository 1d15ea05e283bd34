/* sources.h - a copy of the container's repository lists that cannot lower trust.
 *
 * The container says where its packages come from and with which keys they are
 * signed; that its signatures, dates or hashes need not be checked is not its
 * to say. The copy differs in nothing else, line by line, so that libapt's
 * complaints about line N of the copy are true of the original.
 */
#pragma once
#include "buf.h"
#include "wire.h"

#define SOURCES_FILE_MAX (1024 * 1024)

/* Append to OUT the text of PATH without the options that lower trust, each
 * noted in ALARMS (msg_reason, trust_lowered) with file, line and option. */
void sources_copy_list(const char *path, const char *text, size_t n, struct buf *out, struct wire_list *alarms);
void sources_copy_deb822(const char *path, const char *text, size_t n, struct buf *out, struct wire_list *alarms);
