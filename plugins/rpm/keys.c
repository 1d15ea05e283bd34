/* keys.c - see keys.h. */
#include <sha1.h>
#include <stdio.h>
#include "keys.h"

enum { TAG_SIGNATURE = 2, TAG_KEY = 6, TAG_USER = 13, TAG_SUBKEY = 14 };
enum {
	SIG_CERT_MIN = 0x10,
	SIG_CERT_MAX = 0x13,
	SIG_BINDING = 0x18,
	SIG_DIRECT = 0x1f,
	SIG_REVOKED = 0x20,
	SIG_SUBKEY_REVOKED = 0x28
};
enum { SUB_CREATED = 2, SUB_KEY_EXPIRY = 9, SUB_ISSUER = 16 };

struct packet {
	unsigned tag;
	const unsigned char *start; /* of the packet itself */
	const unsigned char *body;
	size_t n; /* of the body */
};

static uint32_t be(const unsigned char *p, size_t n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

/* 1: a packet, *P behind it; 0: the end; -1: cut off, or of partial lengths. */
static int next_packet(const unsigned char **p, const unsigned char *end, struct packet *ret)
{
	const unsigned char *s = *p;
	size_t left = (size_t)(end - s), head, n;

	if (!left)
		return 0;
	if (left < 2 || !(s[0] & 0x80))
		return -1;
	ret->start = s;
	if (s[0] & 0x40) {
		ret->tag = s[0] & 0x3f;
		head = s[1] < 192 ? 2 : s[1] < 224 ? 3 : s[1] == 255 ? 6 : 0;
	} else {
		ret->tag = s[0] >> 2 & 0xf;
		head = (s[0] & 3) == 3 ? 0 : 1 + (1U << (s[0] & 3));
	}
	if (!head || left < head)
		return -1;
	if (!(s[0] & 0x40))
		n = be(s + 1, head - 1);
	else
		n = head == 2 ? s[1] : head == 3 ? ((s[1] - 192U) << 8) + s[2] + 192 : be(s + 2, 4);
	if (n > left - head)
		return -1;
	ret->body = s + head;
	ret->n = n;
	*p = ret->body + n;
	return 1;
}

/* What one signature says about the key that it is on. */
struct opinion {
	unsigned type;
	int64_t created;
	uint32_t lifetime; /* of the key, seconds after its creation; 0: no end */
	bool foreign; /* by another key */
};

static void read_subpackets(const unsigned char *p, size_t n, const char *primary, struct opinion *ret)
{
	const unsigned char *end = p + n;

	while (p < end) {
		size_t head = *p < 192 ? 1 : *p < 255 ? 2 : 5, len;

		if ((size_t)(end - p) < head)
			return;
		len = head == 1 ? *p : head == 2 ? ((*p - 192U) << 8) + p[1] + 192 : be(p + 1, 4);
		p += head;
		if (!len || len > (size_t)(end - p))
			return;
		if ((*p & 0x7f) == SUB_CREATED && len == 5)
			ret->created = be(p + 1, 4);
		else if ((*p & 0x7f) == SUB_KEY_EXPIRY && len == 5)
			ret->lifetime = be(p + 1, 4);
		else if ((*p & 0x7f) == SUB_ISSUER && len == 9) {
			char id[17];

			(void)snprintf(id, sizeof(id), "%08x%08x", be(p + 1, 4), be(p + 5, 4));
			ret->foreign |= !streq(id, primary);
		}
		p += len;
	}
}

static bool read_opinion(const struct packet *p, const char *primary, struct opinion *ret)
{
	size_t hashed, unhashed;

	*ret = (struct opinion){ 0 };
	if (p->n < 8 || p->body[0] != 4)
		return false;
	ret->type = p->body[1];
	hashed = be(p->body + 4, 2);
	if (hashed > p->n - 8)
		return false;
	read_subpackets(p->body + 6, hashed, primary, ret);
	unhashed = be(p->body + 6 + hashed, 2);
	if (unhashed <= p->n - 8 - hashed)
		read_subpackets(p->body + 8 + hashed, unhashed, primary, ret);
	return !ret->foreign;
}

/* A key or subkey with the signatures that follow it. */
struct part {
	const unsigned char *start, *end;
	char id[17];
	int64_t created;
	int64_t judged; /* creation of the newest self-signature */
	uint32_t lifetime; /* that it gives */
	bool revoked;
};

static void take_signature(struct part *t, bool subkey, const struct packet *p, const char *primary)
{
	struct opinion o;

	if (!read_opinion(p, primary, &o))
		return;
	if (o.type == (subkey ? SIG_SUBKEY_REVOKED : SIG_REVOKED))
		t->revoked = true;
	if (subkey ? o.type != SIG_BINDING : o.type != SIG_DIRECT && (o.type < SIG_CERT_MIN || o.type > SIG_CERT_MAX))
		return;
	if (o.created >= t->judged) {
		t->judged = o.created;
		t->lifetime = o.lifetime;
	}
}

static bool begin_part(struct part *t, const struct packet *p, char *fingerprint)
{
	unsigned char head[3] = { 0x99, (unsigned char)(p->n >> 8), (unsigned char)p->n }, sum[SHA1_DIGEST_LENGTH];
	SHA1_CTX ctx;

	if (p->n < 6 || p->n > 0xffff || p->body[0] != 4)
		return false;
	SHA1Init(&ctx);
	SHA1Update(&ctx, head, sizeof(head));
	SHA1Update(&ctx, p->body, p->n);
	SHA1Final(sum, &ctx);
	*t = (struct part){ .start = p->start, .created = be(p->body + 1, 4) };
	for (size_t i = 0; fingerprint && i < sizeof(sum); i++)
		(void)snprintf(fingerprint + 2 * i, 3, "%02X", sum[i]);
	for (size_t i = 0; i < 8; i++)
		(void)snprintf(t->id + 2 * i, 3, "%02x", sum[12 + i]);
	return true;
}

static int64_t expiry(const struct part *t)
{
	return t->lifetime ? t->created + t->lifetime : INT64_MAX;
}

static void finish_part(struct key *k, const struct part *t, int64_t now)
{
	bool primary = k->n_ids == 0;

	if (!t->start || k->n_ids == KEY_IDS_MAX)
		return;
	if (primary) {
		k->state = t->revoked ? KEY_REVOKED : expiry(t) <= now ? KEY_EXPIRED : KEY_GOOD;
		k->expired = expiry(t);
	} else if (t->revoked || expiry(t) <= now) {
		return;
	}
	buf_append(&k->cert, t->start, (size_t)(t->end - t->start));
	memcpy(k->ids[k->n_ids++], t->id, sizeof(t->id));
}

static void key_clear(struct key *k)
{
	buf_clear(&k->cert);
	free(k->user);
	*k = (struct key){ 0 };
}

/* One certificate: a primary key packet and all up to the next one. 1 with RET
 * filled, 0 when it is of another version than 4. */
static int read_key(const unsigned char **p, const unsigned char *end, int64_t now, struct key *ret)
{
	const unsigned char *at = *p;
	struct packet pkt;
	struct part part = { 0 };
	char primary[17];

	if (next_packet(&at, end, &pkt) != 1 || pkt.tag != TAG_KEY)
		return -1;
	bool known = begin_part(&part, &pkt, ret->fingerprint), subkey = false;
	memcpy(primary, part.id, sizeof(primary));
	part.end = at;
	for (;;) {
		const unsigned char *before = at;
		int r = next_packet(&at, end, &pkt);

		if (r < 0)
			return -1;
		if (r == 0 || pkt.tag == TAG_KEY) {
			*p = before;
			break;
		}
		if (pkt.tag == TAG_SUBKEY) {
			finish_part(ret, &part, now);
			subkey = true;
			if (!begin_part(&part, &pkt, NULL))
				part = (struct part){ 0 };
		} else if (pkt.tag == TAG_SIGNATURE) {
			take_signature(&part, subkey, &pkt, primary);
		} else if (pkt.tag == TAG_USER && !ret->user) {
			cleanup_free char *text = xstrndup((const char *)pkt.body, pkt.n);

			ret->user = escape_text(text, 200);
		}
		part.end = at;
	}
	finish_part(ret, &part, now);
	return known;
}

int keys_parse(const char *packets, size_t n, int64_t now, struct keys *ret, struct err *err)
{
	const unsigned char *p = (const unsigned char *)packets, *end = p + n;
	size_t before = ret->n;
	int r = 0;

	while (r >= 0 && p < end && ret->n < KEYS_MAX) {
		struct key k = { 0 };

		r = read_key(&p, end, now, &k);
		if (r == 1) {
			ret->v = xrealloc(ret->v, ret->n + 1, sizeof(*ret->v));
			ret->v[ret->n++] = k;
		} else {
			key_clear(&k);
		}
	}
	if (r >= 0 && ret->n > before)
		return 0;
	while (ret->n > before)
		key_clear(&ret->v[--ret->n]);
	return err_set(err, CODE_MISSING_KEYRING, 0,
		       r < 0 ? "a key file is cut off or malformed" : "no OpenPGP key of version 4 is in the file");
}

const struct key *keys_find(const struct keys *k, const char *id)
{
	for (size_t i = 0; i < k->n; i++)
		for (size_t j = 0; j < k->v[i].n_ids; j++)
			if (streq(k->v[i].ids[j], id))
				return &k->v[i];
	return NULL;
}

void keys_clear(struct keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		key_clear(&k->v[i]);
	free(k->v);
	*k = (struct keys){ 0 };
}
