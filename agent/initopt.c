/* initopt.c - see initopt.h. */
#include <signal.h>
#include "initopt.h"
#include "value.h"

/* The two sides of TEXT's colon; the first into HEAD. */
static const char *cut(const char *text, char *head, size_t size)
{
	const char *colon = strchr(text, ':');

	if (!colon || (size_t)(colon - text) >= size)
		return NULL;
	memcpy(head, text, (size_t)(colon - text));
	head[colon - text] = '\0';
	return colon + 1;
}

static int parse_rewrite(const char *text, struct init_pair *ret, struct err *err)
{
	char head[16];
	const char *tail = cut(text, head, sizeof(head));
	int from = 0, to = 0;

	if (!tail || value_signal(head, &from) < 0 || !*tail || (!streq(tail, "0") && value_signal(tail, &to) < 0) ||
	    from == 0 || from == SIGKILL || from == SIGSTOP || from == SIGCHLD)
		return err_set(
			err, CODE_USAGE, 0,
			"--rewrite %s: expected FROM:TO, two signals such as TERM:QUIT or 15:3, TO 0 to drop it; "
			"KILL, STOP and CHLD cannot be rewritten",
			text);
	*ret = (struct init_pair){ from, to };
	return 0;
}

static int parse_remap(const char *text, struct init_pair *ret, struct err *err)
{
	char head[8];
	const char *tail = cut(text, head, sizeof(head));
	uint64_t a, b;

	if (!tail || parse_u64(head, 255, &a) < 0 || parse_u64(tail, 255, &b) < 0)
		return err_set(err, CODE_USAGE, 0,
			       "--remap-exit %s: expected FROM:TO, two numbers of 0 to 255 such as 143:0", text);
	*ret = (struct init_pair){ (int)a, (int)b };
	return 0;
}

int init_options_rewrite(struct init_options *o, const char *text, struct err *err)
{
	struct init_pair p;

	if (parse_rewrite(text, &p, err) < 0)
		return -1;
	if (o->n_rewrite == INIT_REWRITES_MAX)
		return err_set(err, CODE_USAGE, 0, "--rewrite: more than %d", INIT_REWRITES_MAX);
	o->rewrite[o->n_rewrite++] = p;
	return 0;
}

int init_options_remap(struct init_options *o, const char *text, struct err *err)
{
	struct init_pair p;

	if (parse_remap(text, &p, err) < 0)
		return -1;
	if (o->n_remap == INIT_REMAPS_MAX)
		return err_set(err, CODE_USAGE, 0, "--remap-exit: more than %d", INIT_REMAPS_MAX);
	o->remap[o->n_remap++] = p;
	return 0;
}
