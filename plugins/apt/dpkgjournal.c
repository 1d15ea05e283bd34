/* dpkgjournal.c - see dpkgjournal.h. */
#include <sha256.h>
#include <sys/stat.h>
#include "dpkgjournal.h"
#include "fd.h"
#include "serve.h"

#define JOURNAL_MAX (4 * 1024 * 1024)

static char *journal_path(void)
{
	return xasprintf("%s/apt/applying", plugin_settings()->state_dir);
}

/* A crash may leave any content in a .deb: the hash says whether it is still the
 * one that was verified. A file that cannot be read is not promised. */
static void put_line(struct buf *b, const struct deb *d)
{
	char hash[SHA256_DIGEST_STRING_LENGTH];

	if (SHA256File(d->path, hash))
		buf_printf(b, "%s %s %s %s %s\n", d->package, d->arch, d->version, hash, d->path);
}

int dpkg_journal_write(const struct dpkg_sets *sets, size_t i, struct err *err)
{
	cleanup_free char *path = journal_path();
	cleanup_free char *dir = xasprintf("%s/apt", plugin_settings()->state_dir);
	cleanup_buf struct buf b = { 0 };

	for (size_t k = 0; k < sets->sets[i].n; k++) {
		const struct deb *d = &sets->debs[sets->sets[i].steps[k].deb];

		if (sets->sets[i].steps[k].verb == DPKG_UNPACK)
			put_line(&b, d);
	}
	if (make_dirs(dir, 0755, err) < 0)
		return -1;
	return replace_file(path, 0600, buf_str(&b), b.n, err);
}

/* "package arch version sha256 path"; the path may hold blanks, and is one of ours. */
static bool read_line(char *line, struct deb *ret)
{
	char *save = NULL;
	char *package = strtok_r(line, " ", &save);
	char *arch = strtok_r(NULL, " ", &save);
	char *version = strtok_r(NULL, " ", &save), *hash = strtok_r(NULL, " ", &save);
	cleanup_free char *archives = xasprintf("%s/apt/archives/", plugin_settings()->state_dir);
	char now[SHA256_DIGEST_STRING_LENGTH];
	struct stat st;

	if (!hash || !starts_with(save, archives) || strchr(save + strlen(archives), '/') || lstat(save, &st) < 0 ||
	    !S_ISREG(st.st_mode) || !SHA256File(save, now) || !streq(now, hash))
		return false;
	*ret = (struct deb){
		.package = xstrdup(package), .arch = xstrdup(arch), .version = xstrdup(version), .path = xstrdup(save)
	};
	return true;
}

void dpkg_journal_read(struct dpkg_sets *ret)
{
	cleanup_free char *path = journal_path();
	cleanup_buf struct buf b = { 0 };
	struct err ignored = ERR_INIT;
	char *save = NULL;

	*ret = (struct dpkg_sets){ 0 };
	if (read_file(path, JOURNAL_MAX, &b, &ignored) < 0 || !b.n)
		return;
	for (char *l = strtok_r(b.s, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		ret->debs = xrealloc(ret->debs, ret->n_debs + 1, sizeof(*ret->debs));
		ret->n_debs += read_line(l, &ret->debs[ret->n_debs]);
	}
	if (!ret->n_debs)
		return;
	ret->sets = xcalloc(1, sizeof(*ret->sets));
	ret->n_sets = 1;
	ret->sets->n = 2 * ret->n_debs;
	ret->sets->steps = xcalloc(ret->sets->n, sizeof(*ret->sets->steps));
	for (size_t i = 0; i < ret->n_debs; i++) {
		ret->sets->steps[i] = (struct dpkg_step){ DPKG_UNPACK, i };
		ret->sets->steps[ret->n_debs + i] = (struct dpkg_step){ DPKG_CONFIGURE, i };
	}
}

void dpkg_journal_remove(void)
{
	cleanup_free char *path = journal_path();

	(void)unlink(path);
}
