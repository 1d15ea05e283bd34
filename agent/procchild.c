/* procchild.c - see procchild.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "clock.h"
#include "fd.h"
#include "procchild.h"

#define TRIES	 4 /* a process that executes another program meanwhile */
#define REAP_MS	 1000
#define BATCH	 (8 * PATH_MAX)

/* ------------------------------------------------------------------ the child */

enum { CHILD_PROC = 0, CHILD_PIPE = 1 };

struct sender {
	struct procread_buffers read;
	int dir; /* of the target */
	uint32_t target;
	size_t n;
	char batch[BATCH];
};

static void flush(struct sender *s)
{
	if (write_all(CHILD_PIPE, s->batch, s->n) < 0)
		_exit(1);
	s->n = 0;
}

static void send_record(struct sender *s, struct procchild_record r, const char *text, size_t len)
{
	r.target = s->target;
	r.len = (uint32_t)len;
	if (s->n + sizeof(r) + len > sizeof(s->batch))
		flush(s);
	memcpy(s->batch + s->n, &r, sizeof(r));
	if (len)
		memcpy(s->batch + s->n + sizeof(r), text, len);
	s->n += sizeof(r) + len;
}

static void send_links(void *ctx, struct proc_links *l)
{
	struct sender *s = ctx;

	(void)procread_exe_stat(s->dir, l);
	struct procchild_record exe = { .type = REC_EXE,
					.flags = (l->exe_known ? RECORD_KNOWN : 0) | (l->data ? RECORD_DATA : 0),
					.dev = l->exe_dev,
					.ino = l->exe_ino };

	send_record(s, exe, l->exe, strlen(l->exe));
	send_record(s, (struct procchild_record){ .type = REC_CWD }, l->cwd, strlen(l->cwd));
	send_record(s, (struct procchild_record){ .type = REC_ROOT, .ino = l->ns }, l->root, strlen(l->root));
}

static void send_file(struct sender *s, bool archive, const struct mapping *m)
{
	struct procchild_record r = { .type = archive ? REC_ARCHIVE : REC_MAPPING,
				      .flags = (m->exec ? RECORD_EXEC : 0) | (m->shared ? RECORD_SHARED : 0),
				      .dev = m->dev,
				      .ino = m->ino };

	if (m->len < PATH_MAX)
		send_record(s, r, m->name, m->len);
}

static void send_mapping(void *ctx, const struct mapping *m)
{
	/* again, as data: nothing new */
	if (!m->again || m->exec)
		send_file(ctx, false, m);
}

static void send_archive(void *ctx, const struct mapping *m)
{
	send_file(ctx, true, m);
}

static enum procread send_process(struct sender *s, const struct procchild_target *t)
{
	struct procread_sink sink = { send_links, send_mapping, send_archive, s };
	struct proc_identity before, after;
	char name[32];
	enum procread how;

	(void)snprintf(name, sizeof(name), "%d", t->pid);
	cleanup_fd int dir = openat(CHILD_PROC, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || proc_identity_read(dir, &before) < 0 || before.start != t->start)
		return PROCREAD_GONE;
	cleanup_fd int thread = procread_thread(dir, t->pid, &before);
	s->dir = thread >= 0 ? thread : dir;
	how = procread_gather(s->dir, &s->read, &sink);
	if (how == PROCREAD_OK && (proc_identity_read(s->dir, &after) < 0 || !proc_identity_same(&before, &after)))
		return PROCREAD_RACED;
	return how;
}

/* No way back, and nothing that the new user's processes could use. */
static bool become(uid_t uid, gid_t gid)
{
	return setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0 &&
	       prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
}

static void only_two_descriptors(int proc, int out)
{
	/* out of the way of each other first */
	int a = fcntl(proc, F_DUPFD_CLOEXEC, 10), b = fcntl(out, F_DUPFD_CLOEXEC, 10);

	if (a < 0 || b < 0 || dup3(a, CHILD_PROC, O_CLOEXEC) < 0 || dup3(b, CHILD_PIPE, O_CLOEXEC) < 0)
		_exit(1);
	close_from(CHILD_PIPE + 1);
}

/* The handlers of the agent write to descriptors that are others here. */
static void default_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

_noreturn_ static void child(int proc, int out, uid_t uid, gid_t gid, const struct procchild_target *targets, size_t n)
{
	struct sender *s = xcalloc(1, sizeof(*s));

	only_two_descriptors(proc, out);
	default_signals();
	if (!become(uid, gid)) {
		send_record(s, (struct procchild_record){ .type = REC_REFUSED }, NULL, 0);
		flush(s);
		_exit(1);
	}
	for (size_t i = 0; i < n; i++) {
		enum procread how = PROCREAD_RACED;

		s->target = (uint32_t)i;
		for (int tries = 0; tries < TRIES && how == PROCREAD_RACED; tries++)
			how = send_process(s, &targets[i]);
		send_record(s, (struct procchild_record){ .type = REC_END, .flags = how }, NULL, 0);
	}
	flush(s);
	_exit(0);
}

/* ----------------------------------------------------------------- the parent */

struct receiver {
	const struct procchild_sink *sink;
	size_t next, n; /* the target that is told, and how many there are */
	bool telling, wanted;
	struct proc_links links;
	size_t pos, end;
	char buf[BATCH + sizeof(struct procchild_record) + PATH_MAX];
};

