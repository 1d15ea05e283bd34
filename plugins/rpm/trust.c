/* trust.c - keys of repositories, and what is believed because of them (session.h). */
#include <fcntl.h>
#include <rpm/rpmcli.h>
#include <rpm/rpmcrypto.h>
#include <rpm/rpmlog.h>
#include <rpm/rpmpgp.h>
#include <stdio.h>
#include "clock.h"
#include "fd.h"
#include "keyring.h"
#include "locked.h"
#include "log.h"
#include "session.h"

/* --- keys --------------------------------------------------------------------- */

static void take_key_text(struct source *src, const char *where, const struct buf *text, struct err *err)
{
	cleanup_buf struct buf bin = { 0 };
	struct err e = ERR_INIT;
	int r = 0;

	if (keyring_format(buf_str(text), text->n) == KEYRING_BINARY)
		buf_append(&bin, text->s, text->n);
	else
		r = keyring_dearmour(buf_str(text), text->n, &bin, &e);
	if (r == 0)
		r = keys_parse(bin.s, bin.n, clock_wall(), &src->keys, &e);
	if (r < 0 && err->code == CODE_OK)
		(void)err_set(err, CODE_MISSING_KEYRING, 0, "key '%s' of repository '%s': %s", where, src->conf->id,
			      e.msg);
}

static const char *local_path(const char *url)
{
	return starts_with(url, "file://") ? url + strlen("file://") : *url == '/' ? url : NULL;
}

static void read_local_keys(struct source *src, struct err *err)
{
	for (size_t i = 0; i < src->conf->gpgkey.n; i++) {
		const char *url = src->conf->gpgkey.v[i], *path = local_path(url);
		cleanup_buf struct buf text = { 0 };
		struct err e = ERR_INIT;

		if (!path)
			continue;
		if (read_file(path, KEYRING_MAX, &text, &e) == 0)
			take_key_text(src, url, &text, err);
		else if (err->code == CODE_OK)
			(void)err_set(err, CODE_MISSING_KEYRING, 0, "key of repository '%s': %s", src->conf->id, e.msg);
	}
}

struct remote_key {
	struct source *src;
	const char *url;
	struct err *err;
};

/* A key that came without TLS would be anybody's. */
static bool may_fetch_key(const struct session *s, struct remote_key *k, struct wire_list *alarms)
{
	if (!strncasecmp(k->url, "https://", 8) || !s->settings->require_signed)
		return true;
	reason_add(alarms, CODE_SOURCE_IGNORED,
		   "%s: the key '%s' of repository '%s' is not fetched without TLS; use https or a file",
		   k->src->conf->where, k->url, k->src->conf->id);
	return false;
}

static void fetch_remote_keys(struct fetcher *f, const struct remote_key *k, size_t n)
{
	cleanup_free struct transfer *t = xcalloc(n + 1, sizeof(*t));

	for (size_t i = 0; i < n; i++) {
		t[i] = (struct transfer){ .repo = k[i].src->conf,
					  .path = k[i].url,
					  .max = KEYRING_MAX,
					  .err = ERR_INIT,
					  .file = xasprintf("%s/key-%zu", k[i].src->dir, i) };
	}
	fetch_all(f, t, n);
	for (size_t i = 0; i < n; i++) {
		cleanup_buf struct buf text = { 0 };
		struct err e = t[i].err;

		if (t[i].done && read_file(t[i].file, KEYRING_MAX, &text, &e) == 0)
			take_key_text(k[i].src, k[i].url, &text, k[i].err);
		else if (k[i].err->code == CODE_OK)
			(void)err_set(k[i].err, CODE_MISSING_KEYRING, 0, "key of repository '%s': %s",
				      k[i].src->conf->id, e.msg);
		free((char *)(uintptr_t)t[i].file);
		transfer_clear(&t[i]);
	}
}

/* As dnf and zypper do for a repository that names no key of its own. */
static void use_db_keys(const struct session *s, struct source *src)
{
	struct err ignored = ERR_INIT;

	for (size_t i = 0; i < s->db_keys.n; i++)
		(void)keys_parse(s->db_keys.v[i].cert.s, s->db_keys.v[i].cert.n, clock_wall(), &src->keys, &ignored);
}

static void describe_bad_keys(const struct source *src, struct buf *ret)
{
	char date[TIME_TEXT_MAX];

	for (size_t i = 0; i < src->keys.n; i++) {
		const struct key *k = &src->keys.v[i];

		if (k->state == KEY_GOOD)
			continue;
		time_format(k->expired, date);
		buf_printf(ret, "%skey %s (%s) %s%s", ret->n ? ", " : "", k->fingerprint, strna(k->user),
			   k->state == KEY_REVOKED ? "is revoked" : "expired on ", k->state == KEY_REVOKED ? "" : date);
	}
}

