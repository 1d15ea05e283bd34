/* manager.c - see manager.h. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include "buf.h"
#include "fd.h"
#include "manager.h"
#include "procfacts.h"
#include "trusted.h"

#define SMALL_FILE  8192
#define DAEMONS_MAX 1000	/* OpenRC services, and records of each */

/* What a name or path may consist of to become an argument of a command. */
#define NAME_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@._:-"
#define PATH_BYTES NAME_BYTES "/+"
#define UNIT_BYTES NAME_BYTES "\\"	/* systemd's own escapes are \xHH */

static bool plain(const char *s, const char *bytes)
{
	return *s && *s != '-' && strlen(s) < 256 && s[strspn(s, bytes)] == '\0';
}

static bool plain_path(const char *s)
{
	return *s == '/' && strlen(s) < 1024 && s[strspn(s, PATH_BYTES)] == '\0' && !strstr(s, "/../");
}

static const char *base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

_printf_(2, 3) static void refuse(struct service *s, const char *fmt, ...)
{
	cleanup_buf struct buf b = { 0 };
	va_list ap;
	char text[512];

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	free(s->why_not);
	s->why_not = escape_text(text, sizeof(text));
	strv_clear(&s->restart);
	strv_clear(&s->query);
	strv_clear(&s->control);
}

/* --- files ------------------------------------------------------------- */

/* Where a link of a process leads, if that is a plain path. */
static char *read_link(const struct manager_view *w, pid_t pid, const char *name)
{
	cleanup_free char *to = procfacts_link(w->proc, pid, name);

	return to && plain_path(to) ? steal_ptr(&to) : NULL;
}

static bool is_there(const struct manager_view *w, const char *path)
{
	cleanup_free char *whole = xasprintf("%s%s", w->root, path);

	return access(whole, F_OK) == 0;
}

/* TOOL beside FILE, where only root can put it, else TOOL for PATH to find. */
static char *beside(const struct manager_view *w, const char *file, const char *tool)
{
	cleanup_free char *path = NULL;

	if (file && plain_path(file)) {
		path = xasprintf("%.*s%s", (int)(base(file) - file), file, tool);
		if (trusted_path(w->root, path))
			return steal_ptr(&path);
	}
	return xstrdup(tool);
}

/* --- supervisord ---------------------------------------------------------- */

/* The index of supervisord's first own argument, 0: this is none. */
static size_t supervisord_args(const struct strv *a)
{
	size_t i = 0;

	if (!a->n)
		return 0;
	if (starts_with(base(a->v[0]), "python")) {
		for (i = 1; i < a->n && *a->v[i] == '-'; i++)
			if (streq(a->v[i], "-m"))
				return i + 1 < a->n && starts_with(a->v[i + 1], "supervisor.supervisord") ? i + 2 : 0;
	}
	return i < a->n && streq(base(a->v[i]), "supervisord") ? i + 1 : 0;
}

/* The file that -c names, or the first of where supervisord looks; caller frees. */
static char *supervisord_file(const struct manager_view *w, pid_t pid, const struct strv *a, size_t i)
{
	static const char *const usual[] = { "%s/supervisord.conf", "%s/etc/supervisord.conf", "/etc/supervisord.conf",
					     "/etc/supervisor/supervisord.conf" };
	cleanup_free char *cwd = read_link(w, pid, "cwd");
	const char *named = NULL;

	for (; i < a->n; i++) {
		const char *v = a->v[i], *next = i + 1 < a->n ? a->v[i + 1] : NULL;

		if (streq(v, "-c") || streq(v, "--configuration"))
			named = next;
		else if (starts_with(v, "--configuration="))
			named = v + strlen("--configuration=");
		else if (starts_with(v, "-c"))
			named = v + 2;
	}
	if (named && *named == '/')
		return xstrdup(named);
	if (named)
		return cwd ? xasprintf("%s/%s", streq(cwd, "/") ? "" : cwd, named) : NULL;
	for (size_t k = 0; k < ARRAY_SIZE(usual); k++) {
		bool relative = *usual[k] == '%';

		if (relative && !cwd)
			continue;
		cleanup_free char *path = relative ? xasprintf("%s%s", streq(cwd, "/") ? "" : cwd, usual[k] + 2) :
						     xstrdup(usual[k]);
		if (is_there(w, path))
			return steal_ptr(&path);
	}
	return NULL;
}

