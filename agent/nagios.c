/* nagios.c - one line for a monitoring system (output.h). */
#include "out.h"
#include "output.h"
#include "range.h"

int output_nagios(const struct report *r, const char *warning, const char *critical, struct buf *ret)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };
	size_t open = report_open(r);
	cleanup_buf struct buf text = { 0 };
	int state = 3;

	switch (r->exit_code) {
	case EXIT_DONE:
		state = range_state(0, warning, critical);
		if (r->mode == MODE_SCAN)
			buf_printf(&text, "%lld processes looked at, none runs old code", (long long)r->processes);
		else if (r->kept_back.n)
			buf_printf(&text, "no wanted security update is pending, %zu kept back by policy",
				   r->kept_back.n);
		else
			buf_puts(&text, "no security update is pending");
		break;
	case EXIT_PENDING:
	case EXIT_PARTIAL:
		state = range_state((int64_t)open, warning, critical);
		buf_printf(&text, "%zu security updates are open", open);
		break;
	case EXIT_STALE:
		state = 1;
		buf_printf(&text, "%zu processes still run old code", r->stale.n);
		if (r->unreadable.n)
			buf_printf(&text, ", %zu could not be looked into", r->unreadable.n);
		break;
	case EXIT_OUT_OF_SUPPORT:
		state = 1;
		buf_puts(&text, "the distribution is out of support");
		break;
	case EXIT_NO_METADATA:
	case EXIT_BLOCKED:
	case EXIT_FAILED:
	case EXIT_USAGE:
		if (r->error.code != CODE_OK) {
			buf_puts(&text, r->error.msg);
		} else if (r->blocked.n) {
			const struct msg_reason *b = wire_list_at(&msg_reason, &r->blocked, 0);

			buf_printf(&text, "%s: %s", code_name(b->code), strna(b->detail));
		} else if (report_broken_service(r)) {
			state = 2;
			buf_printf(&text, "%s is not well after its restart", strna(report_broken_service(r)->service));
		} else {
			buf_puts(&text, r->exit_code != EXIT_NO_METADATA ? "failed" :
					r->security_source		 ? "a security repository could not be used" :
									   "no security repository is configured");
		}
		break;
	}
	buf_printf(ret, "STOPGAP %s - ", words[state]);
	/* the bar begins performance data, so it may not be in the text */
	for (size_t i = 0; i < text.n; i++)
		if (text.s[i] == '|')
			text.s[i] = '/';
	buf_put_escaped(ret, buf_str(&text), text.n, 500);
	if (warning || critical)
		buf_printf(ret, "|pending=%zu;%s;%s;0", open, strna(warning), strna(critical));
	else
		buf_printf(ret, "|pending=%zu;;0;0", open);
	buf_printf(ret, " applied=%zu failed=%zu kept_back=%zu", r->applied.n, r->failed.n, r->kept_back.n);
	if (r->scanned)
		buf_printf(ret, " stale=%zu unreadable=%zu", r->stale.n, r->unreadable.n);
	buf_putc(ret, '\n');
	return state;
}
