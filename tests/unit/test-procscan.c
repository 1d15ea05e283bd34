/* procscan_read() on recorded trees, tests/cases/procscan/NAME.case:
 *
 *   link PATH TARGET    another name for it
 *   file PATH           a file of the system, below the root that all processes have
 *   proc PID [KEY=VALUE]…   comm, ppid, sid, uid, start, state, flags, threads; what follows belongs to it
 *   exe TEXT, cwd TEXT, root TEXT, ns NUMBER     its links; without root it has the root of the system
 *   cmdline WORD|WORD…
 *   map PERMS ID NAME   a mapping; ID: same (the file at NAME), of:PATH (the file at PATH), device:PATH
 *                       (its number on another device), other (another inode), none
 *   raw LINE            a line of maps as it is;   no maps   it has no such file
 *   skip PID, tree PID  options
 *   --- expected lines: "PID evidence path", "PID script path", "PID unreadable", "PID nested", "PID fresh";
 *   "PID as PATH" where a replaced program is called by another of its names;
 *   "running path"
 *
 * In all texts \n is a newline. The tree is made on a tmpfs, so that inode numbers are evidence. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "cases.h"
#include "procscan.h"

#define NS "4026531841"

static char top[64];

static struct {
	char pid[16], comm[64], state;
	unsigned long ppid, sid, uid, start, flags, threads;
	struct buf maps;
	bool open, no_maps, no_root;
} one;

static struct procscan_options options;
static struct scan_skip skip[16];

/* "\n" and "\\" in place. */
static char *unescape(char *s)
{
	char *out = s;

	for (const char *p = s; *p; p++) {
		if (p[0] == '\\' && p[1] == 'n') {
			*out++ = '\n';
			p++;
		} else {
			*out++ = *p;
		}
	}
	*out = '\0';
	return s;
}

static void put_file(const char *path, const void *text, size_t n)
{
	struct err err = ERR_INIT;
	cleanup_free char *folder = xstrndup(path, (size_t)(strrchr(path, '/') - path));

	if (make_dirs(folder, 0755, &err) < 0 || replace_file(path, 0755, text, n, &err) < 0)
		printf("# %s\n", err.msg);
}

static void in_proc(const char *name, const void *text, size_t n)
{
	cleanup_free char *path = xasprintf("%s/proc/%s/%s", top, one.pid, name);

	put_file(path, text, n);
}

static void put_link(const char *name, const char *text)
{
	cleanup_free char *path = xasprintf("%s/proc/%s/%s", top, one.pid, name);

	if (symlink(text, path) < 0)
		printf("# %s: %s\n", path, strerror(errno));
}

static void end_process(void)
{
	cleanup_free char *path = xasprintf("%s/proc/%s", top, one.pid);
	cleanup_free char *root = xasprintf("%s/root", path), *ns = xasprintf("%s/ns/mnt", path);
	struct stat st;

	if (!one.open)
		return;
	cleanup_free char *text =
		xasprintf("%s (%s) %c %lu 1 %lu 0 -1 %lu 0 0 0 0 1 2 3 4 20 0 %lu 0 %lu 4096 100 1 2 3 4 5 0\n",
			  one.pid, one.comm, one.state, one.ppid, one.sid, one.flags, one.threads, one.start);
	in_proc("stat", text, strlen(text));
	if (!one.no_maps)
		in_proc("maps", buf_str(&one.maps), one.maps.n);
	if (lstat(root, &st) < 0) {
		cleanup_free char *files = xasprintf("%s/system", top);

		(void)mkdir(root, 0755);
		if (mount(files, root, NULL, MS_BIND, NULL) < 0)
			printf("# bind '%s': %s\n", root, strerror(errno));
	}
	if (lstat(ns, &st) < 0) {
		in_proc("ns/x", "", 0);
		put_link("ns/mnt", "mnt:[" NS "]");
	}
	(void)!chown(path, (uid_t)one.uid, 0);
	buf_clear(&one.maps);
	one.open = false;
}

static void begin_process(char *words)
{
	char *save = NULL, *pid = strtok_r(words, " ", &save);

	one.open = true;
	one.no_maps = false;
	one.ppid = one.sid = one.threads = 1;
	one.flags = one.uid = 0;
	one.start = 1000;
	one.state = 'S';
	(void)snprintf(one.pid, sizeof(one.pid), "%s", pid);
	(void)snprintf(one.comm, sizeof(one.comm), "x");
	for (char *w; (w = strtok_r(NULL, " ", &save));) {
		char *value = strchr(w, '=') + 1;
		unsigned long n = strtoul(value, NULL, 0);

		value[-1] = '\0';
		if (streq(w, "comm"))
			(void)snprintf(one.comm, sizeof(one.comm), "%s", unescape(value));
		else if (streq(w, "state"))
			one.state = *value;
		else
			*(streq(w, "ppid")  ? &one.ppid :
			  streq(w, "sid")   ? &one.sid :
			  streq(w, "uid")   ? &one.uid :
			  streq(w, "start") ? &one.start :
			  streq(w, "flags") ? &one.flags :
					      &one.threads) = n;
	}
	in_proc("x", "", 0);
}

