/* keyring.h - OpenPGP keyrings as apt and dnf take them: what a file is, and armour off.
 *
 * The files come from the container and may hold anything; nothing is believed
 * here, gpgv or librpm reads the result.
 */
#pragma once
#include <stdbool.h>
#include "buf.h"
#include "err.h"

#define KEYRING_MAX (4U << 20)	/* bytes of one file; Debian's own has 60 KB */

enum keyring_format {
	KEYRING_EMPTY,		/* no byte at all: no key, and nothing wrong */
	KEYRING_BINARY,		/* public key packets, what gpgv reads */
	KEYRING_ARMOURED,
	KEYRING_KEYBOX,		/* GnuPG's own database */
	KEYRING_UNKNOWN,
};

enum keyring_format keyring_format(const char *s, size_t n);
/* Append the packets of every armoured key block in S to RET; text around the
 * blocks is skipped. A checksum is checked when there is one (RFC 9580 made it
 * optional). RET is unchanged on failure. Codes: MISSING_KEYRING. */
int keyring_dearmour(const char *s, size_t n, struct buf *ret, struct err *err);
/* The same for the blocks of a detached signature. Codes: UNTRUSTED. */
int keyring_dearmour_signature(const char *s, size_t n, struct buf *ret, struct err *err);
