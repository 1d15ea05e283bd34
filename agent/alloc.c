/* alloc.c - see alloc.h. */
#include "alloc.h"
#include "util.h"

static void *checked(void *p, size_t n)
{
	if (!p && n)
		out_of_memory();
	return p;
}

void *__wrap_malloc(size_t n)
{
	return checked(__real_malloc(n), n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return checked(__real_calloc(n, size), n && size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return checked(__real_realloc(p, n), n);
}

char *__wrap_strdup(const char *s)
{
	return checked(__real_strdup(s), 1);
}
