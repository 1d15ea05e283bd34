/* descend_each() on tests/cases/descend/NAME.case: trees of /proc as text.
 *
 *	self PID	child PID	updater PID	us, the service's main process, the updater
 *	gone PID				its folder is empty: it ended while we looked
 *	service PID…				expected, in any order
 *	anything else				one /proc/PID/stat as the kernel writes it
 */
#include <sys/stat.h>
#include <sys/wait.h>
#include "cases.h"
#include "descend.h"

static char dir[] = "/tmp/test-descend.XXXXXX";

static void add_stat(const char *pid, const char *text)
{
	cleanup_free char *folder = xasprintf("%s/%s", dir, pid), *path = xasprintf("%s/stat", folder);
	struct err err = ERR_INIT;

	(void)mkdir(folder, 0755);
	if (text)
		(void)replace_file(path, 0644, text, strlen(text), &err);
}

/* Folders are numbers; what is not is a file of the test's own making. */
static void remove_all(void)
{
	struct dirent **e;
	int n = scandir(dir, &e, NULL, NULL);

	for (int i = 0; i < n; i++) {
		cleanup_free char *folder = xasprintf("%s/%s", dir, e[i]->d_name), *path = xasprintf("%s/stat", folder);

		if (e[i]->d_name[0] != '.') {
			(void)unlink(path);
			(void)rmdir(folder);
		}
		free(e[i]);
	}
	if (n >= 0)
		free(e);
}

static pid_t found[64];
static size_t n_found;

static void take(pid_t pid, uint64_t start _unused_, void *arg _unused_)
{
	if (n_found < ARRAY_SIZE(found))
		found[n_found++] = pid;
}

static int by_number(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static char *listed(void)
{
	struct buf b = { 0 };

	qsort(found, n_found, sizeof(found[0]), by_number);
	for (size_t i = 0; i < n_found; i++)
		buf_printf(&b, "%s%d", i ? " " : "", found[i]);
	return b.n ? buf_steal(&b) : xstrdup("none");
}

static void check_case(void)
{
	cleanup_free char *text = case_text(), *want = NULL;
	struct descend d = { .proc = dir };
	char *next = text;

	remove_all();
	add_stat("self", "1 (not a number) S 0 1 1");
	for (char *line; (line = strsep(&next, "\n"));) {
		char *value = strchr(line, ' ');

		if (!*line || *line == '#' || !value)
			continue;
		*value++ = '\0';
		if (streq(line, "self"))
			d.self = (pid_t)strtol(value, NULL, 10);
		else if (streq(line, "child"))
			d.child = (pid_t)strtol(value, NULL, 10);
		else if (streq(line, "updater"))
			d.updater = (pid_t)strtol(value, NULL, 10);
		else if (streq(line, "gone"))
			add_stat(value, NULL);
		else if (streq(line, "service"))
			want = xstrdup(value);
		else {
			value[-1] = ' ';
			cleanup_free char *pid = xstrndup(line, strcspn(line, " "));
			add_stat(pid, line);
		}
	}
	n_found = 0;
	int n = descend_each(&d, take, NULL);
	cleanup_free char *got = listed();
	remove_all();
	STREQ(got, want);
	EQ(n, n_found);
}

/* As it is here: a process is seen, its zombie is not, and it is signalled once. */
static void check_real(void)
{
	struct descend d = { .proc = "/proc", .self = getpid() };
	struct descend_stat s;
	siginfo_t si;

	case_next = case_next->next;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	d.child = pid;
	EQ(descend_stat("/proc", pid, &s), 0);
	EQ(s.ppid, getpid());
	EQ(s.session, getsid(0));
	EQ(s.threads, 1);
	EQ(descend_each(&d, NULL, NULL), 1);
	d.child = 0;	/* an orphan, as far as that goes */
	/* its session is ours, so it did not begin outside, even where that has no number here */
	EQ(descend_each(&d, NULL, NULL), 1);
	d.child = pid;
	EQ(descend_signal(&d, SIGUSR1), 1);
	EQ(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	EQ(si.si_status, SIGUSR1);
	EQ(descend_each(&d, NULL, NULL), 0);
	EQ(waitid(P_PID, (id_t)pid, &si, WEXITED), 0);
	EQ(descend_stat("/proc", pid, &s), -1);
	d.proc = "/nonexistent";
	EQ(descend_each(&d, NULL, NULL), -1);
}

int main(void)
{
	static struct tap_test real = { "a_real_process", check_real, NULL };

	if (!mkdtemp(dir))
		return 1;
	add_cases("descend", check_case);
	if (tap_picked(real.name)) {
		*tap_last = &real;
		tap_last = &real.next;
	}
	int r = cases_main();
	(void)rmdir(dir);
	return r;
}