static const char bad_answer[] = "the process that reads for its user gave a wrong answer";

/* The text of R into a field of links. */
static void take_text(char *field, const struct procchild_record *r, const char *text)
{
	memcpy(field, text, r->len);
	field[r->len] = '\0';
}

static bool take_file(struct receiver *v, const struct procchild_record *r, const char *text)
{
	char name[PATH_MAX];
	struct mapping m = { .dev = r->dev,
			     .ino = r->ino,
			     .exec = r->flags & RECORD_EXEC,
			     .shared = r->flags & RECORD_SHARED,
			     .name = name,
			     .len = r->len };

	take_text(name, r, text);
	if (v->wanted)
		(r->type == REC_MAPPING ? v->sink->facts.mapping : v->sink->facts.archive)(v->sink->facts.ctx, &m);
	return true;
}

static void take_end(struct receiver *v, enum procread how)
{
	if (!v->telling)
		v->wanted = v->sink->begin(v->sink->ctx, v->next);
	if (v->wanted)
		v->sink->end(v->sink->ctx, v->next, how);
	v->telling = false;
	v->next++;
}

/* One whole record. False: it is wrong. */
static bool take_record(struct receiver *v, const struct procchild_record *r, const char *text)
{
	if (r->target != v->next || v->next >= v->n || memchr(text, 0, r->len))
		return false;
	switch (r->type) {
	case REC_EXE: /* opens a process; a second one: it is told again from the start */
		v->links = (struct proc_links){ .exe_known = r->flags & RECORD_KNOWN,
						.data = r->flags & RECORD_DATA,
						.exe_dev = r->dev,
						.exe_ino = r->ino };
		take_text(v->links.exe, r, text);
		v->telling = true;
		v->wanted = v->sink->begin(v->sink->ctx, v->next);
		return true;
	case REC_CWD:
		take_text(v->links.cwd, r, text);
		return v->telling;
	case REC_ROOT: /* closes the links */
		take_text(v->links.root, r, text);
		v->links.ns = r->ino;
		if (v->telling && v->wanted)
			v->sink->facts.links(v->sink->facts.ctx, &v->links);
		return v->telling;
	case REC_MAPPING:
	case REC_ARCHIVE:
		return v->telling && v->links.root[0] && take_file(v, r, text);
	case REC_END:
		if (r->flags > PROCREAD_BROKEN || (r->flags == PROCREAD_OK && (!v->telling || !v->links.root[0])))
			return false;
		take_end(v, (enum procread)r->flags);
		return true;
	default:
		return false;
	}
}

/* All whole records that have come. NULL, or why not. */
static const char *take_records(struct receiver *v)
{
	struct procchild_record r;

	while (v->end - v->pos >= sizeof(r)) {
		memcpy(&r, v->buf + v->pos, sizeof(r));
		if (r.len >= PATH_MAX)
			return bad_answer;
		if (v->end - v->pos < sizeof(r) + r.len)
			break;
		if (r.type == REC_REFUSED)
			return "its user cannot be taken on: CAP_SETUID or CAP_SETGID is missing";
		if (!take_record(v, &r, v->buf + v->pos + sizeof(r)))
			return bad_answer;
		v->pos += sizeof(r) + r.len;
	}
	memmove(v->buf, v->buf + v->pos, v->end - v->pos);
	v->end -= v->pos;
	v->pos = 0;
	return NULL;
}

static const char *receive_all(struct receiver *v, int in, uint64_t deadline)
{
	while (v->next < v->n) {
		uint64_t now = clock_ms();
		struct pollfd p = { .fd = in, .events = POLLIN };
		const char *why;
		ssize_t k;

		if (now >= deadline)
			return "the process that reads for its user took too long";
		if (poll(&p, 1, (int)(deadline - now)) < 0 && errno != EINTR)
			return bad_answer;
		if (!p.revents)
			continue;
		k = read(in, v->buf + v->end, sizeof(v->buf) - v->end);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return "the process that reads for its user was ended";
		v->end += (size_t)k;
		why = take_records(v);
		if (why)
			return why;
	}
	return NULL;
}

const char *procchild_receive(int in, size_t n, uint64_t deadline, const struct procchild_sink *sink)
{
	struct receiver *v = xcalloc(1, sizeof(*v));
	const char *why;

	v->sink = sink;
	v->n = n;
	why = receive_all(v, in, deadline);
	free(v);
	return why;
}

/* Killed, it is waited for a moment; one that hangs in the kernel stays for whoever waits next. */
static void end_child(pid_t pid)
{
	cleanup_fd int fd = pidfd_open(pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	(void)kill(pid, SIGKILL);
	if (fd >= 0)
		(void)poll(&p, 1, REAP_MS);
	(void)waitpid(pid, NULL, WNOHANG);
}

const char *procchild_read(int proc, uid_t uid, gid_t gid, const struct procchild_target *targets, size_t n,
			   uint64_t deadline, const struct procchild_sink *sink)
{
	sigset_t all, old;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return "no pipe for the process that reads for its user";
	cleanup_fd int in = ends[0], out = ends[1];
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0)
		child(proc, out, uid, gid, targets, n);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid < 0)
		return "no process could be started to read for its user";
	closep(&out);
	out = -1;
	const char *why = procchild_receive(in, n, deadline, sink);
	end_child(pid);
	return why;
}
