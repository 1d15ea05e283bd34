/* What the rpm plugin reads besides packages: variables, patterns, mirror lists, indexes, keys, modules, macros. */
#include "keys.h"
#include "macros.h"
#include "metalink.h"
#include "modules.h"
#include "repomd.h"
#include "repos.h"
#include "tap.h"

/* --- repositories ------------------------------------------------------------------ */

static char *expand(const char *text)
{
	struct repo_vars v = { 0 };

	repo_var_set(&v, "a", "1");
	repo_var_set(&v, "a", "2");
	repo_var_set(&v, "ab", "3");
	repo_var_set(&v, "none", "");
	char *r = repo_expand(&v, text);
	repo_vars_clear(&v);
	return r;
}

#define EXPANDS(text, want)                         \
	do {                                        \
		cleanup_free char *e = expand(text); \
		STREQ(e, want);                     \
	} while (0)

TEST(variables_as_dnf_has_them)
{
	EXPANDS("$a/$ab/$abc", "1/3/$abc");
	EXPANDS("${a}b ${unknown} $", "1b ${unknown} $");
	EXPANDS("${a:-x} ${none:-x} ${unknown:-x}", "1 x x");
	EXPANDS("${a:+x} ${none:+x}.", "x .");
	EXPANDS("${a", "${a");
	EXPANDS("$$a", "$1");
}

static bool matches(const char *pattern)
{
	return repo_pattern_matches(pattern, "foo-libs", "1:2.3-4.el9", "x86_64");
}

TEST(patterns_name_a_package_in_dnfs_forms)
{
	OK(matches("foo-libs") && matches("foo-libs.x86_64") && matches("foo-libs-2.3") &&
	   matches("foo-libs-2.3-4.el9"));
	OK(matches("foo-libs-1:2.3-4.el9.x86_64") && matches("1:foo-libs-2.3-4.el9.x86_64") &&
	   matches("foo-libs-1:2.3-4.el9.*"));
	OK(matches("f*") && matches("*") && matches("*libs") && matches("?oo-libs") && matches("1:foo-*"));
	OK(!matches("foo") && !matches("foo-libs.i686") && !matches("foo-libs-2.4") && !matches("bar*") &&
	   !matches("2:foo-libs-2.3-4.el9.x86_64"));
	OK(!repo_pattern_matches("foo-0:1-1.*", "foo", "1-2", "noarch") &&
	   repo_pattern_matches("foo-0:1-1.*", "foo", "1-1", "noarch"));
}

/* --- mirror lists ------------------------------------------------------------------- */

static int mirrors(const char *text, struct mirrors *m, struct err *err)
{
	return mirrors_parse(text, strlen(text), m, err);
}

TEST(a_mirrorlist_is_lines)
{
	struct mirrors m = { 0 };
	struct err err = ERR_INIT;

	EQ(mirrors("# comment\n\n  http://a.example.org/x \r\nhttps://b.example.org/y/\nftp://c.example.org/\n"
		   "file:///srv/z\njunk\nfile://host/w\n",
		   &m, &err),
	   0);
	EQ(m.urls.n, 3);
	STREQ(m.urls.v[0], "http://a.example.org/x/");
	STREQ(m.urls.v[1], "https://b.example.org/y/");
	STREQ(m.urls.v[2], "file:///srv/z/");
	EQ(m.n_hashes, 0);
	mirrors_clear(&m);
	EQ(mirrors("ftp://only.example.org/\n", &m, &err), -1);
	EQ(err.code, CODE_REFRESH_FAILED);
	EQ(m.urls.n, 0);
}

