/* support.c - see support.h. */
#include "support.h"

#define NAMES_MAX 5	/* binary packages that one alarm names */

static const struct msg_support_package *at(const struct msg_support *s, size_t i)
{
	return wire_list_at(&msg_support_package, &s->packages, i);
}

static const char *source_of(const struct msg_support_package *p)
{
	return p->source ? p->source : p->package;
}

static bool same(const struct msg_support_package *a, const struct msg_support_package *b)
{
	return streq(source_of(a), source_of(b)) && streq(a->state, b->state);
}

/* "libfoo1, libfoo-dev and 3 more": the packages that share source and state with P. */
static void put_names(const struct msg_support *s, const struct msg_support_package *p, struct buf *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < s->packages.n; i++) {
		if (!same(at(s, i), p))
			continue;
		if (n++ < NAMES_MAX)
			buf_printf(ret, "%s%s", n > 1 ? ", " : "", at(s, i)->package);
	}
	if (n > NAMES_MAX)
		buf_printf(ret, " and %zu more", n - NAMES_MAX);
}

void support_alarms(const struct msg_support *s, struct wire_list *alarms)
{
	for (size_t i = 0; i < s->packages.n; i++) {
		const struct msg_support_package *p = at(s, i);
		bool ended = streq(p->state, "ended"), first = true;
		cleanup_buf struct buf names = { 0 };

		for (size_t k = 0; k < i && first; k++)
			first = !same(at(s, k), p);
		if (!first || (!ended && !streq(p->state, "limited")))
			continue;
		put_names(s, p, &names);
		const char *note = p->detail ? ": " : "";
		if (ended)
			reason_add(alarms, CODE_PACKAGE_UNSUPPORTED, "%s (%s) gets no security updates since %s%s%s",
				   source_of(p), names.s, strna(p->since), note, strna(p->detail));
		else
			reason_add(alarms, CODE_PACKAGE_LIMITED, "%s (%s) is supported only in part%s%s", source_of(p),
				   names.s, note, strna(p->detail));
	}
}

size_t support_count(const struct msg_support *s, const char *state)
{
	size_t n = 0;

	for (size_t i = 0; i < s->packages.n; i++)
		n += streq(at(s, i)->state, state);
	return n;
}

struct json_object *support_json(const struct msg_support *s)
{
	return wire_encode(&msg_support, s);
}
