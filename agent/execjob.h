/* execjob.h - one container of `stopgap exec`: its process, its deadline, its report. */
#pragma once
#include <json-c/json.h>
#include "config.h"
#include "containers.h"
#include "enterreport.h"
#include "options.h"

struct exec_job {
	struct enterreport who; /* its strings are the caller's */
	char *name; /* for people: printable */
	const struct host_container *container; /* the caller's; NULL: FAILURE says why there is none */
	struct err failure;
	struct json_object *report; /* the end: never NULL then */
	/* private to execjob.c */
	pid_t child;
	int child_fd, out;
	uint64_t deadline;
	struct buf text;
};

struct exec_shared {
	const struct config *config;
	const struct options *opt, *inner; /* inner: the mode to run in the containers, and its options */
	const char *bundle;
	int64_t timeout; /* s */
	int turns; /* a file: copies of the bundle are made two at a time */
};

/* Start it. On failure it has its report at once. */
void execjob_start(struct exec_job *j, const struct exec_shared *s, size_t index);
/* Take what there is; true: it has its report. */
bool execjob_step(struct exec_job *j);
/* Ask it for a safe end. */
void execjob_stop(const struct exec_job *j);
bool execjob_running(const struct exec_job *j);
void execjob_clear(struct exec_job *j);
