/* sources.c - see sources.h. */
#include <ctype.h>
#include <strings.h>
#include "messages.h"
#include "sources.h"

/* What an option must say to lower trust. */
enum lowers { WHEN_TRUE, WHEN_FALSE, ALWAYS };

static const struct {
	const char *option, *field;
	enum lowers lowers;
} rules[] = {
	{ "trusted", "Trusted", WHEN_TRUE },
	{ "allow-insecure", "Allow-Insecure", WHEN_TRUE },
	{ "allow-weak", "Allow-Weak", WHEN_TRUE },
	{ "allow-downgrade-to-insecure", "Allow-Downgrade-To-Insecure", WHEN_TRUE },
	{ "check-valid-until", "Check-Valid-Until", WHEN_FALSE },
	{ "valid-until-min", "Valid-Until-Min", ALWAYS },
	{ "check-date", "Check-Date", WHEN_FALSE },
	{ "date-max-future", "Date-Max-Future", ALWAYS },
};

/* libapt's idea of a boolean: a word, or a number. */
static int boolean(const char *s)
{
	static const char *const yes[] = { "yes", "true", "with", "on", "enable" };
	static const char *const no[] = { "no", "false", "without", "off", "disable" };
	char *end;
	long n = strtol(s, &end, 0);

	if (end != s && !*end)
		return n != 0;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (strcasecmp(s, yes[i]) == 0)
			return 1;
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (strcasecmp(s, no[i]) == 0)
			return 0;
	return -1;
}

/* A value that is no boolean is libapt's to interpret: it counts as lowering. */
static bool lowers_trust(enum lowers rule, const char *value)
{
	int b = boolean(value);

	return rule == ALWAYS || b < 0 || b == (rule == WHEN_TRUE);
}

/* One word of a one-line entry's options, up to a blank or "]", as libapt reads
 * it: quotes joined, %XX decoded. Returns its length in S. */
static size_t option_word(const char *s, size_t n, struct buf *ret)
{
	size_t i = 0;
	char quote = '\0';

	buf_reset(ret);
	for (; i < n; i++) {
		if (quote) {
			if (s[i] == quote) {
				quote = '\0';
				continue;
			}
		} else if (s[i] == '"') {
			quote = s[i];
			continue;
		} else if (isspace((unsigned char)s[i]) || s[i] == ']') {
			break;
		}
		if (s[i] == '%' && i + 2 < n && isxdigit((unsigned char)s[i + 1]) &&
		    isxdigit((unsigned char)s[i + 2])) {
			char hex[] = { s[i + 1], s[i + 2], '\0' };

			buf_putc(ret, (char)strtol(hex, NULL, 16));
			i += 2;
			continue;
		}
		buf_putc(ret, s[i]);
	}
	return i;
}

static bool option_allowed(const char *path, size_t line, const struct buf *option, struct wire_list *alarms)
{
	const char *word = buf_str(option), *eq = strchr(word, '=');
	/* no option has brackets, and where they end the list is libapt's idea */
	bool bad = strpbrk(word, "[]") || strlen(word) != option->n;

	for (size_t i = 0; eq && !bad && i < ARRAY_SIZE(rules); i++)
		bad = strlen(rules[i].option) == (size_t)(eq - word) &&
		      strncasecmp(rules[i].option, word, (size_t)(eq - word)) == 0 &&
		      lowers_trust(rules[i].lowers, eq + 1);
	if (bad)
		reason_add(alarms, CODE_TRUST_LOWERED, "%s:%zu: [%s] is not honoured", path, line, word);
	return !bad;
}

/* WORD so that libapt reads just that, whatever is in it. */
static void put_option(struct buf *out, const struct buf *word)
{
	for (size_t i = 0; i < word->n; i++) {
		unsigned char c = (unsigned char)word->s[i];

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '%')
			buf_printf(out, "%%%02x", c);
		else
			buf_putc(out, (char)c);
	}
}

