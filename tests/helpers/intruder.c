/* intruder: what somebody would try who has taken over a program that touches the network.
 *
 *   intruder            tries everything and says what came of it on standard error, a line each:
 *                       "intruder: NAME: yes" or "intruder: NAME: no (REASON)", at last "intruder: end"
 *
 * Made into a method of libapt it does that when it is asked for the first file. As a library (-shared -DLIBRARY), put in
 * place of libexpat, it takes over whoever looks up a host or reads XML.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void said(const char *name, int done)
{
	const char *why = strerror(errno);

	if (done)
		dprintf(2, "intruder: %s: yes\n", name);
	else
		dprintf(2, "intruder: %s: no (%s)\n", name, why);
}

static void read_file(const char *name, const char *path)
{
	char c;
	int fd = open(path, O_RDONLY);

	said(name, fd >= 0 && read(fd, &c, 1) >= 0);
	close(fd);
}

static void make_file(const char *name, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0666);

	said(name, fd >= 0);
	close(fd);
}

static void connect_unix(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "/run/intruder.sock" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	/* without a listener it is as good as done when only that is missing */
	said("unix-socket", fd >= 0 && (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 || errno == ENOENT));
	close(fd);
}

static void listen_tcp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	said("listen", fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, 1) == 0);
	close(fd);
}

static void look_into_parent(void)
{
	char path[64], c;
	struct iovec to = { &c, 1 }, from = { (void *)&errno, 1 };

	said("ptrace", ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) == 0);
	(void)ptrace(PTRACE_DETACH, getppid(), NULL, NULL);
	said("parent-read", process_vm_readv(getppid(), &to, 1, &from, 1, 0) == 1 || errno == EFAULT);
	snprintf(path, sizeof(path), "/proc/%d/mem", getppid());
	read_file("parent-mem", path);
	snprintf(path, sizeof(path), "/proc/%d/environ", getppid());
	read_file("parent-environ", path);
	said("signal", kill(getppid(), 0) == 0);
	struct rlimit limit;
	said("parent-limits", prlimit(getppid(), RLIMIT_NOFILE, NULL, &limit) == 0);
}

static void gain_privileges(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { { 0 } };

	said("root", getuid() == 0 || setresuid(0, 0, 0) == 0);
	said("capabilities", syscall(SYS_capget, &head, caps) == 0 && (caps[0].effective || caps[0].permitted));
	said("new-privileges", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1);
	said("user-namespace", unshare(CLONE_NEWUSER) == 0);
	said("mount", mount("none", "/tmp", "tmpfs", 0, NULL) == 0);
}

static void kernel_doors(void)
{
	static const struct {
		const char *name;
		long nr;
	} doors[] = { { "bpf", SYS_bpf },
		      { "keyctl", SYS_keyctl },
		      { "perf", SYS_perf_event_open },
		      { "io_uring", SYS_io_uring_setup },
		      { "userfaultfd", SYS_userfaultfd },
		      { "pidfd", SYS_pidfd_open } };
	char zero[256] = { 0 };

	for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++) {
		errno = 0;
		/* arguments that are wrong: what knows the call says EINVAL, EFAULT and the like */
		long r = syscall(doors[i].nr, zero, -1L, -1L, -1L, -1L);
		said(doors[i].name, r >= 0 || (errno != EPERM && errno != EACCES && errno != ENOSYS));
	}
	said("packets", socket(AF_PACKET, SOCK_RAW, 0) >= 0);
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	said("new-code", p != MAP_FAILED);
}

static void start_programs(void)
{
	static char *const argv[] = { "/bin/sh", "-c", "echo 'intruder: exec: yes' >&2", NULL };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		(void)execv(argv[0], argv);
		said("exec", 0);
		_exit(1);
	}
	said("fork", pid > 0);
	if (pid > 0)
		(void)waitpid(pid, &status, 0);
	else if (execv(argv[0], argv) < 0)
		said("exec", 0);
}

static void intrude(void)
{
	static int done;

	if (done++)
		return;
	read_file("shadow", "/etc/shadow");
	read_file("file-of-others", "/srv/readable");
	make_file("write-usr", "/usr/intruder");
	make_file("write-tmp", "/tmp/intruder");
	connect_unix();
	listen_tcp();
	look_into_parent();
	gain_privileges();
	kernel_doors();
	start_programs();
	dprintf(2, "intruder: end\n");
}

#ifdef LIBRARY
/* libcurl's thread, and nobody else in the plugin, looks up hosts. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	(void)node, (void)service, (void)hints, (void)ret;
	intrude();
	return EAI_FAIL;
}

void *XML_ParserCreate(const char *encoding)
{
	(void)encoding;
	intrude();
	_exit(1);
}
#else
int main(int argc, char **argv)
{
	const char *name = argc > 0 ? argv[0] : "";
	char line[4096];

	if (strstr(name, "intruder")) {
		intrude();
		return 0;
	}
	printf("100 Capabilities\nVersion: 1.2\nSend-Config: true\nSingle-Instance: true\n\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		char uri[4000] = "";

		if (strncmp(line, "600 ", 4) != 0)
			continue;
		while (fgets(line, sizeof(line), stdin) && *line != '\n')
			if (strncmp(line, "URI: ", 5) == 0)
				snprintf(uri, sizeof(uri), "%s", line + 5);
		intrude();
		printf("400 URI Failure\nURI: %sMessage: taken over\n\n", uri);
		fflush(stdout);
	}
	return 0;
}
#endif
