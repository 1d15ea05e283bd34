/* tests/cases/service/NAME.case: a process tree, files, and the services that are found. One test each; then names.
 *
 *	process PID PPID SID COMM [uid=N] [cwd=PATH] [exe=PATH] [cgroup=PATH] [args=WORD,WORD…]
 *	reused PID		it ended, its pid is another process's by now
 *	file PATH MODE [uid=N] [text…]	PATH below the root; parents are made 0755; "\n" in the text is a newline
 *	folder PATH MODE [uid=N]	link PATH TO
 *	child PID	stale PID…
 *	answer INDEX [text…]	of a query
 *	is KIND NAME PID [covered=INDEX] [run WORDS… | ask WORDS… | not PART OF WHY]	expected, in order
 *	of INDEX…	expected: the service of each stale process
 */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include "cases.h"
#include "service.h"

static char top[64];
static struct proc_node tree[64];
static size_t n_tree;

static int remove_one(const char *path, const struct stat *st _unused_, int type _unused_, struct FTW *f _unused_)
{
	return remove(path);
}

/* Make TOP/AREA/PATH with its parents; caller frees. */
static char *place(const char *area, const char *path)
{
	char *whole = xasprintf("%s/%s%s", top, area, path);
	struct err err = ERR_INIT;
	char *slash = strrchr(whole, '/');

	*slash = '\0';
	if (make_dirs(whole, 0755, &err) < 0)
		printf("# %s\n", err.msg);
	*slash = '/';
	return whole;
}

static void put(const char *area, const char *path, const char *text, size_t n)
{
	cleanup_free char *whole = place(area, path);
	struct err err = ERR_INIT;

	if (replace_file(whole, 0644, text, n, &err) < 0)
		printf("# %s\n", err.msg);
}

/* The value of WORD= among the blank-separated words of REST; caller frees. NULL: none. */
static char *option(const char *rest, const char *word)
{
	cleanup_free char *with = xasprintf(" %s=", word), *padded = xasprintf(" %s", rest);
	const char *at = strstr(padded, with);

	return at ? xstrndup(at + strlen(with), strcspn(at + strlen(with), " ")) : NULL;
}

static void put_stat(pid_t pid, const char *comm, long long start)
{
	cleanup_free char *path = xasprintf("/%d/stat", (int)pid);
	cleanup_free char *text =
		xasprintf("%d (%s) S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 %lld 1 2 3\n", (int)pid, comm, start);
	put("proc", path, text, strlen(text));
}

static void put_proc(pid_t pid, const char *name, const char *text, size_t n)
{
	cleanup_free char *path = xasprintf("/%d/%s", (int)pid, name);

	put("proc", path, text, n);
}

static void put_link(const char *area, const char *path, const char *to)
{
	cleanup_free char *whole = place(area, path);

	if (symlink(to, whole) < 0)
		printf("# symlink '%s': %s\n", whole, strerror(errno));
}

static void process(char *rest)
{
	struct proc_node *p = &tree[n_tree++];
	int pid = 0, ppid = 0, sid = 0, used = 0;

	*p = (struct proc_node){ 0 };
	(void)sscanf(rest, "%d %d %d %15s%n", &pid, &ppid, &sid, p->comm, &used);
	p->pid = pid;
	p->ppid = ppid;
	p->sid = sid;
	p->start = pid * 100;
	rest += used;
	cleanup_free char *uid = option(rest, "uid"), *cwd = option(rest, "cwd"), *exe = option(rest, "exe");
	cleanup_free char *cgroup = option(rest, "cgroup"), *args = option(rest, "args");
	cleanup_free char *status =
		xasprintf("Name:\t%s\nUid:\t%s\t%s\t0\t0\n", p->comm, uid ? uid : "0", uid ? uid : "0");
	cleanup_free char *groups = xasprintf("0::%s\n", cgroup ? cgroup : "/");
	cleanup_free char *cwd_at = xasprintf("/%d/cwd", pid), *exe_at = xasprintf("/%d/exe", pid);

	put_stat(p->pid, p->comm, p->start);
	put_proc(p->pid, "status", status, strlen(status));
	put_proc(p->pid, "cgroup", groups, strlen(groups));
	size_t n = args ? strlen(args) + 1 : 0;
	for (size_t i = 0; i < n; i++)
		if (args[i] == ',')
			args[i] = '\0';
	put_proc(p->pid, "cmdline", strna(args), n);
	if (cwd)
		put_link("proc", cwd_at, cwd);
	if (exe) {
		for (char *c = exe; *c; c++)
			*c = *c == '~' ? ' ' : *c;
		put_link("proc", exe_at, exe);
	}
}

