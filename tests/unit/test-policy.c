/* tests/cases/policy/NAME.case and tests/cases/verdict/NAME.case, one test each.
 *
 * A policy case: what the agent refuses of a plan that a plugin offers.
 *	set SECTION.KEY=VALUE			a setting, as on the command line
 *	deny PACKAGE				denied in an earlier round
 *	age SECONDS				of the one security repository, bookworm-security
 *	update PACKAGE FROM TO [security] [severity=WORD] [fixes=ID] [issued=TIME] [suite=WORD] [origin=WORD]	FROM "-": a new package
 *	refuse PACKAGE CODE			expected; the others stay planned
 *	error CODE				expected instead: the plan is a lie
 *
 * A verdict case: the exit code and word of a report.
 *	mode once|check	  support WORD	  no-source	blind		interrupted	error CODE	blocked CODE
 *	restart SERVICE CODE [HEALTH]	stale SERVICE
 *	applied PACKAGE	  pending PACKAGE  kept PACKAGE CODE	failed PACKAGE CODE
 *	exit NUMBER WORD			expected
 */
#include <dirent.h>
#include "fd.h"
#include "plan.h"
#include "report.h"
#include "tap.h"

#define CASES STOPGAP_TOP "/tests/cases"

static struct tap_test *current;	/* the file whose turn it is */

struct words {
	char *w[10];
	size_t n;
};

static struct words split(char *line)
{
	struct words ws = { 0 };

	for (char *p; ws.n < ARRAY_SIZE(ws.w) && (p = strsep(&line, " \t"));)
		if (*p)
			ws.w[ws.n++] = p;
	return ws;
}

static void offer(struct plan *plan, const struct words *w)
{
	struct msg_update *u = wire_list_add(&msg_update, &plan->updates);

	u->package = xstrdup(w->w[1]);
	u->arch = xstrdup("amd64");
	u->installed = streq(w->w[2], "-") ? NULL : xstrdup(w->w[2]);
	u->candidate = xstrdup(w->w[3]);
	u->suite = xstrdup("bookworm-security");
	u->origin = xstrdup("Debian:Debian-Security");
	for (size_t i = 4; i < w->n; i++) {
		u->security |= streq(w->w[i], "security");
		if (starts_with(w->w[i], "fixes=CVE-"))
			strv_push(&u->cves, w->w[i] + strlen("fixes="));
		else if (starts_with(w->w[i], "fixes="))
			strv_push(&u->advisories, w->w[i] + strlen("fixes="));
		if (starts_with(w->w[i], "issued="))
			u->issued = xstrdup(w->w[i] + strlen("issued="));
		if (starts_with(w->w[i], "severity="))
			u->severity = xstrdup(w->w[i] + strlen("severity="));
		if (starts_with(w->w[i], "suite=")) {
			free(u->suite);
			u->suite = xstrdup(w->w[i] + strlen("suite="));
		}
		if (starts_with(w->w[i], "origin=")) {
			free(u->origin);
			u->origin = xstrdup(w->w[i] + strlen("origin="));
		}
	}
}

static char *read_case(const char *kind, const char *name)
{
	cleanup_free char *path = xasprintf(CASES "/%s/%s", kind, name);
	struct buf text = { 0 };
	struct err err = ERR_INIT;

	if (read_file(path, 65536, &text, &err) < 0)
		buf_clear(&text);
	return buf_steal(&text);
}

static void check_policy(void)
{
	cleanup_free char *text = read_case("policy", strchr(current->name, '/') + 1);
	cleanup_strv struct strv sets = { 0 }, expected = { 0 };
	struct wire_list denials = { 0 }, repositories = { 0 };
	struct msg_repository *home = wire_list_add(&msg_repository, &repositories);
	struct plan plan = { 0 };
	struct config config;
	struct err err = ERR_INIT;
	const char *want_error = NULL;
	char *next = text;
	char *const none[] = { NULL };

	current = current->next;
	*home = (struct msg_repository){ .suite = xstrdup("bookworm-security"),
					 .origin = xstrdup("Debian"),
					 .label = xstrdup("Debian-Security"),
					 .security = true,
					 .age = 86400 };
	for (char *line; (line = strsep(&next, "\n"));) {
		cleanup_free char *whole = xstrdup(line);
		struct words w = split(line);

		if (!w.n || *w.w[0] == '#')
			continue;
		if (streq(w.w[0], "set"))
			strv_push(&sets, strchr(whole, ' ') + 1);
		else if (streq(w.w[0], "deny"))
			plan_deny(&denials, w.w[1], "amd64", CODE_DOWNLOAD_FAILED, "404");
		else if (streq(w.w[0], "age"))
			home->age = (int64_t)strtoul(w.w[1], NULL, 10);
		else if (streq(w.w[0], "update"))
			offer(&plan, &w);
		else if (streq(w.w[0], "refuse"))
			strv_take(&expected, xasprintf("%s %s", w.w[1], w.w[2]));
		else if (streq(w.w[0], "error"))
			want_error = w.w[1];
		else
			FAIL("'%s': no such word", w.w[0]);
	}
	size_t before = denials.n;
	EQ(config_load(STOPGAP_TOP "/tests/data/empty.conf", none, &sets, &config, &err), 0);
	int refused = plan_check(&config, &plan, &repositories, &denials, &err);
	if (want_error) {
		EQ(refused, -1);
		STREQ(code_name(err.code), want_error);
	} else {
		EQ(refused, expected.n);
		for (size_t i = 0; i < expected.n; i++) {
			const struct msg_denial *d = wire_list_at(&msg_denial, &denials, before + i);
			cleanup_free char *got = xasprintf("%s %s", d->package, code_name(d->reason.code));

			STREQ(got, expected.v[i]);
			OK(*strna(d->reason.detail));
		}
	}
	config_clear(&config);
	plan_clear(&plan);
	wire_list_clear(&msg_denial, &denials);
	wire_list_clear(&msg_repository, &repositories);
}

