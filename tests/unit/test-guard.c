/* guard_decide() on tests/cases/guard/calls, and what guard_main() says. */
#include <sys/wait.h>
#include "lines.h"
#include "guard.h"

#define WORDS 16

static int cut(char *line, char **argv)
{
	char *save = NULL;
	int n = 0;

	for (char *w = strtok_r(line, " ", &save); w && n < WORDS - 1; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	argv[n] = NULL;
	return n;
}

TEST(calls)
{
	cleanup_free char *text = lines_read("guard/calls");
	char *p = text, *argv[WORDS];

	for (char *line; (line = lines_next(&p));) {
		cleanup_buf struct buf got = { 0 };
		char *want = strstr(line, " ; ");
		int argc, before, status = 0;

		if (!want)
			FAIL("not a case: %s", line);
		*want = '\0';
		cleanup_free char *call = xstrdup(line);
		before = argc = cut(line, argv);
		if (guard_decide(argv[0], &argc, argv, &status) == GUARD_REFUSE) {
			buf_printf(&got, "refuse %d", status);
		} else {
			buf_puts(&got, "pass");
			OK(argv[argc] == NULL);
			for (int i = 1; i < argc && argc != before; i++)
				buf_printf(&got, " %s", argv[i]);
		}
		if (!streq(want + 3, buf_str(&got)))
			FAIL("%s: %s, expected %s", call, buf_str(&got), want + 3);
	}
}

/* Runs guard_main() in a child, its standard error into OUT. */
static int play(char **argv, char *out, size_t size)
{
	int fds[2], ws, argc = 0;
	ssize_t n;

	if (pipe(fds) < 0)
		return -1;
	while (argv[argc])
		argc++;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		(void)dup2(fds[1], 2);
		_exit(guard_main(argv[0], argc, argv));
	}
	(void)close(fds[1]);
	n = read(fds[0], out, size - 1);
	out[n > 0 ? n : 0] = '\0';
	(void)close(fds[0]);
	return waitpid(pid, &ws, 0) == pid && WIFEXITED(ws) ? WEXITSTATUS(ws) : -1;
}

TEST(says_what_was_not_run)
{
	char name[] = "invoke-rc.d", service[] = "ng\033inx", action[] = "restart", out[1024];
	char *argv[] = { name, service, action, NULL };

	EQ(play(argv, out, sizeof(out)), 0);
	STREQ(out, "stopgap: not run: invoke-rc.d ng?inx restart (services are restarted once, afterwards)\n");
}

TEST(long_arguments_stay_one_line)
{
	char name[] = "systemctl", verb[] = "restart", unit[3000], out[1024];
	char *argv[] = { name, verb, unit, unit, unit, unit, unit, NULL };

	memset(unit, 'x', sizeof(unit) - 1);
	unit[sizeof(unit) - 1] = '\0';
	EQ(play(argv, out, sizeof(out)), 0);
	HAS(out, " (services are restarted once, afterwards)\n");
	OK(strlen(out) <= 512);
}

TEST(names)
{
	size_t n = 0;

	while (guard_names[n])
		n++;
	EQ(n, 6);
}
TAP_MAIN
