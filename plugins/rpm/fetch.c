/* fetch.c - see fetch.h: what is asked for, what becomes of what arrives, and its checksum. */
#include <errno.h>
#include <fcntl.h>
#include <sha256.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "clock.h"
#include "fd.h"
#include "fetchjob.h"
#include "metalink.h"
#include "serve.h"

#define POLL_MS 200
#define CREDENTIALS_MAX 32
#define CREDENTIAL_SIZE_MAX (4 * 1024 * 1024)
#define NUMBER_MAX (1LL << 50)
#define MESSAGE_MAX 4096

#define FIELD(f, t, hi) \
	{ \
		.name = #f, .type = t, .offset = offsetof(struct fetch_news, f), .max = hi \
	}
static const struct wire_field news_fields[] = {
	FIELD(item, WIRE_INT, NUMBER_MAX),
	FIELD(over, WIRE_BOOL, 0),
	FIELD(arrived, WIRE_BOOL, 0),
	FIELD(local, WIRE_BOOL, 0),
	FIELD(heard, WIRE_BOOL, 0),
	FIELD(bytes, WIRE_INT, NUMBER_MAX),
	FIELD(mirror, WIRE_INT, 10000),
	FIELD(tries, WIRE_INT, 10000),
	FIELD(not_found, WIRE_INT, 10000),
	FIELD(code, WIRE_CODE, 0),
	FIELD(message, WIRE_STRING, MESSAGE_MAX),
	{ .name = NULL },
};
const struct wire_message fetch_news_message = { "fetch news", sizeof(struct fetch_news), news_fields };

size_t transfer_mirrors(const struct transfer *t)
{
	return t->mirrors ? t->mirrors->n : 1;
}

char *transfer_url(const struct transfer *t, size_t i)
{
	return t->mirrors ? xasprintf("%s%s", t->mirrors->v[i % t->mirrors->n], t->path) : xstrdup(t->path);
}

static void fail(struct transfer *t, enum code code, int errnum, const char *text)
{
	err_clear(&t->err);
	(void)err_set(&t->err, code, errnum, "'%s': %s", t->url ? t->url : t->path, text);
	t->err.retryable = true;
}

/* ------------------------------------------------------------ what arrived */

static bool already_there(struct transfer *t)
{
	cleanup_free char *sum = t->checksum ? file_checksum(t->file, t->checksum_type) : NULL;

	t->done = sum && strcasecmp(sum, t->checksum) == 0;
	return t->done;
}

/* It is a plain file of nobody else's from now on; whoever made it is gone. */
static int own(int dir, const struct transfer *t, const char *part)
{
	cleanup_fd int fd = openat(dir, part, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_size > (t->size ? t->size : t->max)) {
		errno = EINVAL;
		return -1;
	}
	return (st.st_uid && fchown(fd, 0, 0) < 0) || fchmod(fd, 0600) < 0 ? -1 : 0;
}

/* Does it have the right hash? Then it gets its name. */
static bool take(int dir, struct transfer *t, const struct attempt *a, const char *folder)
{
	cleanup_free char *path = xasprintf("%s/%s", folder, a->part);
	cleanup_free char *sum = NULL;

	if (own(dir, t, a->part) < 0) {
		fail(t, CODE_IO, errno, "take the download over");
		return false;
	}
	sum = t->checksum ? file_checksum(path, t->checksum_type) : NULL;
	if (t->checksum && (!sum || strcasecmp(sum, t->checksum) != 0)) {
		(void)unlinkat(dir, a->part, 0);
		fail(t, CODE_HASH_MISMATCH, 0, "the file is not the one that the metadata names");
		return false;
	}
	if (renameat(dir, a->part, AT_FDCWD, t->file) < 0) {
		fail(t, CODE_IO, errno, "rename the download");
		return false;
	}
	t->done = true;
	t->err = ERR_INIT;
	return true;
}

/* ------------------------------------------------------------ folders of this machine */

static void set_url(struct transfer *t, size_t mirror)
{
	free(t->url);
	t->url = transfer_url(t, mirror);
}

