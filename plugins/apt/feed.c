/* feed.c - see feed.h. */
#include <errno.h>
#include <stdio.h>
#include "aptpkg.h"
#include "clock.h"
#include "debsecan.h"
#include "fd.h"
#include "feed.h"
#include "inflate.h"
#include "serve.h"

/* The text of a feed and what was read in it. */
struct copy {
	struct buf text;
	struct debsecan data;
};

struct feed {
	const struct msg_feed_params *in;
	const char *suite;
	char *uri;
	char *cache, *meta, *partial;	/* files; the last in a folder of its own */
	int64_t checked, date;		/* of the cache; checked 0: there is none */
	struct copy copy;
};

static void copy_clear(struct copy *c)
{
	debsecan_clear(&c->data);
	buf_clear(&c->text);
}

static void feed_clear(struct feed *f)
{
	free(f->uri);
	free(f->cache);
	free(f->meta);
	free(f->partial);
	copy_clear(&f->copy);
}

/* ------------------------------------------------------------ the cache */

/* A cache of another source is none. */
static void meta_read(struct feed *f)
{
	cleanup_buf struct buf b = { 0 };
	struct err ignored = ERR_INIT;
	char *save = NULL;
	uint64_t checked, date;

	if (read_file(f->meta, 65536, &b, &ignored) < 0 || !b.n)
		return;
	const char *uri = strtok_r(b.s, "\n", &save);
	const char *first = strtok_r(NULL, "\n", &save), *second = strtok_r(NULL, "\n", &save);
	if (!second || !streq(uri, f->uri) || parse_u64(first, INT32_MAX * 4ULL, &checked) < 0 ||
	    parse_u64(second, INT32_MAX * 4ULL, &date) < 0)
		return;
	f->checked = (int64_t)checked;
	f->date = (int64_t)date;
}

static int meta_write(const struct feed *f, struct err *err)
{
	cleanup_free char *text = xasprintf("%s\n%lld\n%lld\n", f->uri, (long long)f->checked, (long long)f->date);

	return replace_file(f->meta, 0600, text, strlen(text), err);
}

/* ------------------------------------------------------------ loading */

/* Unpack and parse RAW; FROM is for the message. */
static int load(const struct buf *raw, const char *from, struct copy *ret, struct err *err)
{
	if (inflate_all(buf_str(raw), raw->n, DEBSECAN_MAX, &ret->text, err) < 0 ||
	    debsecan_parse(&ret->text, &ret->data, err) < 0)
		return err_wrap(err, "read the feed '%s'", from);
	return 0;
}

static int load_file(const char *path, struct copy *ret, struct err *err)
{
	cleanup_buf struct buf raw = { 0 };

	if (read_file(path, DEBSECAN_MAX, &raw, err) < 0) {
		err->code = CODE_FEED_FAILED;
		return -1;
	}
	return load(&raw, path, ret, err);
}

/* A full disk is no reason to say nothing: the data is at hand. With the old
 * .meta the new data would pass for that of another source. */
static void keep(const struct feed *f, const struct buf *raw)
{
	struct err why = ERR_INIT;

	if (unlink(f->meta) < 0 && errno != ENOENT)
		(void)err_set(&why, CODE_IO, errno, "remove '%s'", f->meta);
	else if (replace_file(f->cache, 0600, buf_str(raw), raw->n, &why) == 0 && meta_write(f, &why) == 0)
		return;
	plugin_log(LOG_WARNING, "keep the feed for the next time: %s, ignoring", why.msg);
}

/* What arrived is kept only when it can be read. */
static int take(struct feed *f, int64_t date, struct copy *ret, struct err *err)
{
	cleanup_buf struct buf raw = { 0 };

	if (read_file(f->partial, DEBSECAN_MAX, &raw, err) < 0 || load(&raw, f->uri, ret, err) < 0)
		return -1;
	f->checked = clock_wall();
	f->date = date ? date : f->checked;
	keep(f, &raw);
	return 0;
}

/* RET stays empty when the server has nothing newer than the cache. */
static int ask(struct feed *f, struct msg_feed *msg, struct copy *ret, struct err *err)
{
	struct download d = {
		.uri = f->uri, .file = f->partial, .since = f->checked ? f->date : 0, .max_bytes = (int64_t)DEBSECAN_MAX
	};

	(void)unlink(f->partial);
	int r = aptpkg_download(&d, &msg->alarms, err);
	msg->bytes = d.bytes;
	if (r == 0 && d.unchanged) {
		f->checked = clock_wall();
		r = meta_write(f, err);
	} else if (r == 0) {
		r = take(f, d.date, ret, err);
	}
	(void)unlink(f->partial);
	if (r == 0)
		msg->state = xstrdup(d.unchanged ? "unchanged" : "new");
	return r;
}

