/* value.c - see value.h. */
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include "buf.h"
#include "value.h"

#define REGEX_COPIES 300 /* atoms that regcomp() may add to an expression */
#define REGEX_NESTED 2
#define REGEX_DEPTH  32

/* A number and its unit, one of UNITS ("s", "m", ...), each worth FACTORS. */
static int parse_scaled(const char *v, const char *const *units, const int64_t *factors, int64_t *ret)
{
	char digits[24];
	size_t n = strspn(v, "0123456789");
	uint64_t x;

	if (n == 0 || n >= sizeof(digits))
		return -1;
	memcpy(digits, v, n);
	digits[n] = '\0';
	if (parse_u64(digits, INT64_MAX, &x) < 0)
		return -1;
	for (size_t i = 0; units[i]; i++)
		if (strcasecmp(v + n, units[i]) == 0)
			return __builtin_mul_overflow((int64_t)x, factors[i], ret) || *ret > 1LL << 40 ? -1 : 0;
	return -1;
}

int value_duration(const char *v, int64_t *ret)
{
	static const char *const units[] = { "", "s", "m", "min", "h", "d", "w", NULL };
	static const int64_t factors[] = { 1, 1, 60, 60, 3600, 86400, 604800 };

	return parse_scaled(v, units, factors, ret);
}

int value_size(const char *v, int64_t *ret)
{
	static const char *const units[] = { "", "k", "m", "g", NULL };
	static const int64_t factors[] = { 1, 1024, 1024 * 1024, 1024 * 1024 * 1024 };

	return parse_scaled(v, units, factors, ret);
}

int value_bool(const char *v, bool *ret)
{
	static const char *const yes[] = { "yes", "true", "on", "1" }, *const no[] = { "no", "false", "off", "0" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (streq(v, yes[i]) || streq(v, no[i])) {
			*ret = streq(v, yes[i]);
			return 0;
		}
	}
	return -1;
}

int value_enum(const char *words, const char *v, int *ret)
{
	size_t len = strlen(v);
	int n = 0;

	for (const char *w = words; *w; n++) {
		size_t k = strcspn(w, " ");

		if (k == len && memcmp(w, v, k) == 0) {
			*ret = n;
			return 0;
		}
		w += k + (w[k] == ' ');
	}
	return -1;
}

int value_octal(const char *v, int64_t *ret)
{
	size_t n = strspn(v, "01234567");

	if (n == 0 || n > 4 || v[n])
		return -1;
	*ret = 0;
	for (; *v; v++)
		*ret = *ret * 8 + (*v - '0');
	return 0;
}

/* The end of the bracket expression that begins at S. */
static const char *skip_bracket(const char *s)
{
	s += s[1] == '^' ? 2 : 1;
	s += *s == ']';
	s += strcspn(s, "]");
	return *s ? s : s - 1;
}

/* How often the repetition *S copies what it repeats, 0: it is none. *S is then its last byte. */
static int64_t copies(const char **s)
{
	int64_t from, to = 0;
	char *end;

	if (**s == '*' || **s == '?')
		return 1;
	if (**s == '+')
		return 2;
	if (**s != '{')
		return 0;
	from = strtoll(*s + 1, &end, 10);
	if (*end == ',')
		to = strtoll(end + 1, &end, 10);
	*s = end - (*end != '}');
	return from < 0 || to < 0 || from > REGEX_COPIES || to > REGEX_COPIES ? 2 * VALUE_ENTRY_MAX :
										(from > to ? from : to) + 1;
}

/* regcomp() copies what is repeated, "((a+)+)+" into 8 atoms, and looks at each way through them: it soon takes all memory
 * or for ever. So repetitions are nested twice at most; one of another without a group has no meaning in POSIX. */
static bool regex_too_large(const char *re)
{
	struct part {
		int64_t size;
		int nested;
	} group[REGEX_DEPTH] = { 0 }, atom = { 0 };
	const int64_t max = REGEX_COPIES + (int64_t)strlen(re);
	bool repeated = false;
	size_t depth = 0;

	for (const char *s = re; *s; s++) {
		int64_t n = copies(&s);

		if (n && (repeated || atom.nested == REGEX_NESTED))
			return true;
		repeated = n;
		if (!n && *s == '(') {
			if (++depth == REGEX_DEPTH)
				return true;
			group[depth] = atom = (struct part){ 0 };
			continue;
		}
		struct part *in = &group[depth];
		if (n) {
			in->size += atom.size * (n - 1);
			atom.nested++;
		} else {
			atom = (struct part){ .size = 1 };
			if (*s == ')' && depth) {
				atom = *in;
				in = &group[--depth];
			} else if (*s == '\\' && s[1]) {
				s++;
			} else if (*s == '[') {
				s = skip_bracket(s);
			}
			in->size += atom.size;
		}
		if (in->nested < atom.nested)
			in->nested = atom.nested;
		if (in->size > max)
			return true;
	}
	return false;
}

