/* metrics.h - what an alert may need, in the formats that monitoring reads.
 *
 * Prometheus text 0.0.4 or OpenMetrics 1.0; the same names in both. Counters
 * live in STATE_DIR/metrics.json and go on after a restart of the agent. Label
 * values may be hostile bytes: they are escaped, cut, and bounded in number; a
 * repository's address is shown without the password in it.
 */
#pragma once
#include "buf.h"
#include "report.h"

#define METRICS_RESULTS 10	/* words of report_result() */
extern const char *const metrics_results[METRICS_RESULTS];

/* Survives the agent. Times are seconds since the epoch, 0: never. */
struct metrics_state {
	int64_t runs[METRICS_RESULTS];
	int64_t applied, failed;	/* updates */
	int64_t restarts, restarts_failed;	/* of services */
	int64_t bytes;			/* fetched */
	int64_t last_run, last_success;	/* end of a run; of one that did what it should */
};

/* One container at a moment. Counts are -1 when nobody knows. */
struct metrics_snapshot {
	const char *container;		/* label of every sample; NULL: there is only this one */
	const char *name, *image;	/* of stopgap_container_info; may be NULL */
	const struct report *last;	/* that was to plan, or any; NULL: no run has ended */
	const struct report *planned;	/* the last that did plan; NULL: LAST, if that did */
	const struct metrics_state *state;
	int64_t now, started, next_run;	/* s since the epoch; next_run 0: none */
	bool running;
	int64_t scanned_processes, stale_processes, unreadable_processes;
	int64_t unmanaged_files;
	int64_t unsupported_packages;	/* installed, and their support has ended */
	int64_t unfixed_cves;		/* known, without a fix to install */
};

/* Count a run that has ended into S. */
void metrics_account(struct metrics_state *s, const struct report *r);
/* A missing file is all zero; a damaged one too, with ERR and -1. */
int metrics_load(struct metrics_state *ret, const char *state_dir, struct err *err);
int metrics_save(const struct metrics_state *s, const char *state_dir, struct err *err);
/* Load, account R, save: for the run itself, which holds the folder's lock. */
int metrics_record(const struct report *r, const char *state_dir, struct err *err);
/* The whole exposition of N containers. */
void metrics_write(const struct metrics_snapshot *v, size_t n, bool openmetrics, struct buf *ret);
