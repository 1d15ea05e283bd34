/* tests/cases/containers/NAME.case: a recorded host and the containers that are found on it. One test each; then picking.
 *
 *	process PID PPID START mnt=N pid=N [root=WORD] [comm=WORD] [args=WORD,WORD…] [cgroup=LINE|LINE…] [state=Z]
 *		[flags=NUMBER]
 *		WORD: processes with the same have the same root folder; without one it is the host's. ^ in a word is the
 *		64-digit id "aaaa…", $ is "bbbb…", % "cccc…".
 *	thread PID TID START mnt=N pid=N [root=WORD] [cgroup=LINE|LINE…]	another thread of it
 *	file PATH [text…]	below the root; "\n" in the text is a newline
 *	runc PATH		a state folder of runc
 *	is ID ENGINE PID PROCESSES [name=NAME] [paused] [nested=ID] [unknown]	expected, in order
 */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include "cases.h"
#include "containers.h"

static char top[64];

static int remove_one(const char *path, const struct stat *st _unused_, int type _unused_, struct FTW *f _unused_)
{
	return remove(path);
}

static char *place(const char *path)
{
	char *whole = xasprintf("%s%s", top, path), *slash = strrchr(whole, '/');
	struct err err = ERR_INIT;

	*slash = '\0';
	if (make_dirs(whole, 0755, &err) < 0)
		printf("# %s\n", err.msg);
	*slash = '/';
	return whole;
}

static void put(const char *path, const char *text, size_t n)
{
	cleanup_free char *whole = place(path);
	struct err err = ERR_INIT;

	if (replace_file(whole, 0644, text, n, &err) < 0)
		printf("# %s\n", err.msg);
}

static void put_link(const char *path, const char *to)
{
	cleanup_free char *whole = place(path);

	if (symlink(to, whole) < 0)
		printf("# symlink '%s': %s\n", whole, strerror(errno));
}

/* The value of WORD= among the blank-separated words of REST; caller frees. NULL: none. */
static char *option(const char *rest, const char *word)
{
	cleanup_free char *with = xasprintf(" %s=", word), *padded = xasprintf(" %s", rest);
	const char *at = strstr(padded, with);

	return at ? xstrndup(at + strlen(with), strcspn(at + strlen(with), " ")) : NULL;
}

/* ^, $ and % are ids. */
static char *expand(const char *line)
{
	static const char ids[] = "^$%";
	struct buf b = { 0 };

	for (; *line; line++) {
		const char *at = strchr(ids, *line);

		for (int i = 0; at && i < 64; i++)
			buf_putc(&b, "abc"[at - ids]);
		if (!at)
			buf_putc(&b, *line);
	}
	buf_puts(&b, "");
	return buf_steal(&b);
}

static void replace(char *s, char from, char to)
{
	for (; s && *s; s++)
		if (*s == from)
			*s = to;
}

static void namespaces(const char *dir, const char *rest)
{
	static const char *const names[] = { "mnt", "pid", "user", "net" };
	cleanup_free char *root = option(rest, "root"), *cgroup = option(rest, "cgroup");
	cleanup_free char *folder = xasprintf("%s/roots/%s/x", top, root ? root : "host");
	cleanup_free char *to = xstrndup(folder, strlen(folder) - 2), *link = xasprintf("%s/root", dir);
	cleanup_free char *path = xasprintf("%s/cgroup", dir);
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_free char *n = option(rest, names[i]), *at = xasprintf("%s/ns/%s", dir, names[i]);
		cleanup_free char *text = n ? xasprintf("%s:[%s]", names[i], n) : NULL;

		if (text)
			put_link(at, text);
	}
	(void)make_dirs(to, 0755, &err);
	put_link(link, to);
	replace(cgroup, '|', '\n');
	cleanup_free char *lines = xasprintf("%s\n", cgroup ? cgroup : "0::/");
	put(path, lines, strlen(lines));
}

