/* procmaps: the text of tests/cases/procmaps, and a real process through both of its ways.
 *
 * rows: P3
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "lines.h"
#include "procmaps.h"

static char *show(int rc, const struct mapping *m)
{
	if (rc <= 0)
		return xstrdup(rc < 0 ? "bad" : "none");
	cleanup_free char *name = escape_text(m->name, SIZE_MAX);

	return xasprintf("%s%s%s %u:%u %" PRIu64 " %s", m->exec ? "x" : "", m->shared ? "s" : "",
			 m->exec || m->shared ? "" : "-", major(m->dev), minor(m->dev), m->ino, name);
}

TEST(lines)
{
	cleanup_free char *text = lines_read("procmaps/lines");
	char name[256];
	size_t n = 0;

	for (char *p = text, *line; (line = lines_next(&p)); n++) {
		char *want = strstr(line, " ; ");
		struct mapping m;

		if (!want)
			FAIL("not a case: %s", line);
		*want = '\0';
		cleanup_free char *got = show(procmaps_parse(line, strlen(line), &m, name, sizeof(name)), &m);
		if (!streq(got, want + 3))
			FAIL("%s: got '%s', expected '%s'", line, got, want + 3);
	}
	GE(n, 25);
}

/* No cut, no changed byte makes it read past its line, nor write past its name. */
TEST(every_damage)
{
	static const char line[] = "7f00-7f01 r-xp 00000000 fe:01 123   /usr/lib/a\\012b (deleted)";
	char name[16];
	struct mapping m;

	for (size_t n = 0; n <= sizeof(line) - 1; n++) {
		cleanup_free char *cut = xmalloc(n);

		memcpy(cut, line, n);
		(void)procmaps_parse(cut, n, &m, name, sizeof(name));
		for (size_t i = 0; i < n; i++) {
			char was = cut[i];

			for (int c = 0; c < 256; c += 5) {
				cut[i] = (char)c;
				(void)procmaps_parse(cut, n, &m, name, sizeof(name));
			}
			cut[i] = was;
		}
	}
	EQ(procmaps_parse(line, sizeof(line) - 1, &m, name, sizeof(name)), -1);
}

/* All mapped files of this program as text, data and code. */
static char *collect(int dir, int *errnum)
{
	struct procmaps *m = xcalloc(1, sizeof(*m));
	struct buf b = { 0 };
	struct mapping one;
	int rc = procmaps_open(m, dir);

	if (rc == 0)
		procmaps_want_data(m);
	while (rc == 0 && (rc = procmaps_next(m, &one)) > 0) {
		buf_printf(&b, "%" PRIx64 " %" PRIu64 " %d%d %s\n", one.dev, one.ino, one.exec, one.shared, one.name);
		rc = 0;
	}
	*errnum = rc < 0 ? errno : 0;
	procmaps_close(m);
	free(m);
	return buf_steal(&b);
}

/* A copy of the text, which is no maps file to the kernel: the same comes out. */
TEST(both_ways_agree)
{
	char folder[] = "/tmp/procmaps.XXXXXX";
	struct buf text = { 0 };
	struct err err = ERR_INIT;
	int errnum;

	OK(mkdtemp(folder));
	cleanup_fd int self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int copy = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_free char *path = xasprintf("%s/maps", folder);

	/* one more of each kind */
	int fd = memfd_create("some (deleted)", MFD_CLOEXEC);
	OK(fd >= 0 && ftruncate(fd, 8192) == 0);
	void *a = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	void *b = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 4096);
	OK(a != MAP_FAILED && b != MAP_FAILED);
	/* both are made before either is compared: their own memory is not of a file */
	OK(read_file("/proc/self/maps", 1 << 20, &text, &err) == 0);
	OK(replace_file(path, 0600, text.s, text.n, &err) == 0);
	cleanup_free char *got = collect(self, &errnum);
	EQ(errnum, 0);
	cleanup_free char *want = collect(copy, &errnum);
	EQ(errnum, 0);
	STREQ(got, want);
	HAS(got, "11 /memfd:some (deleted) (deleted)\n");
	HAS(got, "00 /memfd:some (deleted) (deleted)\n");
	HAS(got, "libc");
	(void)munmap(a, 4096);
	(void)munmap(b, 4096);
	(void)close(fd);
	(void)unlink(path);
	(void)rmdir(folder);
	buf_clear(&text);
}

TEST(what_is_no_maps_file)
{
	char folder[] = "/tmp/procmaps.XXXXXX";
	struct err err = ERR_INIT;
	int errnum;

	OK(mkdtemp(folder));
	cleanup_fd int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_free char *path = xasprintf("%s/maps", folder), *none = collect(dir, &errnum);
	EQ(errnum, ENOENT);
	OK(replace_file(path, 0600, "nonsense\n", 9, &err) == 0);
	cleanup_free char *bad = collect(dir, &errnum);
	EQ(errnum, EBADMSG);
	OK(replace_file(path, 0600, "1-2 r-xp 0 0:0 0", 16, &err) == 0);
	cleanup_free char *cut = collect(dir, &errnum);
	EQ(errnum, EBADMSG);
	/* as the file of a process that is gone */
	OK(replace_file(path, 0600, "", 0, &err) == 0);
	cleanup_free char *gone = collect(dir, &errnum);
	EQ(errnum, ESRCH);
	/* a line that never ends */
	size_t n = sizeof(((struct procmaps *)NULL)->buf) + 100;
	cleanup_free char *line = xmalloc(n);
	memset(line, '1', n);
	OK(replace_file(path, 0600, line, n, &err) == 0);
	cleanup_free char *endless = collect(dir, &errnum);
	EQ(errnum, EBADMSG);
	/* nor lines that never end */
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	cleanup_free char *lines = xmalloc(1 << 16);
	for (size_t i = 0; i + 17 <= 1 << 16; i += 17)
		memcpy(lines + i, "1-2 rw-p 0 0:0 0\n", 17);
	for (size_t i = 0; i < PROCMAPS_MAX / 3855 + 1; i++)
		OK(write_all(fd, lines, (1 << 16) / 17 * 17) == 0);
	(void)close(fd);
	cleanup_free char *many = collect(dir, &errnum);
	EQ(errnum, E2BIG);
	(void)unlink(path);
	(void)rmdir(folder);
}
TAP_MAIN
