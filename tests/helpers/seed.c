/* seed KIND [PATH]   a process that has something mapped, and waits.
 *
 *   code PATH     a private executable mapping of PATH, as the loader makes them (needs no loader)
 *   data PATH     a private read-only mapping
 *   shared PATH   a shared mapping, made and unlinked here, written and executable: what a JIT keeps
 *   temp PATH     a private executable mapping of a file that is made and unlinked here
 *   memfd         an executable memfd
 *   many PATH N   N mappings of PATH
 *   fork N PATH…  maps each PATH as a library (four mappings), then N children that wait
 *
 * Writes a line to standard output when it is ready. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void map(int fd, size_t size, int prot, int flags)
{
	if (mmap(NULL, size, prot, flags, fd, 0) == MAP_FAILED)
		die("mmap");
}

static int open_file(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0700);

	if (fd < 0)
		die(path);
	return fd;
}

static int temporary(const char *path)
{
	int fd = open_file(path, O_RDWR | O_CREAT | O_EXCL);

	if (ftruncate(fd, 4096) < 0 || unlink(path) < 0)
		die(path);
	return fd;
}

static void library(const char *path)
{
	static const int prot[] = { PROT_READ, PROT_READ | PROT_EXEC, PROT_READ, PROT_READ | PROT_WRITE };
	int fd = open_file(path, O_RDONLY);

	for (int i = 0; i < 4; i++)
		map(fd, 4096, prot[i], MAP_PRIVATE);
	close(fd);
}

static void children(int n)
{
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
	}
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "", *path = argc > 2 ? argv[2] : "";
	int fd;

	signal(SIGCHLD, SIG_IGN);
	if (!strcmp(kind, "code")) {
		map(open_file(path, O_RDONLY), 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE);
	} else if (!strcmp(kind, "data")) {
		map(open_file(path, O_RDONLY), 4096, PROT_READ, MAP_PRIVATE);
	} else if (!strcmp(kind, "shared")) {
		fd = temporary(path);
		map(fd, 4096, PROT_READ | PROT_WRITE, MAP_SHARED);
		map(fd, 4096, PROT_READ | PROT_EXEC, MAP_SHARED);
	} else if (!strcmp(kind, "temp")) {
		map(temporary(path), 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE);
	} else if (!strcmp(kind, "memfd")) {
		fd = memfd_create("jit", MFD_CLOEXEC);
		if (fd < 0 || ftruncate(fd, 4096) < 0)
			die("memfd_create");
		map(fd, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE);
	} else if (!strcmp(kind, "many")) {
		fd = open_file(path, O_RDONLY);
		for (int i = argc > 3 ? atoi(argv[3]) : 0; i > 0; i--)
			map(fd, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE);
	} else if (!strcmp(kind, "fork")) {
		for (int i = 3; i < argc; i++)
			library(argv[i]);
		children(atoi(path));
	} else {
		fprintf(stderr, "seed: what?\n");
		return 2;
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
