/* container.c - see container.h. Everything read here is a hint, not a fact. */
#include <stdio.h>
#include <sys/utsname.h>
#include "container.h"
#include "fd.h"

#define PROC_MAX (1024 * 1024)

/* The last run of 64 hex digits in TEXT: a container id, wherever the engine put it. */
static char *find_id(const char *text)
{
	static const char hex[] = "0123456789abcdef";
	const char *best = NULL;

	for (const char *p = text; *p;) {
		size_t n = strspn(p, hex);

		if (n == 64)
			best = p;
		p += n ? n : strcspn(p, hex);
	}
	return best ? xstrndup(best, 64) : NULL;
}

static bool has(const char *root, const char *file)
{
	cleanup_free char *path = xasprintf("%s%s", root, file);

	return access(path, F_OK) == 0;
}

void container_read(const char *proc, const char *root, struct container *ret)
{
	static const struct {
		const char *word, *engine;
	} words[] = { { "libpod", "podman" },	    { "crio", "crio" },
		      { "docker", "docker" },	    { "cri-containerd", "containerd" },
		      { "kubepods", "containerd" }, { "/lxc", "lxc" },
		      { "machine.slice", "nspawn" } };
	static const char *const files[] = { "cgroup", "mountinfo" };
	struct utsname u;
	struct err err;

	*ret = (struct container){ 0 };
	if (uname(&u) == 0)
		ret->host = xstrdup(u.nodename);
	if (has(root, "/.dockerenv"))
		ret->engine = "docker";
	else if (has(root, "/run/.containerenv"))
		ret->engine = "podman";
	/* with a private cgroup namespace only the bind mounts of mountinfo name it */
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		cleanup_free char *path = xasprintf("%s/self/%s", proc, files[i]);
		cleanup_buf struct buf text = { 0 };

		if (read_file(path, PROC_MAX, &text, &err) < 0 || !text.n)
			continue;
		if (!ret->id)
			ret->id = find_id(text.s);
		for (size_t w = 0; !ret->engine && w < ARRAY_SIZE(words); w++)
			if (strstr(text.s, words[w].word))
				ret->engine = words[w].engine;
	}
}

void container_clear(struct container *c)
{
	free(c->id);
	free(c->host);
	*c = (struct container){ 0 };
}
