/* tests/cases/debsecan/NAME.case: the tracker's feed against installed packages.
 *
 *	installed packages up to a line "---", one a line: name architecture version [source [source-version]]
 *	the feed up to the next "---"
 *	one line per finding: cve package installed urgency remote fix fixed unstable, "obsolete" if so;
 *	"-" for absent; or "error: PART" when the feed is refused
 */
#include <zlib.h>
#include "cases.h"
#include "debsecan.h"
#include "inflate.h"

/* The packages of TEXT, whose strings they point to. */
static void read_installed(char *text, struct dpkgdb *ret)
{
	char *save = NULL;

	ret->packages = xcalloc(100, sizeof(*ret->packages));
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct dpkgdb_package p = { .status = DPKGDB_INSTALLED };
		const char **const words[] = { &p.name, &p.arch, &p.version, &p.source, &p.source_version };
		char *inner = NULL;

		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			*words[i] = strtok_r(i ? NULL : line, " ", &inner);
		p.source = p.source ? p.source : p.name;
		p.source_version = p.source_version ? p.source_version : p.version;
		if (starts_with(p.version, "gone:")) {
			p.version += 5;
			p.status = DPKGDB_CONFIG_FILES;
		}
		ret->packages[ret->n++] = p;
	}
}

static const char *word(const char *s)
{
	return s ? s : "-";
}

static int print(const struct msg_cve *c, void *arg)
{
	buf_printf(arg, "%s %s %s %s %s %s %s %s%s\n", c->cve, c->package, c->installed, word(c->urgency),
		   word(c->remote), c->fix_available ? "fix" : "-", word(c->fixed), word(c->unstable),
		   c->obsolete ? " obsolete" : "");
	return 0;
}

static void check_case(void)
{
	cleanup_free char *text = case_text();
	char *feed = strstr(text, "\n---\n");

	OK(feed);
	*feed = '\0';
	feed += 5;
	char *want = strstr(feed, "---\n");
	OK(want);
	*want = '\0';
	want += 4;
	cleanup_dpkgdb struct dpkgdb db = { 0 };
	cleanup_debsecan struct debsecan d = { 0 };
	cleanup_buf struct buf in = { 0 }, got = { 0 };
	struct err err = ERR_INIT;
	read_installed(text, &db);
	buf_puts(&in, feed);
	if (debsecan_parse(&in, &d, &err) < 0) {
		EQ(err.code, CODE_FEED_FAILED);
		EQ(d.n_entries, 0);
		OK(starts_with(want, "error: "));
		want[strcspn(want, "\n")] = '\0';
		HAS(err.msg, want + strlen("error: "));
		return;
	}
	EQ(debsecan_match(&d, &db, print, &got), 0);
	STREQ(buf_str(&got), want);
}

static const char small[] = "VERSION 1\nCVE-1,,d\n\np,0,SHRF,2,\n\n";

TEST(a_cut_text_is_refused)
{
	for (size_t n = 0; n < sizeof(small) - 1; n++) {
		cleanup_buf struct buf in = { 0 };
		cleanup_debsecan struct debsecan d = { 0 };
		struct err err = ERR_INIT;

		buf_append(&in, small, n);
		if (debsecan_parse(&in, &d, &err) == 0)
			FAIL("the first %zu bytes are taken", n);
		EQ(err.code, CODE_FEED_FAILED);
	}
	cleanup_buf struct buf in = { 0 };
	cleanup_debsecan struct debsecan d = { 0 };
	struct err err = ERR_INIT;
	buf_append(&in, small, sizeof(small) - 1);
	EQ(debsecan_parse(&in, &d, &err), 0);
	EQ(d.n_entries, 1);
}

TEST(a_nul_byte_is_refused)
{
	for (size_t at = 0; at < sizeof(small) - 1; at++) {
		cleanup_buf struct buf in = { 0 };
		cleanup_debsecan struct debsecan d = { 0 };
		struct err err = ERR_INIT;

		buf_append(&in, small, sizeof(small) - 1);
		in.s[at] = '\0';
		if (debsecan_parse(&in, &d, &err) == 0)
			FAIL("a NUL at %zu is taken", at);
	}
}