static bool tries_left(const struct transfer *t, const struct attempt *a)
{
	size_t mirrors = transfer_mirrors(t);

	return mirrors && (a->tries < ATTEMPTS_MAX || a->tries < mirrors) && a->tries < 4 * ATTEMPTS_MAX;
}

/* As long as the next mirror is one: read at once, and by root, as its files may be root's alone. */
static void copy_local(struct fetcher *f, int dir, const char *folder, struct transfer *t, struct attempt *a)
{
	while (a->wanted && tries_left(t, a)) {
		cleanup_free char *url = transfer_url(t, a->mirror);
		cleanup_free char *part = xasprintf("%s/%s", folder, a->part);
		struct err err = ERR_INIT;
		bool missing = false;

		if (!starts_with(url, "file://"))
			return;
		set_url(t, a->mirror);
		a->mirror++;
		a->tries++;
		f->heard = true;
		t->bytes = 0;
		(void)unlinkat(dir, a->part, 0);
		if (fetch_file(url, part, t->size ? t->size : t->max, &t->bytes, &missing, &err) < 0) {
			a->not_found += missing;
			fail(t, err.code, 0, err.msg);
		} else {
			f->bytes += t->bytes;
			(void)take(dir, t, a, folder);
		}
		a->wanted = !t->done && a->mirror < transfer_mirrors(t) && t->err.code != CODE_NO_SPACE &&
			    t->err.code != CODE_IO;
	}
	a->wanted = false;
}

/* ------------------------------------------------------------ a round of the child */

/* Why everything ends now, or NULL. */
static const char *over(const struct fetcher *f, enum code *code)
{
	*code = CODE_DOWNLOAD_FAILED;
	if (plugin_stop_requested()) {
		*code = CODE_STOPPED;
		return "asked to stop";
	}
	if (clock_ms() >= f->deadline)
		return "network.timeout is over";
	if (f->bytes > f->settings->max_bytes)
		return "network.max_bytes is reached";
	return NULL;
}

static void take_news(struct fetcher *f, const struct fetch_news *n, struct transfer *t, struct attempt *a,
		      bool *arrived)
{
	f->heard |= n->heard;
	f->bytes += n->bytes;
	t->bytes = n->bytes;
	a->tries = (size_t)n->tries > a->tries ? (size_t)n->tries : a->tries + !n->local;
	a->mirror = (size_t)n->mirror;
	a->not_found = (size_t)n->not_found;
	*arrived = n->arrived;
	if (a->mirror)
		set_url(t, a->mirror - 1);
	if (n->arrived || n->local)
		return;
	a->wanted = false;
	t->missing = a->not_found >= transfer_mirrors(t);
	if (n->code != CODE_OK) {
		err_clear(&t->err);
		(void)err_set(&t->err, n->code, 0, "%s", strna(n->message));
		t->err.retryable = true;
	}
}

static void tell(const struct fetcher *f, const struct transfer *t, int64_t bytes)
{
	struct msg_progress p = { .phase = (char *)(uintptr_t)f->phase,
				  .done = f->bytes + bytes,
				  .total = f->expected,
				  .item = (char *)(uintptr_t)t->item };

	if (t->item)
		plugin_event("progress", &msg_progress, &p);
}

/* Listen to the child until it is done, lies or is to end. ARRIVED and TOLD: for each transfer. */
static const char *hear(struct fetcher *f, struct locked *l, struct transfer *t, struct attempt *a, size_t n,
			bool *arrived, bool *told, enum code *code)
{
	struct json_object *obj;
	const char *why = NULL;
	int r;

	while (!why && (r = locked_next(l, POLL_MS, &obj)) >= 0) {
		struct fetch_news news = { 0 };
		struct err ignored = ERR_INIT;

		if (r == 1) {
			int bad = wire_decode(&fetch_news_message, obj, &news, &ignored);

			json_object_put(obj);
			if (bad < 0 || (size_t)news.item >= n || !a[news.item].wanted || told[news.item]) {
				wire_clear(&fetch_news_message, &news);
				break;
			}
			if (news.over) {
				take_news(f, &news, &t[news.item], &a[news.item], &arrived[news.item]);
				told[news.item] = true;
			} else {
				tell(f, &t[news.item], news.bytes);
			}
			wire_clear(&fetch_news_message, &news);
		}
		why = over(f, code);
	}
	return why;
}

