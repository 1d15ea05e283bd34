/* lock FILE…: takes dpkg's kind of lock on each and keeps it until it is ended. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	for (int i = 1; i < argc; i++) {
		int fd = open(argv[i], O_RDWR | O_CREAT, 0640);
		if (fd < 0 || fcntl(fd, F_SETLK, &lock) < 0) {
			perror(argv[i]);
			return 1;
		}
	}
	puts("locked");
	fflush(stdout);
	for (;;)
		pause();
}
