/* Only what is new since the last report. */
#include "changes.h"
#include "tap.h"

static struct report *make(const char *pending, const char *alarm, const char *program)
{
	struct report *r = xcalloc(1, sizeof(*r));

	r->error = ERR_INIT;
	r->planned = true;
	if (pending) {
		struct msg_update *u = wire_list_add(&msg_update, &r->pending);

		u->package = xstrdup(pending);
		u->arch = xstrdup("amd64");
		u->candidate = xstrdup("2");
	}
	if (alarm)
		reason_add(&r->alarms, CODE_STALE_METADATA, "%s", alarm);
	if (program) {
		struct find_process *p = wire_list_add(&find_process, &r->stale);

		p->pid = random() % 30000 + 1;
		p->exe = xstrdup(program);
	}
	return r;
}

static void check(struct report *last, struct report *this, bool any, size_t pending, size_t alarms, size_t stale)
{
	EQ(changes_reduce(this, last), any);
	EQ(this->pending.n, pending);
	EQ(this->alarms.n, alarms);
	EQ(this->stale.n, stale);
	report_clear(last);
	report_clear(this);
	free(last);
	free(this);
}

TEST(the_same_again_is_nothing)
{
	check(make("a", "71 d old", "/usr/sbin/food"), make("a", "72 d old", "/usr/sbin/food"), false, 0, 0, 0);
}

TEST(a_new_update_an_alarm_or_a_process_is_said)
{
	check(make("a", NULL, NULL), make("b", NULL, NULL), true, 1, 0, 0);
	check(make("a", NULL, NULL), make("a", "71 d old", NULL), true, 0, 1, 0);
	check(make("a", NULL, NULL), make("a", NULL, "/usr/sbin/food"), true, 0, 0, 1);
}

TEST(what_is_gone_shows_in_the_result)
{
	struct report *last = make("a", NULL, NULL), *this = make(NULL, NULL, NULL);

	last->exit_code = EXIT_PENDING;
	check(last, this, true, 0, 0, 0);
}

TEST(what_was_applied_is_always_said)
{
	struct report *this = make("a", NULL, NULL);
	struct msg_update *u = wire_list_add(&msg_update, &this->applied);

	u->package = xstrdup("b");
	check(make("a", NULL, NULL), this, true, 0, 0, 0);
}

TAP_MAIN
