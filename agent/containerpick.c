/* containerpick.c - which container a word of the command line names (containers.h). */
#include <stdio.h>
#include "buf.h"
#include "containers.h"

#define PREFIX_MIN 4
#define MENTION_MAX 5 /* ids that a message names */

/* As in docker: a whole id, else a name, else the beginning of an id. */
static bool matches(const struct host_container *c, const char *target, int way)
{
	if (way == 0)
		return streq(c->id, target);
	if (way == 1)
		return c->name && streq(c->name, target);
	return strlen(target) >= PREFIX_MIN && starts_with(c->id, target);
}

static int ambiguous(const struct host_containers *c, const char *target, int way, bool nested, struct err *err)
{
	cleanup_free char *shown = escape_text(target, 200);
	cleanup_buf struct buf ids = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->list[i].nested == nested && matches(&c->list[i], target, way) && n++ < MENTION_MAX)
			buf_printf(&ids, "%s%.40s", ids.n ? ", " : "", c->list[i].id);
	return err_set(err, CODE_AMBIGUOUS, 0, "'%s' names %zu containers (%s%s): give an id", shown, n, buf_str(&ids),
		       n > MENTION_MAX ? ", ..." : "");
}

static int by_pid(const struct host_containers *c, const char *word, const struct host_container **ret, struct err *err)
{
	uint64_t pid;

	if (parse_u64(word, INT32_MAX, &pid) < 0 || !pid)
		return err_set(err, CODE_USAGE, 0, "'pid:%.40s': accepted: pid: and a number", word);
	*ret = containers_of(c, (pid_t)pid);
	if (!*ret)
		return err_set(err, CODE_NO_TARGET, 0, "process %d is in no container: see 'stopgap ps'", (int)pid);
	return 0;
}

/* Has one an engine that did not answer? */
static bool nameless(const struct host_containers *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->list[i].known && !c->list[i].name)
			return true;
	return false;
}

int containers_pick(const struct host_containers *c, const char *target, const struct host_container **ret,
		    struct err *err)
{
	if (starts_with(target, "pid:"))
		return by_pid(c, target + 4, ret, err);
	for (int way = 0; way < 3; way++)
		for (int nested = 0; nested < 2; nested++) {
			const struct host_container *found = NULL;
			size_t n = 0;

			for (size_t i = 0; i < c->n; i++)
				if (c->list[i].nested == nested && matches(&c->list[i], target, way)) {
					found = &c->list[i];
					n++;
				}
			if (n > 1)
				return ambiguous(c, target, way, nested, err);
			if (n == 1) {
				*ret = found;
				return 0;
			}
		}
	cleanup_free char *shown = escape_text(target, 200);
	return err_set(err, CODE_NO_TARGET, 0, "no running container '%s': 'stopgap ps' lists them%s%s", shown,
		       strlen(target) < PREFIX_MIN ? "; the beginning of an id needs 4 characters" : "",
		       nameless(c) ? "; no engine tells the name of some: give an id, or its socket with --host" : "");
}

char *containers_short_id(const struct host_container *c)
{
	return strchr(c->id, ':') || !c->known ? xstrdup(c->id) : xstrndup(c->id, CONTAINERS_SHORT_ID);
}

bool containers_labelled(const struct host_container *c, const char *label)
{
	size_t n = strlen(label);

	if (strchr(label, '='))
		return strv_contains(&c->labels, label);
	for (size_t i = 0; i < c->labels.n; i++)
		if (starts_with(c->labels.v[i], label) && c->labels.v[i][n] == '=')
			return true;
	return false;
}