static void check_verdict(void)
{
	cleanup_free char *text = read_case("verdict", strchr(current->name, '/') + 1);
	struct report r;
	char *next = text;
	bool judged = false;

	current = current->next;
	report_init(&r, MODE_ONCE, "command");
	r.probed = r.refreshed = r.security_source = true;
	for (char *line; (line = strsep(&next, "\n"));) {
		struct words w = split(line);

		if (!w.n || *w.w[0] == '#')
			continue;
		const char *word = w.w[0], *one = w.n > 1 ? w.w[1] : "", *two = w.n > 2 ? w.w[2] : "";
		if (streq(word, "mode")) {
			r.mode = streq(one, "check") ? MODE_CHECK : MODE_ONCE;
		} else if (streq(word, "support")) {
			r.probe.distribution.support = xstrdup(one);
		} else if (streq(word, "no-source")) {
			r.security_source = false;
		} else if (streq(word, "blind")) {
			struct msg_repository *m = wire_list_add(&msg_repository, &r.repositories);
			m->security = true;
			m->error.code = CODE_REFRESH_FAILED;
		} else if (streq(word, "interrupted")) {
			r.probe.database.state = xstrdup("interrupted");
		} else if (streq(word, "error")) {
			(void)err_set(&r.error, (enum code)code_from_name(one), 0, "a reason");
		} else if (streq(word, "blocked")) {
			report_block(&r, (enum code)code_from_name(one), "a reason");
		} else if (streq(word, "failed")) {
			struct msg_failure *f = wire_list_add(&msg_failure, &r.failed);
			f->package = xstrdup(one);
			f->code = (enum code)code_from_name(two);
		} else if (streq(word, "applied") || streq(word, "pending") || streq(word, "kept")) {
			struct msg_update *u = wire_list_add(&msg_update, streq(word, "applied") ? &r.applied :
									  streq(word, "pending") ? &r.pending :
												   &r.kept_back);
			u->package = xstrdup(one);
			if (streq(word, "kept"))
				u->kept_back.code = (enum code)code_from_name(two);
		} else if (streq(word, "restart")) {
			struct find_restart *f = wire_list_add(&find_restart, &r.restarts);
			f->service = xstrdup(one);
			f->code = (enum code)code_from_name(two);
			f->health = w.n > 3 ? xstrdup(w.w[3]) : NULL;
		} else if (streq(word, "stale")) {
			struct find_process *p = wire_list_add(&find_process, &r.stale);
			p->service = xstrdup(one);
		} else if (streq(word, "exit")) {
			report_finish(&r);
			cleanup_free char *got = xasprintf("%d %s", (int)r.exit_code, report_result(&r));
			cleanup_free char *want = xasprintf("%s %s", one, two);
			STREQ(got, want);
			judged = true;
		} else {
			FAIL("'%s': no such word", word);
		}
	}
	OK(judged);
	report_clear(&r);
}

static int is_case(const struct dirent *d)
{
	return ends_with(d->d_name, ".case");
}

static void add_cases(const char *kind, void (*run)(void))
{
	cleanup_free char *folder = xasprintf(CASES "/%s", kind);
	struct dirent **files;
	int n = scandir(folder, &files, is_case, alphasort);

	for (int i = 0; i < n; i++) {
		cleanup_free char *name = xasprintf("%s/%s", kind, files[i]->d_name);

		if (tap_picked(name)) {
			struct tap_test *t = xcalloc(1, sizeof(*t));

			t->name = xstrdup(name);
			t->run = run;
			*tap_last = t;
			tap_last = &t->next;
		}
		free(files[i]);
	}
	if (n >= 0)
		free(files);
}

int main(void)
{
	add_cases("policy", check_policy);
	add_cases("verdict", check_verdict);
	current = tap_first;
	return tap_main();
}