static void put_stat(const char *dir, int pid, const char *comm, char state, int ppid, long long start,
		     const char *flags)
{
	cleanup_free char *path = xasprintf("%s/stat", dir);
	cleanup_free char *text = xasprintf("%d (%s) %c %d 1 1 0 -1 %s 1 2 3 4 5 6 7 8 20 0 1 0 %lld 1 2 3\n", pid,
					    comm, state, ppid, flags, start);
	put(path, text, strlen(text));
}

static void process(const char *rest)
{
	int pid = 0, ppid = 0;
	long long start = 0;

	(void)sscanf(rest, "%d %d %lld", &pid, &ppid, &start);
	cleanup_free char *comm = option(rest, "comm"), *args = option(rest, "args"), *state = option(rest, "state");
	cleanup_free char *flags = option(rest, "flags");
	cleanup_free char *dir = xasprintf("/proc/%d", pid), *cmdline = xasprintf("%s/cmdline", dir);
	size_t n = args ? strlen(args) + 1 : 0;

	put_stat(dir, pid, comm ? comm : "x", state ? *state : 'S', ppid, start, flags ? flags : "4194560");
	for (size_t i = 0; i + 1 < n; i++)
		if (args[i] == ',')
			args[i] = '\0';
	put(cmdline, strna(args), n);
	namespaces(dir, rest);
	if (pid == 1)
		put_link("/proc/self", "1");
}

static void thread(const char *rest)
{
	int pid = 0, tid = 0;
	long long start = 0;

	(void)sscanf(rest, "%d %d %lld", &pid, &tid, &start);
	cleanup_free char *dir = xasprintf("/proc/%d/task/%d", pid, tid);
	put_stat(dir, tid, "t", 'S', 1, start, "4194560");
	namespaces(dir, rest);
}

static void file(char *rest)
{
	const char *path = strsep(&rest, " ");
	cleanup_buf struct buf text = { 0 };

	for (const char *c = rest; c && *c; c++) {
		bool newline = c[0] == '\\' && c[1] == 'n';

		buf_putc(&text, newline ? '\n' : *c);
		c += newline;
	}
	put(path, buf_str(&text), text.n);
}

/* As an "is" line. */
static char *shown(const struct host_container *c)
{
	struct buf b = { 0 };

	buf_printf(&b, "%s %s %d %zu", c->id, c->engine, (int)c->pid, c->processes);
	if (c->name)
		buf_printf(&b, " name=%s", c->name);
	if (c->paused)
		buf_puts(&b, " paused");
	if (c->nested)
		buf_printf(&b, " nested=%s", c->parent);
	if (!c->known)
		buf_puts(&b, " unknown");
	return buf_steal(&b);
}

static void run_lines(char *text)
{
	cleanup_strv struct strv is = { 0 }, runc = { 0 };
	struct host_containers c = { 0 };
	struct err err = ERR_INIT;

	for (char *line; (line = strsep(&text, "\n"));) {
		cleanup_free char *whole = expand(line);
		char *rest = whole, *word = strsep(&rest, " ");

		if (!*word || *word == '#')
			continue;
		if (streq(word, "process"))
			process(rest);
		else if (streq(word, "thread"))
			thread(rest);
		else if (streq(word, "file"))
			file(rest);
		else if (streq(word, "runc"))
			strv_push(&runc, rest);
		else if (streq(word, "is"))
			strv_push(&is, rest);
		else
			FAIL("'%s': no such word", word);
	}
	EQ(containers_find(top, &runc, &c, &err), 0);
	for (size_t i = 0; i < c.n; i++) {
		cleanup_free char *got = shown(&c.list[i]);

		STREQ(got, i < is.n ? is.v[i] : "(nothing)");
	}
	EQ(c.n, is.n);
	containers_clear(&c);
}

