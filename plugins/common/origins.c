/* origins.c - see origins.h. */
#include <ctype.h>
#include <fnmatch.h>
#include <strings.h>
#include "buf.h"
#include "origins.h"

#define FACT(field) offsetof(struct origin_facts, field)

static const struct {
	const char *name;
	size_t fact;
} keys[] = {
	{ "o", FACT(origin) },	    { "origin", FACT(origin) },	      { "l", FACT(label) },
	{ "label", FACT(label) },   { "a", FACT(archive) },	      { "archive", FACT(archive) },
	{ "suite", FACT(archive) }, { "n", FACT(codename) },	      { "codename", FACT(codename) },
	{ "c", FACT(component) },   { "component", FACT(component) }, { "site", FACT(site) },
};

static int find_key(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (streq(keys[i].name, name))
			return (int)i;
	return -1;
}

static void trim(struct buf *b)
{
	size_t lead = 0;

	while (b->n && isspace((unsigned char)b->s[b->n - 1]))
		b->s[--b->n] = '\0';
	while (lead < b->n && isspace((unsigned char)b->s[lead]))
		lead++;
	if (lead)
		buf_consume(b, lead);
}

/* The next "key=glob" of *S into KEY and GLOB. 1, 0 at the end, -1 without "=". */
static int next_token(const char **s, struct buf *key, struct buf *glob)
{
	bool in_glob = false;

	buf_reset(key);
	buf_reset(glob);
	if (!**s)
		return 0;
	for (; **s && **s != ','; (*s)++) {
		if (!in_glob && **s == '=') {
			in_glob = true;
			continue;
		}
		if ((*s)[0] == '\\' && (*s)[1] == ',')
			(*s)++;
		buf_putc(in_glob ? glob : key, **s);
	}
	if (**s)
		(*s)++;
	trim(key);
	trim(glob);
	return in_glob ? 1 : -1;
}

int origins_check(const struct strv *patterns, struct err *err)
{
	cleanup_buf struct buf key = { 0 }, glob = { 0 };

	for (size_t i = 0; i < patterns->n; i++) {
		const char *s = patterns->v[i];
		int r;

		if (!s[strspn(s, " \t")])
			return err_set(err, CODE_CONFIG, 0, "origins: an empty pattern matches nothing, remove it");
		while ((r = next_token(&s, &key, &glob)) > 0)
			if (find_key(buf_str(&key)) < 0)
				return err_set(err, CODE_CONFIG, 0,
					       "origins: '%s' has the unknown key '%s', one of origin, label, suite, "
					       "codename, component, site",
					       patterns->v[i], buf_str(&key));
		if (r < 0)
			return err_set(err, CODE_CONFIG, 0, "origins: '%s' is not key=value: '%s' has no '='",
				       patterns->v[i], buf_str(&key));
	}
	return 0;
}

/* lsb_release's spelling, which is what ${distro_id} has always meant. */
static const char *distro_id(const struct origin_vars *vars, char *ret, size_t size)
{
	const char *id = strna(vars->id);

	for (size_t i = 0; i < size; i++) {
		ret[i] = i == 0 ? (char)toupper((unsigned char)id[0]) : id[i];
		if (!id[i])
			break;
	}
	ret[size - 1] = '\0';
	return ret;
}

static void substitute(const struct origin_vars *vars, const struct buf *glob, struct buf *ret)
{
	static const char ID[] = "${distro_id}", CODENAME[] = "${distro_codename}";
	char id[64];

	buf_reset(ret);
	for (const char *s = buf_str(glob); *s;) {
		if (starts_with(s, ID)) {
			buf_puts(ret, distro_id(vars, id, sizeof(id)));
			s += sizeof(ID) - 1;
		} else if (starts_with(s, CODENAME)) {
			buf_puts(ret, strna(vars->codename));
			s += sizeof(CODENAME) - 1;
		} else {
			buf_putc(ret, *s++);
		}
	}
}

static enum origin_match match_one(const char *pattern, const struct origin_vars *vars,
				   const struct origin_facts *facts)
{
	cleanup_buf struct buf key = { 0 }, glob = { 0 }, want = { 0 };
	enum origin_match result = ORIGIN_YES;
	int r;

	if (!pattern[strspn(pattern, " \t")])
		return ORIGIN_NO;
	while ((r = next_token(&pattern, &key, &glob)) > 0) {
		int k = find_key(buf_str(&key));

		if (k < 0)
			return ORIGIN_NO;
		const char *fact = *(const char *const *)((const char *)facts + keys[k].fact);
		if (!fact) {
			result = ORIGIN_MAYBE;
			continue;
		}
		substitute(vars, &glob, &want);
		if (fnmatch(buf_str(&want), fact, FNM_NOESCAPE) != 0)
			return ORIGIN_NO;
	}
	return r < 0 ? ORIGIN_NO : result;
}

enum origin_match origins_match(const struct strv *patterns, const struct origin_vars *vars,
				const struct origin_facts *facts)
{
	enum origin_match best = ORIGIN_NO;

	for (size_t i = 0; i < patterns->n && best != ORIGIN_YES; i++) {
		enum origin_match m = match_one(patterns->v[i], vars, facts);

		if (m != ORIGIN_NO)
			best = m;
	}
	return best;
}

/* The codename keeps a suite of another release, listed for single packages
 * under pins, from upgrading the whole container to that release. */
void origins_default(const struct origin_vars *vars, struct strv *ret)
{
	const char *id = strna(vars->id);
	bool any = !streq(id, "debian") && !streq(id, "ubuntu");

	if (any || streq(id, "debian")) {
		if (vars->codename && *vars->codename) {
			strv_push(ret, "origin=Debian,codename=${distro_codename}-security,label=Debian-Security");
			strv_push(ret, "origin=Debian,codename=${distro_codename},label=Debian-Security");
			strv_push(ret, "origin=Debian,codename=${distro_codename}-lts,label=Debian-LTS");
			strv_push(ret, "site=deb.freexian.com,codename=${distro_codename}*");
		} else {
			strv_push(ret, "origin=Debian,label=Debian-Security");
		}
	}
	if (any || streq(id, "ubuntu")) {
		strv_push(ret, "origin=Ubuntu,archive=${distro_codename}-security");
		strv_push(ret, "origin=UbuntuESMApps,archive=${distro_codename}-apps-security");
		strv_push(ret, "origin=UbuntuESM,archive=${distro_codename}-infra-security");
	}
	if (any)
		strv_push(ret, "origin=${distro_id},label=${distro_id}-Security");
}

bool origins_looks_like_security(const char *uri, const char *suite)
{
	static const char *const suites[] = {
		"*-security", "*-security-updates", "*/updates", "*-lts", "*-security/*",
	};
	static const char *const uris[] = { "debian-security", "extended-lts" };

	for (size_t i = 0; i < ARRAY_SIZE(suites); i++)
		if (fnmatch(suites[i], suite, 0) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(uris); i++)
		if (strstr(uri, uris[i]))
			return true;
	return false;
}
