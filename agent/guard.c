/* guard.c - see guard.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "fd.h"
#include "guard.h"

/* Init scripts that are run by path cannot be caught here: what they start is
 * reported as left behind. */
const char *const guard_names[] = {
#define X(name) name,
	GUARD_NAMES(X)
#undef X
		NULL,
};

static bool in_list(const char *const *list, const char *s)
{
	for (; *list; list++)
		if (strcmp(*list, s) == 0)
			return true;
	return false;
}

/* The first argument that is no option, and no value of an option in VALUED. */
static const char *operand(int argc, char **argv, const char *const *valued, int *at)
{
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] != '-') {
			*at = i;
			return argv[i];
		}
		if (in_list(valued, argv[i]))
			i++;
	}
	return NULL;
}

static bool has(int argc, char **argv, const char *word)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], word) == 0)
			return true;
	return false;
}

/* invoke-rc.d [OPTION]... NAME ACTION [ARG]... ends with 0 when policy denies,
 * with 101 when it was asked to tell. */
static enum guard_verdict decide_invoke(int argc, char **argv, int *status)
{
	static const char *const none[] = { NULL };
	bool tell = has(argc, argv, "--disclose-deny") || has(argc, argv, "--query");
	int at = argc;
	const char *name = operand(argc, argv, none, &at);
	const char *action = name && at + 1 < argc ? argv[at + 1] : NULL;

	if (action && strcmp(action, "status") == 0) {
		*status = 4; /* unknown */
		return GUARD_PASS;
	}
	*status = tell ? 101 : 0;
	return action ? GUARD_REFUSE : GUARD_PASS;
}

/* service NAME ACTION, service --status-all, and help. */
static enum guard_verdict decide_service(int argc, char **argv, int *status)
{
	const char *action = argc > 2 ? argv[2] : NULL;

	*status = 0;
	if (!action || strcmp(action, "status") == 0) {
		*status = 4;
		return GUARD_PASS;
	}
	return GUARD_REFUSE;
}

/* systemctl verbs that change nothing that runs. An unknown verb is refused:
 * a service that stays up unrestarted is reported, one that went down is not. */
static const char *const systemctl_passes[] = {
	"add-requires", "add-wants",
	"cat",		"daemon-reload",
	"disable",	"enable",
	"get-default",	"help",
	"is-active",	"is-enabled",
	"is-failed",	"is-system-running",
	"link",		"list-dependencies",
	"list-jobs",	"list-machines",
	"list-paths",	"list-sockets",
	"list-timers",	"list-unit-files",
	"list-units",	"mask",
	"preset",	"preset-all",
	"reenable",	"reset-failed",
	"revert",	"set-default",
	"show",		"show-environment",
	"status",	"unmask",
	"whoami",	NULL,
};

static enum guard_verdict decide_systemctl(int *argc, char **argv, int *status)
{
	static const char *const valued[] = { "-H",	    "--host",	"-M",	  "--machine", "-n",	 "--lines",
					      "-o",	    "--output", "-p",	  "-P",	       "-s",	 "--property",
					      "--signal",   "-t",	"--type", "--state",   "--root", "--job-mode",
					      "--kill-who", "--what",	NULL };
	static const char *const asks[] = { "is-active", "is-enabled", "is-failed", "is-system-running",
					    "status",	 "show",       "cat",	    NULL };
	int at = 0;
	const char *verb = operand(*argc, argv, valued, &at);

	*status = 0;
	if (!verb)
		return GUARD_PASS;
	if (in_list(asks, verb))
		*status = strcmp(verb, "is-active") == 0 ? 3 : 4;
	if (!in_list(systemctl_passes, verb))
		return GUARD_REFUSE;
	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--now") != 0)
			continue;
		memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i) * sizeof(*argv));
		--*argc;
		i--;
	}
	return GUARD_PASS;
}