static int check_regex(const char *re, struct err *err)
{
	cleanup_free char *anchored = xasprintf("^(%s)$", re);
	char why[128];
	regex_t r;

	if (regex_too_large(re))
		return err_set(err, CODE_CONFIG, 0,
			       "'%s': repetitions of repetitions make it too large, or brackets too deep", re);
	int e = regcomp(&r, anchored, REG_EXTENDED | REG_NOSUB);

	if (e != 0) {
		(void)regerror(e, &r, why, sizeof(why));
		return err_set(err, CODE_CONFIG, 0, "'%s': %s", re, why);
	}
	regfree(&r);
	return 0;
}

int value_regexes(struct strv *l, const char *v, struct err *err)
{
	while (*(v += strspn(v, " \t"))) {
		size_t n = strcspn(v, " \t");

		if (n > VALUE_ENTRY_MAX)
			return err_set(err, CODE_CONFIG, 0, "an expression of more than %d bytes", VALUE_ENTRY_MAX);
		char *re = xstrndup(v, n);

		strv_take(l, re);
		if (check_regex(re, err) < 0)
			return -1;
		v += n;
	}
	return 0;
}

int value_budget(const char *v, struct budget *ret)
{
	const char *slash = strchr(v, '/');
	struct budget b;
	uint64_t count;

	if (!slash)
		return -1;
	cleanup_free char *digits = xstrndup(v, (size_t)(slash - v));
	if (parse_u64(digits, 1000, &count) < 0 || value_duration(slash + 1, &b.period) < 0 || b.period < 1)
		return -1;
	b.count = (int64_t)count;
	*ret = b;
	return 0;
}

/* "+3" or "-1" behind RTMIN or RTMAX. */
static int realtime(const char *v, int base, int *ret)
{
	uint64_t n = 0;

	if (*v && ((*v != '+' && *v != '-') || parse_u64(v + 1, 64, &n) < 0))
		return -1;
	int sig = *v == '-' ? base - (int)n : base + (int)n;
	if (sig < SIGRTMIN || sig > SIGRTMAX)
		return -1;
	*ret = sig;
	return 0;
}

int value_signal(const char *v, int *ret)
{
	static const struct {
		const char *name;
		int sig;
	} others[] = { { "CLD", SIGCHLD }, { "IOT", SIGABRT }, { "IO", SIGIO } };
	uint64_t n;

	if (!*v || parse_u64(v, (uint64_t)SIGRTMAX, &n) == 0) {
		/* between the classic ones and SIGRTMIN are those of the C library */
		if (*v && (n == 0 || (n > 31 && (int)n < SIGRTMIN)))
			return -1;
		*ret = *v ? (int)n : 0;
		return 0;
	}
	if (strncasecmp(v, "SIG", 3) == 0)
		v += 3;
	if (strncasecmp(v, "RTMIN", 5) == 0)
		return realtime(v + 5, SIGRTMIN, ret);
	if (strncasecmp(v, "RTMAX", 5) == 0)
		return realtime(v + 5, SIGRTMAX, ret);
	for (int i = 1; i < 32; i++) {
		const char *name = sigabbrev_np(i);

		if (name && strcasecmp(v, name) == 0) {
			*ret = i;
			return 0;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (strcasecmp(v, others[i].name) == 0) {
			*ret = others[i].sig;
			return 0;
		}
	}
	return -1;
}

void signal_format(int sig, char *ret)
{
	const char *name = sig > 0 && sig < 32 ? sigabbrev_np(sig) : NULL;

	*ret = '\0';
	if (name)
		(void)snprintf(ret, 16, "SIG%s", name);
	else if (sig >= SIGRTMIN && sig <= SIGRTMAX)
		(void)snprintf(ret, 16, "SIGRTMIN+%d", sig - SIGRTMIN);
}

/* One word from *V on, without its quotes. */
static int take_word(const char **v, struct buf *word, struct err *err)
{
	const char *p = *v;
	char quote = '\0';

	for (; *p && (quote || (*p != ' ' && *p != '\t')); p++) {
		bool escape = *p == '\\' && quote != '\'' && (!quote || p[1] == '"' || p[1] == '\\');

		if (escape && !p[1])
			return err_set(err, CODE_CONFIG, 0, "'%s': nothing follows the last backslash", *v);
		if (escape)
			buf_putc(word, *++p);
		else if (*p == quote)
			quote = '\0';
		else if (!quote && (*p == '\'' || *p == '"'))
			quote = *p;
		else
			buf_putc(word, *p);
	}
	if (quote)
		return err_set(err, CODE_CONFIG, 0, "'%s': %s is not closed", *v, quote == '"' ? "\"" : "a '");
	*v = p;
	return 0;
}

int value_argv(const char *v, struct strv *l, struct err *err)
{
	cleanup_strv struct strv words = { 0 };

	while (*(v += strspn(v, " \t"))) {
		cleanup_buf struct buf word = { 0 };

		if (take_word(&v, &word, err) < 0)
			return -1;
		if (words.n == VALUE_WORDS_MAX)
			return err_set(err, CODE_CONFIG, 0, "a command of more than %d words", VALUE_WORDS_MAX);
		strv_push(&words, buf_str(&word));
	}
	if (words.n && !*words.v[0])
		return err_set(err, CODE_CONFIG, 0, "a command without a name");
	*l = words;
	words = (struct strv){ 0 };
	return 0;
}