static int child_start(const struct fetch_job *job, struct locked *ret, struct err *err)
{
	const struct confine_path paths[] = {
		{ .fd = job->dir, .access = CONFINE_WRITE },
		{ .path = job->f->ca ? job->f->ca : "/dev/null", .access = CONFINE_READ },
		{ .path = "/etc/resolv.conf", .access = CONFINE_READ },
		{ .path = "/etc/hosts", .access = CONFINE_READ },
		{ .path = "/etc/host.conf", .access = CONFINE_READ },
		{ .path = "/etc/gai.conf", .access = CONFINE_READ },
		{ .path = "/etc/services", .access = CONFINE_READ },
		{ .path = "/etc/localtime", .access = CONFINE_READ },
	};
	int fds[CREDENTIALS_MAX + 1] = { job->dir };

	for (size_t i = 0; i < job->n_credentials; i++)
		fds[i + 1] = job->credentials[i].fd;
	return locked_start(ret, CONFINE_FETCH, paths, ARRAY_SIZE(paths), fds, job->n_credentials + 1, fetch_child,
			    (void *)(uintptr_t)job, err);
}

/* One child for all that is still wanted. What failed for good is wanted no more. */
static void run_child(const struct fetch_job *job, struct fetcher *f, struct transfer *t, struct attempt *a,
		      const char *folder)
{
	cleanup_free bool *arrived = xcalloc(job->n + 1, sizeof(*arrived));
	cleanup_free bool *told = xcalloc(job->n + 1, sizeof(*told));
	struct locked l;
	struct err err = ERR_INIT;
	enum code code = CODE_OK;
	const char *why = NULL;

	if (child_start(job, &l, &err) == 0) {
		why = hear(f, &l, t, a, job->n, arrived, told, &code);
		locked_end(&l);
		if (!why)
			why = over(f, &code);
	}
	for (size_t i = 0; i < job->n; i++) {
		if (!a[i].wanted)
			continue;
		if (arrived[i]) {
			a[i].wanted = !take(job->dir, &t[i], &a[i], folder) && a[i].mirror < transfer_mirrors(&t[i]) &&
				      t[i].err.code == CODE_HASH_MISMATCH;
		} else if (!told[i]) {
			a[i].wanted = false;
			fail(&t[i],
			     why      ? code :
			     err.code ? err.code :
					CODE_DOWNLOAD_FAILED,
			     0,
			     why      ? why :
			     err.code ? err.msg :
					"the process that downloads ended early");
		}
	}
}

/* ------------------------------------------------------------ credentials */

/* A copy in memory, which the child may read whoever may read the file. */
static int copy_credential(const char *path)
{
	cleanup_buf struct buf text = { 0 };
	struct err ignored = ERR_INIT;
	cleanup_fd int fd = -1;

	if (read_file(path, CREDENTIAL_SIZE_MAX, &text, &ignored) < 0)
		return -1;
	fd = memfd_create("stopgap-credential", MFD_CLOEXEC);
	if (fd < 0 || write_all(fd, buf_str(&text), text.n) < 0)
		return -1;
	return steal_fd(&fd);
}

static void read_credentials(const struct transfer *t, const struct attempt *a, size_t n, struct credential *ret,
			     size_t *n_ret)
{
	for (size_t i = 0; i < n; i++) {
		const struct repo_conf *r = t[i].repo;
		const char *const paths[] = { r ? r->sslcacert : NULL, r ? r->sslclientcert : NULL,
					      r ? r->sslclientkey : NULL };

		for (size_t k = 0; k < ARRAY_SIZE(paths) && a[i].wanted; k++) {
			bool known = !paths[k];

			for (size_t j = 0; j < *n_ret && !known; j++)
				known = streq(ret[j].path, paths[k]);
			if (known || *n_ret == CREDENTIALS_MAX)
				continue;
			int fd = copy_credential(paths[k]);
			if (fd >= 0)
				ret[(*n_ret)++] = (struct credential){ paths[k], fd };
		}
	}
}

