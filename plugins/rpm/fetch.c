/* fetch.c - see fetch.h. */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include "clock.h"
#include "fd.h"
#include "fetch.h"
#include "metalink.h"
#include "serve.h"

#define PARALLEL 6 /* transfers at a time */
#define PER_HOST 3
#define ATTEMPTS_MAX 8 /* of one file, over all mirrors */
#define REDIRECTS_MAX 8
#define CONNECT_S 20L
#define RATE_MIN 50L /* bytes a second over network.stall; slower is a stall */
#define POLL_MS 500

struct slot {
	struct transfer *t;
	CURL *curl;
	char *part; /* FILE.part */
	char *url;
	int fd;
	int64_t start; /* bytes of an earlier attempt */
	int64_t room; /* how many more may come */
	int errnum; /* of a failed write */
	bool too_big;
	size_t attempts, mirror, not_found;
	bool active;
	char reason[CURL_ERROR_SIZE];
};

static size_t mirror_count(const struct transfer *t)
{
	return t->mirrors ? t->mirrors->n : 1;
}

static size_t on_data(char *data, size_t size, size_t n, void *arg)
{
	struct slot *s = arg;

	n *= size;
	if ((int64_t)n > s->room) {
		s->too_big = true;
		return 0;
	}
	if (write_all(s->fd, data, n) < 0) {
		s->errnum = errno;
		return 0;
	}
	s->room -= (int64_t)n;
	s->t->bytes += (int64_t)n;
	return n;
}