static void run_case(void)
{
	cleanup_free char *text = case_text();

	(void)snprintf(top, sizeof(top), "/tmp/t.containers.XXXXXX");
	OK(mkdtemp(top) != NULL);
	run_lines(text);
	(void)nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void no_proc(void)
{
	struct host_containers c = { 0 };
	struct err err = ERR_INIT;

	case_next = case_next->next;
	EQ(containers_find("/nowhere", NULL, &c, &err), -1);
	EQ(err.code, CODE_IO);
}

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void picking(void)
{
	char labels[][16] = { "tier=front", "bare=" };
	char *v[] = { labels[0], labels[1] };
	char a[] = A, ab[] = "aaaabbbb", lxc[] = "lxc:web", nested[] = "aaaacccc", web[] = "web", db[] = "db";
	struct host_container list[] = {
		{ .id = a, .name = web, .labels = { v, 2 } },
		{ .id = ab, .name = db },
		{ .id = lxc, .name = web },
		{ .id = nested, .name = db, .nested = true },
	};
	const struct host_containers c = { .list = list, .n = ARRAY_SIZE(list) };
	static const struct {
		const char *target;
		int at; /* or minus the code */
	} cases[] = {
		{ A, 0 },
		{ "aaaaa", 0 },
		{ "aaaab", 1 },
		{ "aaaac", 3 },
		{ "aaaabbbb", 1 },
		{ "lxc:web", 2 },
		{ "lxc:", 2 },
		{ "db", 1 }, /* the one inside does not take the name */
		{ "web", -CODE_AMBIGUOUS },
		{ "aaaa", -CODE_AMBIGUOUS },
		{ "aaa", -CODE_NO_TARGET }, /* too short for the beginning of an id */
		{ "", -CODE_NO_TARGET },
		{ "none", -CODE_NO_TARGET },
		{ "pid:1", -CODE_NO_TARGET },
		{ "pid:", -CODE_USAGE },
		{ "pid:-1", -CODE_USAGE },
		{ "pid:0", -CODE_USAGE },
		{ "pid:99999999999", -CODE_USAGE },
	};

	case_next = case_next->next;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct host_container *found = NULL;
		struct err err = ERR_INIT;

		if (containers_pick(&c, cases[i].target, &found, &err) < 0)
			EQ(-(int)err.code, cases[i].at);
		else
			EQ(found - list, cases[i].at);
	}
	OK(containers_labelled(&list[0], "tier=front"));
	OK(containers_labelled(&list[0], "tier"));
	OK(containers_labelled(&list[0], "bare"));
	OK(!containers_labelled(&list[0], "tier=fron"));
	OK(!containers_labelled(&list[0], "tie"));
	OK(!containers_labelled(&list[1], "tier"));
}

/* What a person sees is what containers_pick() takes. */
static void short_ids(void)
{
	char a[] = A, lxc[] = "lxc:a-name-longer-than-twelve", other[] = "unknown-4026532177";
	struct host_container list[] = {
		{ .id = a, .known = true },
		{ .id = lxc, .known = true },
		{ .id = other },
	};
	const struct host_containers c = { .list = list, .n = ARRAY_SIZE(list) };

	case_next = case_next->next;
	for (size_t i = 0; i < c.n; i++) {
		const struct host_container *found = NULL;
		struct err err = ERR_INIT;
		cleanup_free char *id = containers_short_id(&list[i]);

		EQ(strlen(id), i ? strlen(list[i].id) : CONTAINERS_SHORT_ID);
		EQ(containers_pick(&c, id, &found, &err), 0);
		EQ(found - list, (ptrdiff_t)i);
	}

	struct err err = ERR_INIT;
	const struct host_container *found = NULL;
	EQ(containers_pick(&c, "nobody", &found, &err), -1);
	HAS(err.msg, "no engine tells the name of some");
	err = ERR_INIT;
	list[0].name = lxc;
	list[1].name = lxc;
	EQ(containers_pick(&c, "nobody", &found, &err), -1);
	OK(!strstr(err.msg, "no engine"));
}

static void hostile_target(void)
{
	const struct host_containers c = { 0 };
	const struct host_container *found = NULL;
	struct err err = ERR_INIT;

	case_next = case_next->next;
	EQ(containers_pick(&c, "a\033[2Jb", &found, &err), -1);
	HAS(err.msg, "a\\x1b[2Jb");
}

int main(void)
{
	add_cases("containers", run_case);
	add_test("no_proc", no_proc);
	add_test("picking", picking);
	add_test("short_ids", short_ids);
	add_test("hostile_target", hostile_target);
	return cases_main();
}
