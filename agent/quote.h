/* quote.h - words for a shell, for YAML, and for JSON in it: what is quoted reads back as it was. */
#pragma once
#include "buf.h"

/* S as one word of a POSIX shell; with control characters or bytes that are no UTF-8 in it, as $'…', which dash lacks. */
void quote_shell(struct buf *b, const char *s);
/* S, UTF-8, as a double-quoted YAML scalar, in ASCII. DOLLARS: each $ twice, as compose files and the arguments of a
 * Kubernetes container need it. */
void quote_yaml(struct buf *b, const char *s, bool dollars);
/* S, UTF-8, as a JSON string, in ASCII. */
void quote_json(struct buf *b, const char *s);
