/* xml.h - small XML documents, element by element; entities are refused, text is bounded. */
#pragma once
#include "err.h"

#define XML_TEXT_MAX 4096 /* bytes of one element's text; the rest is cut off */

struct xml_handler {
	/* names without their prefix; ATTS is name, value, ..., NULL */
	void (*start)(void *ctx, const char *name, const char **atts);
	/* TEXT: what stands between the last start or end and this one */
	void (*end)(void *ctx, const char *name, const char *text);
	void *ctx;
};

/* Parse N bytes of TEXT. Codes: REFRESH_FAILED with the line. */
int xml_parse(const char *text, size_t n, const struct xml_handler *h, struct err *err);
/* The value of an attribute, or NULL. */
const char *xml_attribute(const char **atts, const char *name);
