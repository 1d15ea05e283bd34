/* file.h - for targets whose parser reads a file: a folder of this process, gone at its end. */
#pragma once
#include <fcntl.h>
#include <stdio.h>
#include "fd.h"

static char fuzz_folder[256];
static const char *fuzz_path;

static void fuzz_remove(void)
{
	cleanup_free char *path = xasprintf("%s/%s", fuzz_folder, fuzz_path);

	for (char *end = path + strlen(path); end > path + strlen(fuzz_folder); end--)
		if (*end == '/' || !*end) {
			*end = '\0';
			(void)remove(path);
		}
	(void)remove(fuzz_folder);
}

static void fuzz_make_folder(const char *path)
{
	const char *tmp = getenv("TMPDIR");
	struct err err = ERR_INIT;

	(void)snprintf(fuzz_folder, sizeof(fuzz_folder), "%s/fuzz.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(fuzz_folder))
		abort();
	fuzz_path = path;
	cleanup_free char *folder = xasprintf("%s/%s", fuzz_folder, path);
	*strrchr(folder, '/') = '\0';
	if (make_dirs(folder, 0700, &err) < 0)
		abort();
	(void)atexit(fuzz_remove);
}

/* DATA as PATH, always the same one, below a folder, which is returned. */
static const char *fuzz_file(const char *path, const uint8_t *data, size_t n)
{
	cleanup_free char *whole = NULL;
	cleanup_fd int fd = -1;

	if (!fuzz_path)
		fuzz_make_folder(path);
	whole = xasprintf("%s/%s", fuzz_folder, path);
	fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write_all(fd, data, n) < 0)
		abort();
	return fuzz_folder;
}
