/* entershare.h - the lines of hostline.h in what an entered agent writes, ahead of its report.
 *
 * They are taken out of it; the rest is the report. An entry that was taken over
 * may write any number of them: after ENTERSHARE_LINES they are the report's, and
 * spoil that.
 */
#pragma once
#include "buf.h"
#include "hostshare.h"

#define ENTERSHARE_LINES 64

struct entershare {
	struct hostshare *share;	/* NULL: no cache; the entry waits for nothing */
	const char *name;		/* for log lines: printable */
	size_t at;			/* of the output: what is before is the report's */
	int lines;
	uint64_t retry;			/* clock_ms() when to ask again; 0: nobody waits */
};

/* Take what lines there are out of OUT, and answer on FD. */
void entershare_take(struct entershare *e, struct buf *out, int fd);
/* Ask again for those who wait, when it is time. */
void entershare_step(struct entershare *e, int fd);
/* MS, or less when it is time before that. */
int entershare_timeout(const struct entershare *e, int ms);
