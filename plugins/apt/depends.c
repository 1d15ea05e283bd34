/* depends.c - see depends.h. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "depends.h"
#include "dpkg.h"
#include "fd.h"

#define FIELD_MAX 65536

/* One alternative, NAME[:ARCH] [(OP VERSION)]. Architecture and profile lists
 * are resolved when a binary package is built. */
struct alternative {
	const char *name;
	char op[3]; /* "" when any version does */
	const char *version;
};

/* Cuts S into strings in place. */
static struct alternative parse_alternative(char *s)
{
	struct alternative a = { .version = "" };
	char *name = s + strspn(s, " \t\n\r");
	char *end = name + strcspn(name, ": \t\n\r(["), *paren = strchr(end, '(');

	a.name = name;
	if (paren) {
		char *op = paren + 1 + strspn(paren + 1, " ");
		size_t n = strspn(op, "<>=");
		char *version = op + n + strspn(op + n, " ");

		memcpy(a.op, op, n < 3 ? n : 2);
		version[strcspn(version, " )")] = '\0';
		a.version = version;
	}
	*end = '\0';
	return a;
}

static bool version_fits(const struct alternative *a, const char *version)
{
	int d;

	if (!a->op[0])
		return true;
	d = dpkg_compare(version, a->version);
	if (streq(a->op, "<<"))
		return d < 0;
	if (streq(a->op, ">>"))
		return d > 0;
	if (streq(a->op, "="))
		return d == 0;
	return a->op[0] == '<' ? d <= 0 : d >= 0;
}

static bool met(const struct alternative *a, const struct depends_view *view)
{
	const char *coming = view->coming(a->name, view->ctx);
	const struct dpkgdb_package *p;
	bool failed = view->failed(a->name, view->ctx);

	if (coming && !failed)
		return version_fits(a, coming);
	p = dpkgdb_find(view->db, a->name, NULL);
	if (!p || p->status < (failed ? DPKGDB_TRIGGERS_AWAITED : DPKGDB_UNPACKED))
		return false;
	return version_fits(a, p->version);
}

char *depends_unmet(const char *field, const struct depends_view *view)
{
	cleanup_free char *text = xstrdup(field);
	char *save = NULL, *save_group = NULL;

	for (char *g = strtok_r(text, ",", &save); g; g = strtok_r(NULL, ",", &save)) {
		cleanup_free char *group = xstrdup(g + strspn(g, " \t\n"));
		bool names_failed = false, is_met = false;

		for (char *s = strtok_r(g, "|", &save_group); s; s = strtok_r(NULL, "|", &save_group)) {
			struct alternative a = parse_alternative(s);

			names_failed |= view->failed(a.name, view->ctx);
			is_met |= met(&a, view);
		}
		if (names_failed && !is_met)
			return steal_ptr(&group);
	}
	return NULL;
}

/* dpkg prints "Pre-Depends: ..." and "Depends: ...", continued lines indented. */
static char *join_fields(char *text)
{
	cleanup_buf struct buf out = { 0 };
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *colon = strchr(line, ':');

		if (*line != ' ' && colon) {
			if (out.n)
				buf_putc(&out, ',');
			line = colon + 1;
		}
		buf_puts(&out, line);
	}
	return out.n ? buf_steal(&out) : xstrdup("");
}

char *depends_of_deb(const char *path)
{
	cleanup_fd int out = memfd_create("depends", MFD_CLOEXEC);
	char text[FIELD_MAX + 1];
	ssize_t n;
	int ws;

	pid_t pid = out < 0 ? -1 : fork();
	if (pid == 0) {
		char *const env[] = { NULL };
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(null, 2) < 0)
			_exit(127);
		close_from(3);
		(void)execle(DPKG_PROGRAM "-deb", "dpkg-deb", "--field", path, "Pre-Depends", "Depends", (char *)NULL,
			     env);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &ws, 0) != pid || ws != 0)
		return xstrdup("");
	n = pread(out, text, FIELD_MAX, 0);
	text[n > 0 ? n : 0] = '\0';
	return join_fields(text);
}
