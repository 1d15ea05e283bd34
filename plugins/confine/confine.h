/* confine.h - lock this process in before it touches the network or bytes that nobody has verified.
 *
 * Four layers, each of which stands alone: an unprivileged user, no capability
 * and no way to gain one (no_new_privs), Landlock over files, TCP and signals,
 * and a list of system calls (seccomp). They hold for this process and all that
 * it starts, and nothing takes them off again. What this kernel or container
 * refuses is left out and returned, for the alarm sandbox_degraded: never silent.
 *
 * Used by the rpm plugin in its children, by the apt plugin to see what will
 * hold, and by what the loader of the bundle puts in front of libapt's methods
 * (preload.c). Never allocates, needs the C library alone.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum confine_profile {
	CONFINE_PARSE, /* files it may reach, no network, no other program: store, rred, mirror, parsers */
	CONFINE_LOCAL, /* the same; reads any file that its user may: copy, file */
	CONFINE_VERIFY, /* the same; and starts programs of the bundle: gpgv with apt-key */
	CONFINE_FETCH, /* sockets of IPv4 and IPv6, threads; no other program: http, https, libcurl */
};

enum confine_access {
	CONFINE_READ, /* the file, or what is below the folder */
	CONFINE_READ_FETCH, /* the same, for CONFINE_FETCH alone: certificates, resolv.conf */
	CONFINE_WRITE, /* and make, change and remove files there */
	CONFINE_WRITE_VERIFY, /* the same, for CONFINE_VERIFY alone: temporary files */
	CONFINE_RUN, /* read, and run programs of it where the profile may */
};

struct confine_path {
	const char *path; /* not there: left out */
	int fd; /* instead of a path when that is NULL */
	enum confine_access access;
};

struct confine {
	enum confine_profile profile;
	uid_t uid; /* 0: stay root, without capabilities */
	gid_t gid;
	const struct confine_path *paths; /* all that Landlock leaves; /dev/null besides */
	size_t n_paths;
};

/* Where a method of libapt finds the passwords for servers (preload.c). */
#define CONFINE_AUTH_FD 200

/* What is missing, as bits. */
#define CONFINE_NO_USER	      1U /* it runs as root: by uid 0, or since nobody else can be become */
#define CONFINE_NO_LANDLOCK   2U
#define CONFINE_NO_FILTER     4U
#define CONFINE_CAPABLE	      8U /* a capability is left */
#define CONFINE_PRIVILEGES    16U /* no_new_privs is refused: without it there is no Landlock and no filter */

/* Put up all layers that can be. For a process with one thread. */
unsigned confine_enter(const struct confine *c);
/* The system calls alone, for what inherits the rest. 0 or CONFINE_NO_FILTER. */
unsigned confine_filter(enum confine_profile profile);
/* A list of the layers that MISSING names, for a person; of N bytes. */
void confine_describe(unsigned missing, char *buf, size_t n);
