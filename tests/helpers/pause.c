/* PID 1 of a test container: waits, reaps what is left to it, ends on SIGTERM.  Static, so that a container needs no
 * program of its own to stay up. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_signal(int sig)
{
	if (sig != SIGCHLD)
		_exit(0);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

int main(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigaction(SIGCHLD, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	for (;;)
		pause();
}