static void file(char *rest, bool folder)
{
	cleanup_free char *uid = option(rest, "uid");
	const char *path = strsep(&rest, " ");
	unsigned mode = (unsigned)strtoul(strsep(&rest, " "), NULL, 8);
	cleanup_free char *whole = place("root", path);
	cleanup_buf struct buf text = { 0 };

	if (uid && rest)
		(void)strsep(&rest, " ");
	for (const char *c = rest; c && *c; c++) {
		bool newline = c[0] == '\\' && c[1] == 'n';

		buf_putc(&text, newline ? '\n' : *c);
		c += newline;
	}
	if (folder)
		(void)mkdir(whole, 0700);
	else
		put("root", path, buf_str(&text), text.n);
	if (chmod(whole, mode) < 0 || (uid && chown(whole, (uid_t)strtoul(uid, NULL, 10), 0) < 0))
		printf("# '%s': %s\n", whole, strerror(errno));
}

static void put_words(struct buf *b, const char *what, const struct strv *l)
{
	if (l->n)
		buf_printf(b, " %s", what);
	for (size_t i = 0; i < l->n; i++)
		buf_printf(b, " %s", l->v[i]);
}

/* As an "is" line. */
static char *shown(const struct service *s)
{
	struct buf b = { 0 };

	buf_printf(&b, "%s %s %d", service_kind_name(s->kind), s->name, (int)s->pid);
	if (s->covered_by >= 0)
		buf_printf(&b, " covered=%d", s->covered_by);
	put_words(&b, "run", &s->restart);
	put_words(&b, "ask", &s->query);
	if (s->why_not)
		buf_printf(&b, " not %s", s->why_not);
	return buf_steal(&b);
}

static void judge(struct services *l, const struct strv *is, const char *of)
{
	cleanup_buf struct buf got_of = { 0 };

	for (size_t i = 0; i < l->n; i++) {
		cleanup_free char *got = shown(&l->v[i]);
		const char *want = i < is->n ? is->v[i] : "(nothing)", *why = strstr(want, " not ");
		cleanup_free char *head = why ? xstrndup(want, (size_t)(why - want) + 5) : NULL;

		if (why ? !starts_with(got, head) || !strstr(got, why + 5) : !streq(got, want))
			FAIL("service %zu: %s\n#   expected: %s", i, got, want);
		EQ(l->v[i].start, l->v[i].pid * 100);
	}
	EQ(l->n, is->n);
	for (size_t i = 0; i < l->n_of; i++)
		buf_printf(&got_of, "%s%d", i ? " " : "", l->of[i]);
	if (of)
		STREQ(buf_str(&got_of), of);
}

static void run_lines(char *text)
{
	cleanup_strv struct strv is = { 0 };
	cleanup_free char *proc = xasprintf("%s/proc", top), *root = xasprintf("%s/root", top);
	struct services l = { 0 };
	struct err err = ERR_INIT;
	pid_t stale[32], child = 0;
	size_t n_stale = 0;
	const char *of = NULL;
	bool found = false;
	char *next = text;

	for (char *line; (line = strsep(&next, "\n"));) {
		char *rest = line, *word = strsep(&rest, " ");

		if (!*word || *word == '#')
			continue;
		if (streq(word, "process")) {
			process(rest);
		} else if (streq(word, "reused")) {
			put_stat((pid_t)strtol(rest, NULL, 10), "another", 1);
		} else if (streq(word, "file") || streq(word, "folder")) {
			file(rest, streq(word, "folder"));
		} else if (streq(word, "link")) {
			const char *path = strsep(&rest, " ");
			put_link("root", path, rest);
		} else if (streq(word, "child")) {
			child = (pid_t)strtol(rest, NULL, 10);
		} else if (streq(word, "stale")) {
			for (char *p; (p = strsep(&rest, " "));)
				stale[n_stale++] = (pid_t)strtol(p, NULL, 10);
			EQ(services_find(tree, n_tree, stale, n_stale, child, proc, root, &l, &err), 0);
			found = true;
		} else if (streq(word, "answer")) {
			size_t i = strtoul(strsep(&rest, " "), NULL, 10);
			cleanup_free char *out = xstrdup(rest ? rest : "");
			for (char *c; (c = strstr(out, "\\n"));)
				memcpy(c, " \n", 2);
			services_answer(&l, i, out);
		} else if (streq(word, "is")) {
			strv_push(&is, rest);
		} else if (streq(word, "of")) {
			of = rest;
		} else {
			FAIL("'%s': no such word", word);
		}
	}
	if (found)
		judge(&l, &is, of);
	OK(found);
	services_clear(&l);
}