/* An old answer is better than none, as long as it says how old it is. */
static int refresh(struct feed *f, struct msg_feed *msg, struct err *err)
{
	struct copy fresh = { 0 };
	struct err why = ERR_INIT;
	bool cached = f->checked != 0;
	char when[TIME_TEXT_MAX];

	if (ask(f, msg, &fresh, &why) == 0) {
		if (streq(msg->state, "new")) {
			copy_clear(&f->copy);
			f->copy = fresh;
		}
		return 0;
	}
	copy_clear(&fresh);
	if (!cached || why.code == CODE_STOPPED) {
		*err = why;
		return -1;
	}
	time_format(f->date, when);
	reason_add(&msg->alarms, CODE_FEED_STALE, "%s; the copy of %s was used", why.msg, when);
	msg->state = xstrdup("stale");
	return 0;
}

static int fetch(struct feed *f, const char *state_dir, struct msg_feed *msg, struct err *err)
{
	cleanup_free char *dir = xasprintf("%s/feeds/partial", state_dir);
	struct err why = ERR_INIT;

	f->cache = xasprintf("%s/feeds/debsecan-%s", state_dir, f->suite);
	f->meta = xasprintf("%s.meta", f->cache);
	f->partial = xasprintf("%s/debsecan", dir);
	if (make_dirs(dir, 0700, err) < 0)
		return -1;
	meta_read(f);
	if (f->checked && load_file(f->cache, &f->copy, &why) < 0) {
		plugin_log(LOG_NOTICE, "%s: fetched anew", why.msg);
		copy_clear(&f->copy);
		f->checked = 0;
	}
	int64_t age = clock_wall() - f->checked;
	if (f->checked && age >= 0 && age < f->in->max_age) {
		msg->state = xstrdup("cached");
		return 0;
	}
	return refresh(f, msg, err);
}

/* ------------------------------------------------------------ the method */

/* It becomes a part of a path and of an address. */
static bool suite_valid(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	return n > 0 && n <= 64 && s[n] == '\0';
}

static int choose_suite(const struct msg_feed_params *in, const struct msg_distribution *distribution, const char **ret,
			struct err *err)
{
	*ret = in->suite;
	if (!*strna(*ret) && streq(strna(distribution->id), "debian"))
		*ret = distribution->codename;
	if (!*strna(*ret))
		return err_set(
			err, CODE_FEED_FAILED, 0,
			"Debian's security tracker has no data for '%s': set cves.suite to the Debian release that its packages come from",
			strna(distribution->id));
	if (!suite_valid(*ret))
		return err_set(err, CODE_FEED_FAILED, 0, "'%s' is not the codename of a Debian release: set cves.suite",
			       *ret);
	return 0;
}

static int get(struct feed *f, const char *state_dir, struct msg_feed *ret, struct err *err)
{
	const char *uri = strna(f->in->uri);
	size_t n = strlen(uri);

	if (*strna(f->in->file)) {
		ret->transport = xstrdup("file");
		ret->state = xstrdup("file");
		ret->uri = xstrdup(f->in->file);
		return load_file(f->in->file, &f->copy, err);
	}
	if (!starts_with(uri, "http://") && !starts_with(uri, "https://"))
		return err_set(err, CODE_FEED_FAILED, 0, "'%s' is not an http or https address: set cves.url", uri);
	if (!text_printable(uri, n) || strpbrk(uri, " \t"))
		return err_set(err, CODE_FEED_FAILED, 0, "cves.url is not an address");
	f->uri = xasprintf("%s%s%s", uri, uri[n - 1] == '/' ? "" : "/", f->suite);
	ret->uri = xstrdup(f->uri);
	ret->transport = xstrdup(starts_with(uri, "https:") ? "https" : "http");
	if (fetch(f, state_dir, ret, err) < 0)
		return -1;
	char date[TIME_TEXT_MAX];
	time_format(f->date, date);
	ret->date = xstrdup(date);
	ret->age = clock_wall() > f->checked ? clock_wall() - f->checked : 0;
	return 0;
}

static int send_cve(const struct msg_cve *c, void *arg)
{
	struct msg_feed *ret = arg;

	if (ret->count == MSG_CVES_MAX || (ret->count % 1000 == 0 && plugin_stop_requested()))
		return -1;
	plugin_event("cve", &msg_cve, c);
	ret->count++;
	return 0;
}

int feed_run(const struct msg_feed_params *in, const struct msg_settings *settings,
	     const struct msg_distribution *distribution, struct msg_feed *ret, struct err *err)
{
	cleanup_dpkgdb struct dpkgdb db = { 0 };
	struct feed f = { .in = in };

	if (!streq(in->kind, "debsecan"))
		return err_set(err, CODE_UNSUPPORTED, 0, "no feed of kind '%s'; accepted: debsecan", in->kind);
	if (choose_suite(in, distribution, &f.suite, err) < 0 || dpkgdb_read("", &db, err) < 0)
		return -1;
	ret->suite = xstrdup(f.suite);
	int r = get(&f, settings->state_dir, ret, err);
	if (r == 0 && debsecan_match(&f.copy.data, &db, send_cve, ret) < 0)
		r = ret->count == MSG_CVES_MAX ?
			    err_set(err, CODE_FEED_FAILED, 0, "more than %d vulnerabilities: this is not a feed",
				    MSG_CVES_MAX) :
			    err_set(err, CODE_STOPPED, 0, "stopped while matching the feed");
	feed_clear(&f);
	return r;
}
