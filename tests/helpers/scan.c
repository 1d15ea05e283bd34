/* scan [--proc TREE] [--skip PID]… [--tree PID] [--child-ms N] [--quiet]
 *
 * procscan_read() as lines of JSON: each process, then one line about the whole. Static, so that it runs in any root. */
#include <errno.h>
#include <getopt.h>
#include <json.h>
#include <stdio.h>
#include <time.h>
#include "buf.h"
#include "fd.h"
#include "procscan.h"

static void put(struct json_object *o, const char *key, const char *value)
{
	cleanup_free char *text = value ? escape_text(value, SIZE_MAX) : NULL;

	json_object_object_add(o, key, text ? json_object_new_string(text) : NULL);
}

static void put_number(struct json_object *o, const char *key, int64_t value)
{
	json_object_object_add(o, key, json_object_new_int64(value));
}

static void print(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	(void)json_object_put(o);
}

static struct json_object *list(const struct strv *l)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < l->n; i++) {
		cleanup_free char *text = escape_text(l->v[i], SIZE_MAX);

		(void)json_object_array_add(a, json_object_new_string(text));
	}
	return a;
}

static void print_process(const struct procscan *s, const struct scan_process *p)
{
	struct json_object *o = json_object_new_object(), *reasons = json_object_new_array();

	for (size_t i = 0; i < p->n_reasons; i++) {
		struct json_object *r = json_object_new_object();

		put(r, "evidence", scan_evidence_name(p->reasons[i].evidence));
		put(r, "file", p->reasons[i].file);
		(void)json_object_array_add(reasons, r);
	}
	put_number(o, "pid", p->pid);
	put_number(o, "ppid", p->ppid);
	put_number(o, "start", p->start);
	put_number(o, "started", procscan_started_ms(s, p));
	put_number(o, "uid", p->uid);
	put(o, "comm", p->comm);
	put(o, "exe", p->exe);
	put(o, "cmdline", p->cmdline);
	json_object_object_add(o, "ns", json_object_new_boolean(p->ns));
	json_object_object_add(o, "stale", json_object_new_boolean(p->n_reasons > 0));
	json_object_object_add(o, "reasons", reasons);
	json_object_object_add(o, "scripts", list(&p->scripts));
	put(o, "unreadable", p->unreadable);
	print(o);
}

static int read_options(int argc, char **argv, struct procscan_options *o, struct scan_skip *skip, bool *quiet)
{
	static const struct option options[] = {
		{ "proc", required_argument, NULL, 'p' }, { "skip", required_argument, NULL, 's' },
		{ "tree", required_argument, NULL, 't' }, { "child-ms", required_argument, NULL, 'c' },
		{ "quiet", no_argument, NULL, 'q' },	  { NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		uint64_t n = 0;

		if (strchr("stc", c) && parse_u64(optarg, INT32_MAX, &n) < 0)
			return -1;
		if (c == 'p') {
			o->proc = optarg;
			o->recorded = true;
		} else if (c == 's' || c == 't') {
			skip[o->n_skip++] = (struct scan_skip){ (pid_t)n, c == 't' };
		} else if (c == 'c') {
			o->child_ms = (unsigned)n;
		} else if (c == 'q') {
			*quiet = true;
		} else {
			return -1;
		}
	}
	return 0;
}

static int64_t clock_us(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Of this program alone: getrusage() counts what was before execve(), too. */
static int64_t peak_kb(void)
{
	struct buf b = { 0 };
	struct err err = ERR_INIT;
	const char *line;
	int64_t kb = -1;

	if (read_file("/proc/self/status", 65536, &b, &err) == 0 && (line = strstr(b.s, "VmHWM:")))
		kb = strtoll(line + 6, NULL, 10);
	buf_clear(&b);
	return kb;
}

int main(int argc, char **argv)
{
	struct scan_skip *skip = xcalloc((size_t)argc, sizeof(*skip));
	struct procscan_options o = { .proc = "/proc", .skip = skip };
	struct procscan s = { 0 };
	struct err err = ERR_INIT;
	bool quiet = false;
	size_t stale = 0;

	if (read_options(argc, argv, &o, skip, &quiet) < 0)
		return 2;
	int64_t t0 = clock_us(CLOCK_MONOTONIC), c0 = clock_us(CLOCK_PROCESS_CPUTIME_ID);
	if (procscan_read(&o, &s, &err) < 0) {
		(void)fprintf(stderr, "scan: %s\n", err.msg);
		free(skip);
		return 1;
	}
	int64_t us = clock_us(CLOCK_MONOTONIC) - t0, cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID) - c0, kb = peak_kb();
	for (size_t i = 0; i < s.n; i++) {
		stale += s.v[i].n_reasons > 0;
		if (!quiet)
			print_process(&s, &s.v[i]);
	}
	struct json_object *all = json_object_new_object();
	put_number(all, "scanned", (int64_t)s.n);
	put_number(all, "unreadable", (int64_t)s.unreadable);
	put_number(all, "stale", (int64_t)stale);
	put_number(all, "microseconds", us);
	put_number(all, "cpu", cpu);
	put_number(all, "peak_kb", kb);
	json_object_object_add(all, "running", list(&s.running));
	print(all);
	procscan_clear(&s);
	free(skip);
	return 0;
}
