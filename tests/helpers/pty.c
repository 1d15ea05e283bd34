/* pty CMD ARG…   run CMD on a terminal of its own and play the person at it, from the script on standard input:
 *
 *   type TEXT     as typed, with a return; ^C, ^Z, ^D, ^\ and the like are keys
 *   keys TEXT     the same without the return
 *   see TEXT      wait until that is shown, after what was seen before
 *   unseen TEXT   that was not shown since
 *
 * Exits as CMD does (128+n for a signal), or 99 when something was not seen in 20 s. All output goes to standard output. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static char shown[1 << 16];
static size_t n_shown, seen;
static int master;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static bool take_output(int ms)
{
	struct pollfd p = { .fd = master, .events = POLLIN };

	if (poll(&p, 1, ms) <= 0)
		return true;
	ssize_t n = read(master, shown + n_shown, sizeof(shown) - 1 - n_shown);
	if (n <= 0)
		return false;
	(void)!write(1, shown + n_shown, (size_t)n);
	n_shown += (size_t)n;
	return true;
}

static bool see(const char *text, double seconds)
{
	double end = now() + seconds;

	for (;;) {
		char *at = memmem(shown + seen, n_shown - seen, text, strlen(text));

		if (at) {
			seen = (size_t)(at - shown) + strlen(text);
			return true;
		}
		if (now() >= end || !take_output(50))
			return memmem(shown + seen, n_shown - seen, text, strlen(text)) != NULL;
	}
}

static void type(const char *text, bool enter)
{
	for (; *text; text++) {
		char c = *text == '^' && text[1] >= '@' && text[1] <= '_' ? (char)(*++text - '@') : *text;

		(void)!write(master, &c, 1);
	}
	if (enter)
		(void)!write(master, "\r", 1);
}

static int play(void)
{
	char line[1024];

	while (fgets(line, sizeof(line), stdin)) {
		char *text = strchr(line, ' ');

		line[strcspn(line, "\n")] = '\0';
		if (!text || *line == '#')
			continue;
		*text++ = '\0';
		if (strcmp(line, "type") == 0) {
			type(text, true);
		} else if (strcmp(line, "keys") == 0) {
			type(text, false);
		} else if (strcmp(line, "see") == 0 && !see(text, 20)) {
			printf("\n*** not seen: %s\n", text);
			return 99;
		} else if (strcmp(line, "unseen") == 0 && see(text, 0)) {
			printf("\n*** seen: %s\n", text);
			return 99;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	int ws, status;

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (argc < 2 || master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		return 98;
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		int fd = open(ptsname(master), O_RDWR);
		ioctl(fd, TIOCSCTTY, 0);
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
		if (fd > 2)
			close(fd);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	setvbuf(stdout, NULL, _IONBF, 0);
	status = play();
	double end = now() + 20;
	while (status == 0 && now() < end && take_output(100))
		;
	if (status != 0 || now() >= end)
		kill(pid, SIGKILL);
	waitpid(pid, &ws, 0);
	return status ? status : now() >= end ? 99 : WIFSIGNALED(ws) ? 128 + WTERMSIG(ws) : WEXITSTATUS(ws);
}
