/* inflate.h - unpack what came from the network, within bounds. */
#pragma once
#include "buf.h"
#include "err.h"

/* Append to RET what the N bytes at P unpack to: a zlib or gzip stream, or
 * anything else as it is. At most MAX bytes. A stream that is damaged, cut off
 * or followed by more bytes is refused. Code: FEED_FAILED. */
int inflate_all(const void *p, size_t n, size_t max, struct buf *ret, struct err *err);
