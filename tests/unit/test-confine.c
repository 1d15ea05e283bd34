/* What each profile of plugins/confine leaves and takes; every attempt is made in a child that was locked in.
 *
 * rows: R13
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "confine.h"
#include "tap.h"
#include "util.h"

#define NOBODY 65534

static char dir[] = "/tmp/stopgap-test-confine.XXXXXX";

__attribute__((constructor)) static void make_folder(void)
{
	if (!mkdtemp(dir) || chdir(dir) < 0 || mkdir("open", 0777) < 0 || mkdir("closed", 0777) < 0 ||
	    chmod("open", 0777) < 0 || chmod("closed", 0777) < 0 || chmod(".", 0755) < 0)
		abort();
	int fd = open("closed/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || close(fd) < 0)
		abort();
}

__attribute__((destructor)) static void remove_folder(void)
{
	static const char *const files[] = { "open/new", "closed/file", "closed/new", "open", "closed" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		(void)remove(files[i]);
	if (chdir("/") == 0)
		(void)rmdir(dir);
}

/* What ATTEMPT returns, of a child that is locked in: 0, or an errno. 200 + the missing layers when some are. */
static int confined(enum confine_profile profile, int (*attempt)(void))
{
	const struct confine_path paths[] = { { .path = "open", .access = CONFINE_WRITE },
					      { .path = "/nowhere", .access = CONFINE_READ } };
	const struct confine c = { profile, NOBODY, NOBODY, paths, ARRAY_SIZE(paths) };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		unsigned missing = confine_enter(&c);

		_exit(missing ? (int)(200 + missing) : attempt());
	}
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int made(int r)
{
	return r < 0 ? errno : 0;
}

