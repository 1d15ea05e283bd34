/* procjudge.c - see procjudge.h. */
#include <fcntl.h>
#include <limits.h>
#include "buf.h"
#include "interp.h"
#include "procjudge.h"

#define ARGS_WORDS_MAX 4096

void scan_process_reset(struct scan_process *p)
{
	for (size_t i = 0; i < p->n_reasons; i++)
		free(p->reasons[i].file);
	free(p->reasons);
	free(p->exe);
	free(p->cmdline);
	strv_clear(&p->scripts);
	p->reasons = NULL;
	p->n_reasons = 0;
	p->exe = p->cmdline = NULL;
	p->unreadable = NULL;
	p->ns = false;
}

void judge_begin(struct judge *j, struct scan_process *p, int dir)
{
	scan_process_reset(p);
	j->p = p;
	j->dir = dir;
	j->links = NULL;
	j->exe_seen = j->unnamed = false;
	j->n_seen = 0;
	j->last = -1;
	j->mark++;
}

void judge_links(void *judge, struct proc_links *l)
{
	struct judge *j = judge;

	j->links = l;
	j->root_len = streq(l->root, "/") ? 0 : strlen(l->root);
	j->own = l->ns && (l->ns == j->own_ns[0] || l->ns == j->own_ns[1]);
	j->base = proc_files_base(&j->files, j->dir, l, j->own && !j->options->recorded);
	j->p->ns = j->root_len || (l->ns && !j->own);
}

/* A path as the kernel shows it to us, as the process sees it: without its root. */
static const char *in_view(const struct judge *j, const char *path, size_t *len)
{
	if (!j->root_len || *len <= j->root_len || memcmp(path, j->links->root, j->root_len) != 0 ||
	    path[j->root_len] != '/')
		return path;
	*len -= j->root_len;
	return path + j->root_len;
}

static void add_reason(struct scan_process *p, enum scan_evidence e, const char *file, size_t len)
{
	if (p->n_reasons == PROCSCAN_REASONS_MAX)
		return;
	for (size_t i = 0; i < p->n_reasons; i++)
		if (strlen(p->reasons[i].file) == len && memcmp(p->reasons[i].file, file, len) == 0)
			return;
	if ((p->n_reasons & (p->n_reasons - 1)) == 0)
		p->reasons = xrealloc(p->reasons, p->n_reasons ? p->n_reasons * 2 : 1, sizeof(*p->reasons));
	p->reasons[p->n_reasons++] = (struct scan_reason){ .evidence = e, .file = xstrndup(file, len) };
}

void procscan_add_reason(struct scan_process *p, enum scan_evidence e, const char *file)
{
	add_reason(p, e, file, strlen(file));
}

static void accuse(struct judge *j, const char *name, size_t len, bool exe, bool code)
{
	const char *path = in_view(j, name, &len);

	add_reason(j->p, exe ? SCAN_EXECUTABLE : code ? SCAN_LIBRARY : SCAN_FILE, path, len);
}

/* Remember a file that counts. Returns its place, -1: no room, it was judged at once. */
static int see(struct judge *j, const struct mapping *m, bool exe, bool code)
{
	int file = proc_files_get(&j->files, j->base, m);
	struct proc_file one, *f;

	if (file < 0) {
		proc_files_judge(&j->files, j->base, m, &one);
		if (one.stale)
			accuse(j, m->name, one.len, exe, code);
		return -1;
	}
	f = &j->files.v[file];
	if (f->mark != j->mark) {
		if ((j->n_seen & (j->n_seen - 1)) == 0)
			j->seen = xrealloc(j->seen, j->n_seen ? j->n_seen * 2 : 1, sizeof(*j->seen));
		f->mark = j->mark;
		f->slot = (uint32_t)j->n_seen++;
		j->seen[f->slot] = (struct judge_seen){ .file = (uint32_t)file };
	}
	j->seen[f->slot].exe |= exe;
	j->seen[f->slot].code |= code;
	return (int)f->slot;
}

/* Does a mapping at PLACE say which code runs? A shared executable mapping is no
 * library (the loader maps those privately) but a JIT's. */
static bool counts(enum proc_place place, bool exe, bool code, bool data)
{
	switch (place) {
	case PLACE_SYSTEM:
		return exe || code || data;
	case PLACE_ROOT:
		return exe;
	case PLACE_OTHER:
		return exe || code;
	case PLACE_NONE:
		break;
	}
	return false;
}

void judge_mapping(void *judge, const struct mapping *m)
{
	struct judge *j = judge;
	bool code = m->exec && !m->shared, exe;
	size_t len = m->len;
	const char *path;

	if (m->again && j->last >= 0) {
		j->seen[j->last].code |= code;
		return;
	}
	if (m->again && !code)
		return;
	j->last = -1;
	if (!len) {
		j->unnamed = true;
		return;
	}
	exe = streq(m->name, j->links->exe);
	path = in_view(j, m->name, &len);
	if (exe)
		j->exe_seen = true;
	if (counts(proc_place(path, len), exe, code, j->links->data))
		j->last = see(j, m, exe, code);
}