static bool supervisord(const struct manager_view *w, const struct proc_node *parent, struct service *s)
{
	cleanup_strv struct strv a = { 0 };
	cleanup_free char *file = NULL;
	size_t i;

	procfacts_args(w->proc, parent->pid, &a);
	i = supervisord_args(&a);
	if (!i)
		return false;
	s->kind = SERVICE_SUPERVISORD;
	file = supervisord_file(w, parent->pid, &a, i);
	if (!file) {
		refuse(s, "supervisord's configuration file was not found");
	} else if (!plain_path(file) || !trusted_path(w->root, file)) {
		/* supervisorctl imports the modules that this file names */
		refuse(s, "'%s' can be changed by others than root", file);
	} else {
		strv_take(&s->control, beside(w, a.v[i - 1], "supervisorctl"));
		strv_push(&s->control, "-c");
		strv_push(&s->control, file);
		strv_copy(&s->query, &s->control);
		strv_push(&s->query, "status");
	}
	return true;
}

char *service_supervisord_name(const char *status, pid_t pid)
{
	cleanup_free char *text = xstrdup(status), *want = xasprintf(" pid %d,", (int)pid);
	char *next = text;

	for (char *line; (line = strsep(&next, "\n"));) {
		size_t n = strcspn(line, " \t\r");

		if (!n || !line[n] || !strstr(line + n, want))
			continue;
		line[n] = '\0';
		return plain(line, NAME_BYTES) ? xstrdup(line) : NULL;
	}
	return NULL;
}

/* --- s6, runit: a folder for each service ----------------------------------- */

/* The service's folder, S's name from it; NULL with why_not. */
static char *service_folder(const struct manager_view *w, const struct proc_node *parent, struct service *s)
{
	cleanup_free char *dir = read_link(w, parent->pid, "cwd");
	cleanup_free char *inner = dir ? xasprintf("%s/supervise", dir) : NULL;

	if (!dir || !plain(base(dir), NAME_BYTES)) {
		refuse(s, "the service folder of pid %d is not known, or its name is not plain", (int)parent->pid);
		return NULL;
	}
	free(s->name);
	s->name = xstrdup(base(dir));
	/* the tool opens a FIFO in there for writing, and follows links */
	if (!trusted_path(w->root, inner)) {
		refuse(s, "'%s' can be changed by others than root", inner);
		return NULL;
	}
	return steal_ptr(&dir);
}

static void s6(const struct manager_view *w, const struct proc_node *parent, struct service *s)
{
	cleanup_free char *dir = service_folder(w, parent, s), *exe = read_link(w, parent->pid, "exe");
	static const char *const options[] = { "-wr", "-T", "20000", "-r" };

	s->kind = SERVICE_S6;
	if (!dir)
		return;
	strv_take(&s->restart, beside(w, exe, "s6-svc"));
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		strv_push(&s->restart, options[i]);
	strv_push(&s->restart, dir);
}

/* Does FOLDER/supervise/pid say PID? */
static bool runs_in(const struct manager_view *w, const char *folder, pid_t pid)
{
	cleanup_free char *path = xasprintf("%s%s/supervise/pid", w->root, folder);
	cleanup_buf struct buf b = { 0 };
	struct err ignored = ERR_INIT;
	uint64_t n;

	if (read_file(path, 32, &b, &ignored) < 0 || !b.n)
		return false;
	b.s[strcspn(b.s, "\n")] = '\0';
	return parse_u64(b.s, INT32_MAX, &n) == 0 && (pid_t)n == pid;
}

