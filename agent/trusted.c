/* trusted.c - see trusted.h. */
#include <sys/stat.h>
#include "trusted.h"
#include "util.h"

static bool only_root(const char *path)
{
	struct stat st;

	/* a link's own mode says nothing, and realpath() has left none */
	return lstat(path, &st) == 0 && st.st_uid == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH)) && !S_ISLNK(st.st_mode);
}

bool trusted_path(const char *root, const char *path)
{
	cleanup_free char *whole = xasprintf("%s%s", root, path);
	cleanup_free char *top = *root ? realpath(root, NULL) : xstrdup("");
	cleanup_free char *real = realpath(whole, NULL);
	size_t n = top ? strlen(top) : 0;

	if (!top || !real || strncmp(real, top, n) != 0 || real[n] != '/' || !only_root(n ? top : "/"))
		return false;
	/* from the top down: what lies in a folder of another user could be another file now */
	for (char *p = real + n + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		bool ok = only_root(real);
		*p = '/';
		if (!ok)
			return false;
	}
	return only_root(real);
}
