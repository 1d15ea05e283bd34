/* procjudge.h - from the facts of one process to what it is accused of.
 *
 *   judge_begin()     forget the process before, this is the next
 *   judge_links(), judge_mapping(), judge_archive()     its facts, in any number
 *   judge_end()       fill the process
 */
#pragma once
#include "procfiles.h"
#include "procscan.h"

/* A file that the current process has, once. */
struct judge_seen {
	uint32_t file; /* in files.v */
	bool exe, code;
	bool archive; /* held open by java */
};

struct judge {
	const struct procscan_options *options;
	uint64_t own_ns[2]; /* ours, and that of PID 1: an entered agent has a private copy of it */
	struct proc_files files;
	struct strv *running; /* where to list what runs */
	/* the current process */
	struct scan_process *p;
	int dir; /* its folder in /proc */
	struct proc_links *links;
	size_t root_len; /* of links->root, 0 for "/" */
	int base;
	bool own, exe_seen, unnamed;
	uint32_t mark;
	struct judge_seen *seen;
	size_t n_seen;
	int last; /* place in `seen` of the mapping before, -1: it did not count */
	char *args; /* PROCSCAN_ARGS_MAX bytes */
};

void judge_begin(struct judge *j, struct scan_process *p, int dir);
/* LINKS must stay until judge_end(). */
void judge_links(void *judge, struct proc_links *links);
void judge_mapping(void *judge, const struct mapping *m);
void judge_archive(void *judge, const struct mapping *m);
void judge_end(struct judge *j);
/* The process's command line, for one that is reported. */
void judge_cmdline(struct judge *j);
void judge_clear(struct judge *j);
/* Empty what judge_end() and the others filled. */
void scan_process_reset(struct scan_process *p);