/* Copy what is between "[" at *I and "]"; *I is then behind it. Was there an option that may stay? */
static bool copy_options(const char *path, size_t line, const char *s, size_t n, size_t *i, struct buf *out,
			 struct wire_list *alarms)
{
	cleanup_buf struct buf word = { 0 };
	bool any = false;

	for (++*i; *i < n && s[*i] != ']';) {
		if (isspace((unsigned char)s[*i])) {
			++*i;
			continue;
		}
		*i += option_word(s + *i, n - *i, &word);
		if (!word.n || !option_allowed(path, line, &word, alarms))
			continue;
		/* libapt refuses empty brackets, so they are written with the first option */
		buf_putc(out, any ? ' ' : '[');
		put_option(out, &word);
		any = true;
	}
	if (*i < n) {
		++*i;
		if (any)
			buf_putc(out, ']');
	}
	return any;
}

static void copy_line(const char *path, size_t line, const char *s, size_t n, struct buf *out, struct wire_list *alarms)
{
	size_t i = 0;

	while (i < n && isspace((unsigned char)s[i]))
		i++;
	bool comment = i < n && s[i] == '#', any = comment;
	while (i < n && !isspace((unsigned char)s[i]))
		i++;
	while (i < n && isspace((unsigned char)s[i]))
		i++;
	buf_append(out, s, i);
	/* brackets that were emptied are gone, and those behind them would take their place */
	while (!any && i < n && s[i] == '[') {
		any = copy_options(path, line, s, n, &i, out, alarms);
		for (; !any && i < n && isspace((unsigned char)s[i]); i++)
			buf_putc(out, s[i]);
	}
	buf_append(out, s + i, n - i);
}

void sources_copy_list(const char *path, const char *text, size_t n, struct buf *out, struct wire_list *alarms)
{
	size_t line = 0;

	for (const char *s = text, *end = text + n; s < end;) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		size_t len = nl ? (size_t)(nl - s) : (size_t)(end - s);

		copy_line(path, ++line, s, len, out, alarms);
		buf_putc(out, '\n');
		s += len + (nl != NULL);
	}
}

/* Is this "Field: value" one that lowers trust? VALUE is its first line. */
static bool field_allowed(const char *path, size_t line, const char *s, size_t n, struct wire_list *alarms)
{
	const char *colon = memchr(s, ':', n);

	if (!colon)
		return true;
	size_t name = (size_t)(colon - s);
	while (name && isspace((unsigned char)s[name - 1]))
		name--;
	const char *v = colon + 1, *end = s + n;
	while (v < end && isspace((unsigned char)*v))
		v++;
	while (end > v && isspace((unsigned char)end[-1]))
		end--;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (strlen(rules[i].field) != name || strncasecmp(rules[i].field, s, name) != 0)
			continue;
		cleanup_free char *value = xstrndup(v, (size_t)(end - v));
		if (!lowers_trust(rules[i].lowers, value))
			return true;
		reason_add(alarms, CODE_TRUST_LOWERED, "%s:%zu: '%s: %s' is not honoured", path, line, rules[i].field,
			   value);
		return false;
	}
	return true;
}

void sources_copy_deb822(const char *path, const char *text, size_t n, struct buf *out, struct wire_list *alarms)
{
	size_t line = 0;
	bool dropped = false; /* the field whose continuation lines follow */

	for (const char *s = text, *end = text + n; s < end;) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		size_t len = nl ? (size_t)(nl - s) : (size_t)(end - s);

		line++;
		if (len && s[0] != '#' && (s[0] != ' ' && s[0] != '\t'))
			dropped = !field_allowed(path, line, s, len, alarms);
		else if (!len)
			dropped = false;
		/* a comment keeps the line count, and unlike a blank line the stanza */
		if (dropped)
			buf_puts(out, "#");
		else
			buf_append(out, s, len);
		buf_putc(out, '\n');
		s += len + (nl != NULL);
	}
}
