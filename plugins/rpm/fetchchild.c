/* fetchchild.c - libcurl, in a child that is locked in (fetchjob.h). */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "clock.h"
#include "fd.h"
#include "fetchjob.h"
#include "metalink.h"

#define PARALLEL 6 /* transfers at a time */
#define PER_HOST 3
#define REDIRECTS_MAX 8
#define CONNECT_S 20L
#define RATE_MIN 50L /* bytes a second over network.stall; slower is a stall */
#define POLL_MS 500
#define NEWS_MS 100 /* between two lines about progress */

struct slot {
	const struct transfer *t;
	size_t index;
	const char *part;
	CURL *curl;
	char *url;
	int fd;
	int64_t start; /* bytes of an earlier attempt */
	int64_t room; /* how many more may come */
	int64_t bytes; /* fetched */
	int errnum; /* of a failed write */
	bool too_big, wanted, active, arrived, local;
	size_t attempts, mirror, not_found;
	struct err err;
	char reason[CURL_ERROR_SIZE];
};

struct child {
	const struct fetch_job *job;
	const struct fetcher *f;
	int out;
	CURLM *multi;
	struct slot *slots;
	uint64_t told_at;
	int64_t bytes; /* of the slots that are over */
	bool heard;
};

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
	s->bytes += (int64_t)n;
	return n;
}

/* What the parent has read, since root alone may be able to; by a path, as libcurl wants it. */
static void set_file(const struct child *c, CURL *curl, CURLoption option, const char *path)
{
	char fd_path[64];

	for (size_t i = 0; i < c->job->n_credentials; i++)
		if (streq(c->job->credentials[i].path, path)) {
			(void)snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", c->job->credentials[i].fd);
			path = fd_path;
			break;
		}
	(void)curl_easy_setopt(curl, option, path);
}

static void set_credentials(const struct child *child, const struct repo_conf *r, CURL *c)
{
	const struct fetcher *f = child->f;
	const char *ca = r && r->sslcacert ? r->sslcacert : f->ca;

	(void)curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	if (ca)
		set_file(child, c, CURLOPT_CAINFO, ca);
	if (!r)
		return;
	if (r->no_sslverify && !f->settings->require_signed) {
		(void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (r->sslclientcert)
		set_file(child, c, CURLOPT_SSLCERT, r->sslclientcert);
	if (r->sslclientkey)
		set_file(child, c, CURLOPT_SSLKEY, r->sslclientkey);
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

static void set_options(const struct child *child, struct slot *s)
{
	const struct fetcher *f = child->f;
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
	set_credentials(child, s->t->repo, c);
}

static void fail(struct slot *s, enum code code, int errnum, const char *text)
{
	err_clear(&s->err);
	(void)err_set(&s->err, code, errnum, "'%s': %s", s->url ? s->url : s->t->path, text);
	s->err.retryable = true;
}

/* A part of the same file, of whatever mirror: the checksum will tell. */
static int open_part(const struct child *c, struct slot *s)
{
	const struct transfer *t = s->t;
	bool resume = t->checksum && t->size;
	struct stat st;

	s->fd = openat(c->job->dir, s->part,
		       O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | (resume ? O_APPEND : O_TRUNC), 0600);
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

/* Start the next attempt. False when there is none left, or it ended at once. */
static bool start(struct child *c, struct slot *s)
{
	const struct transfer *t = s->t;
	size_t mirrors = transfer_mirrors(t);

	if (!mirrors || (s->attempts >= ATTEMPTS_MAX && s->attempts >= mirrors) || s->attempts >= 4 * ATTEMPTS_MAX)
		return false;
	free(s->url);
	s->url = transfer_url(t, s->mirror);
	s->local = starts_with(s->url, "file://");
	if (s->local)
		return false;
	s->mirror++;
	s->attempts++;
	if (!mirror_url_usable(s->url)) {
		fail(s, CODE_DOWNLOAD_FAILED, 0, "only http, https and file are used");
		return false;
	}
	if (open_part(c, s) < 0)
		return false;
	s->too_big = false;
	s->errnum = 0;
	s->curl = curl_easy_init();
	if (!s->curl)
		out_of_memory();
	set_options(c, s);
	(void)curl_multi_add_handle(c->multi, s->curl);
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
static bool judge(struct child *c, struct slot *s, CURLcode code)
{
	const size_t mirrors = transfer_mirrors(s->t);
	curl_off_t connected = 0;
	long status = 0;

	(void)curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(s->curl, CURLINFO_CONNECT_TIME_T, &connected);
	c->heard |= status > 0 || connected > 0 || !is_network(code);
	if (code == CURLE_OK) {
		s->arrived = true;
		return false;
	}
	if (s->errnum) {
		fail(s, s->errnum == ENOSPC || s->errnum == EDQUOT ? CODE_NO_SPACE : CODE_IO, s->errnum,
		     "write the download");
		return false;
	}
	if (s->too_big) {
		(void)unlinkat(c->job->dir, s->part, 0);
		fail(s, CODE_DOWNLOAD_FAILED, 0, "it is larger than it may be");
		return s->mirror < mirrors;
	}
	cleanup_free char *text = status >= 400 ? xasprintf("HTTP status %ld", status) :
						  xstrdup(s->reason[0] ? s->reason : curl_easy_strerror(code));
	fail(s, code == CURLE_PEER_FAILED_VERIFICATION ? CODE_UNTRUSTED : CODE_DOWNLOAD_FAILED, 0, text);
	if (status == 416 || code == CURLE_RANGE_ERROR || code == CURLE_BAD_DOWNLOAD_RESUME)
		(void)unlinkat(c->job->dir, s->part, 0); /* a server that cannot resume */
	s->not_found += status == 404 || status == 410 || status == 403;
	if (status >= 400 && status < 500 && status != 408 && status != 416 && status != 429)
		return s->mirror < mirrors;
	return s->attempts < 3 || s->mirror < mirrors;
}

static void close_slot(struct child *c, struct slot *s)
{
	(void)curl_multi_remove_handle(c->multi, s->curl);
	curl_easy_cleanup(s->curl);
	s->curl = NULL;
	closep(&s->fd);
	s->fd = -1;
	s->active = false;
}

/* Returns true while the transfer goes on. */
static bool next_attempt(struct child *c, struct slot *s)
{
	while (!s->arrived && !start(c, s)) {
		if (s->local || s->attempts >= transfer_mirrors(s->t) || s->err.code == CODE_NO_SPACE ||
		    s->err.code == CODE_IO)
			break;
	}
	return s->active;
}

/* ------------------------------------------------------------ news */

static void send_news(const struct child *c, const struct fetch_news *news)
{
	struct json_object *obj = wire_encode(&fetch_news_message, news);
	cleanup_buf struct buf line = { 0 };

	wire_put(&line, obj);
	json_object_put(obj);
	if (write_all(c->out, line.s, line.n) < 0)
		_exit(1);
}

static void tell_over(struct child *c, struct slot *s)
{
	struct fetch_news news = { .item = (int64_t)s->index,
				   .over = true,
				   .arrived = s->arrived,
				   .local = s->local,
				   .heard = c->heard,
				   .bytes = s->bytes,
				   .mirror = (int64_t)s->mirror,
				   .tries = (int64_t)s->attempts,
				   .not_found = (int64_t)s->not_found,
				   .code = s->err.code,
				   .message = s->err.msg };

	c->bytes += s->bytes;
	send_news(c, &news);
}

static int64_t bytes_so_far(const struct child *c, const struct slot **last)
{
	int64_t bytes = c->bytes;

	for (size_t i = 0; i < c->job->n; i++)
		if (c->slots[i].active) {
			bytes += c->slots[i].bytes;
			*last = &c->slots[i];
		}
	return bytes;
}

static void tell_progress(struct child *c)
{
	const struct slot *last = NULL;
	struct fetch_news news = { .bytes = bytes_so_far(c, &last) };

	if (!last || clock_ms() - c->told_at < NEWS_MS)
		return;
	news.item = (int64_t)last->index;
	c->told_at = clock_ms();
	send_news(c, &news);
}

/* ------------------------------------------------------------ all of it */

static void finished(struct child *c)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left))) {
		struct slot *s = NULL;
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&s);
		bool again = judge(c, s, code);
		close_slot(c, s);
		if (again) {
			c->bytes += s->bytes;
			s->bytes = 0;
			(void)next_attempt(c, s);
		}
		if (!s->active)
			tell_over(c, s);
	}
}