/* ------------------------------------------------------------ all of it */

static bool any_wanted(const struct attempt *a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i].wanted)
			return true;
	return false;
}

static void rounds(struct fetcher *f, struct transfer *t, struct attempt *a, size_t n, int dir, const char *folder)
{
	struct credential credentials[CREDENTIALS_MAX];
	struct fetch_job job = { .f = f, .t = t, .a = a, .n = n, .dir = dir, .credentials = credentials };
	enum code code;

	for (size_t i = 0; i < n; i++)
		if (a[i].wanted)
			copy_local(f, dir, folder, &t[i], &a[i]);
	read_credentials(t, a, n, credentials, &job.n_credentials);
	while (any_wanted(a, n)) {
		const char *why = over(f, &code);

		for (size_t i = 0; i < n && why; i++)
			if (a[i].wanted)
				fail(&t[i], code, 0, why);
		if (why)
			break;
		run_child(&job, f, t, a, folder);
		for (size_t i = 0; i < n; i++)
			if (a[i].wanted)
				copy_local(f, dir, folder, &t[i], &a[i]);
	}
	for (size_t i = 0; i < job.n_credentials; i++)
		(void)close(credentials[i].fd);
}

/* The folder for what arrives, the child's own. */
static int open_folder(const char *folder, struct err *err)
{
	cleanup_fd int fd = -1;

	if (make_dirs(folder, 0700, err) < 0)
		return -1;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchown(fd, locked_user(), 0) < 0)
		return err_set(err, CODE_IO, errno, "open '%s'", folder);
	return steal_fd(&fd);
}

/* The same for the same file in every run, so that a part of it is found again. */
static char *part_name(const char *file)
{
	char hex[SHA256_DIGEST_STRING_LENGTH];

	return xstrdup(SHA256Data((const uint8_t *)file, strlen(file), hex));
}

void fetch_all(struct fetcher *f, struct transfer *t, size_t n)
{
	cleanup_free char *folder = xasprintf("%s/rpm/partial", f->settings->state_dir);
	cleanup_free struct attempt *a = xcalloc(n + 1, sizeof(*a));
	struct err err = ERR_INIT;
	cleanup_fd int dir = open_folder(folder, &err);

	for (size_t i = 0; i < n; i++) {
		a[i] = (struct attempt){ .part = part_name(t[i].file), .wanted = !already_there(&t[i]) };
		if (dir < 0 && a[i].wanted)
			fail(&t[i], err.code, 0, err.msg);
	}
	if (dir >= 0)
		rounds(f, t, a, n, dir, folder);
	for (size_t i = 0; i < n; i++) {
		t[i].missing = !t[i].done && a[i].not_found && a[i].not_found >= transfer_mirrors(&t[i]);
		free(a[i].part);
	}
}

/* The container's own authorities know its mirrors; ours are for one without. */
static char *find_authorities(void)
{
	static const char *const files[] = { "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
					     "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
					     "/etc/ssl/certs/ca-certificates.crt" };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (stat(files[i], &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
			return xstrdup(files[i]);
	return plugin_bundle() ? xasprintf("%s/share/ca-certificates.crt", plugin_bundle()) : NULL;
}

void fetch_begin(struct fetcher *f, const struct msg_settings *settings, const char *phase)
{
	*f = (struct fetcher){ .settings = settings,
			       .phase = phase,
			       .deadline = clock_ms() + (uint64_t)settings->timeout * 1000,
			       .ca = find_authorities() };
}

void fetch_end(struct fetcher *f)
{
	free(steal_ptr(&f->ca));
}

void transfer_clear(struct transfer *t)
{
	free(steal_ptr(&t->url));
}
