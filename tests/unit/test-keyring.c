/* Keyrings: what a file is, armour off. The blocks hold made-up packets: the bytes matter, not the keys. */
#include "keyring.h"
#include "tap.h"

#define BEGIN "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"
#define END "-----END PGP PUBLIC KEY BLOCK-----\n"
/* 0x99 00 01 02 03, and its checksum */
#define BODY "mQABAgM=\n"
#define SUM "=HZxL\n"
static const char packet[] = "\x99\x00\x01\x02\x03";

static bool dearmours(const char *text, const char *want, size_t n)
{
	struct err e = ERR_INIT;
	cleanup_buf struct buf b = { 0 };

	if (keyring_dearmour(text, strlen(text), &b, &e) < 0) {
		printf("# %s\n", e.msg);
		return false;
	}
	return b.n == n && memcmp(b.s, want, n) == 0;
}

static bool refused(const char *text, const char *why)
{
	struct err e = ERR_INIT;
	cleanup_buf struct buf b = { 0 };

	buf_puts(&b, "before");
	if (keyring_dearmour(text, strlen(text), &b, &e) == 0 || e.code != CODE_MISSING_KEYRING ||
	    !strstr(e.msg, why)) {
		printf("# %s\n", e.msg);
		return false;
	}
	return streq(buf_str(&b), "before");
}

TEST(formats_are_told_apart_by_their_first_bytes)
{
	EQ(keyring_format("", 0), KEYRING_EMPTY);
	EQ(keyring_format("\x99\x01", 2), KEYRING_BINARY);
	EQ(keyring_format("\x98\x01", 2), KEYRING_BINARY);
	EQ(keyring_format("\xc6\x01", 2), KEYRING_BINARY);
	EQ(keyring_format("\0\0\0 \1\1\0\2KBXf", 12), KEYRING_KEYBOX);
	EQ(keyring_format("\0\0\0 \1\1\0\2KBX", 11), KEYRING_UNKNOWN);
	EQ(keyring_format("\0", 1), KEYRING_UNKNOWN);
	EQ(keyring_format("text\n" BEGIN, strlen("text\n" BEGIN)), KEYRING_ARMOURED);
	EQ(keyring_format("text", 4), KEYRING_UNKNOWN);
}

TEST(armour_comes_off)
{
	OK(dearmours(BEGIN "\n" BODY SUM END, packet, 5));
	OK(dearmours(BEGIN "Version: GnuPG v1\nComment: x\n\n" BODY SUM END, packet, 5));
}

TEST(a_checksum_may_be_missing)
{
	OK(dearmours(BEGIN "\n" BODY END, packet, 5));
}

TEST(blanks_and_carriage_returns_at_line_ends_are_no_matter)
{
	OK(dearmours(
		"-----BEGIN PGP PUBLIC KEY BLOCK----- \r\n \t\r\nmQAB  \r\nAgM=\r\n=HZxL\r\n-----END PGP PUBLIC KEY BLOCK-----\r\n",
		packet, 5));
}

TEST(a_last_line_needs_no_end)
{
	OK(dearmours(BEGIN "\n" BODY SUM "-----END PGP PUBLIC KEY BLOCK-----", packet, 5));
}

TEST(all_blocks_count_and_text_around_them_does_not)
{
	OK(dearmours("pub x\n" BEGIN "\n" BODY SUM END "\nbetween = them\n" BEGIN "\n" BODY END "after\n",
		     "\x99\x00\x01\x02\x03\x99\x00\x01\x02\x03", 10));
}

TEST(a_wrong_checksum_is_refused)
{
	OK(refused(BEGIN "\n" BODY "=HZxM\n" END, "checksum"));
	OK(refused(BEGIN "\n" BODY "=H\xff"
			 "xL\n" END,
		   "checksum"));
}

TEST(one_bad_block_spoils_all)
{
	OK(refused(BEGIN "\n" BODY SUM END BEGIN "\n" BODY "=AAAA\n" END, "checksum"));
}

TEST(what_is_cut_off_is_refused)
{
	OK(refused(BEGIN, "no end"));
	OK(refused(BEGIN "\n" BODY SUM, "no end"));
	OK(refused(BEGIN "\nmQABAg\n" END, "cut off"));
	OK(refused(BEGIN "\n" END, "cut off"));
	OK(refused(BEGIN "Version: x\n" END, "cut off"));
}

TEST(bytes_that_are_not_base64_are_refused)
{
	OK(refused(BEGIN "\nmQ!BAgM=\n" END, "not base64"));
	OK(refused(BEGIN "\nmQ\xc3\xa4"
			 "BAgM=\n" END,
		   "not base64"));
	OK(refused(BEGIN "\n=QABAgM=\n" END, "not base64"));
	OK(refused(BEGIN "\nmQABAgM=mQAB\n" END, "not base64"));
	OK(refused(BEGIN "\n" BODY "mQAB\n" END, "not base64"));
	OK(refused(BEGIN "\n" BODY SUM "mQAB\n" END, "not base64"));
	OK(refused(BEGIN "\nmQ===\n" END, "not base64"));
}

TEST(what_holds_no_keys_is_refused)
{
	OK(refused("", "no armoured"));
	OK(refused("-----BEGIN PGP SIGNATURE-----\n\n" BODY "-----END PGP SIGNATURE-----\n", "no armoured"));
	OK(refused(BEGIN "\nAAAA\n" END, "something else"));
}

TAP_MAIN
