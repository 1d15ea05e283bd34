/* procscan_read() on the real /proc: replaced files, other users, and processes that play tricks.
 *
 * Files are on a tmpfs at /mnt in a mount namespace of this program's own; its processes end with it.
 *
 * rows: P2 H8
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "clock.h"
#include "fd.h"
#include "procchild.h"
#include "procfiles.h"
#include "procscan.h"
#include "tap.h"

#define USER  61001
#define GROUP 61002

static void copy_file(const char *from, const char *to)
{
	struct buf b = { 0 };
	struct err err = ERR_INIT;

	if (read_file(from, 64 << 20, &b, &err) < 0 || replace_file(to, 0755, b.s, b.n, &err) < 0)
		printf("# %s\n", err.msg);
	buf_clear(&b);
}

static void new_file(const char *path)
{
	struct err err = ERR_INIT;
	char page[4096] = "";

	if (replace_file(path, 0755, page, sizeof(page), &err) < 0)
		printf("# %s\n", err.msg);
}

static void map_code(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED)
		_exit(3);
	(void)close(fd);
}

/* A child that does FN and then waits to be killed; -1 when it failed. */
static pid_t start(void (*fn)(void *), void *arg)
{
	int ends[2];
	char c;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		fn(arg);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* lost with the ids */
		(void)!write(ends[1], "x", 1);
		for (;;)
			(void)pause();
	}
	(void)close(ends[1]);
	if (read(ends[0], &c, 1) != 1)
		pid = -1;
	(void)close(ends[0]);
	return pid;
}

static void stop(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static struct scan_process *find(const struct procscan *s, pid_t pid)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].pid == pid)
			return &s->v[i];
	return NULL;
}

/* "evidence path; …", "fresh", "unreadable: …" or "absent"; caller frees. */
static char *verdict(pid_t pid)
{
	struct procscan_options o = { .proc = "/proc" };
	struct procscan s = { 0 };
	struct err err = ERR_INIT;
	struct buf b = { 0 };
	const struct scan_process *p;

	if (procscan_read(&o, &s, &err) < 0)
		return xstrdup(err.msg);
	p = find(&s, pid);
	for (size_t i = 0; p && i < p->n_reasons; i++)
		buf_printf(&b, "%s%s %s", b.n ? "; " : "", scan_evidence_name(p->reasons[i].evidence),
			   p->reasons[i].file);
	for (size_t i = 0; p && i < p->scripts.n; i++)
		buf_printf(&b, "%sscript %s", b.n ? "; " : "", p->scripts.v[i]);
	if (p && p->unreadable)
		buf_printf(&b, "unreadable: %s", p->unreadable);
	if (!b.n)
		buf_puts(&b, p ? "fresh" : "absent");
	procscan_clear(&s);
	return buf_steal(&b);
}

#define VERDICT(pid_, want_) \
	do { \
		cleanup_free char *got_ = verdict(pid_); \
		STREQ(got_, want_); \
	} while (0)

/* ---------------------------------------------------------------------- replaced files */

static void map_it(void *path)
{
	map_code(path);
}

TEST(a_library_is_replaced)
{
	new_file("/mnt/lib.so");
	pid_t pid = start(map_it, (char[]){ "/mnt/lib.so" });

	VERDICT(pid, "fresh");
	EQ(chmod("/mnt/lib.so", 0700), 0);
	VERDICT(pid, "fresh");
	new_file("/mnt/lib.so");
	VERDICT(pid, "library /mnt/lib.so");
	EQ(unlink("/mnt/lib.so"), 0);
	VERDICT(pid, "library /mnt/lib.so");
	stop(pid);
	VERDICT(pid, "absent");
}

/* What was mapped is below what is mounted now: the name is the same, the file is not. */
TEST(a_file_is_mounted_over_it)
{
	new_file("/mnt/lib.so");
	new_file("/mnt/other");
	pid_t pid = start(map_it, (char[]){ "/mnt/lib.so" });

	EQ(mount("/mnt/other", "/mnt/lib.so", NULL, MS_BIND, NULL), 0);
	VERDICT(pid, "library /mnt/lib.so");
	EQ(umount("/mnt/lib.so"), 0);
	VERDICT(pid, "fresh");
	stop(pid);
}