/* The parent looks at these as well, but asks nobody how far it is. */
static bool enough(const struct child *c)
{
	const struct slot *last;

	return clock_ms() >= c->f->deadline || c->f->bytes + bytes_so_far(c, &last) > c->f->settings->max_bytes;
}

static void run(struct child *c)
{
	size_t next = 0, active;

	for (;;) {
		int running;

		active = 0;
		for (size_t i = 0; i < next; i++)
			active += c->slots[i].active;
		while (next < c->job->n && active < PARALLEL) {
			struct slot *s = &c->slots[next++];

			if (!s->wanted)
				continue;
			if (next_attempt(c, s))
				active++;
			else
				tell_over(c, s);
		}
		if (!active)
			break;
		(void)curl_multi_perform(c->multi, &running);
		finished(c);
		tell_progress(c);
		if (enough(c))
			break;
		if (running)
			(void)curl_multi_poll(c->multi, NULL, 0, POLL_MS, NULL);
	}
}

/* No file of it can get larger than the largest that is wanted. */
static void limit_files(const struct fetch_job *job)
{
	struct rlimit limit = { 0 };

	for (size_t i = 0; i < job->n; i++) {
		rlim_t max = (rlim_t)(job->t[i].size ? job->t[i].size : job->t[i].max);

		if (job->a[i].wanted && max > limit.rlim_cur)
			limit.rlim_cur = max;
	}
	limit.rlim_max = limit.rlim_cur;
	(void)setrlimit(RLIMIT_FSIZE, &limit);
}

void fetch_child(int out, void *ctx)
{
	const struct fetch_job *job = ctx;
	struct child c = { .job = job, .f = job->f, .out = out, .slots = xcalloc(job->n + 1, sizeof(*c.slots)) };

	limit_files(job);
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
	c.multi = curl_multi_init();
	if (!c.multi)
		out_of_memory();
	(void)curl_multi_setopt(c.multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)PER_HOST);
	for (size_t i = 0; i < job->n; i++)
		c.slots[i] = (struct slot){ .t = &job->t[i],
					    .index = i,
					    .part = job->a[i].part,
					    .fd = -1,
					    .wanted = job->a[i].wanted,
					    .attempts = job->a[i].tries,
					    .mirror = job->a[i].mirror,
					    .not_found = job->a[i].not_found,
					    .err = ERR_INIT };
	run(&c);
}
