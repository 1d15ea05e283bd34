/* The growing string, UTF-8 and the escaping of hostile bytes. */
#include "buf.h"
#include "tap.h"

TEST(zero_is_an_empty_string)
{
	struct buf b = { 0 };

	STREQ(buf_str(&b), "");
	buf_append(&b, NULL, 0);
	STREQ(b.s, "");
	EQ(b.n, 0);
	buf_clear(&b);
}

TEST(append_keeps_every_byte_and_a_nul_after_them)
{
	cleanup_buf struct buf b = { 0 };

	for (int i = 0; i < 100000; i++)
		buf_putc(&b, (char)('a' + i % 26));
	buf_append(&b, "\0x", 2);
	EQ(b.n, 100002);
	EQ(b.s[99999], 'a' + 99999 % 26);
	EQ(b.s[100000], '\0');
	EQ(b.s[100001], 'x');
	EQ(b.s[100002], '\0');
}

TEST(printf_appends_text_of_any_length)
{
	cleanup_buf struct buf b = { 0 };

	buf_puts(&b, "a");
	buf_printf(&b, "%s", "");
	buf_printf(&b, "%*d", 5000, 7);
	EQ(b.n, 5001);
	EQ(b.s[5000], '7');
	EQ(b.s[5001], '\0');
}

TEST(consume_drops_from_the_front)
{
	cleanup_buf struct buf b = { 0 };

	buf_consume(&b, 3);
	buf_puts(&b, "one\ntwo");
	buf_consume(&b, 4);
	STREQ(b.s, "two");
	EQ(b.n, 3);
	buf_consume(&b, 99);
	STREQ(b.s, "");
	EQ(b.n, 0);
}

TEST(reset_keeps_the_memory_and_steal_gives_it_away)
{
	struct buf b = { 0 };

	buf_puts(&b, "text");
	size_t cap = b.cap;
	buf_reset(&b);
	STREQ(b.s, "");
	EQ(b.cap, cap);
	buf_puts(&b, "more");
	cleanup_free char *s = buf_steal(&b);
	STREQ(s, "more");
	OK(b.s == NULL && b.n == 0 && b.cap == 0);
	cleanup_free char *none = buf_steal(&b);
	STREQ(none, "");
}

/* --- UTF-8 --------------------------------------------------------------- */

TEST(utf8_valid_takes_what_unicode_defines)
{
	static const char *const good[] = { "",
					    "plain",
					    "\xc2\x80",
					    "\xdf\xbf",
					    "\xe0\xa0\x80",
					    "\xed\x9f\xbf",
					    "\xee\x80\x80",
					    "\xef\xbf\xbf",
					    "\xf0\x90\x80\x80",
					    "\xf4\x8f\xbf\xbf",
					    "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (!utf8_valid(good[i], strlen(good[i])))
			FAIL("good[%zu] is refused", i);
}

TEST(utf8_valid_refuses_what_it_does_not)
{
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xfe",
		"\xff", /* never a first byte */
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x9f\xbf",
		"\xf0\x8f\xbf\xbf", /* overlong */
		"\xed\xa0\x80",
		"\xed\xbf\xbf", /* surrogates */
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xf8\x88\x80\x80\x80", /* past U+10FFFF */
		"\xc3",
		"\xe2\x82",
		"\xf0\x9f\x90", /* cut short */
		"\xc3(",
		"\xe2(\xa1",
		"\xf0\x9f(\x90", /* no continuation */
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (utf8_valid(bad[i], strlen(bad[i])))
			FAIL("bad[%zu] is taken", i);
	OK(!utf8_valid("a\0b", 3));
}

TEST(utf8_valid_agrees_with_the_definition_for_every_code_point)
{
	for (uint32_t c = 1; c < 0x110100; c++) {
		char s[4];
		size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
		uint32_t rest = c;

		for (size_t i = n; i-- > 1; rest >>= 6)
			s[i] = (char)(0x80 | (rest & 0x3f));
		s[0] = (char)(lead[n] | rest);
		bool want = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
		if (utf8_valid(s, n) != want)
			FAIL("U+%04X: %s", c, want ? "refused" : "taken");
	}
}

/* --- escaping ------------------------------------------------------------ */

#define ESCAPED(in_, want_)                                        \
	do {                                                       \
		cleanup_free char *got_ = escape_text(in_, 4096);  \
		STREQ(got_, want_);                                \
	} while (0)

TEST(text_for_people_stays_as_it_is)
{
	ESCAPED("", "");
	ESCAPED("libssl3 (3.0.22-1~deb12u1) \"quoted\" 100%", "libssl3 (3.0.22-1~deb12u1) \"quoted\" 100%");
	ESCAPED("caf\xc3\xa9 \xf0\x9f\x90\xa7", "caf\xc3\xa9 \xf0\x9f\x90\xa7");
}

TEST(a_line_stays_one_line_and_no_terminal_command)
{
	ESCAPED("a\nb\r\tc", "a\\x0ab\\x0d\\x09c");
	ESCAPED("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m");
	ESCAPED("\x7f", "\\x7f");
	ESCAPED("\xc2\x9b"
		"31m",
		"\\xc2\\x9b31m"); /* C1 control */
	ESCAPED("\x9b"
		"31m",
		"\\x9b31m"); /* the same, as Latin-1 */
	ESCAPED("bad \xff\xfe utf-8", "bad \\xff\\xfe utf-8");
}

TEST(invisible_and_bidirectional_characters_are_shown)
{
	ESCAPED("\xe2\x80\xae"
		"gpj.exe",
		"\\xe2\\x80\\xaegpj.exe"); /* U+202E */
	ESCAPED("\xe2\x81\xa6x", "\\xe2\\x81\\xa6x");			/* U+2066 */
	ESCAPED("\xd8\x9cx", "\\xd8\\x9cx");				/* U+061C */
	ESCAPED("a\xe2\x80\x8b"
		"b",
		"a\\xe2\\x80\\x8b"
		"b"); /* U+200B */
	ESCAPED("a\xe2\x80\xa8"
		"b",
		"a\\xe2\\x80\\xa8"
		"b"); /* U+2028 */
	ESCAPED("\xef\xbb\xbfx", "\\xef\\xbb\\xbfx");			/* U+FEFF */
}

TEST(a_second_escaping_changes_nothing)
{
	for (int c = 1; c < 256; c++) {
		char in[] = { 'a', (char)c, 'b', '\0' };
		cleanup_free char *once = escape_text(in, 4096), *again = escape_text(once, 4096);

		STREQ(again, once);
		OK(text_printable(once, strlen(once)));
	}
}

TEST(printable_is_what_escaping_leaves_alone)
{
	for (int c = 1; c < 256; c++) {
		char in[] = { (char)c, 'x', '\0' };
		cleanup_free char *out = escape_text(in, 4096);

		EQ(text_printable(in, 2), strcmp(in, out) == 0);
	}
	OK(!text_printable("a\0b", 3));
}

TEST(escaping_is_bounded)
{
	cleanup_buf struct buf b = { 0 };

	buf_put_escaped(&b, "abcdef", 6, 6);
	STREQ(b.s, "abcdef");
	buf_reset(&b);
	buf_put_escaped(&b, "abcdef", 6, 3);
	STREQ(b.s, "abc...");
	buf_reset(&b);
	buf_put_escaped(&b, "a\0b", 3, 100);
	STREQ(b.s, "a\\x00b");
}

TAP_MAIN
