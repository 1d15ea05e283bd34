/* layerlist.h - which paths belong into a layer: from dpkg's folder, as the container shows it. Private to layer.c. */
#pragma once
#include <limits.h>
#include "layer.h"

#define DPKG	   "var/lib/dpkg"
#define LAYER_PATHS_MAX 500000
#define WHITEOUT   ".wh."

/* Lists name the files of a folder one after the other: where the last folder leads is kept. */
struct layer_paths {
	int root;
	char folder[PATH_MAX], at[PATH_MAX];	/* FOLDER "": none yet */
};

struct layer_list {
	struct strv paths;	/* resolved, relative, sorted, each once; "DIR/.wh.NAME" is a whiteout */
	struct strv conffiles;	/* "PATH MD5", unresolved */
	struct layer_paths where;
	int *lowers;		/* the image's layers, O_PATH, the uppermost first; -1: cannot be opened */
	size_t n_lowers;
};

int layer_list_make(const struct layer_source *s, struct layer_list *ret, struct err *err);
void layer_list_clear(struct layer_list *l);

/* An O_PATH descriptor of PATH below ROOT: no link in it is followed, the last part included, nor another mount
 * entered. -1 with errno. */
int layer_open(int root, const char *path);
/* Where PATH is, its last part not followed; caller frees. NULL: its folder is not there, or a whiteout's name. */
char *layer_resolve(struct layer_paths *p, const char *path);
