/* showhost.c - see showhost.h. */
#include "range.h"
#include "showhost.h"

static struct json_object *at(struct json_object *o, const char *name)
{
	struct json_object *v = NULL;

	(void)json_object_object_get_ex(o, name, &v);
	return v;
}

bool show_host_is(struct json_object *doc)
{
	return json_object_is_type(at(doc, "containers"), json_type_object);
}

static long long count(struct json_object *doc, const char *name)
{
	int64_t n = json_object_get_int64(at(at(doc, "containers"), name));

	return n > 0 ? n : 0;
}

void show_host_text(const struct out *o, struct json_object *doc)
{
	struct json_object *agent = at(doc, "agent");
	cleanup_free char *version = out_cell(json_object_get_string(at(doc, "stopgap"))),
			  *next = out_cell(json_object_get_string(at(agent, "next_run")));
	long long pending = count(doc, "pending"), stale = count(doc, "stale"), failed = count(doc, "failed");

	put(o, BOLD, "stopgap %s", version);
	put(o, PLAIN, " · watches %lld of %lld containers\n", count(doc, "watched"), count(doc, "found"));
	put(o, PLAIN, "  agent      pid %lld, %lld running", (long long)json_object_get_int64(at(agent, "pid")),
	    count(doc, "running"));
	if (*next)
		put(o, PLAIN, ", next run %s", next);
	put(o, PLAIN, "\n  updates    ");
	put(o, pending ? WARN : GOOD, "open in %lld containers\n", pending);
	put(o, PLAIN, "  processes  ");
	put(o, stale ? WARN : GOOD, "run old code in %lld containers\n", stale);
	if (failed) {
		put(o, PLAIN, "  failed     ");
		put(o, BAD, "the last run of %lld containers; 'stopgap ps' says why\n", failed);
	}
}

int show_host_nagios(const struct options *opt, struct json_object *doc, struct buf *ret)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };
	long long pending = count(doc, "pending"), stale = count(doc, "stale"), failed = count(doc, "failed");
	int state = range_state(pending, opt->warning, opt->critical);

	if (state == 0 && stale)
		state = 1;
	if (state < 2 && failed)
		state = 3;
	buf_printf(ret,
		   "STOPGAP %s - updates are open in %lld of %lld containers, %lld run old code, %lld failed"
		   "|pending=%lld;%s;%s;0 stale=%lld failed=%lld watched=%lld\n",
		   words[state], pending, count(doc, "watched"), stale, failed, pending, strna(opt->warning),
		   strna(opt->critical), stale, failed, count(doc, "watched"));
	return state;
}
