/* util.h - ownership made visible, and the few words C lacks.
 *
 * Allocation failure ends the process with a fixed message and exit 1 (fail
 * closed): the agent has nothing useful left to do then, its plugin notices
 * EOF, and PID 1 never allocates. So the x-functions never return NULL.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define _cleanup_(f)  __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_      __attribute__((unused))
#define _noreturn_    __attribute__((noreturn))

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static inline bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool ends_with(const char *s, const char *suffix);

/* "" for NULL. */
static inline const char *strna(const char *s)
{
	return s ? s : "";
}

_noreturn_ void out_of_memory(void);
void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n, size_t size);	/* n * size, overflow checked */
char *xstrdup(const char *s);			/* NULL stays NULL */
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) _printf_(1, 2);

static inline void freep(void *p)
{
	free(*(void **)p);
}
#define cleanup_free _cleanup_(freep)

static inline void closep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}
#define cleanup_fd _cleanup_(closep)

/* Take a pointer away from its owner: return it and leave NULL. */
#define steal_ptr(pp)                         \
	({                                    \
		__typeof__(*(pp)) _p = *(pp); \
		*(pp) = NULL;                 \
		_p;                           \
	})

static inline int steal_fd(int *fd)
{
	int n = *fd;
	*fd = -1;
	return n;
}

/* A list of owned strings. Zero is empty. */
struct strv {
	char **v;
	size_t n;
};

void strv_push(struct strv *l, const char *s);		/* copies S */
void strv_take(struct strv *l, char *s);		/* takes ownership of S */
bool strv_contains(const struct strv *l, const char *s);
void strv_copy(struct strv *dst, const struct strv *src);	/* DST must be empty */
void strv_clear(struct strv *l);
#define cleanup_strv _cleanup_(strv_clear)

/* Strict decimal: digits only, no sign, no blank, within MAX. -1 if not. */
int parse_u64(const char *s, uint64_t max, uint64_t *ret);