/* runsv has two children: the service, and its logger in FOLDER/log. */
static void runit(const struct manager_view *w, const struct proc_node *parent, const struct proc_node *main,
		  struct service *s)
{
	cleanup_free char *dir = service_folder(w, parent, s), *exe = read_link(w, parent->pid, "exe");
	cleanup_free char *log = dir ? xasprintf("%s/log", dir) : NULL;

	s->kind = SERVICE_RUNIT;
	if (!dir)
		return;
	bool logger = runs_in(w, log, main->pid);
	if (logger) {
		free(s->name);
		s->name = xasprintf("%s/log", base(dir));
	}
	strv_take(&s->restart, beside(w, exe, "sv"));
	strv_push(&s->restart, "-w");
	strv_push(&s->restart, "20");
	strv_push(&s->restart, "restart");
	strv_push(&s->restart, logger ? log : dir);
}

/* --- OpenRC ------------------------------------------------------------- */

static void rc_service(struct service *s, const char *name)
{
	s->kind = SERVICE_OPENRC;
	free(s->name);
	s->name = xstrdup(name);
	strv_push(&s->restart, "rc-service");
	strv_push(&s->restart, name);
	strv_push(&s->restart, "restart");
}

static void supervise_daemon(const struct manager_view *w, const struct proc_node *parent, struct service *s)
{
	cleanup_strv struct strv a = { 0 };

	procfacts_args(w->proc, parent->pid, &a);
	s->kind = SERVICE_OPENRC;
	if (a.n > 1 && plain(a.v[1], NAME_BYTES))
		rc_service(s, a.v[1]);
	else
		refuse(s, "supervise-daemon, pid %d, shows no service name", (int)parent->pid);
}

/* Does FILE, which root alone can change, hold PID? */
static bool pid_in(const struct manager_view *w, const char *file, pid_t pid)
{
	cleanup_free char *path = xasprintf("%s%s", w->root, file);
	cleanup_buf struct buf b = { 0 };
	struct err ignored = ERR_INIT;
	uint64_t n;

	if (!plain_path(file) || !trusted_path(w->root, file) || read_file(path, 64, &b, &ignored) < 0 || !b.n)
		return false;
	b.s[strcspn(b.s, " \n")] = '\0';
	return parse_u64(b.s, INT32_MAX, &n) == 0 && (pid_t)n == pid;
}

/* A record of start-stop-daemon, RECORD, names its pidfile in one of its lines. */
static bool recorded(const struct manager_view *w, const char *folder, const char *record, pid_t pid)
{
	cleanup_free char *path = xasprintf("%s/%s", folder, record);
	cleanup_buf struct buf b = { 0 };
	struct err ignored = ERR_INIT;
	char *next;

	if (*record == '.' || read_file(path, SMALL_FILE, &b, &ignored) < 0 || !b.n)
		return false;
	next = b.s;
	for (char *line; (line = strsep(&next, "\n"));)
		if (starts_with(line, "pidfile="))
			return pid_in(w, line + strlen("pidfile="), pid);
	return false;
}

/* Was PID started as service NAME? /run/openrc/daemons/NAME has the records of
 * OpenRC's own start-stop-daemon; Debian's makes none, and its scripts write
 * /run/NAME.pid. */
static bool started_as(const struct manager_view *w, const char *name, pid_t pid)
{
	cleanup_free char *folder = xasprintf("%s/run/openrc/daemons/%s", w->root, name);
	cleanup_free char *usual = xasprintf("/run/%s.pid", name);
	DIR *d = opendir(folder);
	bool found = pid_in(w, usual, pid);
	struct dirent *e;

	for (int i = 0; d && !found && i < DAEMONS_MAX && (e = readdir(d)); i++)
		found = recorded(w, folder, e->d_name, pid);
	if (d)
		(void)closedir(d);
	return found;
}

bool manager_openrc(const struct manager_view *w, const struct proc_node *top, struct service *ret)
{
	cleanup_free char *folder = xasprintf("%s/run/openrc/started", w->root);
	DIR *d = trusted_path(w->root, "/run/openrc/started") ? opendir(folder) : NULL;
	bool found = false;
	struct dirent *e;

	for (int i = 0; d && !found && i < DAEMONS_MAX && (e = readdir(d)); i++) {
		found = *e->d_name != '.' && plain(e->d_name, NAME_BYTES) && started_as(w, e->d_name, top->pid);
		if (found)
			rc_service(ret, e->d_name);
	}
	if (d)
		(void)closedir(d);
	return found;
}