static const char metalink[] =
	"<?xml version=\"1.0\"?>\n<metalink xmlns=\"http://www.metalinker.org/\" xmlns:mm0=\"http://m/\"><files>\n"
	"<file name=\"other\"><verification><hash type=\"sha256\">ffff</hash></verification></file>\n"
	"<file name=\"repomd.xml\"><verification><hash type=\"md5\">aa</hash><hash type=\"sha256\">AB01</hash></verification>\n"
	"<mm0:alternates><mm0:alternate><verification><hash type=\"sha512\">cd02</hash></verification></mm0:alternate></mm0:alternates>\n"
	"<resources><url protocol=\"http\" preference=\"90\">http://second.example.org/r/repodata/repomd.xml</url>\n"
	"<url preference=\"100\">https://first.example.org/r/repodata/repomd.xml</url>\n"
	"<url preference=\"100\">rsync://x.example.org/r/repodata/repomd.xml</url>\n"
	"<url preference=\"100\">https://odd.example.org/elsewhere</url></resources></file></files></metalink>\n";

TEST(a_metalink_has_mirrors_by_preference_and_strong_hashes)
{
	struct mirrors m = { 0 };
	struct err err = ERR_INIT;

	EQ(mirrors(metalink, &m, &err), 0);
	EQ(m.urls.n, 2);
	STREQ(m.urls.v[0], "https://first.example.org/r/");
	STREQ(m.urls.v[1], "http://second.example.org/r/");
	EQ(m.n_hashes, 2);
	OK(mirrors_hash_known(&m, "sha256", "ab01") && mirrors_hash_known(&m, "sha512", "cd02"));
	OK(!mirrors_hash_known(&m, "md5", "aa") && !mirrors_hash_known(&m, "sha256", "ffff") &&
	   !mirrors_hash_known(&m, "sha512", "ab01"));
	mirrors_clear(&m);
}

TEST(hostile_xml_is_refused)
{
	static const char *const texts[] = {
		"<metalink><files><file name=\"repomd.xml\">",
		"<!DOCTYPE x [<!ENTITY a \"http://e.example.org/repodata/repomd.xml\">]><metalink><files><file name=\"repomd.xml\">"
		"<resources><url>&a;</url></resources></file></files></metalink>",
		"<metalink/><more/>",
		"<",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct mirrors m = { 0 };
		struct err err = ERR_INIT;

		EQ(mirrors(texts[i], &m, &err), -1);
		EQ(err.code, CODE_REFRESH_FAILED);
		OK(!m.urls.v);
	}
}

/* --- repomd.xml ----------------------------------------------------------------------- */

#define HASH64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DATA(type, href, sum_type, sum)                                                                              \
	"<data type=\"" type "\"><checksum type=\"" sum_type "\">" sum "</checksum><location href=\"" href "\"/>" \
	"<timestamp>1700000000.5</timestamp><size>10</size><open-size>20</open-size></data>"
#define REPOMD(revision, data) "<repomd><revision>" revision "</revision>" data "</repomd>"

static int repomd(const char *text, struct repomd *r, struct err *err)
{
	return repomd_parse(text, strlen(text), r, err);
}

TEST(an_index_names_files_and_its_date)
{
	struct repomd r = { 0 };
	struct err err = ERR_INIT;

	EQ(repomd(REPOMD("1710000000",
			 DATA("primary", "repodata/p.xml.gz", "sha256", HASH64) DATA("other", "o", "md5", "x")
				 DATA("updateinfo", "repodata/u.xml.gz", "sha256", HASH64)),
		  &r, &err),
	   0);
	STREQ(r.files[REPOMD_PRIMARY].path, "repodata/p.xml.gz");
	STREQ(r.files[REPOMD_UPDATEINFO].path, "repodata/u.xml.gz");
	OK(!r.files[REPOMD_FILELISTS].path);
	EQ(r.files[REPOMD_PRIMARY].size, 10);
	EQ(r.date, 1710000000);
	repomd_clear(&r);
	/* a revision that is a counter is no date */
	EQ(repomd(REPOMD("7", DATA("primary", "p", "sha256", HASH64)), &r, &err), 0);
	EQ(r.date, 1700000000);
	repomd_clear(&r);
}