/* A program of our own, as PATH, with these words; waits until it runs. */
static pid_t run(const char *path, const char *const *argv)
{
	int ends[2];
	char c;
	pid_t pid;

	if (pipe2(ends, 0) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(ends[1], 8);
		(void)execv(path, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	(void)close(ends[1]);
	if (read(ends[0], &c, 1) != 1)
		pid = -1;
	(void)close(ends[0]);
	return pid;
}

TEST(a_program_is_replaced)
{
	copy_file("/proc/self/exe", "/mnt/prog");
	pid_t pid = run("/mnt/prog", (const char *const[]){ "role", "pause", NULL });

	NE(pid, -1);
	VERDICT(pid, "fresh");
	new_file("/mnt/prog");
	VERDICT(pid, "executable /mnt/prog");
	stop(pid);
}

TEST(java_holds_its_archives_open)
{
	copy_file("/proc/self/exe", "/mnt/java");
	new_file("/mnt/app.jar");
	pid_t pid = run("/mnt/java", (const char *const[]){ "role", "open", "/mnt/app.jar", NULL });

	NE(pid, -1);
	VERDICT(pid, "script /mnt/app.jar");
	new_file("/mnt/app.jar");
	VERDICT(pid, "file /mnt/app.jar");
	stop(pid);
}

static void *wait_forever(void *arg)
{
	for (;;)
		(void)pause();
	return arg;
}

/* Its /proc/PID/maps is empty then, and it says Z. */
TEST(the_first_thread_has_ended)
{
	new_file("/mnt/lib.so");
	pid_t pid = run("/mnt/java", (const char *const[]){ "role", "threads", "/mnt/lib.so", NULL });

	NE(pid, -1);
	VERDICT(pid, "fresh");
	new_file("/mnt/lib.so");
	VERDICT(pid, "library /mnt/lib.so");
	stop(pid);
}

/* ---------------------------------------------------------------------- other users */

struct ids {
	uid_t real;
	bool dumpable;
	const char *lib;
};

static void become(void *arg)
{
	const struct ids *ids = arg;

	if (setgroups(0, NULL) < 0 || setresgid(GROUP, GROUP, GROUP) < 0 || setresuid(ids->real, USER, USER) < 0 ||
	    prctl(PR_SET_DUMPABLE, ids->dumpable) < 0)
		_exit(2);
	map_code(ids->lib);
}

/* The capabilities of root in a container, as far as they matter here, but LESS, and MORE (0: none). */
static bool confine(unsigned less, unsigned more)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };
	unsigned keep = 1U << CAP_CHOWN | 1U << CAP_DAC_OVERRIDE | 1U << CAP_FOWNER | 1U << CAP_KILL |
			1U << CAP_SETGID | 1U << CAP_SETUID;

	d[0].effective = d[0].permitted = less ? keep & ~(1U << less) : keep;
	if (more)
		d[more / 32].effective = d[more / 32].permitted |= 1U << more % 32;
	return syscall(SYS_capset, &h, d) == 0;
}