/* --- systemd -------------------------------------------------------------- */

/* The path of a process in systemd's own hierarchy; caller frees. */
static char *cgroup_path(const struct manager_view *w, pid_t pid)
{
	cleanup_buf struct buf b = { 0 };
	char *next, *found = NULL;

	if (procfacts_file(w->proc, pid, "cgroup", 65536, &b) < 0 || !b.n)
		return NULL;
	next = b.s;
	for (char *line; (line = strsep(&next, "\n"));) {
		if (starts_with(line, "0::") && !found)
			found = xstrdup(line + 3);
		const char *v1 = strstr(line, ":name=systemd:");
		if (v1) {
			free(found);
			found = xstrdup(v1 + strlen(":name=systemd:"));
		}
	}
	return found;
}

bool manager_systemd(const struct manager_view *w, const struct proc_node *init, const struct proc_node *p,
		     struct service *ret)
{
	cleanup_free char *top = NULL, *path = NULL;
	size_t n;

	if ((!streq(init->comm, "systemd") && !streq(init->comm, "init")) || !is_there(w, "/run/systemd/system"))
		return false;
	ret->kind = SERVICE_SYSTEMD;
	top = cgroup_path(w, init->pid);
	path = cgroup_path(w, p->pid);
	if (!top || !path || !procfacts_same(w->proc, p->pid, p->start)) {
		refuse(ret, "its cgroup cannot be read");
		return true;
	}
	if (p->pid == init->pid) {
		free(ret->name);
		ret->name = xstrdup("systemd");
		strv_push(&ret->restart, "systemctl");
		strv_push(&ret->restart, "daemon-reexec");
		return true;
	}
	/* systemd's own path is what the container has above it, and init.scope */
	if (ends_with(top, "/init.scope"))
		top[strlen(top) - strlen("/init.scope")] = '\0';
	n = streq(top, "/") ? 0 : strlen(top);
	char *rest = strncmp(path, top, n) == 0 ? path + n : path, *part;
	while ((part = strsep(&rest, "/")) && !ends_with(part, ".service") && !ends_with(part, ".scope"))
		;
	if (!part || !ends_with(part, ".service") || !plain(part, UNIT_BYTES)) {
		refuse(ret, "it belongs to no systemd service%s%s", part ? " but to " : "", strna(part));
		return true;
	}
	free(ret->name);
	ret->name = xstrdup(part);
	static const char *const words[] = { "systemctl", "--no-ask-password", "--no-pager", "restart", "--" };
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		strv_push(&ret->restart, words[i]);
	strv_push(&ret->restart, part);
	return true;
}

/* --- who supervises ----------------------------------------------------------- */

bool manager_of(const struct manager_view *w, const struct proc_node *parent, const struct proc_node *main,
		struct service *ret)
{
	if (streq(parent->comm, "s6-supervise"))
		ret->kind = SERVICE_S6;
	else if (streq(parent->comm, "runsv"))
		ret->kind = SERVICE_RUNIT;
	else if (streq(parent->comm, "supervise-daemo")) /* a name has 15 bytes */
		ret->kind = SERVICE_OPENRC;
	else if (!supervisord(w, parent, ret))
		return false;
	if (!procfacts_by_root(w->proc, parent->pid) || !procfacts_same(w->proc, parent->pid, parent->start)) {
		refuse(ret, "its supervisor, pid %d, does not run as root", (int)parent->pid);
		return true;
	}
	if (ret->kind == SERVICE_S6)
		s6(w, parent, ret);
	else if (ret->kind == SERVICE_RUNIT)
		runit(w, parent, main, ret);
	else if (ret->kind == SERVICE_OPENRC)
		supervise_daemon(w, parent, ret);
	return true;
}