static int new_open(void)
{
	return made(open("open/new", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

static int new_closed(void)
{
	return made(open("closed/new", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

static int read_closed(void)
{
	return made(open("closed/file", O_RDONLY | O_CLOEXEC));
}

static int make_folder_open(void)
{
	return made(mkdir("open/folder", 0700));
}

static int link_open(void)
{
	return made(symlink("/etc/passwd", "open/link"));
}

static int tcp(void)
{
	return made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int tcp6(void)
{
	return made(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int netlink(void)
{
	return made(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int netlink_audit(void)
{
	return made(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 9));
}

static int local(void)
{
	return made(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int connect_nobody(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				 .sin_port = htons(1) };

	return made(connect(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), (struct sockaddr *)&a, sizeof(a)));
}

static int listen_tcp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return made(bind(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), (struct sockaddr *)&a, sizeof(a)));
}

static int new_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return made(pid);
}

static int new_namespace(void)
{
	return made((int)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
}

static int exec_true(void)
{
	char *const argv[] = { (char[]){ "true" }, NULL };

	return made(execv("/bin/true", argv));
}

static void *nothing(void *arg)
{
	return arg;
}

static int new_thread(void)
{
	pthread_t t;
	int r = pthread_create(&t, NULL, nothing, NULL);

	return r ? r : pthread_join(t, NULL);
}

static int new_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}

static int become_root(void)
{
	return made(setresuid(0, 0, 0));
}

static int privileges(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 1;
}

static int unknown_call(void)
{
	return made((int)syscall(1000));
}

static int clone3_call(void)
{
	return made((int)syscall(SYS_clone3, NULL, 0));
}

static int signal_parent(void)
{
	return made(kill(getppid(), 0));
}

static int raise_signal(void)
{
	(void)raise(SIGTERM);
	return 0;
}

static int look_at_parent(void)
{
	return made((int)syscall(SYS_ptrace, 16, getppid(), NULL, NULL));
}

#ifdef __x86_64__
static int old_call(void)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20L)); /* getpid of i386 */
	return (int)r;
}

static int x32_call(void)
{
	return made((int)syscall(0x40000000L | SYS_getpid));
}
#endif

static int user(void)
{
	return getuid() == NOBODY && geteuid() == NOBODY && getgid() == NOBODY && getgroups(0, NULL) == 1 ? 0 : 1;
}

static const enum confine_profile all[] = { CONFINE_PARSE, CONFINE_LOCAL, CONFINE_VERIFY, CONFINE_FETCH };

TEST(the_user_is_another)
{
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		EQ(confined(all[i], user), 0);
}

TEST(no_profile_gives_privileges_or_a_way_out)
{
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		EQ(confined(all[i], privileges), 0);
		EQ(confined(all[i], become_root), EPERM);
		EQ(confined(all[i], signal_parent), EPERM);
		EQ(confined(all[i], look_at_parent), EPERM);
		EQ(confined(all[i], new_namespace), EPERM);
		EQ(confined(all[i], local), all[i] == CONFINE_FETCH ? EAFNOSUPPORT : EPERM);
		EQ(confined(all[i], exec_true), all[i] == CONFINE_VERIFY ? EACCES : EPERM);
	}
}

TEST(files_are_those_that_were_named)
{
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		bool reads = all[i] == CONFINE_LOCAL || all[i] == CONFINE_VERIFY;

		EQ(confined(all[i], new_open), 0);
		EQ(unlink("open/new"), 0);
		EQ(confined(all[i], new_closed), EACCES);
		EQ(confined(all[i], read_closed), reads ? 0 : EACCES);
		EQ(confined(all[i], make_folder_open), EPERM);
		EQ(confined(all[i], link_open), EPERM);
	}
}

TEST(only_what_fetches_has_the_network_and_it_cannot_serve)
{
	EQ(confined(CONFINE_FETCH, tcp), 0);
	EQ(confined(CONFINE_FETCH, tcp6), 0);
	EQ(confined(CONFINE_FETCH, netlink), 0);
	EQ(confined(CONFINE_FETCH, netlink_audit), EAFNOSUPPORT);
	EQ(confined(CONFINE_FETCH, connect_nobody), ECONNREFUSED);
	EQ(confined(CONFINE_FETCH, listen_tcp), EACCES);
	EQ(confined(CONFINE_PARSE, tcp), EPERM);
	EQ(confined(CONFINE_LOCAL, tcp), EPERM);
	EQ(confined(CONFINE_VERIFY, tcp), EPERM);
}

TEST(threads_are_for_what_fetches_and_processes_for_what_verifies)
{
	EQ(confined(CONFINE_FETCH, new_thread), 0);
	EQ(confined(CONFINE_FETCH, new_process), EPERM);
	EQ(confined(CONFINE_PARSE, new_thread), EPERM);
	EQ(confined(CONFINE_PARSE, new_process), EPERM);
	EQ(confined(CONFINE_VERIFY, new_process), 0);
	EQ(confined(CONFINE_FETCH, new_code), EPERM);
	EQ(confined(CONFINE_PARSE, new_code), EPERM);
	EQ(confined(CONFINE_VERIFY, new_code), 0);
}

TEST(what_the_list_does_not_have_fails_and_an_abort_ends)
{
	EQ(confined(CONFINE_PARSE, unknown_call), EPERM);
	EQ(confined(CONFINE_PARSE, clone3_call), ENOSYS);
	EQ(confined(CONFINE_PARSE, raise_signal), 1000 + SIGTERM);
	EQ(confined(CONFINE_FETCH, raise_signal), 1000 + SIGTERM);
}

#ifdef __x86_64__
TEST(calls_of_another_architecture_end_it)
{
	EQ(confined(CONFINE_PARSE, old_call), 1000 + SIGSYS);
	EQ(confined(CONFINE_PARSE, x32_call), 1000 + SIGSYS);
}
#endif

TEST(a_layer_that_is_missing_is_named)
{
	char text[512], little[8];

	confine_describe(0, text, sizeof(text));
	STREQ(text, "");
	confine_describe(CONFINE_NO_LANDLOCK | CONFINE_NO_FILTER, text, sizeof(text));
	OK(strstr(text, "Landlock") && strstr(text, ", a filter of system calls"));
	confine_describe(~0U, little, sizeof(little));
	EQ(strlen(little), sizeof(little) - 1);
}

/* root that stays root has no capability all the same */
static int write_of_others(void)
{
	return made(open("open/new", O_WRONLY | O_CLOEXEC));
}

TEST(root_is_said_and_has_no_capabilities)
{
	const struct confine_path paths[] = { { .path = "open", .access = CONFINE_WRITE } };
	const struct confine c = { CONFINE_PARSE, 0, 0, paths, 1 };
	int fd = open("open/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600), status;

	GE(fd, 0);
	EQ(close(fd), 0);
	EQ(chown("open/new", NOBODY, NOBODY), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(confine_enter(&c) == CONFINE_NO_USER ? write_of_others() : 99);
	EQ(waitpid(pid, &status, 0), pid);
	EQ(WEXITSTATUS(status), EACCES);
}

TAP_MAIN
