/* entershare.c - see entershare.h. */
#include <sys/socket.h>
#include "clock.h"
#include "entershare.h"
#include "log.h"

static void answer(int fd)
{
	struct json_object *go = hostshare_go();
	cleanup_buf struct buf text = { 0 };

	wire_put(&text, go);
	json_object_put(go);
	/* an entry that does not read what it asked for waits for nothing */
	if (send(fd, text.s, text.n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("answer an entry: %m, ignoring");
}

static void react(struct entershare *e, enum hostshare_answer a, int fd)
{
	e->retry = a == HOSTSHARE_BUSY ? clock_ms() + HOSTSHARE_RETRY_MS : 0;
	if (a == HOSTSHARE_GO || a == HOSTSHARE_REFUSED)
		answer(fd);
}

/* Is this line one of ours? -1: not, 0: it may become one, 1: it is. */
static int is_line(const char *s, size_t n)
{
	static const char *const begins[] = { "{\"want\":", "{\"lists\":", "{\"fetched\":" };

	for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
		size_t k = strlen(begins[i]);

		if (memcmp(s, begins[i], n < k ? n : k) == 0)
			return n >= k;
	}
	return -1;
}

static void take_line(struct entershare *e, const char *s, size_t n, int fd)
{
	struct json_object *o = NULL;
	struct err err = ERR_INIT;
	enum hostshare_answer a = HOSTSHARE_REFUSED;

	e->lines++;
	if (wire_parse(s, n, &o, &err) == 0)
		a = hostshare_line(e->share, o, &err);
	json_object_put(o);
	if (a == HOSTSHARE_REFUSED)
		log_warning("%s: %s, ignoring", e->name, err.msg);
	react(e, a, fd);
}

void entershare_take(struct entershare *e, struct buf *out, int fd)
{
	while (e->share && e->at < out->n && e->lines < ENTERSHARE_LINES) {
		const char *s = out->s + e->at, *end = memchr(s, '\n', out->n - e->at);
		size_t n = end ? (size_t)(end - s) : out->n - e->at;
		int mine = is_line(s, n);

		if (mine < 0 || (end && !mine)) { /* the report has begun */
			e->lines = ENTERSHARE_LINES;
			return;
		}
		if (!end)
			return;
		take_line(e, s, n, fd);
		memmove(out->s + e->at, end + 1, out->n - e->at - n - 1);
		out->n -= n + 1;
		out->s[out->n] = '\0';
	}
}

void entershare_step(struct entershare *e, int fd)
{
	if (e->retry && clock_ms() >= e->retry)
		react(e, hostshare_again(e->share), fd);
}

int entershare_timeout(const struct entershare *e, int ms)
{
	uint64_t now = clock_ms();

	if (!e->retry)
		return ms;
	return now >= e->retry ? 0 : e->retry - now < (uint64_t)ms ? (int)(e->retry - now) : ms;
}
