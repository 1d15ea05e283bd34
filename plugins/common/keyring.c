/* keyring.c - see keyring.h. */
#include <stdint.h>
#include "keyring.h"

#define CRC24_INIT 0xb704ceU
#define CRC24_POLY 0x1864cfbU

static const char block_begin[] = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
static const char block_end[] = "-----END PGP PUBLIC KEY BLOCK-----";
static const char signature_begin[] = "-----BEGIN PGP SIGNATURE-----";
static const char signature_end[] = "-----END PGP SIGNATURE-----";

struct line {
	const char *s;
	size_t n;
};

/* The next line without its end and trailing blanks. */
static bool next_line(const char **s, const char *end, struct line *ret)
{
	if (*s == end)
		return false;
	const char *nl = memchr(*s, '\n', (size_t)(end - *s));
	const char *stop = nl ? nl : end;

	ret->s = *s;
	*s = nl ? nl + 1 : end;
	while (stop > ret->s && (stop[-1] == '\r' || stop[-1] == ' ' || stop[-1] == '\t'))
		stop--;
	ret->n = (size_t)(stop - ret->s);
	return true;
}

static bool line_is(const struct line *l, const char *text)
{
	return l->n == strlen(text) && memcmp(l->s, text, l->n) == 0;
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

struct base64 {
	uint32_t bits;
	unsigned n;		/* characters of the group so far */
	unsigned pads;
};

static int base64_feed(struct base64 *b, const struct line *l, struct buf *ret)
{
	for (size_t i = 0; i < l->n; i++) {
		int v = l->s[i] == '=' && b->n >= 2 ? 0 : base64_value(l->s[i]);

		if (v < 0 || (b->pads && l->s[i] != '='))
			return -1;
		b->pads += l->s[i] == '=';
		b->bits = b->bits << 6 | (uint32_t)v;
		if (++b->n < 4)
			continue;
		for (unsigned k = 0; k < 3 - b->pads; k++)
			buf_putc(ret, (char)(b->bits >> (16 - 8 * k)));
		b->n = 0;
		b->bits = 0;
	}
	return 0;
}

static uint32_t crc24(const char *s, size_t n)
{
	uint32_t crc = CRC24_INIT;

	for (size_t i = 0; i < n; i++) {
		crc ^= (uint32_t)(unsigned char)s[i] << 16;
		for (int bit = 0; bit < 8; bit++) {
			crc <<= 1;
			if (crc & 0x1000000U)
				crc ^= CRC24_POLY;
		}
	}
	return crc & 0xffffffU;
}

static bool checksum_matches(const struct line *l, const char *s, size_t n)
{
	struct base64 b = { 0 };
	struct line digits = { l->s + 1, l->n - 1 };
	cleanup_buf struct buf sum = { 0 };

	if (base64_feed(&b, &digits, &sum) < 0 || b.n || sum.n != 3)
		return false;
	const unsigned char *c = (const unsigned char *)sum.s;
	return crc24(s, n) == ((uint32_t)c[0] << 16 | (uint32_t)c[1] << 8 | c[2]);
}

/* After the BEGIN line: headers up to an empty line, base64, perhaps a checksum, END. */
static int one_block(const char **s, const char *end, const char *last, struct buf *ret, struct err *err)
{
	struct base64 b = { 0 };
	struct line l;
	bool body = false, checked = false;
	size_t start = ret->n;

	while (next_line(s, end, &l)) {
		if (line_is(&l, last)) {
			if (!body || b.n || ret->n == start)
				return err_set(err, CODE_MISSING_KEYRING, 0, "an armoured block is cut off");
			return 0;
		}
		if (!body) {
			body = l.n == 0;
		} else if (l.n == 5 && *l.s == '=' && !b.n && !checked) {
			if (!checksum_matches(&l, ret->s + start, ret->n - start))
				return err_set(err, CODE_MISSING_KEYRING, 0,
					       "the checksum of an armoured block is wrong");
			checked = true;
		} else if (l.n && (checked || (b.pads && !b.n) || base64_feed(&b, &l, ret) < 0)) {
			return err_set(err, CODE_MISSING_KEYRING, 0, "an armoured block has bytes that are not base64");
		}
	}
	return err_set(err, CODE_MISSING_KEYRING, 0, "an armoured block has no end");
}

/* Every block between lines FIRST and LAST; how many there were, or -1. */
static int all_blocks(const char *s, size_t n, const char *first, const char *last, struct buf *ret, struct err *err)
{
	const char *end = s + n;
	struct line l;
	int count = 0;

	while (next_line(&s, end, &l)) {
		if (!line_is(&l, first))
			continue;
		count++;
		if (one_block(&s, end, last, ret, err) < 0)
			return -1;
	}
	return count;
}

int keyring_dearmour(const char *s, size_t n, struct buf *ret, struct err *err)
{
	cleanup_buf struct buf out = { 0 };
	int count = all_blocks(s, n, block_begin, block_end, &out, err);

	if (count < 0)
		return -1;
	if (!count)
		return err_set(err, CODE_MISSING_KEYRING, 0, "no armoured public key");
	if (keyring_format(out.s, out.n) != KEYRING_BINARY)
		return err_set(err, CODE_MISSING_KEYRING, 0, "an armoured block holds something else than keys");
	buf_append(ret, out.s, out.n);
	return 0;
}

int keyring_dearmour_signature(const char *s, size_t n, struct buf *ret, struct err *err)
{
	cleanup_buf struct buf out = { 0 };
	struct err why = ERR_INIT;
	int count = all_blocks(s, n, signature_begin, signature_end, &out, &why);

	if (count <= 0)
		return err_set(err, CODE_UNTRUSTED, 0, "%s", count ? why.msg : "no armoured signature");
	buf_append(ret, out.s, out.n);
	return 0;
}

enum keyring_format keyring_format(const char *s, size_t n)
{
	if (n == 0)
		return KEYRING_EMPTY;
	/* the tag of a public key packet: new format, or old with a length of one or two bytes */
	if (strchr("\xc6\x98\x99", s[0]) && s[0])
		return KEYRING_BINARY;
	if (n >= 12 && memcmp(s + 8, "KBXf", 4) == 0)
		return KEYRING_KEYBOX;
	if (memmem(s, n, block_begin, sizeof(block_begin) - 1))
		return KEYRING_ARMOURED;
	return KEYRING_UNKNOWN;
}
