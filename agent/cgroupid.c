/* cgroupid.c - see cgroupid.h. */
#include <limits.h>
#include <stdio.h>
#include "cgroupid.h"

#define PARTS_MAX 64 /* folders of one path that are looked at */
#define NAME_MAX_BYTES 128

static const char hex_digits[] = "0123456789abcdef";

bool cgroup_id_hex(const char *s)
{
	return strspn(s, hex_digits) == 64 && !s[64];
}

int cgroup_id_named(const char *engine, const char *name, struct cgroup_id *ret)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+-:@";
	size_t n = strlen(name);

	if (!n || n > NAME_MAX_BYTES || strspn(name, allowed) != n || strchr(".-:", *name))
		return -1;
	ret->engine = engine;
	(void)snprintf(ret->id, sizeof(ret->id), "%s:%s", engine, name);
	return 0;
}

/* S without its ending, when it has that. */
static bool cut(char *s, const char *ending)
{
	if (!ends_with(s, ending))
		return false;
	s[strlen(s) - strlen(ending)] = '\0';
	return true;
}

/* systemd's "\x2d", in place. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		const char *high = s[0] == '\\' && s[1] == 'x' && s[2] && s[3] ? strchr(hex_digits, s[2]) : NULL;
		const char *low = high ? strchr(hex_digits, s[3]) : NULL;

		if (low) {
			*to++ = (char)((high - hex_digits) * 16 + (low - hex_digits));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

struct path {
	char text[PATH_MAX];
	char *part[PARTS_MAX];
	size_t n;
};

static const char *before(const struct path *p, size_t i)
{
	return i ? p->part[i - 1] : "";
}

/* docker-ID.scope, libpod-ID, kubepods/…/ID and the like. */
static bool find_hex(const struct path *p, size_t i, struct cgroup_id *ret)
{
	static const struct {
		const char *prefix, *engine;
	} prefixes[] = {
		{ "docker-", "docker" },      { "libpod-", "podman" },
		{ "crio-", "crio" },	      { "cri-containerd-", "containerd" },
		{ "nerdctl-", "containerd" },
	};
	char name[NAME_MAX + 1];
	const char *engine = NULL, *id = name;

	if (strlen(p->part[i]) > NAME_MAX)
		return false;
	memcpy(name, p->part[i], strlen(p->part[i]) + 1);
	(void)cut(name, ".scope");
	for (size_t k = 0; k < ARRAY_SIZE(prefixes); k++)
		if (starts_with(name, prefixes[k].prefix)) {
			engine = prefixes[k].engine;
			id = name + strlen(prefixes[k].prefix);
		}
	if (!cgroup_id_hex(id))
		return false;
	for (size_t k = 0; !engine && k < i; k++)
		if (starts_with(p->part[k], "kubepods"))
			engine = "containerd";
	if (!engine && streq(before(p, i), "docker"))
		engine = "docker";
	if (!engine && starts_with(before(p, i), "libpod_parent"))
		engine = "podman";
	ret->engine = engine;
	memcpy(ret->id, id, 65);
	return true;
}

/* lxc/NAME, lxc.payload/NAME, lxc.payload.NAME */
static bool find_lxc(const struct path *p, size_t i, struct cgroup_id *ret)
{
	const char *name = p->part[i];

	if (starts_with(name, "lxc.payload."))
		return cgroup_id_named("lxc", name + strlen("lxc.payload."), ret) == 0;
	return (streq(before(p, i), "lxc") || streq(before(p, i), "lxc.payload")) &&
	       cgroup_id_named("lxc", name, ret) == 0;
}

