/* alloc.h - memory that ends, for libraries that do not look.
 *
 * json-c leaves out of a document what it has no memory for, or crashes: a
 * report without its failures would be a lie. The programs are linked with
 * --wrap, so that what json-c and libevent call in place of the C library's
 * functions are these: they end the program, as xmalloc() does. What was on disk
 * stays (replace_file()), PID 1 starts its updater anew.
 */
#pragma once
#include <stddef.h>

/* The C library's own; named by the linker. */
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
char *__real_strdup(const char *s);

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);
