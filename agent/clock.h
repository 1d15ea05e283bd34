/* clock.h - time: boot time for durations and deadlines, RFC 3339 UTC for people. */
#pragma once
#include <stdint.h>
#include <time.h>

uint64_t clock_ms(void);		/* CLOCK_BOOTTIME in ms: suspend counts */
int64_t clock_wall(void);		/* seconds since the epoch */
#define TIME_TEXT_MAX 32
/* "2026-11-23T21:56:50Z" into RET, which holds TIME_TEXT_MAX bytes. */
void time_format(int64_t t, char *ret);
/* Parse exactly that form. -1 if it is not. */
int time_parse(const char *s, int64_t *ret);
/* "3 h", "2 d", "45 s": the largest whole unit; into RET of 32 bytes. */
void duration_format(int64_t seconds, char *ret);
