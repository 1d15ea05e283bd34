/* remedies.h - what to do about each reason; remedies.c is made from
 * packaging/docs/operations.md by packaging/docs/remedies. */
#pragma once
#include "codes.h"

/* Sentences for a person, without a full stop at the end; a static string. NULL: the
 * document has no entry. */
const char *code_remedy(enum code code);
