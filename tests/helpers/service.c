/* service WORD ARG…   what a test needs of a service, and of those who use it.
 *
 *   signals FILE        write each signal as "NUMBER VALUE" into FILE, "ready" first; ends on SIGKILL only
 *   queue PID SIGNAL VALUE   sigqueue(3)
 *   die SIGNAL          of that signal, which is unblocked and at its default
 *   orphans N           leave N zombies behind at once, then stay
 *   family FILE [N]     a worker, a daemon of its own session, an orphan; all ignore SIGTERM if N; pids into FILE
 *   state CMD ARG…      exec CMD with everything that can be inherited set to something unusual
 *   show                all that is inherited, one thing a line, without what must differ (pids, group)
 *   fds                 the open descriptors
 *   back                give the terminal back to the parent's group, then read a line from it
 *   echo SOCKET         answer every connection with the byte it sends
 *   siege PID N SOCKET  kill -9 the updater of PID N times; SOCKET must answer all the while
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int out = 1;

static void on_signal(int sig, siginfo_t *si, void *context)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "%d %d\n", sig, si->si_code == SI_QUEUE ? si->si_value.sival_int : 0);

	(void)context;
	(void)!write(out, line, (size_t)n);
}

static void do_signals(const char *file)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART };

	out = open(file, O_WRONLY | O_CREAT | O_APPEND, 0644);
	sigfillset(&sa.sa_mask);
	for (int sig = 1; sig <= 64; sig++)
		(void)sigaction(sig, &sa, NULL);
	(void)!write(out, "ready\n", 6);
	for (;;)
		pause();
}

static int do_die(int sig)
{
	struct rlimit none = { 0, 0 };
	sigset_t all;

	setrlimit(RLIMIT_CORE, &none);
	signal(sig, SIG_DFL);
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	raise(sig);
	return 0;
}

static int do_orphans(int n)
{
	pid_t middle = fork();
	int ws;

	if (middle == 0) {
		for (int i = 0; i < n; i++)
			if (fork() == 0)
				_exit(0);
		_exit(0);
	}
	waitpid(middle, &ws, 0);
	puts("left");
	fflush(stdout);
	for (;;)
		pause();
}

static void note(const char *file)
{
	FILE *f = fopen(file, "a");

	fprintf(f, "%d\n", (int)getpid());
	fclose(f);
}

static int do_family(const char *file, int stubborn)
{
	if (stubborn)
		signal(SIGTERM, SIG_IGN);
	if (fork() == 0) { /* a worker */
		note(file);
		for (;;)
			pause();
	}
	pid_t middle = fork();
	if (middle == 0) {
		setsid();
		if (fork() == 0) {
			note(file); /* a daemon */
			for (;;)
				pause();
		}
		_exit(0);
	}
	waitpid(middle, NULL, 0);
	middle = fork();
	if (middle == 0) {
		if (fork() == 0) {
			note(file); /* an orphan */
			for (;;)
				pause();
		}
		_exit(0);
	}
	waitpid(middle, NULL, 0);
	note(file);
	for (;;)
		pause();
}

static int do_state(char **argv)
{
	struct rlimit files = { 123, 234 };
	sigset_t mask;
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	(void)!write(fd, "321", 3);
	close(fd);
	fd = open("/dev/zero", O_RDONLY);
	dup2(fd, 5);
	dup2(fd, 7);
	close(fd);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGRTMIN + 2);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	umask(027);
	(void)!chdir("/var/tmp");
	setpriority(PRIO_PROCESS, 0, 3);
	setrlimit(RLIMIT_NOFILE, &files);
	prctl(PR_SET_TIMERSLACK, 77777, 0, 0, 0);
	personality(ADDR_NO_RANDOMIZE);
	execvp(argv[0], argv);
	return 127;
}

/* The lines of FILE that begin with one of the words in ONLY (NULL: all). */
static void show_file(const char *file, const char *only)
{
	char line[4096];
	FILE *f = fopen(file, "r");

	while (f && fgets(line, sizeof(line), f)) {
		char word[64];

		snprintf(word, sizeof(word), " %.*s ", (int)strcspn(line, ":"), line);
		if (!only || strstr(only, word))
			printf("%s: %s", file, line);
	}
	if (f)
		fclose(f);
}

static void show_raw(const char *file)
{
	char text[65536];
	int fd = open(file, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text));

	for (ssize_t i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = '\n';
	printf("%s:\n%.*s\n", file, (int)n, text);
	close(fd);
}

static void show_fds(void)
{
	char target[512];
	DIR *d = opendir("/proc/self/fd");

	for (int fd = 0; fd < 200; fd++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, target, sizeof(target) - 1);
		if (n < 0 || fd == dirfd(d))
			continue;
		printf("fd %d: %.*s flags %o\n", fd, (int)n, target, (unsigned)fcntl(fd, F_GETFL));
	}
	closedir(d);
}