void judge_archive(void *judge, const struct mapping *m)
{
	struct judge *j = judge;
	size_t len = m->len;
	const char *path = in_view(j, m->name, &len);

	int at = proc_place(path, len) == PLACE_NONE ? -1 : see(j, m, false, false);
	if (at >= 0)
		j->seen[at].archive = true;
}

/* A program that maps no part of its own file any more. */
static void judge_exe(struct judge *j)
{
	struct proc_links *l = j->links;
	size_t len = strlen(l->exe);
	const char *path = in_view(j, l->exe, &len);

	if (j->exe_seen || proc_place(path, len) == PLACE_NONE)
		return;
	if (!l->exe_known && (j->options->recorded || procread_exe_stat(j->dir, l) < 0))
		return;
	(void)see(j, &(struct mapping){ .dev = l->exe_dev, .ino = l->exe_ino, .name = l->exe, .len = strlen(l->exe) },
		  true, true);
}

static void list_running(struct judge *j, struct proc_file *f)
{
	if (f->listed || !j->own || j->root_len || j->running->n >= PROCSCAN_RUNNING_MAX)
		return;
	f->listed = true;
	strv_take(j->running, f->literal ? proc_file_literal(f->name) : xstrndup(f->name, f->len));
}

/* NAME + " " for each word, in place of the zeros; ARGV gets the words. */
static size_t read_words(struct judge *j, char **argv, size_t max)
{
	cleanup_fd int fd = openat(j->dir, "cmdline", O_RDONLY | O_CLOEXEC);
	size_t n = 0, argc = 0;
	ssize_t k;

	if (!j->args)
		j->args = xmalloc(PROCSCAN_ARGS_MAX);
	while (fd >= 0 && n < PROCSCAN_ARGS_MAX - 1 && (k = read(fd, j->args + n, PROCSCAN_ARGS_MAX - 1 - n)) > 0)
		n += (size_t)k;
	j->args[n] = '\0';
	for (size_t i = 0; i < n && argc < max; i += strlen(j->args + i) + 1)
		argv[argc++] = j->args + i;
	return argc;
}

void judge_cmdline(struct judge *j)
{
	char *argv[ARGS_WORDS_MAX];
	size_t argc = read_words(j, argv, ARRAY_SIZE(argv));
	struct buf b = { 0 };

	for (size_t i = 0; i < argc && b.n < PROCSCAN_CMDLINE_MAX; i++) {
		if (i)
			buf_putc(&b, ' ');
		buf_append(&b, argv[i], strnlen(argv[i], PROCSCAN_CMDLINE_MAX - b.n));
	}
	j->p->cmdline = buf_steal(&b);
}

/* "/a/./b//c/../d" → "/a/b/d", in place. */
static void tidy_path(char *path)
{
	char *out = path, *p = path;

	while (*p) {
		size_t n;

		p += strspn(p, "/");
		n = strcspn(p, "/");
		if (n == 2 && memcmp(p, "..", 2) == 0) {
			while (out > path && *--out != '/')
				;
		} else if (n && !(n == 1 && *p == '.')) {
			*out++ = '/';
			memmove(out, p, n);
			out += n;
		}
		p += n;
	}
	if (out == path)
		*out++ = '/';
	*out = '\0';
}

/* PATH + SUFFIX, in the process's view: a regular file that is there? Then it is one of its scripts. */
static bool add_script(struct judge *j, const char *path, const char *suffix)
{
	cleanup_free char *file = xasprintf("%s%s", path, suffix);
	struct stat st;

	tidy_path(file);
	cleanup_free char *full = xasprintf("%s%s", j->root_len ? j->links->root : "", file);
	if (j->p->scripts.n >= PROCSCAN_SCRIPTS_MAX || proc_files_stat(&j->files, j->base, full, &st) < 0 ||
	    !S_ISREG(st.st_mode))
		return false;
	if (!strv_contains(&j->p->scripts, file))
		strv_push(&j->p->scripts, file);
	return true;
}

/* As the interpreters complete what they are given. */
static void find_script(struct judge *j, enum interp kind, const char *file)
{
	const char *cwd = j->links->cwd;
	size_t len = strlen(cwd);

	if (file[0] != '/' && cwd[0] != '/')
		return;
	cleanup_free char *path = file[0] == '/' ? xstrdup(file) : xasprintf("%s/%s", in_view(j, cwd, &len), file);
	if (add_script(j, path, ""))
		return;
	if (kind == INTERP_NODE)
		(void)(add_script(j, path, ".js") || add_script(j, path, "/index.js"));
	else if (kind == INTERP_PYTHON)
		(void)add_script(j, path, "/__main__.py");
}