/* deb-systemd-invoke [--user] ACTION UNIT...: its one harmless action. */
static enum guard_verdict decide_deb_systemd(int argc, char **argv, int *status)
{
	static const char *const none[] = { NULL };
	int at = 0;
	const char *action = operand(argc, argv, none, &at);

	*status = 0;
	return !action || strcmp(action, "daemon-reload") == 0 ? GUARD_PASS : GUARD_REFUSE;
}

/* The letters of bundled short options ("-qSx"), up to one that takes a value. */
static bool has_letter(const char *a, const char *letters)
{
	static const char takes_value[] = "anprsuxcNRgdPIkO";

	for (a++; *a && !strchr(takes_value, *a); a++)
		if (strchr(letters, *a))
			return true;
	return false;
}

/* getopt takes "--sto" for "--stop"; "--sta" is ambiguous and refused there. */
static bool is_long(const char *a, const char *option)
{
	size_t n = strlen(a);

	return n >= strlen("--sto") && strncmp(a, option, n) == 0 && strcmp(a, "--sta") != 0;
}

/* Only asking passes: --status, --test, --help, --version. Options may be
 * bundled ("-Kq"), and what follows "--" belongs to the daemon. */
static enum guard_verdict decide_daemon(int argc, char **argv, int *status)
{
	bool acts = false, asks = false;

	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const char *a = argv[i];
		bool shorts = a[0] == '-' && a[1] != '-';

		acts |= is_long(a, "--start") || is_long(a, "--stop") || (shorts && has_letter(a, "SK"));
		asks |= is_long(a, "--status") || is_long(a, "--test") || (shorts && has_letter(a, "Tt"));
	}
	*status = 0;
	return acts && !asks ? GUARD_REFUSE : GUARD_PASS;
}

enum guard_verdict guard_decide(const char *name, int *argc, char **argv, int *status)
{
	if (strcmp(name, "invoke-rc.d") == 0)
		return decide_invoke(*argc, argv, status);
	if (strcmp(name, "service") == 0)
		return decide_service(*argc, argv, status);
	if (strcmp(name, "systemctl") == 0)
		return decide_systemctl(argc, argv, status);
	if (strcmp(name, "deb-systemd-invoke") == 0)
		return decide_deb_systemd(*argc, argv, status);
	if (strcmp(name, "start-stop-daemon") == 0)
		return decide_daemon(*argc, argv, status);
	*status = 0; /* telinit: PID 1 is never asked to execute itself anew */
	return GUARD_REFUSE;
}

/* One line and one write, so that it stays whole in a log others write to. */
static void say(const char *name, int argc, char **argv)
{
	char line[512];
	size_t n = 0;
	const char *const end = " (services are restarted once, afterwards)\n";

	n += (size_t)snprintf(line, sizeof(line), "stopgap: not run: %s", name);
	for (int i = 1; i < argc && n < sizeof(line) - 80; i++)
		n += (size_t)snprintf(line + n, sizeof(line) - 64 - n, " %.200s", argv[i]);
	if (n > sizeof(line) - 65)
		n = sizeof(line) - 65;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	memcpy(line + n, end, strlen(end));
	(void)write_all(STDERR_FILENO, line, n + strlen(end));
}

/* The container's program. Ours is passed over by what it is, not by its
 * folder: the bundle may lie anywhere, even in PATH's usual places. */
static void exec_real(const char *name, char **argv)
{
	static const char *const dirs[] = { "/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
					    "/usr/bin",	       "/sbin",		 "/bin" };
	struct stat self = { 0 }, st;
	char path[256];

	(void)stat("/proc/self/exe", &self);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
		if (stat(path, &st) < 0 || (st.st_dev == self.st_dev && st.st_ino == self.st_ino))
			continue;
		(void)execv(path, argv);
	}
}

int guard_main(const char *name, int argc, char **argv)
{
	int status = 0;

	if (guard_decide(name, &argc, argv, &status) == GUARD_REFUSE) {
		say(name, argc, argv);
		return status;
	}
	exec_real(name, argv);
	return status; /* there is none: nothing runs, nothing is to be done */
}
