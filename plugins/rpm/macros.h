/* macros.h - what a container's rpm macro files say that a transaction honours.
 *
 * The files may hold shell commands, and settings that turn verification off, so
 * librpm does not read them: three plain settings are picked out, and a value
 * that is not plain text is left alone.
 */
#pragma once
#include "buf.h"

struct macros {
	char *install_langs; /* "en_US:de" */
	bool excludedocs;
	char *netsharedpath; /* of the files, and the mount points that no package may replace */
};

/* Read the macro files below ROOT, and /proc/self/mountinfo. */
void macros_read(const char *root, struct macros *ret);
/* One file's text; a later definition replaces an earlier one. */
void macros_parse(const char *text, struct macros *ret);
/* Append to RET, separated by colons, what mountinfo TEXT names that librpm must
 * leave alone: kernel file systems, and single files. IS_FILE tells of a path. */
void macros_mounts(const char *text, bool (*is_file)(const char *path), struct buf *ret);
void macros_clear(struct macros *m);