TEST(an_index_that_leads_elsewhere_or_has_weak_hashes_is_refused)
{
	static const char *const texts[] = {
		REPOMD("1", ""),
		REPOMD("1", DATA("primary", "../p", "sha256", HASH64)),
		REPOMD("1", DATA("primary", "a/../../p", "sha256", HASH64)),
		REPOMD("1", DATA("primary", "/etc/passwd", "sha256", HASH64)),
		REPOMD("1", DATA("primary", "http://e.example.org/p", "sha256", HASH64)),
		REPOMD("1", DATA("primary", "p?x", "sha256", HASH64)),
		REPOMD("1", DATA("primary", "", "sha256", HASH64)),
		REPOMD("1", DATA("primary", "p", "md5", "0123456789abcdef0123456789abcdef")),
		REPOMD("1", DATA("primary", "p", "sha", HASH64)),
		REPOMD("1", DATA("primary", "p", "sha256", "0123")),
		REPOMD("1", DATA("primary", "p", "sha512", HASH64)),
		REPOMD("1", DATA("primary", "p", "sha256", HASH64) DATA("updateinfo", "../u", "sha256", HASH64)),
		"<repomd>",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct repomd r = { 0 };
		struct err err = ERR_INIT;

		EQ(repomd(texts[i], &r, &err), -1);
		EQ(err.code, CODE_REFRESH_FAILED);
		OK(!r.files[REPOMD_PRIMARY].path);
	}
}

/* --- keys ------------------------------------------------------------------------------ */

/* An old-format packet with a length of two bytes. */
static void packet(struct buf *b, unsigned tag, const char *body, size_t n)
{
	buf_putc(b, (char)(0x81 | tag << 2));
	buf_putc(b, (char)(n >> 8));
	buf_putc(b, (char)n);
	buf_append(b, body, n);
}

static void put32(struct buf *b, uint32_t v)
{
	for (int i = 24; i >= 0; i -= 8)
		buf_putc(b, (char)(v >> i));
}

static void key_packet(struct buf *b, unsigned tag, uint32_t created, char what)
{
	cleanup_buf struct buf body = { 0 };

	buf_putc(&body, 4);
	put32(&body, created);
	buf_putc(&body, 1);
	buf_putc(&body, what); /* the key's material: any */
	packet(b, tag, body.s, body.n);
}

/* A signature of TYPE, CREATED, that gives the key LIFETIME (0: none said); ISSUER is a key id or NULL. */
static void signature(struct buf *b, unsigned type, uint32_t created, uint32_t lifetime, const char *issuer)
{
	cleanup_buf struct buf body = { 0 }, hashed = { 0 };

	buf_append(&hashed, "\5\2", 2);
	put32(&hashed, created);
	if (lifetime) {
		buf_append(&hashed, "\5\x09", 2);
		put32(&hashed, lifetime);
	}
	buf_putc(&body, 4);
	buf_putc(&body, (char)type);
	buf_append(&body, "\1\x8", 2);
	buf_putc(&body, (char)(hashed.n >> 8));
	buf_putc(&body, (char)hashed.n);
	buf_append(&body, hashed.s, hashed.n);
	buf_putc(&body, 0);
	buf_putc(&body, issuer ? 10 : 0);
	if (issuer) {
		buf_append(&body, "\x9\x10", 2);
		for (size_t i = 0; i < 16; i += 2) {
			char hex[3] = { issuer[i], issuer[i + 1], 0 };

			buf_putc(&body, (char)strtol(hex, NULL, 16));
		}
	}
	buf_append(&body, "xx", 2);
	packet(b, 2, body.s, body.n);
}

static struct keys parsed(const struct buf *b, int64_t now)
{
	struct keys k = { 0 };
	struct err err = ERR_INIT;

	if (keys_parse(b->s, b->n, now, &k, &err) < 0)
		k.n = 0;
	return k;
}

#define DAY 86400

