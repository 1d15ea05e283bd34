/* container.h - where am I: what the report says about the container itself. */
#pragma once
#include "util.h"

struct container {
	char *id;		/* 64 or 12 hex digits, or the runtime's name for it; NULL: unknown */
	const char *engine;	/* "docker", "podman", "containerd", "crio", "lxc", "nspawn", "oci", NULL: none seen */
	char *host;		/* nodename */
};

/* Read from /proc and the engines' marker files under PROC ("/proc"), ROOT (""). */
void container_read(const char *proc, const char *root, struct container *ret);
void container_clear(struct container *c);