bool trust_add_key(rpmKeyring ring, const struct key *k)
{
	rpmPubkey key = rpmPubkeyNew((const uint8_t *)k->cert.s, k->cert.n);
	rpmPubkey *subkeys;
	int n = 0;

	if (!key)
		return false;
	(void)rpmKeyringAddKey(ring, key);
	subkeys = rpmGetSubkeys(key, &n);
	for (int i = 0; i < n; i++) {
		(void)rpmKeyringAddKey(ring, subkeys[i]);
		(void)rpmPubkeyFree(subkeys[i]);
	}
	free(subkeys);
	(void)rpmPubkeyFree(key);
	return true;
}

static void make_keyring(struct source *src, const struct err *why)
{
	size_t good = 0;

	src->keyring = rpmKeyringNew();
	for (size_t i = 0; i < src->keys.n; i++)
		if (src->keys.v[i].state == KEY_GOOD)
			good += trust_add_key(src->keyring, &src->keys.v[i]);
	if (good)
		return;
	cleanup_buf struct buf bad = { 0 };
	describe_bad_keys(src, &bad);
	if (bad.n)
		(void)err_set(&src->err, CODE_UNTRUSTED, 0, "repository '%s': %s; install its current key",
			      src->conf->id, bad.s);
	else if (why->code != CODE_OK)
		src->err = *why;
	else
		(void)err_set(&src->err, CODE_MISSING_KEYRING, 0,
			      "repository '%s' names no key and none is in the rpm database; set gpgkey= (%s)",
			      src->conf->id, src->conf->where);
}

void trust_read_keys(struct session *s, struct fetcher *f, struct wire_list *alarms)
{
	cleanup_free struct err *errs = xcalloc(s->n_sources + 1, sizeof(*errs));
	cleanup_free struct remote_key *remote = NULL;
	size_t n = 0;

	for (size_t i = 0; i < s->n_sources; i++) {
		struct source *src = &s->sources[i];

		errs[i] = ERR_INIT;
		if (src->err.code != CODE_OK)
			continue;
		read_local_keys(src, &errs[i]);
		for (size_t k = 0; k < src->conf->gpgkey.n; k++) {
			struct remote_key key = { src, src->conf->gpgkey.v[k], &errs[i] };

			if (local_path(key.url) || !may_fetch_key(s, &key, alarms))
				continue;
			remote = xrealloc(remote, n + 1, sizeof(*remote));
			remote[n++] = key;
		}
	}
	fetch_remote_keys(f, remote, n);
	for (size_t i = 0; i < s->n_sources; i++) {
		struct source *src = &s->sources[i];

		if (!src->conf->gpgkey.n)
			use_db_keys(s, src);
		if (src->err.code == CODE_OK && s->settings->require_signed)
			make_keyring(src, &errs[i]);
	}
}

/* --- repomd.xml ------------------------------------------------------------------ */

struct signed_text {
	const struct source *src;
	const struct buf *text, *asc;
};

struct signer {
	char *fingerprint;
};

static int verify_signature(void *ret, void *arg, struct err *err)
{
	const struct signed_text *in = arg;
	const struct source *src = in->src;
	const struct buf *text = in->text, *asc = in->asc;
	struct signer *signer = ret;
	cleanup_buf struct buf bin = { 0 }, bad = { 0 };
	pgpDigParams sig = NULL;
	DIGEST_CTX ctx;
	rpmRC rc;
	char id[17];

	if (keyring_dearmour_signature(buf_str(asc), asc->n, &bin, err) < 0)
		return -1;
	if (pgpPrtParams((const uint8_t *)bin.s, bin.n, PGPTAG_SIGNATURE, &sig) != 0 || !sig ||
	    pgpSignatureType(sig) != PGPSIGTYPE_BINARY) {
		(void)pgpDigParamsFree(sig);
		return err_set(err, CODE_UNTRUSTED, 0, "the signature of repomd.xml cannot be read");
	}
	for (size_t i = 0; i < 8; i++)
		(void)snprintf(id + 2 * i, 3, "%02x", pgpDigParamsSignID(sig)[i]);
	ctx = rpmDigestInit((int)pgpDigParamsAlgo(sig, PGPVAL_HASHALGO), RPMDIGEST_NONE);
	(void)rpmDigestUpdate(ctx, buf_str(text), text->n);
	rc = rpmKeyringVerifySig(src->keyring, sig, ctx);
	(void)rpmDigestFinal(ctx, NULL, NULL, 0);
	(void)pgpDigParamsFree(sig);
	if (rc == RPMRC_OK) {
		const struct key *k = keys_find(&src->keys, id);

		signer->fingerprint = xstrdup(k ? k->fingerprint : id);
		return 0;
	}
	describe_bad_keys(src, &bad);
	if (rc == RPMRC_NOKEY)
		return err_set(err, CODE_UNTRUSTED, 0,
			       "repomd.xml is signed by key %s, which is no good key of this repository%s%s", id,
			       bad.n ? ": " : "", buf_str(&bad));
	return err_set(err, CODE_UNTRUSTED, 0, "the signature of repomd.xml by key %s is wrong", id);
}

