/* fetchfile.c - files of this machine: checksums, and file:// URLs (fetch.h). */
#include <errno.h>
#include <fcntl.h>
#include <solv/chksum.h>
#include <solv/knownid.h>
#include <stdio.h>
#include <sys/stat.h>
#include "fd.h"
#include "fetch.h"

#define CHUNK 65536

/* Only what nobody can forge: collisions of sha1 and md5 can be made. */
static Id strong_type(const char *type)
{
	Id id = solv_chksum_str2type(type);

	return id == REPOKEY_TYPE_SHA256 || id == REPOKEY_TYPE_SHA384 || id == REPOKEY_TYPE_SHA512 ? id : 0;
}

char *file_checksum(const char *path, const char *type)
{
	Id id = strong_type(type);
	cleanup_fd int fd = id ? open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK) : -1;
	Chksum *sum;
	char chunk[CHUNK], *ret = NULL;
	ssize_t n;
	int len;

	if (fd < 0)
		return NULL;
	sum = solv_chksum_create(id);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		solv_chksum_add(sum, chunk, (int)n);
	if (n == 0) {
		const unsigned char *bin = solv_chksum_get(sum, &len);

		ret = xmalloc((size_t)len * 2 + 1);
		for (int i = 0; i < len; i++)
			(void)snprintf(ret + 2 * i, 3, "%02x", bin[i]);
	}
	(void)solv_chksum_free(sum, NULL);
	return ret;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 :
				      -1;
}

/* The path of a file:// URL, %XX undone; NULL when a NUL is in it. */
static char *url_path(const char *url)
{
	struct buf b = { 0 };

	for (const char *p = url + strlen("file://"); *p; p++) {
		int c = (unsigned char)*p;

		if (c == '%' && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
			c = hex(p[1]) << 4 | hex(p[2]);
			p += 2;
		}
		if (!c) {
			buf_clear(&b);
			return NULL;
		}
		buf_putc(&b, (char)c);
	}
	return buf_steal(&b);
}

int fetch_file(const char *url, const char *file, int64_t max, int64_t *bytes, bool *missing, struct err *err)
{
	cleanup_free char *path = url_path(url);
	cleanup_fd int in = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
	cleanup_fd int out = -1;
	struct stat st;
	char chunk[CHUNK];
	ssize_t n;

	if (in < 0) {
		*missing = errno == ENOENT || errno == ENOTDIR;
		return err_set(err, CODE_DOWNLOAD_FAILED, errno, "open '%s'", strna(path));
	}
	/* a FIFO or a device would be read for ever */
	if (fstat(in, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, CODE_DOWNLOAD_FAILED, 0, "'%s' is not a regular file", path);
	if (st.st_size > max)
		return err_set(err, CODE_DOWNLOAD_FAILED, 0, "'%s' has more than %lld bytes", path, (long long)max);
	out = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return err_set(err, CODE_IO, errno, "create '%s'", file);
	while ((n = read(in, chunk, sizeof(chunk))) > 0) {
		*bytes += n;
		if (*bytes > max)
			return err_set(err, CODE_DOWNLOAD_FAILED, 0, "'%s' has more than %lld bytes", path,
				       (long long)max);
		if (write_all(out, chunk, (size_t)n) < 0)
			return err_set(err, errno == ENOSPC || errno == EDQUOT ? CODE_NO_SPACE : CODE_IO, errno,
				       "write '%s'", file);
	}
	return n < 0 ? err_set(err, CODE_DOWNLOAD_FAILED, errno, "read '%s'", path) : 0;
}