/* verdict() of a root that may not trace, and has the capability LESS neither, but MORE. */
static char *verdict_confined(pid_t pid, unsigned less, unsigned more)
{
	char text[1024];
	int ends[2];
	ssize_t n;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return xstrdup("no pipe");
	pid_t child = fork();
	if (child == 0) {
		cleanup_free char *got = confine(less, more) ? verdict(pid) : xstrdup("cannot drop capabilities");

		(void)!write(ends[1], got, strlen(got));
		_exit(0);
	}
	(void)close(ends[1]);
	n = read(ends[0], text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	(void)close(ends[0]);
	(void)waitpid(child, NULL, 0);
	return xstrdup(text);
}

#define CONFINED(pid_, less_, more_, want_) \
	do { \
		cleanup_free char *got_ = verdict_confined(pid_, less_, more_); \
		HAS(got_, want_); \
	} while (0)

TEST(another_users_process_is_read_by_that_user)
{
	struct ids ids = { USER, true, "/mnt/user.so" };

	new_file("/mnt/user.so");
	pid_t pid = start(become, &ids), second = start(become, &ids);
	NE(pid, -1);
	CONFINED(pid, 0, 0, "fresh");
	new_file("/mnt/user.so");
	CONFINED(pid, 0, 0, "library /mnt/user.so");
	CONFINED(second, 0, 0, "library /mnt/user.so");
	CONFINED(pid, CAP_SETUID, 0, "unreadable: its user cannot be taken on: CAP_SETUID or CAP_SETGID is missing");
	CONFINED(pid, CAP_SETGID, 0, "unreadable: its user cannot be taken on: CAP_SETUID or CAP_SETGID is missing");
	VERDICT(pid, "library /mnt/user.so");
	stop(pid);
	stop(second);
}

TEST(what_cannot_be_read_is_not_fresh)
{
	struct ids hidden = { USER, false, "/mnt/user.so" }, mixed = { 0, true, "/mnt/user.so" };
	pid_t a = start(become, &hidden), b = start(become, &mixed);

	CONFINED(a, 0, 0, "unreadable: reading it is not permitted");
	CONFINED(b, 0, 0, "unreadable: reading it is not permitted");
	/* since Linux 6.14 this capability opens maps, but no link beside it */
	CONFINED(a, 0, CAP_PERFMON, "unreadable: reading it is not permitted");
	VERDICT(a, "fresh");
	stop(a);
	stop(b);
}

/* ---------------------------------------------------------------------- the child itself */

static struct {
	char fds[65];
	unsigned long uid, gid, cap;
	bool dumpable, groups;
} * seen;

/* The one child of PARENT beside this process. */
static pid_t other_child(pid_t parent)
{
	cleanup_free char *path = xasprintf("/proc/%d/task/%d/children", parent, parent);
	struct buf b = { 0 };
	struct err err = ERR_INIT;
	pid_t ret = 0;
	char *p;

	if (read_file(path, 4096, &b, &err) < 0)
		return -1;
	p = b.s;
	while (p && *p) {
		pid_t pid = (pid_t)strtol(p, &p, 10);

		if (pid > 0 && pid != getpid())
			ret = pid;
		p += strspn(p, " ");
	}
	buf_clear(&b);
	return ret;
}

static unsigned long status_of(pid_t pid, const char *key, int base)
{
	cleanup_free char *path = xasprintf("/proc/%d/status", pid);
	struct buf b = { 0 };
	struct err err = ERR_INIT;
	unsigned long n = 77;

	if (read_file(path, 65536, &b, &err) == 0 && strstr(b.s, key))
		n = strtoul(strstr(b.s, key) + strlen(key), NULL, base);
	buf_clear(&b);
	return n;
}

/* Wait until the reader has become the user and hangs, then look at it. */
static void observe(pid_t parent)
{
	uint64_t end = clock_ms() + 5000;
	pid_t pid = 0;
	struct stat st;

	while (clock_ms() < end && (pid <= 0 || status_of(pid, "Uid:\t", 10) != USER)) {
		pid = other_child(parent);
		(void)sched_yield();
	}
	seen->uid = status_of(pid, "Uid:\t", 10);
	seen->gid = status_of(pid, "Gid:\t", 10);
	seen->cap = status_of(pid, "CapPrm:\t", 16);
	seen->groups = status_of(pid, "Groups:\t", 10) == GROUP;
	cleanup_free char *file = xasprintf("/proc/%d/maps", pid);
	/* belongs to root when its process cannot be traced by its user */
	while (clock_ms() < end && stat(file, &st) == 0 && st.st_uid == USER)
		(void)sched_yield();
	seen->dumpable = stat(file, &st) < 0 || st.st_uid != 0;
	for (int fd = 0; fd < 64; fd++) {
		cleanup_free char *path = xasprintf("/proc/%d/fd/%d", pid, fd);

		seen->fds[fd] = lstat(path, &st) == 0 ? 'x' : '.';
	}
	_exit(0);
}

static bool not_asked(void *ctx, size_t i)
{
	(void)ctx;
	return i > 1000;
}

static enum procread ended_as;

static bool on_any(void *ctx, size_t i)
{
	(void)ctx;
	return i == 0;
}

static void ignore_links(void *ctx, struct proc_links *l)
{
	(void)ctx;
	(void)l;
}

static void ignore_file(void *ctx, const struct mapping *m)
{
	(void)ctx;
	(void)m;
}

static void note_end(void *ctx, size_t i, enum procread how)
{
	(void)ctx;
	(void)i;
	ended_as = how;
}

/* The pid may be another's by now. */
TEST(P2_a_child_reads_only_the_process_that_is_meant)
{
	struct procchild_sink sink = { .facts = { ignore_links, ignore_file, ignore_file, NULL },
				       .begin = on_any,
				       .end = note_end };
	struct ids ids = { USER, true, "/mnt/user.so" };
	pid_t pid = start(become, &ids);
	struct procchild_target target = { .pid = pid };
	struct proc_identity id;

	cleanup_fd int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_free char *name = xasprintf("%d", pid);
	cleanup_fd int dir = openat(proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	EQ(proc_identity_read(dir, &id), 0);
	target.start = id.start;
	STREQ(procchild_read(proc, USER, GROUP, &target, 1, clock_ms() + 5000, &sink), NULL);
	EQ(ended_as, PROCREAD_OK);
	target.start--;
	STREQ(procchild_read(proc, USER, GROUP, &target, 1, clock_ms() + 5000, &sink), NULL);
	EQ(ended_as, PROCREAD_GONE);
	stop(pid);
}

/* A process whose /proc/PID/stat is a FIFO: whoever reads it hangs. */
TEST(a_hanging_child_is_ended_and_has_nothing_on_it)
{
	struct procchild_sink sink = { .begin = not_asked };
	struct procchild_target target = { .pid = 5, .start = 1 };

	seen = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	OK(seen != MAP_FAILED);
	EQ(mkdir("/mnt/proc", 0755), 0);
	EQ(mkdir("/mnt/proc/5", 0755), 0);
	EQ(mkfifo("/mnt/proc/5/stat", 0644), 0);
	cleanup_fd int proc = open("/mnt/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int bait = fcntl(proc, F_DUPFD, 33); /* inherited by whoever does not close it */

	EQ(setgroups(1, &(gid_t){ GROUP }), 0);
	pid_t self = getpid(), observer = fork();
	if (observer == 0)
		observe(self);
	const char *why = procchild_read(proc, USER, GROUP, &target, 1, clock_ms() + 1500, &sink);
	STREQ(why, "the process that reads for its user took too long");
	(void)waitpid(observer, NULL, 0);
	(void)close(bait);
	EQ(waitpid(-1, NULL, WNOHANG), -1);
	EQ(seen->uid, USER);
	EQ(seen->gid, GROUP);
	EQ(seen->cap, 0);
	OK(!seen->groups);
	OK(!seen->dumpable);
	/* /proc, the pipe, and what it is looking at */
	STREQ(seen->fds, "xxx.............................................................");
}

static struct {
	size_t links, files, ends;
} told;

static bool on_begin(void *ctx, size_t i)
{
	(void)ctx;
	return i < 2;
}

static void on_links(void *ctx, struct proc_links *l)
{
	(void)ctx;
	told.links += strlen(l->exe) + strlen(l->root) > 0;
}

static void on_file(void *ctx, const struct mapping *m)
{
	(void)ctx;
	told.files += m->name[m->len] == '\0';
}

static void on_end(void *ctx, size_t i, enum procread how)
{
	(void)ctx;
	told.ends += i < 2 && how <= PROCREAD_BROKEN;
}

/* What the parent makes of these bytes, about two targets. */
static const char *receive(const void *bytes, size_t n)
{
	struct procchild_sink sink = { .facts = { on_links, on_file, on_file, NULL },
				       .begin = on_begin,
				       .end = on_end };
	int ends[2];

	memset(&told, 0, sizeof(told));
	if (pipe2(ends, O_CLOEXEC) < 0 || write_all(ends[1], bytes, n) < 0)
		return "no pipe";
	(void)close(ends[1]);
	const char *why = procchild_receive(ends[0], 2, clock_ms() + 5000, &sink);
	(void)close(ends[0]);
	return why;
}

static void add(struct buf *b, struct procchild_record r, const char *text)
{
	r.len += (uint32_t)strlen(text);
	buf_append(b, &r, sizeof(r));
	buf_append(b, text, strlen(text));
}

static void good_answer(struct buf *b)
{
	for (uint32_t i = 0; i < 2; i++) {
		add(b, (struct procchild_record){ .type = REC_EXE, .target = i }, "/usr/bin/x");
		add(b, (struct procchild_record){ .type = REC_CWD, .target = i }, "");
		add(b, (struct procchild_record){ .type = REC_ROOT, .target = i }, "/");
		add(b, (struct procchild_record){ .type = REC_MAPPING, .target = i, .ino = 7 }, "/usr/lib/x");
		add(b, (struct procchild_record){ .type = REC_END, .target = i, .flags = PROCREAD_OK }, "");
	}
}

TEST(answers_are_checked)
{
	static const char bad[] = "the process that reads for its user gave a wrong answer";
	static const char ended[] = "the process that reads for its user was ended";
	static const struct {
		struct procchild_record r;
		const char *text, *want;
	} cases[] = {
		{ { .type = REC_REFUSED + 1 }, "", bad },
		{ { .type = REC_EXE, .target = 1 }, "/x", bad },
		{ { .type = REC_EXE, .len = PATH_MAX }, "", bad },
		{ { .type = REC_EXE, .len = UINT32_MAX }, "", bad },
		{ { .type = REC_EXE, .len = 1 }, "/x", ended },
		{ { .type = REC_ROOT }, "/", bad },
		{ { .type = REC_CWD }, "/", bad },
		{ { .type = REC_MAPPING }, "/x", bad },
		{ { .type = REC_ARCHIVE }, "/x", bad },
		{ { .type = REC_END, .flags = PROCREAD_OK }, "", bad },
		{ { .type = REC_END, .flags = PROCREAD_BROKEN + 1 }, "", bad },
		{ { .type = REC_END, .flags = PROCREAD_DENIED }, "", ended },
		{ { .type = REC_REFUSED }, "", "its user cannot be taken on: CAP_SETUID or CAP_SETGID is missing" },
	};
	struct buf good = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf b = { 0 };

		add(&b, cases[i].r, cases[i].text);
		const char *why = receive(b.s, b.n);
		buf_clear(&b);
		STREQ(why, cases[i].want);
	}
	good_answer(&good);
	STREQ(receive(good.s, good.n), NULL);
	EQ(told.ends, 2);
	EQ(told.files, 2);
	/* a zero in a name */
	memcpy(memmem(good.s, good.n, "lib/x", 5), "li\0/x", 5);
	STREQ(receive(good.s, good.n), bad);
	EQ(told.files, 0);
	buf_clear(&good);
}

TEST(no_damage_to_an_answer_does_harm)
{
	struct buf good = { 0 };

	good_answer(&good);
	for (size_t n = 0; n < good.n; n++)
		STREQ(receive(good.s, n), "the process that reads for its user was ended");
	for (size_t i = 0; i < good.n; i++) {
		char was = good.s[i];

		for (int c = 1; c < 256; c *= 4) {
			good.s[i] = (char)(was ^ c);
			(void)receive(good.s, good.n);
			LE(told.ends, 2);
		}
		good.s[i] = was;
	}
	buf_clear(&good);
}

/* ---------------------------------------------------------------------- tricks */

/* It executes a deleted program and one that is there in turn, as fast as it can. */
TEST(P2_exec_in_between_mixes_no_two_programs)
{
	struct procscan_options o = { .proc = "/proc" };
	struct err err = ERR_INIT;
	size_t stale = 0, fresh = 0, unreadable = 0, mixed = 0;

	copy_file("/proc/self/exe", "/mnt/there");
	copy_file("/proc/self/exe", "/mnt/gone");
	int gone = open("/mnt/gone", O_RDONLY | O_CLOEXEC);
	EQ(dup2(gone, 9), 9);
	(void)close(gone);
	EQ(unlink("/mnt/gone"), 0);
	pid_t pid = run("/mnt/there", (const char *const[]){ "role", "flip", "there", NULL });
	(void)close(9);
	NE(pid, -1);
	for (int i = 0; i < 150; i++) {
		struct procscan s = { 0 };

		EQ(procscan_read(&o, &s, &err), 0);
		const struct scan_process *p = find(&s, pid);
		OK(p);
		if (p->unreadable)
			unreadable++;
		else if (!p->n_reasons)
			fresh++;
		else if (p->n_reasons == 1 && streq(p->reasons[0].file, "/mnt/gone") && streq(p->exe, "/mnt/gone") &&
			 streq(p->cmdline, "role flip gone"))
			stale++;
		else {
			mixed++;
			printf("# %zu reasons, %s, exe %s, '%s'\n", p->n_reasons, p->reasons[0].file, p->exe,
			       p->cmdline);
		}
		procscan_clear(&s);
	}
	stop(pid);
	printf("# stale %zu, fresh %zu, unreadable %zu\n", stale, fresh, unreadable);
	EQ(mixed, 0);
	GE(stale, 1);
	GE(fresh, 1);
}

static void map_often(void *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	/* the same page again and again: neighbours that cannot be joined */
	for (int i = 0; i < 60000; i++)
		(void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	(void)close(fd);
}

static long scan_kb(pid_t pid, char *got, size_t size)
{
	struct rusage usage;
	int ends[2];
	ssize_t n;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid_t child = fork();
	if (child == 0) {
		cleanup_free char *text = verdict(pid);

		(void)!write(ends[1], text, strlen(text));
		_exit(0);
	}
	(void)close(ends[1]);
	n = read(ends[0], got, size - 1);
	got[n < 0 ? 0 : n] = '\0';
	(void)close(ends[0]);
	return wait4(child, NULL, 0, &usage) < 0 ? -1 : usage.ru_maxrss;
}

TEST(sixty_thousand_mappings)
{
	char got[256];
	long before = scan_kb(getpid(), got, sizeof(got)), after;

	new_file("/mnt/many.so");
	pid_t pid = start(map_often, (char[]){ "/mnt/many.so" });
	new_file("/mnt/many.so");
	after = scan_kb(pid, got, sizeof(got));
	stop(pid);
	STREQ(got, "library /mnt/many.so");
	printf("# %ld KB, with it %ld KB\n", before, after);
	LE(after, before + 1024);
}

static void put(const char *name, const char *text, size_t n)
{
	cleanup_free char *path = xasprintf("/mnt/recorded/%s", name), *folder = xstrndup(path, strlen(path));
	struct err err = ERR_INIT;

	*strrchr(folder, '/') = '\0';
	if (make_dirs(folder, 0755, &err) < 0 || replace_file(path, 0644, text, n, &err) < 0)
		printf("# %s\n", err.msg);
}

/* What a process can make endless is cut: files, reasons, words. */
TEST(limits_of_one_process)
{
	static const char stat_line[] = "1 (x) S 0 1 0 0 -1 0 0 0 0 0 1 2 3 4 20 0 1 0 1000 4096 100 1 2 3 4 5 0\n";
	struct procscan_options o = { .proc = "/mnt/recorded", .recorded = true };
	struct procscan s = { 0 };
	struct err err = ERR_INIT;
	struct buf maps = { 0 }, words = { 0 };

	for (unsigned i = 0; i < 20000; i++) {
		buf_printf(&maps, "1%x000-1%x001 r-xp 0 00:01 %u /opt/%u.so%s\n", i, i, i + 1, i,
			   i < 19000 ? "" : " (deleted)");
		buf_printf(&words, "word-%u", i);
		buf_putc(&words, '\0');
	}
	put("stat", "btime 1\n", 8);
	put("1/stat", stat_line, sizeof(stat_line) - 1);
	put("1/maps", maps.s, maps.n);
	put("1/cmdline", words.s, words.n);
	put("1/ns/x", "", 0);
	EQ(symlink("mnt:[5]", "/mnt/recorded/1/ns/mnt"), 0);
	buf_clear(&maps);
	buf_clear(&words);
	EQ(procscan_read(&o, &s, &err), 0);
	EQ(s.n, 1);
	EQ(s.v[0].n_reasons, PROCSCAN_REASONS_MAX);
	STREQ(s.v[0].reasons[0].file, "/opt/19000.so");
	EQ(s.running.n, PROCSCAN_RUNNING_MAX);
	EQ(strlen(s.v[0].cmdline), PROCSCAN_CMDLINE_MAX);
	procscan_clear(&s);
}

TEST(limit_of_files)
{
	struct proc_files f = { 0 };
	struct mapping m = { .name = "/opt/x", .len = 6 };

	for (m.ino = 0; m.ino < PROC_FILES_MAX; m.ino++)
		EQ(proc_files_get(&f, -1, &m), m.ino);
	EQ(proc_files_get(&f, -1, &m), -1);
	m.ino = 7;
	EQ(proc_files_get(&f, -1, &m), 7);
	proc_files_clear(&f);
}

TEST(limit_of_processes)
{
	struct procscan_options o = { .proc = "/mnt/crowd", .recorded = true };
	struct procscan s = { 0 };
	struct err err = ERR_INIT;

	EQ(mkdir("/mnt/crowd", 0755), 0);
	EQ(replace_file("/mnt/crowd/stat", 0644, "btime 1\n", 8, &err), 0);
	for (int i = 1; i <= PROCSCAN_MAX; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "/mnt/crowd/%d", i);
		EQ(mkdir(path, 0755), 0);
	}
	EQ(procscan_read(&o, &s, &err), 0);
	OK(!s.cut);
	procscan_clear(&s);
	EQ(mkdir("/mnt/crowd/99999", 0755), 0);
	EQ(procscan_read(&o, &s, &err), 0);
	OK(s.cut);
	EQ(s.n, 0);
	procscan_clear(&s);
}

TEST(H8_only_the_kernels_proc_is_believed)
{
	struct procscan_options o = { .proc = "/mnt" };
	struct procscan s = { 0 };
	struct err err = ERR_INIT;

	EQ(procscan_read(&o, &s, &err), -1);
	HAS(err.msg, "is not the kernel's");
	o.proc = "/mnt/nowhere";
	EQ(procscan_read(&o, &s, &err), -1);
	HAS(err.msg, "open '/mnt/nowhere'");
	procscan_clear(&s);
}

TEST(start_times)
{
	struct procscan_options o = { .proc = "/proc" };
	struct procscan s = { 0 };
	struct err err = ERR_INIT;
	int64_t now = clock_wall();
	pid_t pid = start(map_it, (char[]){ "/mnt/many.so" });

	EQ(procscan_read(&o, &s, &err), 0);
	struct scan_process *p = find(&s, pid);
	OK(p);
	EQ(p->ppid, getpid());
	/* a clock tick is 10 ms */
	GE(procscan_started_ms(&s, p), now * 1000 - 20);
	LE(procscan_started_ms(&s, p), (clock_wall() + 1) * 1000);
	EQ(procscan_started(&s, p), procscan_started_ms(&s, p) / 1000);
	procscan_add_reason(p, SCAN_SCRIPT, "/usr/bin/tool");
	procscan_add_reason(p, SCAN_SCRIPT, "/usr/bin/tool");
	EQ(p->n_reasons, 1);
	procscan_clear(&s);
	stop(pid);
}

/* ---------------------------------------------------------------------- programs of their own */

static void ready(void)
{
	(void)!write(8, "x", 1);
	(void)close(8);
}

_noreturn_ static void play(char **argv)
{
	pthread_t thread;

	if (streq(argv[1], "flip")) {
		if (fcntl(8, F_GETFD) >= 0)
			ready();
		if (streq(argv[2], "there"))
			(void)execveat(9, "", (char *[]){ argv[0], argv[1], (char[]){ "gone" }, NULL }, NULL,
				       AT_EMPTY_PATH);
		else
			(void)execve("/mnt/there", (char *[]){ argv[0], argv[1], (char[]){ "there" }, NULL }, NULL);
		_exit(1);
	}
	if (streq(argv[1], "open") && open(argv[2], O_RDONLY | O_CLOEXEC) < 0)
		_exit(1);
	if (streq(argv[1], "threads")) {
		map_code(argv[2]);
		if (pthread_create(&thread, NULL, wait_forever, NULL) == 0) {
			ready();
			pthread_exit(NULL);
		}
	}
	ready();
	for (;;)
		(void)pause();
}

int main(int argc, char **argv)
{
	if (argc > 1 && streq(argv[0], "role"))
		play(argv);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/mnt", "tmpfs", 0, "mode=755") < 0) {
		printf("Bail out! no tmpfs: %s\n", strerror(errno));
		return 1;
	}
	return tap_main();
}
