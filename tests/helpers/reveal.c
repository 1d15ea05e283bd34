/* reveal - a plugin that tells, in place of doing anything, what the entry that started it looks like.
 *
 * Started as a plugin by the agent in a container, it writes to /reveal/NAME, if there is such a folder, from its parent,
 * the entered agent: status, cgroup, limits, oom_score_adj, environ, mountinfo, namespaces, and as "facts" its descriptors (fd N TARGET),
 * working directory, root and executable with device and inode.  Then it does what the first word of /reveal/then says:
 * "hang" (for ever), "stop" (stops its parent), "leave" (a process that stays), and ends.
 * In place of the agent it copies /reveal/report to standard output and /reveal/log to standard error and exits with /reveal/code.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char from[64];

static void copy(const char *source, const char *name)
{
	char path[300], buf[65536];
	int in, out;
	ssize_t n;

	snprintf(path, sizeof path, "/reveal/%s", name);
	in = open(source, O_RDONLY);
	out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	while (in >= 0 && out >= 0 && (n = read(in, buf, sizeof buf)) > 0)
		if (write(out, buf, (size_t)n) != n)
			break;
	close(in);
	close(out);
}

static void put_link(FILE *f, const char *what, const char *path)
{
	char text[4096];
	struct stat st;
	ssize_t n = readlink(path, text, sizeof text - 1);

	text[n < 0 ? 0 : n] = '\0';
	if (stat(path, &st) < 0)
		memset(&st, 0, sizeof st);
	fprintf(f, "%s %lu:%lu %s\n", what, (unsigned long)st.st_dev, (unsigned long)st.st_ino, text);
}

static void facts(void)
{
	static const char *const kinds[] = { "net", "ipc", "uts", "user" };
	FILE *f = fopen("/reveal/facts", "w");
	char path[512], what[300];
	struct dirent *d;
	DIR *dir;

	if (!f)
		return;
	snprintf(path, sizeof path, "%s/exe", from);
	put_link(f, "exe", path);
	snprintf(path, sizeof path, "%s/cwd", from);
	put_link(f, "cwd", path);
	snprintf(path, sizeof path, "%s/root", from);
	put_link(f, "root", path);
	snprintf(path, sizeof path, "%s/fd", from);
	dir = opendir(path);
	while (dir && (d = readdir(dir)))
		if (d->d_name[0] != '.') {
			snprintf(path, sizeof path, "%s/fd/%s", from, d->d_name);
			snprintf(what, sizeof what, "fd %s", d->d_name);
			put_link(f, what, path);
		}
	fclose(f);
	f = fopen("/reveal/namespaces", "w");
	for (size_t i = 0; f && i < sizeof kinds / sizeof *kinds; i++) {
		char text[64] = "";

		snprintf(path, sizeof path, "%s/ns/%s", from, kinds[i]);
		if (readlink(path, text, sizeof text - 1) > 0)
			fprintf(f, "%s\n", text);
	}
	if (f)
		fclose(f);
}

/* In place of the agent: say what was prepared, to standard output and error, and exit so. */
static int say(void)
{
	char code[8] = "0", buf[65536];
	ssize_t n;
	int fd;

	for (int to = 1; to <= 2; to++) {
		fd = open(to == 1 ? "/reveal/report" : "/reveal/log", O_RDONLY);
		while (fd >= 0 && (n = read(fd, buf, sizeof buf)) > 0)
			if (write(to, buf, (size_t)n) != n)
				break;
	}
	fd = open("/reveal/code", O_RDONLY);
	if (fd >= 0 && read(fd, code, sizeof code - 1) < 0)
		return 1;
	return atoi(code);
}

int main(int argc, char **argv)
{
	static const char *const files[] = { "status",	"cgroup",    "limits", "oom_score_adj",
					     "environ", "mountinfo", "cmdline" };
	char path[128], then[16] = "";
	int fd;

	if (argc > 1 && strcmp(argv[1], "check") == 0)
		return say();
	snprintf(from, sizeof from, "/proc/%d", (int)getppid());
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "%s/%s", from, files[i]);
		copy(path, files[i]);
	}
	facts();
	fd = open("/reveal/then", O_RDONLY);
	if (fd >= 0 && read(fd, then, sizeof then - 1) < 0)
		return 1;
	if (strncmp(then, "hang", 4) == 0)
		for (;;)
			pause();
	if (strncmp(then, "stop", 4) == 0) {
		kill(getppid(), SIGSTOP);
		for (;;)
			pause();
	}
	if (strncmp(then, "leave", 5) == 0 && fork() == 0) {
		setsid();
		for (fd = 0; fd < 100; fd++)
			close(fd);
		alarm(600);
		for (;;)
			pause();
	}
	return 0;
}