TEST(certificates_are_split_and_have_ids)
{
	cleanup_buf struct buf b = { 0 };

	key_packet(&b, 6, 1000, 'a');
	packet(&b, 13, "A <a@example.org>\n", 18);
	signature(&b, 0x13, 1000, 0, NULL);
	key_packet(&b, 14, 1000, 'b');
	signature(&b, 0x18, 1000, 0, NULL);
	key_packet(&b, 6, 1000, 'c');
	struct keys k = parsed(&b, 2000);
	EQ(k.n, 2);
	EQ(k.v[0].n_ids, 2);
	EQ(k.v[1].n_ids, 1);
	EQ(strlen(k.v[0].fingerprint), 40);
	STREQ(k.v[0].user, "A <a@example.org>\\x0a");
	OK(keys_find(&k, k.v[0].ids[1]) == &k.v[0] && keys_find(&k, k.v[1].ids[0]) == &k.v[1]);
	OK(!keys_find(&k, "0000000000000000"));
	EQ(k.v[0].cert.n + k.v[1].cert.n, b.n);
	keys_clear(&k);
}

TEST(a_key_expires_by_its_newest_self_signature)
{
	cleanup_buf struct buf b = { 0 };

	key_packet(&b, 6, 1000, 'a');
	signature(&b, 0x13, 1000, 10 * DAY, NULL);
	struct keys k = parsed(&b, 1000 + 10 * DAY - 1);
	EQ(k.v[0].state, KEY_GOOD);
	keys_clear(&k);
	k = parsed(&b, 1000 + 10 * DAY);
	EQ(k.v[0].state, KEY_EXPIRED);
	EQ(k.v[0].expired, 1000 + 10 * DAY);
	keys_clear(&k);
	/* prolonged later, whatever the order of the packets */
	signature(&b, 0x13, 5000, 30 * DAY, NULL);
	signature(&b, 0x13, 900, 1 * DAY, NULL);
	k = parsed(&b, 1000 + 20 * DAY);
	EQ(k.v[0].state, KEY_GOOD);
	keys_clear(&k);
	/* what a stranger says about it is nothing */
	signature(&b, 0x13, 9000, 1 * DAY, "00112233445566ff");
	k = parsed(&b, 1000 + 20 * DAY);
	EQ(k.v[0].state, KEY_GOOD);
	keys_clear(&k);
}

TEST(revoked_keys_and_subkeys_do_not_count)
{
	cleanup_buf struct buf b = { 0 };

	key_packet(&b, 6, 1000, 'a');
	signature(&b, 0x20, 2000, 0, NULL);
	struct keys k = parsed(&b, 3000);
	EQ(k.v[0].state, KEY_REVOKED);
	keys_clear(&k);
	buf_reset(&b);
	key_packet(&b, 6, 1000, 'a');
	signature(&b, 0x13, 1000, 0, NULL);
	size_t good = b.n;
	key_packet(&b, 14, 1000, 'b');
	signature(&b, 0x18, 1000, 0, NULL);
	signature(&b, 0x28, 1500, 0, NULL);
	key_packet(&b, 14, 1000, 'c');
	signature(&b, 0x18, 1000, 500, NULL);
	k = parsed(&b, 3000);
	EQ(k.v[0].state, KEY_GOOD);
	EQ(k.v[0].n_ids, 1);
	EQ(k.v[0].cert.n, good);
	keys_clear(&k);
}

TEST(key_files_that_are_cut_off_are_refused)
{
	cleanup_buf struct buf b = { 0 };
	struct keys k = { 0 };
	struct err err = ERR_INIT;

	key_packet(&b, 6, 1000, 'a');
	signature(&b, 0x13, 1000, 10 * DAY, NULL);
	for (size_t n = 1; n < b.n; n++) {
		int r = keys_parse(b.s, n, 2000, &k, &err);

		/* whole packets alone are a key */
		OK(r == 0 ? n == 10 : k.n == 0);
		keys_clear(&k);
	}
	EQ(keys_parse("\x99\x00\x02\x03\x00", 5, 0, &k, &err), -1); /* version 3 */
	EQ(err.code, CODE_MISSING_KEYRING);
}

