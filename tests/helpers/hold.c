/* hold PID PATH   mount over PATH, in the mount namespace of PID, a file system that never answers, and wait. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char text[64];
	int fuse, ns;

	if (argc != 3)
		return 2;
	snprintf(text, sizeof(text), "/proc/%s/ns/mnt", argv[1]);
	ns = open(text, O_RDONLY | O_CLOEXEC);
	fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (ns < 0 || fuse < 0 || setns(ns, CLONE_NEWNS) < 0) {
		perror("hold");
		return 1;
	}
	snprintf(text, sizeof(text), "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
	if (mount("hold", argv[2], "fuse", 0, text) < 0) {
		perror("hold: mount");
		return 1;
	}
	puts("held");
	fflush(stdout);
	for (;;)
		pause();
}