/* python -m NAME: where packages put modules; nothing is asked of python. */
static void find_module(struct judge *j, const char *program, const char *module)
{
	static const char *const folders[] = {
		"/usr/lib/python3/dist-packages", "/usr/local/lib/%s/dist-packages", "/usr/lib/%s",
		"/usr/lib/%s/site-packages",	  "/usr/lib64/%s/site-packages",     "/usr/local/lib/%s/site-packages"
	};
	cleanup_free char *name = xstrdup(module);

	if (!*name)
		return;
	for (char *s = name; *s; s++)
		if (*s == '.')
			*s = '/';
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		const char *at = strstr(folders[i], "%s");
		size_t n = at ? (size_t)(at - folders[i]) : strlen(folders[i]);
		cleanup_free char *path =
			xasprintf("%.*s%s%s/%s", (int)n, folders[i], at ? program : "", at ? at + 2 : "", name);

		if (add_script(j, path, "/__main__.py") || add_script(j, path, ".py"))
			return;
	}
}

static void find_scripts(struct judge *j, enum interp kind, const char *program)
{
	char *argv[ARGS_WORDS_MAX];
	size_t argc = read_words(j, argv, ARRAY_SIZE(argv));
	struct interp_code code = { 0 };

	interp_code(kind, argv, argc, &code);
	for (size_t i = 0; i < code.files.n; i++)
		find_script(j, kind, code.files.v[i]);
	if (code.module)
		find_module(j, program, code.module);
	interp_code_clear(&code);
}

/* Each file once: an accusation, a file that runs, or an archive. Returns the length of the program's path. */
static size_t weigh_files(struct judge *j)
{
	size_t exe_len = strlen(j->links->exe), len;

	for (size_t i = 0; i < j->n_seen; i++) {
		const struct judge_seen *seen = &j->seen[i];
		struct proc_file *f = &j->files.v[seen->file];

		len = f->len;
		if (seen->exe)
			exe_len = len;
		if (f->stale)
			accuse(j, f->name, len, seen->exe, seen->code);
		else if (seen->exe || seen->code)
			list_running(j, f);
		else if (seen->archive)
			(void)add_script(j, in_view(j, f->name, &len), "");
	}
	return exe_len;
}

/* Is NAME (no path) the same file as EXE, in its folder? */
static char *alias(const struct judge *j, const char *exe, const char *name)
{
	const char *root = j->root_len ? j->links->root : "", *slash = strrchr(exe, '/');
	struct stat a, b;

	if (!slash || !*name || streq(name, "..") || streq(name, slash + 1))
		return NULL;
	cleanup_free char *other = xasprintf("%.*s/%s", (int)(slash - exe), exe, name);
	cleanup_free char *full = xasprintf("%s%s", root, exe), *full_other = xasprintf("%s%s", root, other);
	if (proc_files_stat(&j->files, j->base, full, &a) < 0 ||
	    proc_files_stat(&j->files, j->base, full_other, &b) < 0 || a.st_dev != b.st_dev || a.st_ino != b.st_ino)
		return NULL;
	return steal_ptr(&other);
}

/* A program with several names (Debian's redis-server is a link to redis-check-rdb, busybox is everything) is called
 * by the one it was started with. The command line is the process's to write: it only chooses among those. */
static void name_program(struct judge *j)
{
	const char *word = strna(j->p->cmdline), *end = word + strcspn(word, " "), *base = end;

	while (base > word && base[-1] != '/')
		base--;
	cleanup_free char *name = xstrndup(base, (size_t)(end - base));
	char *other = alias(j, j->p->exe, name);
	if (other) {
		free(j->p->exe);
		j->p->exe = other;
	}
}

void judge_end(struct judge *j)
{
	char program[NAME_MAX + 1];
	size_t exe_len;
	enum interp kind;

	judge_exe(j);
	exe_len = weigh_files(j);
	procread_base_name(j->links->exe, program);
	kind = interp_of(program);
	if (kind != INTERP_NONE)
		find_scripts(j, kind, program);
	if (j->unnamed && !j->p->n_reasons)
		j->p->unreadable = "it maps a file whose path is too long to be looked up";
	if (!j->p->n_reasons && !j->p->scripts.n && !j->p->unreadable)
		return;
	const char *exe = in_view(j, j->links->exe, &exe_len);
	j->p->exe = xstrndup(exe, exe_len);
	judge_cmdline(j);
	name_program(j);
}

void judge_clear(struct judge *j)
{
	proc_files_clear(&j->files);
	free(j->seen);
	free(j->args);
	*j = (struct judge){ 0 };
}