/* machine.slice/machine-NAME.scope, machine.slice/systemd-nspawn@NAME.service; libvirt's machines are there, too. */
static bool find_machine(const struct path *p, size_t i, struct cgroup_id *ret)
{
	char name[NAME_MAX + 1], *at = name;
	const char *engine = "nspawn";

	if (!streq(before(p, i), "machine.slice") || strlen(p->part[i]) > NAME_MAX)
		return false;
	memcpy(name, p->part[i], strlen(p->part[i]) + 1);
	if (starts_with(name, "machine-") && cut(name, ".scope"))
		at = name + strlen("machine-");
	else if (starts_with(name, "systemd-nspawn@") && cut(name, ".service"))
		at = name + strlen("systemd-nspawn@");
	else
		return false;
	unescape(at);
	if (starts_with(at, "qemu-"))
		return false;
	if (starts_with(at, "lxc-"))
		engine = "lxc";
	return cgroup_id_named(engine, at, ret) == 0;
}

/* What an engine runs beside its containers. */
static bool is_helper(const struct path *p, size_t i)
{
	const char *name = p->part[i];

	return strstr(name, "conmon") || streq(name, "buildkit") || starts_with(name, "lxc.monitor") ||
	       streq(name, "lxc.pivot") ||
	       (streq(name, "supervisor") && i >= 2 && streq(p->part[i - 2], "machine.slice"));
}

static void read_path(struct path *p, struct cgroup_ids *ret)
{
	*ret = (struct cgroup_ids){ 0 };
	for (size_t i = 0; i < p->n; i++) {
		struct cgroup_id id = { 0 };

		if (is_helper(p, i)) {
			if (!ret->outer.id[0]) {
				ret->helper = true;
				return;
			}
			ret->inner_helper = true;
		}
		if (!find_hex(p, i, &id) && !find_lxc(p, i, &id) && !find_machine(p, i, &id))
			continue;
		if (!ret->outer.id[0])
			ret->outer = id;
		ret->inner = id;
	}
}

static void split(const char *s, size_t n, struct path *p)
{
	char *save = NULL;

	p->n = 0;
	if (n >= sizeof(p->text))
		return;
	memcpy(p->text, s, n);
	p->text[n] = '\0';
	for (char *part = strtok_r(p->text, "/", &save); part && p->n < PARTS_MAX; part = strtok_r(NULL, "/", &save))
		p->part[p->n++] = part;
}

/* Where the path begins in a line "N:CONTROLLERS:PATH"; NULL: not one. */
static const char *path_of(const char *line, size_t n)
{
	const char *a = memchr(line, ':', n), *b = a ? memchr(a + 1, ':', n - (size_t)(a + 1 - line)) : NULL;

	return b ? b + 1 : NULL;
}

/* How much of the path at PATH, which ends at END, is that of the host's own cgroup of the same hierarchy. */
static size_t of_host(const char *line, const char *path, const char *end, const char *host)
{
	size_t key = (size_t)(path - line);

	while (*host) {
		size_t n = strcspn(host, "\n"), len = n - key;

		if (n > key + 1 && memcmp(host, line, key) == 0 && (size_t)(end - path) > len &&
		    memcmp(host + key, path, len) == 0 && path[len] == '/')
			return len;
		host += n + (host[n] == '\n');
	}
	return 0;
}

void cgroup_ids_read(const char *text, const char *host, struct cgroup_ids *ret)
{
	struct path p;

	*ret = (struct cgroup_ids){ 0 };
	while (*text && !ret->outer.id[0] && !ret->helper) {
		size_t n = strcspn(text, "\n");
		const char *path = path_of(text, n), *end = text + n;

		if (path) {
			path += of_host(text, path, end, host);
			split(path, (size_t)(end - path), &p);
			read_path(&p, ret);
		}
		text = end + (*end == '\n');
	}
}

char *cgroup_path(const char *text, const char *controller)
{
	size_t want = strlen(controller);

	while (*text) {
		size_t n = strcspn(text, "\n");
		const char *path = path_of(text, n), *at = memchr(text, ':', n);

		for (at = path ? at + 1 : NULL; at && at < path;) {
			size_t k = strcspn(at, ",:");

			if (k == want && memcmp(at, controller, k) == 0) {
				char *s = xstrndup(path, (size_t)(text + n - path));

				if (!strstr(s, "/../") && !ends_with(s, "/.."))
					return s;
				free(s);
				return NULL;
			}
			at += k + 1;
		}
		text += n + (text[n] == '\n');
	}
	return NULL;
}