/* In a child: a signature is read before it is known to be good. */
static int verify_detached(struct source *src, const struct buf *text, const struct buf *asc, struct err *err)
{
	static const struct wire_field fields[] = { { .name = "fingerprint",
						      .type = WIRE_STRING,
						      .flags = WIRE_REQUIRED,
						      .offset = offsetof(struct signer, fingerprint),
						      .min = 1,
						      .max = 128 },
						    { .name = NULL } };
	static const struct wire_message message = { "signer", sizeof(struct signer), fields };
	struct signed_text in = { src, text, asc };
	struct signer signer = { 0 };

	if (locked_call(&message, verify_signature, &in, &signer, err) < 0)
		return -1;
	free(src->signed_by);
	src->signed_by = signer.fingerprint;
	return 0;
}

static bool hash_in_list(const struct source *src, const char *file)
{
	static const char *const types[] = { "sha512", "sha256" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		cleanup_free char *sum = file_checksum(file, types[i]);

		if (sum && mirrors_hash_known(&src->list, types[i], sum))
			return true;
	}
	return false;
}

int trust_judge(const struct session *s, struct source *src, const struct buf *text, const struct buf *asc,
		struct err *err)
{
	cleanup_free char *file = xasprintf("%s/repomd.xml.new", src->dir);
	bool strict = s->settings->require_signed;

	src->trust = TRUST_NONE;
	if (asc && src->keyring) {
		if (verify_detached(src, text, asc, err) < 0)
			return -1;
		src->trust = TRUST_SIGNED;
	} else if (src->conf->repo_gpgcheck && strict) {
		return err_set(err, CODE_UNTRUSTED, 0, "repo_gpgcheck=1 and there is no signature of repomd.xml");
	} else if (src->list.n_hashes && src->list_tls) {
		if (!hash_in_list(src, file))
			return err_set(err, CODE_HASH_MISMATCH, 0, "repomd.xml is not one that the metalink names");
		src->trust = TRUST_METALINK;
	} else if (!strncasecmp(src->uri, "https:", 6) && !(src->conf->no_sslverify && !strict)) {
		src->trust = TRUST_TLS;
	} else if (starts_with(src->uri, "file:")) {
		src->trust = TRUST_LOCAL;
	} else if (!strict) {
		src->trust = TRUST_UNSIGNED;
	} else {
		return err_set(
			err, CODE_UNTRUSTED, 0,
			"repomd.xml has no signature and came without TLS and metalink; use https or a signed repository");
	}
	return 0;
}

/* --- packages ------------------------------------------------------------------- */

/* Lines about what is wrong, of the many that librpm says. */
static int collect_complaints(rpmlogRec rec, rpmlogCallbackData data)
{
	struct buf *b = data;
	const char *m = rpmlogRecMessage(rec);
	size_t n;

	while (*m == ' ')
		m++;
	n = strcspn(m, "\n");
	if (n > 4 && memcmp(m + n - 4, ": OK", 4) != 0 && m[n - 1] != ':' && b->n < 600) {
		if (b->n)
			buf_puts(b, "; ");
		buf_put_escaped(b, m, n, 200);
	}
	return 0;
}

int trust_verify_rpm(const struct source *src, const char *file, struct err *err)
{
	char *const argv[] = { (char *)(uintptr_t)file, NULL };
	cleanup_buf struct buf complaints = { 0 }, bad = { 0 };
	rpmts ts = rpmtsCreate();
	int failed;

	(void)rpmtsSetKeyring(ts, src->keyring);
	(void)rpmtsSetVfyLevel(ts, RPMSIG_VERIFIABLE_TYPE);
	(void)rpmtsSetVfyFlags(ts, RPMVSF_DEFAULT);
	(void)rpmSetVerbosity(RPMLOG_INFO); /* else it says that it is bad, but not what */
	rpmlogCallback old = rpmlogSetCallback(collect_complaints, &complaints);
	failed = rpmcliVerifySignatures(ts, argv);
	(void)rpmlogSetCallback(old, NULL);
	(void)rpmSetVerbosity(RPMLOG_WARNING);
	(void)rpmtsFree(ts);
	if (!failed)
		return 0;
	describe_bad_keys(src, &bad);
	return err_set(err, CODE_UNTRUSTED, 0, "the package is not signed by a key of repository '%s': %s%s%s",
		       src->conf->id, complaints.n ? complaints.s : "librpm refuses it", bad.n ? "; " : "",
		       buf_str(&bad));
}