/* --- modules ----------------------------------------------------------------------------- */

static const char yaml[] =
	"---\ndocument: modulemd\nversion: 2\ndata:\n  name: web\n  stream: \"1\"\n  license:\n    module:\n    - MIT\n"
	"  artifacts:\n    rpms:\n    - web-0:1-2.x86_64\n    - both-1:1-1.noarch\n...\n"
	"---\ndocument: modulemd\nversion: 2\ndata:\n  name: web\n  stream: '2'\n  artifacts:\n    rpms:\n"
	"    - web-0:2-1.x86_64\n    - both-1:1-1.noarch\n...\n"
	"---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: web\n  stream: 2\n...\n";

TEST(packages_of_streams_that_are_not_enabled_are_hidden)
{
	struct modules m = { 0 };

	modules_add_yaml(&m, yaml, strlen(yaml));
	modules_sort(&m);
	EQ(m.n_artifacts, 4);
	/* the default stream, while none is enabled */
	OK(modules_hide(&m, "web", "1-2", "x86_64") && !modules_hide(&m, "web", "2-1", "x86_64"));
	modules_add_state(&m, "[web]\nname = web\nstream=1\nstate=enabled\n", 39);
	OK(!modules_hide(&m, "web", "1-2", "x86_64") && modules_hide(&m, "web", "2-1", "x86_64"));
	OK(!modules_hide(&m, "both", "1:1-1", "noarch") && !modules_hide(&m, "web", "3-1", "x86_64"));
	modules_clear(&m);
}

TEST(a_disabled_module_enables_nothing)
{
	struct modules m = { 0 };

	modules_add_state(&m, "[web]\nstream=1\nstate=disabled\n", 30);
	modules_add_state(&m, "[x]\nstream=\nstate=enabled\n", 26);
	EQ(m.n_enabled, 0);
	modules_clear(&m);
}

/* --- macros and mounts --------------------------------------------------------------------- */

TEST(plain_settings_are_picked_out_of_macro_files)
{
	struct macros m = { 0 };

	macros_parse("%_install_langs en_US:de \n# %_excludedocs 1\n%_netsharedpath /mnt\n%_excludedocs\t1\n", &m);
	STREQ(m.install_langs, "en_US:de");
	STREQ(m.netsharedpath, "/mnt");
	OK(m.excludedocs);
	macros_parse(
		"%_install_langs %(touch /tmp/x)\n%_netsharedpath %{lua:x}\n%_excludedocs 0\n%_pkgverify_level none\n",
		&m);
	STREQ(m.install_langs, "en_US:de");
	STREQ(m.netsharedpath, "/mnt");
	OK(!m.excludedocs);
	macros_clear(&m);
}

static bool some_files(const char *path)
{
	return starts_with(path, "/etc/") || streq(path, "/a b");
}

TEST(mount_points_that_packages_leave_alone)
{
	cleanup_buf struct buf b = { 0 };

	macros_mounts(
		"20 1 0:1 / / rw - overlay overlay rw\n21 20 0:2 / /proc rw - proc proc rw\n22 21 0:2 /x /proc/kcore rw - t t rw\n"
		"23 20 8:1 /h /etc/hosts rw - ext4 /dev/sda rw\n24 20 8:1 /v /var/lib/data rw - ext4 /dev/sda rw\n"
		"25 20 8:1 /v /a\\040b rw - ext4 /dev/sda rw\n26 20 8:1 /v /etc/c:d rw - ext4 /dev/sda rw\nshort\n",
		some_files, &b);
	STREQ(buf_str(&b), "/proc:/etc/hosts:/a b");
}

TAP_MAIN
