/* preload.c - libstopgap-confine.so: what the loader puts in front of libapt's methods and gpgv (agent/launch.c).
 *
 * They are Debian's programs, so they cannot lock themselves in, and before
 * they are loaded is too early: loading needs calls that they must not have.
 * This runs after all libraries are in place and before main().
 *
 * The apt plugin says how, in the environment that its children get
 * (aptsandbox.cc): "UID GID\n", then lines of a letter and a path.
 *
 *	x the bundle	r may be read	c may be read by what fetches
 *	w may be written	t may be written by what verifies
 *	a passwords, which root alone may be able to read: what fetches gets a copy of them all as descriptor CONFINE_AUTH_FD
 *
 * Without it, or for gpgv inside apt-key inside the gpgv method, which all have
 * the rest from there already, the list of system calls alone is put up.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "confine.h"

#define PATHS_MAX 64
#define TEXT_MAX  65536
#define REFUSED	  126
#define PASSWORDS_MAX 64 /* blocks of a file */

struct plan {
	struct confine confine;
	struct confine_path paths[PATHS_MAX];
	char text[TEXT_MAX];
	int passwords; /* descriptor, -1: none */
};

static const struct {
	const char *name;
	enum confine_profile profile;
	bool inherits;
} programs[] = {
	{ "http", CONFINE_FETCH, false }, { "https", CONFINE_FETCH, false },	  { "gpgv", CONFINE_VERIFY, false },
	{ "copy", CONFINE_LOCAL, false }, { "file", CONFINE_LOCAL, false },  { "gpgv-verify", CONFINE_PARSE, true },
};

static void refuse(const char *program, const char *why)
{
	(void)dprintf(STDERR_FILENO, "stopgap: %s is not started: %s\n", program, why);
	_exit(REFUSED);
}

/* A number and the character after it. */
static char *number(char *s, char after, unsigned *ret)
{
	char *rest;
	unsigned long v = strtoul(s, &rest, 10);

	if (*s < '0' || *s > '9' || *rest != after || v >= UINT32_MAX)
		return NULL;
	*ret = (unsigned)v;
	return rest + 1;
}

static bool add_path(struct plan *p, char letter, const char *path)
{
	static const char letters[] = "rcwtx";
	static const enum confine_access access[] = { CONFINE_READ, CONFINE_READ_FETCH, CONFINE_WRITE,
						      CONFINE_WRITE_VERIFY, CONFINE_RUN };
	const char *at = letter ? strchr(letters, letter) : NULL;

	if (!at || *path != '/' || p->confine.n_paths == PATHS_MAX)
		return false;
	p->paths[p->confine.n_paths++] = (struct confine_path){ .path = path, .access = access[at - letters] };
	return true;
}

/* A file that cannot be read is for libapt's "ignored", not for a message of ours. */
static void add_passwords(struct plan *p, const char *path)
{
	char chunk[4096];
	int in = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n;

	if (p->passwords < 0)
		p->passwords = memfd_create("passwords", MFD_CLOEXEC);
	for (int i = 0; in >= 0 && i < PASSWORDS_MAX && (n = read(in, chunk, sizeof(chunk))) > 0; i++)
		if (write(p->passwords, chunk, (size_t)n) != n)
			break;
	(void)!write(p->passwords, "\n", 1);
	if (in >= 0)
		(void)close(in);
}

static bool parse(struct plan *p, const char *text)
{
	unsigned uid, gid;
	char *rest;

	if (strlen(text) >= sizeof(p->text))
		return false;
	memcpy(p->text, text, strlen(text) + 1);
	rest = number(p->text, ' ', &uid);
	rest = rest ? number(rest, '\n', &gid) : NULL;
	if (!rest)
		return false;
	p->confine.uid = uid;
	p->confine.gid = gid;
	p->confine.paths = p->paths;
	while (rest && *rest) {
		const char *line = strsep(&rest, "\n");

		if (*line == 'a' && line[1] == '/' && p->confine.profile == CONFINE_FETCH)
			add_passwords(p, line + 1);
		else if (*line != 'a' && !add_path(p, *line, *line ? line + 1 : line))
			return false;
	}
	if (p->passwords >= 0)
		(void)dup3(p->passwords, CONFINE_AUTH_FD, O_CLOEXEC);
	return true;
}

/* The layers that cannot be put up are left out: the plugin has found them
 * missing before and has said so. */
__attribute__((constructor)) static void confine_program(int argc, char **argv)
{
	static struct plan plan = { .passwords = -1 };
	const char *how = getenv("STOPGAP_CONFINE"), *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "";
	bool inherits = false;

	plan.confine.profile = CONFINE_PARSE;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strcmp(name, programs[i].name) == 0) {
			plan.confine.profile = programs[i].profile;
			inherits = programs[i].inherits;
		}
	if (!how || inherits)
		(void)confine_filter(plan.confine.profile);
	else if (!parse(&plan, how))
		refuse(name, "STOPGAP_CONFINE is not as it should be");
	else
		(void)confine_enter(&plan.confine);
}