static void set_credentials(const struct fetcher *f, const struct repo_conf *r, CURL *c)
{
	const char *ca = r && r->sslcacert ? r->sslcacert : f->ca;

	if (ca)
		(void)curl_easy_setopt(c, CURLOPT_CAINFO, ca);
	if (!r)
		return;
	if (r->no_sslverify && !f->settings->require_signed) {
		(void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (r->sslclientcert)
		(void)curl_easy_setopt(c, CURLOPT_SSLCERT, r->sslclientcert);
	if (r->sslclientkey)
		(void)curl_easy_setopt(c, CURLOPT_SSLKEY, r->sslclientkey);
	if (r->username)
		(void)curl_easy_setopt(c, CURLOPT_USERNAME, r->username);
	if (r->username && r->password)
		(void)curl_easy_setopt(c, CURLOPT_PASSWORD, r->password);
	if (f->settings->proxy || !r->proxy)
		return;
	(void)curl_easy_setopt(c, CURLOPT_PROXY, streq(r->proxy, "_none_") ? "" : r->proxy);
	if (r->proxy_username)
		(void)curl_easy_setopt(c, CURLOPT_PROXYUSERNAME, r->proxy_username);
	if (r->proxy_password)
		(void)curl_easy_setopt(c, CURLOPT_PROXYPASSWORD, r->proxy_password);
}

static void set_options(const struct fetcher *f, struct slot *s)
{
	bool tls = !strncasecmp(s->url, "https:", 6);
	CURL *c = s->curl;

	(void)curl_easy_setopt(c, CURLOPT_URL, s->url);
	(void)curl_easy_setopt(c, CURLOPT_PRIVATE, s);
	(void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, s->reason);
	(void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	/* what TLS protects is not given away by a redirect */
	(void)curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, tls ? "https" : "http,https");
	(void)curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1); /* curlstubs.c */
	(void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
	(void)curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
	(void)curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
	(void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
	(void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, RATE_MIN);
	(void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)f->settings->stall);
	(void)curl_easy_setopt(c, CURLOPT_USERAGENT, "stopgap/" PACKAGE_VERSION);
	(void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	(void)curl_easy_setopt(c, CURLOPT_WRITEDATA, s);
	if (s->start)
		(void)curl_easy_setopt(c, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)s->start);
	if (f->settings->proxy)
		(void)curl_easy_setopt(c, CURLOPT_PROXY, f->settings->proxy);
	set_credentials(f, s->t->repo, c);
}

static void fail(struct slot *s, enum code code, int errnum, const char *text)
{
	err_clear(&s->t->err);
	(void)err_set(&s->t->err, code, errnum, "'%s': %s", s->url ? s->url : s->t->path, text);
	s->t->err.retryable = true;
}

/* What came is complete: does it have the right hash? Then it gets its name. */
static bool take(struct slot *s)
{
	struct transfer *t = s->t;
	cleanup_free char *sum = t->checksum ? file_checksum(s->part, t->checksum_type) : NULL;

	if (t->checksum && (!sum || strcasecmp(sum, t->checksum) != 0)) {
		(void)unlink(s->part);
		fail(s, CODE_HASH_MISMATCH, 0, "the file is not the one that the metadata names");
		return false;
	}
	if (rename(s->part, t->file) < 0) {
		fail(s, CODE_IO, errno, "rename the download");
		return false;
	}
	t->done = true;
	t->err = ERR_INIT;
	return true;
}

static bool already_there(struct transfer *t)
{
	cleanup_free char *sum = t->checksum ? file_checksum(t->file, t->checksum_type) : NULL;

	t->done = sum && strcasecmp(sum, t->checksum) == 0;
	return t->done;
}

/* A part of the same file, of whatever mirror: the checksum will tell. */
static int open_part(struct slot *s)
{
	struct transfer *t = s->t;
	bool resume = t->checksum && t->size;
	struct stat st;

	s->fd = open(s->part, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | (resume ? O_APPEND : O_TRUNC), 0600);
	if (s->fd < 0 || fstat(s->fd, &st) < 0) {
		fail(s, CODE_IO, errno, "create the download");
		return -1;
	}
	s->start = resume && st.st_size < t->size ? st.st_size : 0;
	if (s->start != st.st_size && ftruncate(s->fd, 0) < 0) {
		fail(s, CODE_IO, errno, "empty the download");
		return -1;
	}
	s->room = (t->size ? t->size : t->max) - s->start;
	return 0;
}

/* A file:// mirror is read at once. */
static void copy_file(struct fetcher *f, struct slot *s)
{
	struct transfer *t = s->t;
	struct err err = ERR_INIT;
	bool missing = false;

	f->heard = true;
	t->bytes = 0;
	if (fetch_file(s->url, s->part, t->size ? t->size : t->max, &t->bytes, &missing, &err) < 0) {
		s->not_found += missing;
		fail(s, err.code, 0, err.msg);
		return;
	}
	f->bytes += t->bytes;
	(void)take(s);
}

/* Start the next attempt. False when there is none left, or it ended at once. */
static bool start(struct fetcher *f, CURLM *multi, struct slot *s)
{
	struct transfer *t = s->t;
	size_t mirrors = mirror_count(t);

	if (!mirrors || (s->attempts >= ATTEMPTS_MAX && s->attempts >= mirrors) || s->attempts >= 4 * ATTEMPTS_MAX)
		return false;
	free(s->url);
	s->url = t->mirrors ? xasprintf("%s%s", t->mirrors->v[s->mirror % mirrors], t->path) : xstrdup(t->path);
	s->mirror++;
	s->attempts++;
	free(t->url);
	t->url = xstrdup(s->url);
	if (starts_with(s->url, "file://")) {
		copy_file(f, s);
		return false;
	}
	if (!mirror_url_usable(s->url)) {
		fail(s, CODE_DOWNLOAD_FAILED, 0, "only http, https and file are used");
		return false;
	}
	if (open_part(s) < 0)
		return false;
	s->too_big = false;
	s->errnum = 0;
	s->curl = curl_easy_init();
	if (!s->curl)
		out_of_memory();
	set_options(f, s);
	(void)curl_multi_add_handle(multi, s->curl);
	s->active = true;
	return true;
}

/* Is it that nobody answered? */
static bool is_network(CURLcode code)
{
	return code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_COULDNT_RESOLVE_HOST ||
	       code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT;
}

/* Is another attempt of any use? A missing file is not asked for twice. */
static bool judge(struct fetcher *f, struct slot *s, CURLcode code)
{
	struct transfer *t = s->t;
	curl_off_t connected = 0;
	long status = 0;

	(void)curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(s->curl, CURLINFO_CONNECT_TIME_T, &connected);
	f->heard |= status > 0 || connected > 0 || !is_network(code);
	if (code == CURLE_OK)
		return !take(s) && s->mirror < mirror_count(t);
	if (s->errnum) {
		fail(s, s->errnum == ENOSPC || s->errnum == EDQUOT ? CODE_NO_SPACE : CODE_IO, s->errnum,
		     "write the download");
		return false;
	}
	if (s->too_big) {
		(void)unlink(s->part);
		fail(s, CODE_DOWNLOAD_FAILED, 0, "it is larger than it may be");
		return s->mirror < mirror_count(t);
	}
	cleanup_free char *text = status >= 400 ? xasprintf("HTTP status %ld", status) :
						  xstrdup(s->reason[0] ? s->reason : curl_easy_strerror(code));
	fail(s, code == CURLE_PEER_FAILED_VERIFICATION ? CODE_UNTRUSTED : CODE_DOWNLOAD_FAILED, 0, text);
	if (status == 416 || code == CURLE_RANGE_ERROR || code == CURLE_BAD_DOWNLOAD_RESUME)
		(void)unlink(s->part); /* a server that cannot resume */
	s->not_found += status == 404 || status == 410 || status == 403;
	if (status >= 400 && status < 500 && status != 408 && status != 416 && status != 429)
		return s->mirror < mirror_count(t);
	return s->attempts < 3 || s->mirror < mirror_count(t);
}

static void close_slot(CURLM *multi, struct slot *s)
{
	(void)curl_multi_remove_handle(multi, s->curl);
	curl_easy_cleanup(s->curl);
	s->curl = NULL;
	closep(&s->fd);
	s->fd = -1;
	s->active = false;
}

/* Returns true while the transfer goes on. */
static bool next_attempt(struct fetcher *f, CURLM *multi, struct slot *s)
{
	while (!s->t->done && !start(f, multi, s)) {
		size_t tried = s->attempts;

		if (s->t->done || tried >= mirror_count(s->t) || s->t->err.code == CODE_NO_SPACE ||
		    s->t->err.code == CODE_IO)
			break;
	}
	if (!s->active)
		s->t->missing = !s->t->done && s->not_found >= mirror_count(s->t);
	return s->active;
}

static void tell(struct fetcher *f, const struct slot *slots, size_t n)
{
	int64_t done = f->bytes;
	const char *item = NULL;

	for (size_t i = 0; i < n; i++)
		if (slots[i].active) {
			done += slots[i].t->bytes;
			item = slots[i].t->item ? slots[i].t->item : item;
		}
	struct msg_progress p = { .phase = (char *)(uintptr_t)f->phase,
				  .done = done,
				  .total = f->expected,
				  .item = (char *)(uintptr_t)item };
	if (item)
		plugin_event("progress", &msg_progress, &p);
}

/* Why everything ends now, or NULL. */
static const char *over(const struct fetcher *f, const struct slot *slots, size_t n, enum code *code)
{
	int64_t bytes = f->bytes;

	for (size_t i = 0; i < n; i++)
		bytes += slots[i].active ? slots[i].t->bytes : 0;
	*code = CODE_DOWNLOAD_FAILED;
	if (plugin_stop_requested()) {
		*code = CODE_STOPPED;
		return "asked to stop";
	}
	if (clock_ms() >= f->deadline)
		return "network.timeout is over";
	if (bytes > f->settings->max_bytes)
		return "network.max_bytes is reached";
	return NULL;
}

static void finished(struct fetcher *f, CURLM *multi)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(multi, &left))) {
		struct slot *s = NULL;
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&s);
		bool again = judge(f, s, code);
		close_slot(multi, s);
		f->bytes += s->t->bytes;
		if (!s->t->done && again) {
			s->t->bytes = 0;
			(void)next_attempt(f, multi, s);
		}
		if (!s->active)
			s->t->missing = !s->t->done && s->not_found >= mirror_count(s->t);
	}
}