static void run_case(void)
{
	cleanup_free char *text = case_text();

	(void)snprintf(top, sizeof(top), "/tmp/t.service.XXXXXX");
	n_tree = 0;
	OK(mkdtemp(top) != NULL);
	cleanup_free char *root = place("root", "/");
	run_lines(text);
	(void)nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void not_sorted(void)
{
	const struct proc_node nodes[] = { { .pid = 5 }, { .pid = 4 } };
	struct services l = { 0 };
	struct err err = ERR_INIT;

	case_next = case_next->next;
	EQ(services_find(nodes, 2, NULL, 0, 0, "/proc", "", &l, &err), -1);
	EQ(err.code, CODE_INTERNAL);
}

/* A tree that was read while it changed. */
static void a_cycle(void)
{
	const struct proc_node nodes[] = { { .pid = 4, .ppid = 5, .comm = "a" }, { .pid = 5, .ppid = 4, .comm = "b" } };
	const pid_t stale[] = { 4, 5, 6 };
	struct services l = { 0 };
	struct err err = ERR_INIT;

	case_next = case_next->next;
	EQ(services_find(nodes, 2, stale, 3, 77, "/nowhere", "/nowhere", &l, &err), 0);
	EQ(l.of[2], -1);
	OK(l.n >= 1 && l.v[0].why_not);
	services_clear(&l);
}

static void hostile_name(void)
{
	const struct proc_node nodes[] = { { .pid = 1, .comm = "init" },
					   { .pid = 4, .ppid = 1, .comm = "a\033[2J\nb" } };
	const pid_t stale[] = { 4 };
	struct services l = { 0 };
	struct err err = ERR_INIT;

	case_next = case_next->next;
	EQ(services_find(nodes, 2, stale, 1, 0, "/nowhere", "/nowhere", &l, &err), 0);
	STREQ(l.v[0].name, "a\\x1b[2J\\x0ab");
	services_clear(&l);
}

static void supervisord_names(void)
{
	static const char status[] = "cache                            RUNNING   pid 12, uptime 0:00:05\n"
				     "web:nginx_00                     RUNNING   pid 123, uptime 1 day, 0:00:05\r\n"
				     "--help                           RUNNING   pid 5, uptime 0:00:05\n"
				     "a;b                              RUNNING   pid 6, uptime 0:00:05\n"
				     "down                             STOPPED   Nov 23 08:00 PM\n"
				     " pid 7,\npid 8,\n";
	static const struct {
		pid_t pid;
		const char *name;
	} cases[] = { { 12, "cache" }, { 123, "web:nginx_00" },
		      { 1, NULL },     { 2, NULL },
		      { 3, NULL },     { 5, NULL },
		      { 6, NULL },     { 7, NULL },
		      { 8, NULL },     { 23, NULL } };

	case_next = case_next->next;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_free char *name = service_supervisord_name(status, cases[i].pid);

		STREQ(name, cases[i].name);
	}
}

int main(void)
{
	add_cases("service", run_case);
	add_test("not_sorted", not_sorted);
	add_test("a_cycle", a_cycle);
	add_test("hostile_name", hostile_name);
	add_test("supervisord_names", supervisord_names);
	return cases_main();
}
