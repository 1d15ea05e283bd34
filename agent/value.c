/* value.c - see value.h. */
#include <regex.h>
#include "value.h"

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

static int check_regex(const char *re, struct err *err)
{
	cleanup_free char *anchored = xasprintf("^(%s)$", re);
	char why[128];
	regex_t r;
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