static void run(struct fetcher *f, CURLM *multi, struct slot *slots, size_t n)
{
	const char *why = NULL;
	enum code code;
	size_t next = 0, active;

	for (;;) {
		int running;

		active = 0;
		for (size_t i = 0; i < next; i++)
			active += slots[i].active;
		why = over(f, slots, n, &code);
		while (!why && next < n && active < PARALLEL) {
			struct slot *s = &slots[next++];

			active += !already_there(s->t) && next_attempt(f, multi, s);
		}
		if (why || !active)
			break;
		(void)curl_multi_perform(multi, &running);
		finished(f, multi);
		tell(f, slots, n);
		if (running)
			(void)curl_multi_poll(multi, NULL, 0, POLL_MS, NULL);
	}
	for (size_t i = 0; i < n && why; i++) {
		if (slots[i].active) {
			close_slot(multi, &slots[i]);
			f->bytes += slots[i].t->bytes;
		}
		if (!slots[i].t->done)
			fail(&slots[i], code, 0, why);
	}
}

void fetch_all(struct fetcher *f, struct transfer *t, size_t n)
{
	cleanup_free struct slot *slots = xcalloc(n + 1, sizeof(*slots));
	CURLM *multi = curl_multi_init();

	if (!multi)
		out_of_memory();
	(void)curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)PER_HOST);
	for (size_t i = 0; i < n; i++)
		slots[i] = (struct slot){ .t = &t[i], .fd = -1, .part = xasprintf("%s.part", t[i].file) };
	run(f, multi, slots, n);
	(void)curl_multi_cleanup(multi);
	for (size_t i = 0; i < n; i++) {
		free(slots[i].part);
		free(slots[i].url);
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
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

void fetch_end(struct fetcher *f)
{
	free(steal_ptr(&f->ca));
}

void transfer_clear(struct transfer *t)
{
	free(steal_ptr(&t->url));
}
