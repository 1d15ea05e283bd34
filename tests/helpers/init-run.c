/* init-run [OPTION…] -- CMD ARG…   PID 1 as `stopgap run` has it, with an updater that plays a script.
 *
 *   -g -s -p SIGNAL --user U --rewrite F:T --remap F:T --before SECONDS   as stopgap run
 *   --pause MS         at most so long before the next updater
 *   --do "WORD…;…"     what each updater does when it starts ("settings;ready" by default)
 *   --first "WORD…;…"  what the first one does instead
 *   --dir DIR          the updater writes to DIR/log what PID 1 says, one line each, and its pid to DIR/pid; it reads
 *                      further words from the FIFO DIR/in
 *
 * Words of the script: settings [KEY=VALUE…] (ms; defaults are PID 1's) · ready · failed N · restart ID · garbage · short ·
 * exit N · crash · wait MS · deaf (STOP is not obeyed) · slow MS (STOP is obeyed so much later) · spawn CMD (a shell's)
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "clock.h"
#include "fd.h"
#include "init.h"
#include "initlink.h"
#include "log.h"
#include "value.h"

static const char *script = "settings;ready", *first, *dir;

struct updater {
	int link, log;
	bool deaf;
	int slow;
};

static void say(const struct updater *u, const char *fmt, ...) _printf_(2, 3);
static void say(const struct updater *u, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (u->log >= 0 && n > 0)
		(void)write_all(u->log, line, (size_t)n);
}

static void hold(int ms)
{
	(void)poll(NULL, 0, ms);
}

static void settings(struct initlink_settings *s, char *words)
{
	*s = (struct initlink_settings){ SIGTERM, 10000, 8000, 60000, 3, 3600 };
	for (char *w; (w = strsep(&words, " "));) {
		char *v = strchr(w, '=');

		if (!v)
			continue;
		*v++ = '\0';
		uint32_t n = (uint32_t)strtoul(v, NULL, 10);
		if (streq(w, "signal"))
			s->stop_signal = (int32_t)strtol(v, NULL, 10);
		else if (streq(w, "timeout"))
			s->stop_timeout = n;
		else if (streq(w, "grace"))
			s->shutdown_grace = n;
		else if (streq(w, "before"))
			s->before_start = n;
		else if (streq(w, "count"))
			s->budget_count = n;
		else if (streq(w, "period"))
			s->budget_period = n;
	}
}

static void spawn(const char *command)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
}

static void obey(struct updater *u, char *word)
{
	struct initlink_message m = { 0 };
	char *arg;

	word += strspn(word, " ");
	arg = word + strcspn(word, " ");
	if (*arg)
		*arg++ = '\0';
	long n = strtol(arg, NULL, 10);
	if (streq(word, "settings")) {
		m.type = INITLINK_SETTINGS;
		settings(&m.settings, arg);
	} else if (streq(word, "ready")) {
		m.type = INITLINK_READY;
	} else if (streq(word, "failed")) {
		m.type = INITLINK_FAILED;
		m.failed.status = (int32_t)n;
	} else if (streq(word, "restart")) {
		m.type = INITLINK_RESTART;
		m.id = (uint32_t)n;
		m.restart.reason = 7;
	} else if (streq(word, "garbage")) {
		m.type = 77;
	} else if (streq(word, "short")) {
		(void)send(u->link, "x", 1, MSG_NOSIGNAL);
	} else if (streq(word, "exit")) {
		_exit((int)n);
	} else if (streq(word, "crash")) {
		(void)raise(SIGSEGV);
	} else if (streq(word, "wait")) {
		hold((int)n);
	} else if (streq(word, "deaf")) {
		u->deaf = true;
	} else if (streq(word, "slow")) {
		u->slow = (int)n;
	} else if (streq(word, "spawn")) {
		spawn(arg);
	}
	if (m.type)
		(void)send(u->link, &m, sizeof(m), MSG_NOSIGNAL);
}

static void obey_all(struct updater *u, const char *text, const char *separators)
{
	char copy[1024];
	char *p = copy;

	(void)snprintf(copy, sizeof(copy), "%s", text);
	for (char *w; (w = strsep(&p, separators));)
		if (*w)
			obey(u, w);
}

static void heard(struct updater *u, const struct initlink_message *m)
{
	static const char *const states[] = { "waiting", "running", "restarting", "gone" };
	static const char *const outcomes[] = { "ok", "refused_budget", "died_again", "busy", "stopped" };

	switch (m->type) {
	case INITLINK_CHILD:
		say(u, "child pid=%d start=%llu state=%s restarts=%u\n", m->child.pid,
		    (unsigned long long)m->child.start, states[m->child.state], m->child.restarts);
		break;
	case INITLINK_DEADLINE:
		say(u, "deadline\n");
		break;
	case INITLINK_RESTARTED:
		say(u, "restarted id=%u %s reason=%u gap=%u pid=%d left=%u status=%d last=%u\n", m->id,
		    outcomes[m->restarted.outcome], m->restarted.reason, m->restarted.gap, m->restarted.pid,
		    m->restarted.left, m->restarted.status, m->restarted.last);
		break;
	case INITLINK_STOP:
		say(u, "stop grace=%u\n", m->stop.grace);
		if (u->deaf)
			break;
		hold(u->slow);
		say(u, "bye\n");
		_exit(0);
	}
}

static int updater(int link, void *arg _unused_)
{
	struct updater u = { .link = link, .log = -1 };
	char path[256], words[1024];
	int in = -1;
	struct stat st;

	if (dir) {
		(void)snprintf(path, sizeof(path), "%s/log", dir);
		u.log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		(void)snprintf(path, sizeof(path), "%s/in", dir);
		in = open(path, O_RDWR | O_CLOEXEC);	/* for writing too: it never ends */
		(void)snprintf(path, sizeof(path), "%s/first", dir);
		if (first && stat(path, &st) < 0) {
			(void)close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
			script = first;
		}
		(void)snprintf(path, sizeof(path), "%s/pid", dir);
		(void)unlink(path);
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		(void)dprintf(fd, "%d\n", (int)getpid());
		(void)close(fd);
	}
	say(&u, "updater pid=%d\n", (int)getpid());
	obey_all(&u, script, ";");
	for (;;) {
		struct pollfd p[] = { { .fd = link, .events = POLLIN }, { .fd = in, .events = POLLIN } };
		struct initlink_message m;
		int n;

		(void)poll(p, ARRAY_SIZE(p), -1);
		while ((n = initlink_recv(link, false, &m)) > 0)
			heard(&u, &m);
		if (n < 0)
			return 0;
		if (p[1].revents & POLLIN) {
			ssize_t k = read(in, words, sizeof(words) - 1);

			words[k > 0 ? k : 0] = '\0';
			obey_all(&u, words, ";\n");
		}
	}
}

