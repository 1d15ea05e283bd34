/* history.c - see history.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "fd.h"
#include "history.h"
#include "statefile.h"
#include "wire.h"

static char *path_of(const char *state_dir)
{
	return xasprintf("%s/history.jsonl", state_dir);
}

/* The file as it is; a missing one is empty. */
static int load(const char *path, struct buf *ret, struct err *err)
{
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	return read_file(path, 2UL * HISTORY_BYTES_MAX, ret, err);
}

/* Where the newest MAX lines of TEXT begin, within the bound in bytes. */
static size_t newest(const char *text, size_t n, int64_t max)
{
	size_t at = n;

	while (at > 0 && max-- > 0) {
		size_t line = at - 1;

		while (line > 0 && text[line - 1] != '\n')
			line--;
		if (n - line > HISTORY_BYTES_MAX)
			break;
		at = line;
	}
	return at;
}

static int64_t count_lines(const struct buf *b)
{
	int64_t lines = 0;

	for (size_t i = 0; i < b->n; i++)
		lines += b->s[i] == '\n';
	return lines;
}

static int append(const char *path, const struct buf *line, bool torn, struct err *err)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_set(err, CODE_IO, errno, "open '%s'", path);
	if ((torn && write_all(fd, "\n", 1) < 0) || write_all(fd, line->s, line->n) < 0 || fsync(fd) < 0)
		return err_set(err, CODE_IO, errno, "write '%s'", path);
	return 0;
}

int history_append(const char *state_dir, struct json_object *report, int64_t max, struct err *err)
{
	cleanup_free char *path = path_of(state_dir);
	cleanup_buf struct buf old = { 0 }, line = { 0 };

	if (max == 0)
		return 0;
	wire_put(&line, report);
	/* one that has outgrown every bound is somebody else's: begin anew; one that cannot be read now is not */
	if (load(path, &old, err) < 0) {
		if (err->errnum)
			return -1;
		err_clear(err);
		return replace_file(path, 0600, line.s, line.n, err);
	}
	if (old.n + line.n <= HISTORY_BYTES_MAX && count_lines(&old) < max)
		return append(path, &line, old.n && old.s[old.n - 1] != '\n', err);
	/* room for a quarter more, so that not every run writes it all anew */
	size_t from = newest(buf_str(&old), old.n, max - max / 4 - 1);
	buf_consume(&old, from);
	if (old.n && old.s[old.n - 1] != '\n')
		buf_putc(&old, '\n');
	buf_append(&old, line.s, line.n);
	return replace_file(path, 0600, old.s, old.n, err);
}

int history_each(const char *state_dir, int64_t limit, bool (*fn)(void *arg, const char *line, size_t n), void *arg,
		 struct err *err)
{
	cleanup_free char *path = path_of(state_dir);
	cleanup_buf struct buf text = { 0 };

	if (load(path, &text, err) < 0)
		return -1;
	for (size_t end = text.n; end > 0 && limit > 0;) {
		size_t line = end - 1;
		struct json_object *one = NULL;
		struct err torn = ERR_INIT;

		while (line > 0 && text.s[line - 1] != '\n')
			line--;
		size_t n = end - line - (text.s[end - 1] == '\n');
		end = line;
		if (state_parse(text.s + line, n, &one, &torn) < 0)
			continue;
		json_object_put(one);
		limit--;
		if (!fn(arg, text.s + line, n))
			break;
	}
	return 0;
}

static bool add_text(void *arg, const char *line, size_t n)
{
	struct json_object *o = json_object_new_object();

	json_object_set_serializer(o, json_object_userdata_to_json_string, xstrndup(line, n),
				   json_object_free_userdata);
	json_object_array_add(arg, o);
	return true;
}

int history_json(const char *state_dir, int64_t limit, struct json_object **ret, struct err *err)
{
	struct json_object *all = json_object_new_array();

	if (history_each(state_dir, limit, add_text, all, err) < 0) {
		json_object_put(all);
		return -1;
	}
	*ret = all;
	return 0;
}