static int do_show(void)
{
	int death = -1, reaper = -1;
	char cwd[4096];

	show_file("/proc/self/status",
		  " Name Umask Uid Gid Groups SigPnd ShdPnd SigBlk SigIgn SigCgt CapInh CapPrm CapEff CapBnd CapAmb "
		  "NoNewPrivs Seccomp Cpus_allowed Mems_allowed ");
	show_file("/proc/self/limits", NULL);
	show_file("/proc/self/oom_score_adj", NULL);
	show_file("/proc/self/personality", NULL);
	show_file("/proc/self/cgroup", NULL);
	show_file("/proc/self/timerslack_ns", NULL);
	show_raw("/proc/self/environ");
	show_raw("/proc/self/cmdline");
	prctl(PR_GET_PDEATHSIG, &death, 0, 0, 0);
	prctl(PR_GET_CHILD_SUBREAPER, &reaper, 0, 0, 0);
	printf("cwd %s nice %d policy %d pdeathsig %d subreaper %d dumpable %d\n", getcwd(cwd, sizeof(cwd)),
	       getpriority(PRIO_PROCESS, 0), sched_getscheduler(0), death, reaper, prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	const char *listen_pid = getenv("LISTEN_PID");
	if (listen_pid)
		printf("LISTEN_PID is %s\n", atoi(listen_pid) == getpid() ? "mine" : "another's");
	return 0;
}

static int do_back(void)
{
	char line[64];

	signal(SIGTTOU, SIG_IGN);
	tcsetpgrp(0, getpgid(getppid()));
	ssize_t n = read(0, line, sizeof(line));
	printf("<%.*s>\n", n > 0 ? (int)n - 1 : 0, line);
	return n > 0 ? 7 : 8;
}

static struct sockaddr_un at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return a;
}

static int do_echo(const char *path)
{
	struct sockaddr_un a = at(path);
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c;
	char b;

	unlink(path);
	if (bind(s, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(s, 100) < 0)
		return 1;
	while ((c = accept(s, NULL, NULL)) >= 0) {
		if (read(c, &b, 1) == 1)
			(void)!write(c, &b, 1);
		close(c);
	}
	return 1;
}

/* 0 when SOCKET answers within a second. */
static int ask(const char *path)
{
	struct sockaddr_un a = at(path);
	struct timeval second = { 1, 0 };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	char b = 'x';

	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	int r = connect(s, (struct sockaddr *)&a, sizeof(a)) == 0 && write(s, &b, 1) == 1 && read(s, &b, 1) == 1 ? 0 :
														   1;
	close(s);
	return r;
}

/* The updater among the children of PID; 0: none now. */
static pid_t updater_of(pid_t init)
{
	char path[64], text[4096], name[32];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", init, init);
	f = fopen(path, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	if (f)
		fclose(f);
	text[n] = '\0';
	char *save = NULL;
	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		snprintf(path, sizeof(path), "/proc/%s/comm", w);
		f = fopen(path, "r");
		if (f && fgets(name, sizeof(name), f) && strcmp(name, "stopgap-updater\n") == 0) {
			fclose(f);
			return atoi(w);
		}
		if (f)
			fclose(f);
	}
	return 0;
}

static int do_siege(pid_t init, int n, const char *path)
{
	int killed = 0, asked = 0, failed = 0;
	pid_t last = 0;

	while (killed < n && kill(init, 0) == 0) {
		pid_t pid = updater_of(init);

		asked++;
		failed += ask(path);
		if (pid && pid != last && kill(pid, SIGKILL) == 0) {
			last = pid;
			killed++;
		}
	}
	printf("killed %d asked %d failed %d\n", killed, asked, failed);
	return killed < n || failed > 0;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 2 && strcmp(word, "signals") == 0)
		do_signals(argv[2]);
	if (argc > 4 && strcmp(word, "queue") == 0)
		return sigqueue(atoi(argv[2]), atoi(argv[3]), (union sigval){ .sival_int = atoi(argv[4]) }) < 0;
	if (argc > 2 && strcmp(word, "die") == 0)
		return do_die(atoi(argv[2]));
	if (argc > 2 && strcmp(word, "orphans") == 0)
		return do_orphans(atoi(argv[2]));
	if (argc > 2 && strcmp(word, "family") == 0)
		return do_family(argv[2], argc > 3);
	if (argc > 2 && strcmp(word, "state") == 0)
		return do_state(argv + 2);
	if (argc > 2 && strcmp(word, "echo") == 0)
		return do_echo(argv[2]);
	if (argc > 4 && strcmp(word, "siege") == 0)
		return do_siege(atoi(argv[2]), atoi(argv[3]), argv[4]);
	if (strcmp(word, "back") == 0)
		return do_back();
	if (strcmp(word, "show") == 0)
		return do_show();
	if (strcmp(word, "fds") == 0) {
		show_fds();
		return 0;
	}
	return 2;
}
