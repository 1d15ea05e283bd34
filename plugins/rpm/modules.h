/* modules.h - modular content: which packages belong to which stream, and which
 * streams the container has enabled.
 *
 * Pure. A repository can carry nodejs 16 and nodejs 18 side by side as streams
 * of a module; only packages of the enabled stream are updates. modules.yaml is
 * read line by line for the few fields that matter: what modulemd writes has one
 * shape, and what has another adds no package to a stream.
 */
#pragma once
#include "util.h"

struct module_artifact {
	char *nevra; /* "nodejs-1:16.20.2-1.module+el8.9.0+1+abc.x86_64" */
	size_t stream;
};

struct module_stream {
	char *name, *stream;
};

struct modules {
	struct module_stream *streams;
	size_t n_streams;
	struct module_artifact *artifacts; /* sorted after modules_sort() */
	size_t n_artifacts;
	struct module_stream *enabled; /* /etc/dnf/modules.d */
	size_t n_enabled;
	struct module_stream *defaults; /* modulemd-defaults */
	size_t n_defaults;
};

/* Add a modules.yaml. Bounded: a million artifacts. */
void modules_add_yaml(struct modules *m, const char *text, size_t n);
/* Add a file of /etc/dnf/modules.d. */
void modules_add_state(struct modules *m, const char *text, size_t n);
void modules_sort(struct modules *m);
/* Is the package (name, "[epoch:]version-release", arch) in a stream that is not
 * enabled, and not the default of a module that has none enabled? */
bool modules_hide(const struct modules *m, const char *name, const char *evr, const char *arch);
void modules_clear(struct modules *m);
