/* analyze.h - what the analysers cannot see, as they look at one file at a time; included in front of each. */
#include "err.h"
#include "util.h"

/* reporting a failure is failing */
#define err_set(...) (err_set(__VA_ARGS__), -1)
#define err_vset(...) (err_vset(__VA_ARGS__), -1)
#define err_wrap(...) (err_wrap(__VA_ARGS__), -1)
/* without memory there is no return */
void *xmalloc(size_t n) __attribute__((returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((returns_nonnull));
void *xrealloc(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
char *xasprintf(const char *fmt, ...) __attribute__((returns_nonnull));