/* Whatever byte is wrong, it is taken or refused; the sanitizers look on. */
TEST(any_byte_may_be_wrong)
{
	for (size_t at = 0; at < sizeof(small) - 1; at++)
		for (int c = 0; c < 256; c += 5) {
			cleanup_buf struct buf in = { 0 };
			cleanup_debsecan struct debsecan d = { 0 };
			struct err err = ERR_INIT;

			buf_append(&in, small, sizeof(small) - 1);
			in.s[at] = (char)c;
			int r = debsecan_parse(&in, &d, &err);
			OK(r == 0 || err.code == CODE_FEED_FAILED);
		}
}

TEST(a_line_has_a_limit)
{
	cleanup_buf struct buf in = { 0 };
	cleanup_debsecan struct debsecan d = { 0 };
	struct err err = ERR_INIT;

	buf_puts(&in, "VERSION 1\nCVE-1,,");
	for (int i = 0; i < 1200000; i++)
		buf_putc(&in, 'x');
	buf_puts(&in, "\n\np,0,SHRF,2,\n\n");
	EQ(debsecan_parse(&in, &d, &err), -1);
	HAS(err.msg, "line 2: longer than 1 MiB");
}

TEST(the_number_of_lines_has_a_limit)
{
	cleanup_buf struct buf in = { 0 };
	cleanup_debsecan struct debsecan d = { 0 };
	struct err err = ERR_INIT;

	buf_puts(&in, "VERSION 1\n");
	for (int i = 0; i < 500001; i++)
		buf_puts(&in, "C,,\n");
	buf_puts(&in, "\np,0,SHRF,2,\n\n");
	EQ(debsecan_parse(&in, &d, &err), -1);
	HAS(err.msg, "too many lines");
}

/* --- unpacking ------------------------------------------------------------- */

static void pack(const void *p, size_t n, int window, struct buf *ret)
{
	unsigned char out[65536];
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)p, .avail_in = (unsigned)n };

	if (deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	int r;
	do {
		z.next_out = out;
		z.avail_out = sizeof(out);
		r = deflate(&z, Z_FINISH);
		buf_append(ret, out, sizeof(out) - z.avail_out);
	} while (r == Z_OK);
	(void)deflateEnd(&z);
}

TEST(zlib_gzip_and_plain)
{
	for (int i = 0; i < 3; i++) {
		cleanup_buf struct buf in = { 0 }, out = { 0 };
		struct err err = ERR_INIT;

		if (i == 2)
			buf_puts(&in, small);
		else
			pack(small, sizeof(small) - 1, i ? 31 : 15, &in);
		EQ(inflate_all(in.s, in.n, 1000, &out, &err), 0);
		STREQ(buf_str(&out), small);
	}
}

TEST(a_damaged_stream_is_refused)
{
	cleanup_buf struct buf in = { 0 };

	pack(small, sizeof(small) - 1, 15, &in);
	for (size_t n = 2; n < in.n; n++) {
		cleanup_buf struct buf out = { 0 };
		struct err err = ERR_INIT;

		EQ(inflate_all(in.s, n, 1000, &out, &err), -1);
		EQ(err.code, CODE_FEED_FAILED);
		STREQ(err.msg, "cut off");
	}
	cleanup_buf struct buf out = { 0 };
	struct err err = ERR_INIT;
	in.s[in.n - 1] = (char)(in.s[in.n - 1] ^ 1);	/* the checksum */
	EQ(inflate_all(in.s, in.n, 1000, &out, &err), -1);
	STREQ(err.msg, "damaged");
	in.s[in.n - 1] = (char)(in.s[in.n - 1] ^ 1);
	buf_puts(&in, "more");
	EQ(inflate_all(in.s, in.n, 1000, &out, &err), -1);
	HAS(err.msg, "bytes after its end");
}

TEST(unpacking_has_a_limit)
{
	cleanup_buf struct buf zeros = { 0 }, in = { 0 }, out = { 0 };
	struct err err = ERR_INIT;

	for (int i = 0; i < 1 << 20; i++)
		buf_putc(&zeros, '0');
	pack(zeros.s, zeros.n, 15, &in);
	OK(in.n < 5000);
	EQ(inflate_all(in.s, in.n, zeros.n, &out, &err), 0);
	EQ(out.n, zeros.n);
	EQ(inflate_all(in.s, in.n, zeros.n - 1, &out, &err), -1);
	EQ(err.code, CODE_FEED_FAILED);
	EQ(inflate_all(zeros.s, zeros.n, zeros.n - 1, &out, &err), -1);
}

int main(void)
{
	case_next = NULL;
	struct tap_test **own = tap_last;

	add_cases("debsecan", check_case);
	case_next = *own;
	return tap_main();
}
