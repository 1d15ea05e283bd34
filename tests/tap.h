/* TAP for C unit tests.
 *
 *   #include "tap.h"
 *   TEST(empty_plan) { EQ(plan_count(&p), 0); STREQ(p.name, "x"); OK(p.done); }
 *   TAP_MAIN
 *
 * Tests register themselves and run in the order of the file; TESTFUNCS=a:b picks some.  A failed check prints both
 * values and ends its test only; the plan is printed at the end.  SKIP(reason) ends a test that cannot run here: a
 * failure when CI=true or STOPGAP_NO_SKIP=1. */
#ifndef STOPGAP_TAP_H
#define STOPGAP_TAP_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tap_test {
	const char *name;
	void (*run)(void);
	struct tap_test *next;
};

static struct tap_test *tap_first, **tap_last = &tap_first;
static bool tap_failed;
static const char *tap_skipped;

#define TEST(name_) \
	static void name_(void); \
	__attribute__((constructor)) static void tap_register_##name_(void) \
	{ \
		static struct tap_test t = { #name_, name_, NULL }; \
		*tap_last = &t; \
		tap_last = &t.next; \
	} \
	static void name_(void)

/* Ends the test with a message in printf's form. */
#define FAIL(...) \
	do { \
		printf("# %s:%d: ", __FILE__, __LINE__); \
		printf(__VA_ARGS__); \
		putchar('\n'); \
		tap_failed = true; \
		return; \
	} while (0)
#define SKIP(reason_) \
	do { \
		tap_skipped = (reason_); \
		return; \
	} while (0)

#define OK(expr_) \
	do { \
		if (!(expr_)) \
			FAIL("%s is false", #expr_); \
	} while (0)

/* Integers of any type, enums and booleans. */
#define TAP_CMP(a_, op_, b_) \
	do { \
		intmax_t tap_a = (intmax_t)(a_), tap_b = (intmax_t)(b_); \
		if (!(tap_a op_ tap_b)) \
			FAIL("%s is %jd, expected %s %s (%jd)", #a_, tap_a, #op_, #b_, tap_b); \
	} while (0)
#define EQ(a_, b_) TAP_CMP(a_, ==, b_)
#define NE(a_, b_) TAP_CMP(a_, !=, b_)
#define LE(a_, b_) TAP_CMP(a_, <=, b_)
#define GE(a_, b_) TAP_CMP(a_, >=, b_)

/* Strings; either may be NULL. */
#define STREQ(a_, b_) \
	do { \
		const char *tap_a = (a_), *tap_b = (b_); \
		if (tap_a == NULL || tap_b == NULL ? tap_a != tap_b : strcmp(tap_a, tap_b) != 0) \
			FAIL("%s is \"%s\", expected \"%s\"", #a_, tap_a ? tap_a : "(NULL)", \
			     tap_b ? tap_b : "(NULL)"); \
	} while (0)

/* The string has this part. */
#define HAS(a_, part_) \
	do { \
		const char *tap_a = (a_), *tap_b = (part_); \
		if (tap_a == NULL || strstr(tap_a, tap_b) == NULL) \
			FAIL("%s is \"%s\", without \"%s\"", #a_, tap_a ? tap_a : "(NULL)", tap_b); \
	} while (0)

static inline bool tap_env_is(const char *env, const char *value)
{
	const char *v = getenv(env);

	return v != NULL && strcmp(v, value) == 0;
}

static inline bool tap_picked(const char *name)
{
	const char *p = getenv("TESTFUNCS");
	size_t n = strlen(name);

	if (p == NULL || *p == '\0')
		return true;
	for (;;) {
		size_t len = strcspn(p, ":");
		if (len == n && memcmp(p, name, n) == 0)
			return true;
		if (p[len] == '\0')
			return false;
		p += len + 1;
	}
}

static inline int tap_main(void)
{
	int count = 0, bad = 0;
	bool no_skip = tap_env_is("CI", "true") || tap_env_is("STOPGAP_NO_SKIP", "1");

	setvbuf(stdout, NULL, _IOLBF, 0); /* a crash loses no line, a fork repeats none */
	for (struct tap_test *t = tap_first; t != NULL; t = t->next) {
		if (!tap_picked(t->name))
			continue;
		tap_failed = false;
		tap_skipped = NULL;
		t->run();
		if (tap_skipped != NULL && no_skip) {
			printf("# skipped where skips are forbidden: %s\n", tap_skipped);
			tap_failed = true;
			tap_skipped = NULL;
		}
		bad += tap_failed;
		printf("%sok %d - %s%s%s\n", tap_failed ? "not " : "", ++count, t->name, tap_skipped ? " # SKIP " : "",
		       tap_skipped ? tap_skipped : "");
	}
	printf("1..%d\n", count);
	return bad > 0 || count == 0;
}

#define TAP_MAIN \
	int main(void) \
	{ \
		return tap_main(); \
	}

#endif
