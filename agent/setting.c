/* setting.c - see setting.h. */
#include "setting.h"
#include "value.h"
#include "window.h"

static const char *accepted(enum setting_type type)
{
	switch (type) {
	case T_BOOL:
		return "yes or no";
	case T_DURATION:
		return "a number with s, m, h, d or w, such as 90s or 6h";
	case T_SIZE:
		return "a number with k, M or G, such as 500M";
	case T_COUNT:
		return "a whole number up to 1000000";
	case T_OCTAL:
		return "an octal file mode, such as 0600";
	case T_PATH:
		return "an absolute path";
	case T_REGEXES:
		return "POSIX extended regular expressions of names, by blanks";
	case T_ARGV:
		return "a program and its arguments, run without a shell; words with blanks in quotes";
	case T_WINDOW:
		return "entries such as 'Mon-Fri 22:00-04:00 +02:00', separated by semicolons";
	case T_SIGNAL:
		return "a signal such as SIGTERM, QUIT, 15 or RTMIN+3";
	case T_BUDGET:
		return "restarts per time, such as 3/1h";
	case T_ENUM:
	case T_STRING:
	case T_LINES:
		break;
	}
	return "text";
}

/* May a setting of this type hold V? */
static int check_text(enum setting_type type, const char *v, struct err *why)
{
	cleanup_strv struct strv words = { 0 };
	struct windows w;

	switch (type) {
	case T_PATH:
		return v[0] == '/' ? 0 : -1;
	case T_ARGV:
		return value_argv(v, &words, why);
	case T_WINDOW:
		return value_window(v, &w, why);
	default:
		return 0;
	}
}

int setting_read(enum setting_type type, const char *words, const char *v, void *p, struct err *err)
{
	struct err why = ERR_INIT;
	uint64_t u;
	int r = 0;

	if (!utf8_valid(v, strlen(v)))
		return err_set(err, CODE_CONFIG, 0, "text that is not UTF-8");
	switch (type) {
	case T_STRING:
	case T_PATH:
	case T_ARGV:
	case T_WINDOW:
		r = check_text(type, v, &why);
		if (r == 0) {
			free(*(char **)p);
			*(char **)p = xstrdup(v);
		}
		break;
	case T_LINES:
		if (strlen(v) > VALUE_ENTRY_MAX)
			(void)err_set(&why, CODE_CONFIG, 0, "an entry of more than %d bytes", VALUE_ENTRY_MAX);
		else if (*v)
			strv_push(p, v);
		r = why.msg[0] ? -1 : 0;
		break;
	case T_REGEXES:
		r = value_regexes(p, v, &why);
		break;
	case T_BOOL:
		r = value_bool(v, p);
		break;
	case T_DURATION:
		r = value_duration(v, p);
		break;
	case T_SIZE:
		r = value_size(v, p);
		break;
	case T_COUNT:
		r = parse_u64(v, 1000000, &u);
		if (r == 0)
			*(int64_t *)p = (int64_t)u;
		break;
	case T_OCTAL:
		r = value_octal(v, p);
		break;
	case T_ENUM:
		r = value_enum(words, v, p);
		break;
	case T_SIGNAL:
		r = value_signal(v, p);
		break;
	case T_BUDGET:
		r = value_budget(v, p);
		break;
	}
	if (r == 0)
		return 0;
	if (why.msg[0])
		return err_set(err, CODE_CONFIG, 0, "%s; accepted: %s", why.msg, accepted(type));
	return err_set(err, CODE_CONFIG, 0, "'%s' is not valid; accepted: %s", v,
		       type == T_ENUM ? words : accepted(type));
}

/* A proxy's password is not for a ticket. */
static void put_without_password(struct buf *b, const char *uri)
{
	const char *start = strstr(uri, "://"), *at = strrchr(uri, '@');

	start = start ? start + 3 : uri;
	if (at && at > start)
		buf_printf(b, "%.*s***%s", (int)(start - uri), uri, at);
	else
		buf_puts(b, uri);
}

void setting_write(enum setting_type type, const char *words, const void *p, struct buf *ret)
{
	switch (type) {
	case T_STRING:
	case T_PATH:
	case T_ARGV:
	case T_WINDOW:
		put_without_password(ret, strna(*(char *const *)p));
		break;
	case T_LINES:
	case T_REGEXES: {
		const struct strv *l = p;

		for (size_t i = 0; i < l->n; i++)
			buf_printf(ret, "%s%s", i ? " " : "", l->v[i]);
		break;
	}
	case T_BOOL:
		buf_puts(ret, *(const bool *)p ? "yes" : "no");
		break;
	case T_DURATION:
		buf_printf(ret, "%llds", (long long)*(const int64_t *)p);
		break;
	case T_SIZE:
	case T_COUNT:
		buf_printf(ret, "%lld", (long long)*(const int64_t *)p);
		break;
	case T_OCTAL:
		buf_printf(ret, "%04llo", (unsigned long long)*(const int64_t *)p);
		break;
	case T_ENUM: {
		const char *w = words;

		for (int i = *(const int *)p; i > 0; i--)
			w = strchr(w, ' ') + 1;
		buf_append(ret, w, strcspn(w, " "));
		break;
	}
	case T_SIGNAL: {
		char name[16];

		signal_format(*(const int *)p, name);
		buf_puts(ret, name);
		break;
	}
	case T_BUDGET: {
		const struct budget *u = p;

		buf_printf(ret, "%lld/%llds", (long long)u->count, (long long)u->period);
		break;
	}
	}
}

void setting_clear(enum setting_type type, void *p)
{
	switch (type) {
	case T_STRING:
	case T_PATH:
	case T_ARGV:
	case T_WINDOW:
		free(*(char **)p);
		*(char **)p = NULL;
		break;
	case T_LINES:
	case T_REGEXES:
		strv_clear(p);
		break;
	default:
		break;
	}
}