static void put_map(char *words)
{
	char *save = NULL, *perms = strtok_r(words, " ", &save), *id = strtok_r(NULL, " ", &save);
	char *name = unescape(save);
	cleanup_free char *path = xasprintf("%s/system%s", top, strchr(id, ':') ? strchr(id, ':') + 1 : name);
	struct stat st = { 0 };

	if (!streq(id, "none") && !streq(id, "other") && stat(path, &st) < 0)
		printf("# %s: %s\n", path, strerror(errno));
	if (streq(id, "other") && stat(top, &st) == 0)
		st.st_ino = 99999999;
	if (starts_with(id, "device:"))
		st.st_dev++;
	buf_printf(&one.maps, "%zx000-%zx000 %s 00000000 %02x:%02x %lu                 ", one.maps.n + 1,
		   one.maps.n + 2, perms, major(st.st_dev), minor(st.st_dev), (unsigned long)st.st_ino);
	for (const char *s = name; *s; s++)
		buf_puts(&one.maps, *s == '\n' ? "\\012" : (const char[]){ *s, '\0' });
	buf_putc(&one.maps, '\n');
}

static bool do_line(char *line)
{
	char *rest = strchr(line, ' ');

	if (!rest)
		return false;
	*rest++ = '\0';
	if (streq(line, "proc")) {
		end_process();
		begin_process(rest);
	} else if (streq(line, "file")) {
		cleanup_free char *path = xasprintf("%s/system%s", top, unescape(rest));

		put_file(path, "", 0);
	} else if (streq(line, "link")) {
		const char *path = strsep(&rest, " ");
		cleanup_free char *full = xasprintf("%s/system%s", top, path);

		if (symlink(strna(rest), full) < 0)
			printf("# %s: %s\n", full, strerror(errno));
	} else if (streq(line, "exe") || streq(line, "cwd") || streq(line, "root")) {
		put_link(line, unescape(rest));
	} else if (streq(line, "ns")) {
		cleanup_free char *text = xasprintf("mnt:[%s]", rest);

		in_proc("ns/x", "", 0);
		put_link("ns/mnt", text);
	} else if (streq(line, "cmdline")) {
		size_t n = strlen(unescape(rest)) + 1;

		for (char *s = rest; *s; s++)
			if (*s == '|')
				*s = '\0';
		in_proc("cmdline", rest, n);
	} else if (streq(line, "map")) {
		put_map(rest);
	} else if (streq(line, "raw")) {
		buf_printf(&one.maps, "%s\n", rest);
	} else if (streq(line, "no")) {
		one.no_maps = true;
	} else if (streq(line, "skip") || streq(line, "tree")) {
		skip[options.n_skip++] = (struct scan_skip){ (pid_t)strtol(rest, NULL, 10), *line == 't' };
	} else {
		return false;
	}
	return true;
}

static void show(const struct procscan *s, struct buf *b)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct scan_process *p = &s->v[i];

		for (size_t k = 0; k < p->n_reasons; k++) {
			buf_printf(b, "%d %s ", p->pid, scan_evidence_name(p->reasons[k].evidence));
			buf_put_escaped(b, p->reasons[k].file, strlen(p->reasons[k].file), SIZE_MAX);
			buf_putc(b, '\n');
		}
		if (p->n_reasons && p->reasons[0].evidence == SCAN_EXECUTABLE &&
		    !streq(p->reasons[0].file, strna(p->exe)))
			buf_printf(b, "%d as %s\n", p->pid, strna(p->exe));
		for (size_t k = 0; k < p->scripts.n; k++)
			buf_printf(b, "%d script %s\n", p->pid, p->scripts.v[k]);
		if (p->ns)
			buf_printf(b, "%d nested\n", p->pid);
		if (p->unreadable)
			buf_printf(b, "%d unreadable: %s\n", p->pid, p->unreadable);
		if (!p->n_reasons && !p->unreadable && !p->scripts.n)
			buf_printf(b, "%d fresh\n", p->pid);
	}
	for (size_t i = 0; i < s->running.n; i++) {
		buf_puts(b, "running ");
		buf_put_escaped(b, s->running.v[i], strlen(s->running.v[i]), SIZE_MAX);
		buf_putc(b, '\n');
	}
}

/* A tmpfs of this process alone: it goes with it. */
static bool make_top(void)
{
	static bool done;

	if (!done && (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
		return false;
	if (done)
		(void)umount2("/mnt", MNT_DETACH);
	done = true;
	(void)snprintf(top, sizeof(top), "/mnt");
	return mount("tmpfs", "/mnt", "tmpfs", 0, "mode=755") == 0;
}

static void begin_tree(void)
{
	one.open = false;
	(void)snprintf(one.pid, sizeof(one.pid), ".");
	in_proc("stat", "cpu 1 2 3\nbtime 1700000000\n", 27);
	cleanup_free char *files = xasprintf("%s/system", top);
	(void)mkdir(files, 0755);
	cleanup_free char *proc = xasprintf("%s/proc", top);
	options = (struct procscan_options){ .proc = "/mnt/proc", .recorded = true, .skip = skip };
}

static void check_case(void)
{
	cleanup_free char *text = case_text();
	char *want = strstr(text, "\n---\n"), *save = NULL;
	struct procscan s = { 0 };
	struct err err = ERR_INIT;
	struct buf got = { 0 };

	if (!want || !make_top())
		FAIL("no case, or no tmpfs: %s", strerror(errno));
	*want = '\0';

	begin_tree();
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		cleanup_free char *whole = xstrdup(line);

		if (*line != '#' && !do_line(line))
			FAIL("no such line: %s", whole);
	}
	end_process();
	if (procscan_read(&options, &s, &err) < 0)
		FAIL("%s", err.msg);
	show(&s, &got);
	procscan_clear(&s);
	cleanup_free char *result = buf_steal(&got);
	STREQ(result, want + 5);
}

int main(void)
{
	add_cases("procscan", check_case);
	return cases_main();
}