static int usage(const struct err *err)
{
	if (err->code != CODE_OK)
		log_err(LOG_ERROR, err);
	return 2;
}

int main(int argc, char **argv)
{
	struct init_options o = INIT_OPTIONS;
	struct err err = ERR_INIT;
	int i = 1;

	log_setup("init-run", LOG_NOTICE, LOG_TEXT);
	for (; i < argc && argv[i][0] == '-'; i++) {
		const char *a = argv[i];

		if (streq(a, "--")) {
			i++;
			break;
		}
		if (streq(a, "-g"))
			o.group = true;
		else if (streq(a, "-s"))
			o.subreaper = true;
		else if (++i == argc)
			return usage(&err);
		else if (streq(a, "-p")) {
			if (value_signal(argv[i], &o.parent_death) < 0)
				return usage(&err);
		} else if (streq(a, "--user"))
			o.user = argv[i];
		else if (streq(a, "--rewrite")) {
			if (init_options_rewrite(&o, argv[i], &err) < 0)
				return usage(&err);
		} else if (streq(a, "--remap")) {
			if (init_options_remap(&o, argv[i], &err) < 0)
				return usage(&err);
		} else if (streq(a, "--before"))
			o.before_start = strtol(argv[i], NULL, 10);
		else if (streq(a, "--pause"))
			o.updater_pause = (uint32_t)strtoul(argv[i], NULL, 10);
		else if (streq(a, "--do"))
			script = argv[i];
		else if (streq(a, "--first"))
			first = argv[i];
		else if (streq(a, "--dir"))
			dir = argv[i];
		else
			return usage(&err);
	}
	o.argv = argv + i;
	if (i == argc)
		return usage(&err);
	return init_main(&o, updater, NULL);
}
